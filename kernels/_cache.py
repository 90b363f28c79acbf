"""The kernels' cache on disk: its folder, its stamp, and how a kernel is loaded out of it.

Numba's own cache watches only the file that a kernel stands in: after an edit to an imported
helper the cached caller keeps its old machine code. Here the stamp of a cache entry is a hash of
every kernel source and of what the CPU offers, so an edit to any of them recompiles all. With the
stamp in its folder, a kernel's name and the types of its arguments are key enough.
"""

import hashlib
import logging
import os
import pathlib
import tempfile

from llvmlite.binding import parse_bitcode
from numba import config
from numba.core import caching, codegen, compiler, entrypoints

from . import _numba  # noqa: F401  first: it looks at Numba
from .blocking import BITS, FUSED, L2_BYTES

_FOLDER = pathlib.Path(__file__).resolve().parent
_INSIDE = os.path.join(os.path.dirname(__file__), "")  # how the names of our own files begin


def sources():
    """Return the files of the kernels, relative to their folder, in order.

    By two patterns: a walk would list the cache, too, thousands of files in 30 ms.
    """
    found = [*_FOLDER.glob("*.py"), *_FOLDER.glob("[!_]*/*.py")]
    return sorted(path.relative_to(_FOLDER).as_posix() for path in found)


def _source_stamp():
    digest = hashlib.sha256(f"{BITS} {FUSED} {L2_BYTES}".encode())
    for name in sources():
        digest.update(name.encode())
        digest.update((_FOLDER / name).read_bytes())
    return digest.hexdigest()


def _first_writable_folder():
    """Return NUMBA_CACHE_DIR, else beside the sources, else the user's cache folder, else None."""
    copy = hashlib.sha256(os.fsencode(_FOLDER)).hexdigest()[:16]
    user = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    if config.CACHE_DIR:
        candidates = [pathlib.Path(config.CACHE_DIR) / f"fastnet_{copy}"]
    else:
        candidates = [_FOLDER / "__pycache__", user / "fastnet" / copy]
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


_STAMP = _source_stamp()
_CACHE_FOLDER = _first_writable_folder()


def cache_directory():
    """Return the folder of the compiled kernels, None where no folder can be written.

    Without one, kernels are compiled anew in every process.
    """
    return _CACHE_FOLDER


def _files_of(function):
    """Return the files of a function, and of those that it closes over.

    A kernel that one of our makers made of a user's functions is of our file, and of theirs.
    """
    files = {function.__code__.co_filename}
    for cell in function.__closure__ or ():
        held = cell.cell_contents
        for value in held if isinstance(held, tuple) else (held,):
            inner = getattr(value, "py_func", None)
            if inner is not None:
                files |= _files_of(inner)
    return files


class _Locator(caching._CacheLocator):
    """Where a function's entries stand, and until when they hold.

    Numba calls an entry by the name of the function and that of its file, without the folder. All
    are kept in one folder here, so the entry's name has a hash of the whole path: there are two
    files `sparse.py`. A file outside of fastnet is no part of the stamp: its bytes come to it.
    """

    def __init__(self, py_func, py_file):
        self._py_file = py_file  # Numba names it in warnings
        self._first_line = py_func.__code__.co_firstlineno
        self._outside = sorted(f for f in _files_of(py_func) if not f.startswith(_INSIDE))

    def get_cache_path(self):
        return str(_CACHE_FOLDER)

    def get_source_stamp(self):
        sources = [pathlib.Path(path).read_bytes() for path in self._outside]
        return _STAMP + "".join(hashlib.sha256(source).hexdigest() for source in sources)

    def get_disambiguator(self):
        paths = "\n".join([self._py_file.removeprefix(_INSIDE), *self._outside])
        return f"{self._first_line}-{hashlib.sha256(os.fsencode(paths)).hexdigest()[:8]}"

    @classmethod
    def from_function(cls, py_func, py_file):
        return cls(py_func, py_file)


class _Loaded(codegen.JITCodeLibrary):
    """Machine code out of the cache.

    What callers link with is parsed when one is compiled: 20 ms for the three kernels of a `fit`,
    whose machine code takes 7.
    """

    @classmethod
    def load(cls, target_codegen, state, functions):
        """Return the library that a `state` was made of; `functions` are asked for by name."""
        name, _, (machine_code, bitcode) = state
        self = cls(target_codegen, name)
        self.enable_object_caching()
        self._set_compiled_object(machine_code)
        self._bitcode = bitcode
        self._finalize_final_module()
        target_codegen._engine._defined_symbols.update(functions)
        return self

    def _get_module_for_linking(self):
        if self._shared_module is None:
            self._shared_module = parse_bitcode(self._bitcode)
        return self._shared_module


class _CacheImpl(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]

    def rebuild(self, target_context, payload):
        """As Numba does it, with a library of ours: kernels have no more in their payload."""
        library, fndesc, environment, signature, *_ = payload
        names = (fndesc.llvm_cpython_wrapper_name, fndesc.llvm_cfunc_wrapper_name)
        library = _Loaded.load(target_context.codegen(), library, names)
        return compiler.compile_result(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=library,
            environment=environment,
            entry_point=target_context.get_executable(library, fndesc, environment),
            fndesc=fndesc,
            signature=signature,
            objectmode=False,
            lifted=(),
            reload_init=(),
            referenced_envs=(),
        )


said_compiling = False


def _say_compiling():
    """Say, once in a process, why it waits: the first training step compiles for six seconds.

    By the logger "fastnet", whose warnings Python prints on standard error unless told otherwise.
    """
    global said_compiling
    if said_compiling:
        return
    said_compiling = True
    until = "in every process: set NUMBA_CACHE_DIR to a folder that can be written to keep them"
    if _CACHE_FOLDER is not None:
        until = f"once: they are kept in {_CACHE_FOLDER}"
    logging.getLogger("fastnet").warning(
        "fastnet: compiling kernels, which takes some seconds, %s", until
    )


class _Cache(caching.FunctionCache):
    _impl_class = _CacheImpl

    def _index_key(self, sig, codegen):
        """Without the function's bytecode and closure: the stamp has all sources.

        The helpers in the closure of a function that another one makes are new objects in every
        process, which would compile it again.
        """
        return sig, codegen.magic_tuple()

    def load_overload(self, sig, target_context):
        """Load without what Numba would import first, all that it can compile: 0.2 to 0.45 s.

        Its compiler imports that itself when there is something to compile.
        """
        with self._guard_against_spurious_io_errors():
            found = self._load_overload(sig, target_context)
        if found is None:
            _prepare_to_compile()
        return found


class _NoCache(caching.NullCache):
    """Where no folder can be written, and of functions that no file holds."""

    def load_overload(self, sig, target_context):
        _prepare_to_compile()


def _prepare_to_compile():
    entrypoints.init_all()
    _say_compiling()


def cache_for(function):
    """Return the cache of a kernel; none for a function that was typed in, which has no file."""
    has_files = all(map(os.path.isfile, _files_of(function)))
    return _Cache(function) if has_files and _CACHE_FOLDER is not None else _NoCache()
