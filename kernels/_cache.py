"""The kernels' cache on disk: a file for each version of a kernel, and what is loaded out of it.

The file is named by a hash of all that tells versions apart, and begins with a hash of that and of
what follows. So two processes never mean two versions by one name, and no file is loaded that is
empty, cut short, or another's: such a file is a miss. Nothing that goes wrong here stops a
training: a kernel that cannot be loaded is compiled, and one that cannot be written is compiled by
the next process.
"""

import functools
import hashlib
import logging
import os
import pathlib
import pickle

from llvmlite.binding import parse_bitcode
from numba.core import caching, compiler, entrypoints, serialize, sigutils

from . import _folders, _numba  # noqa: F401  _numba first: it looks at Numba
from ._library import Linked
from .blocking import FUSED, L2_BYTES

_INSIDE = os.path.join(os.path.dirname(__file__), "")  # how the names of our own files begin
_HASH = 32  # bytes of a digest

said_compiling = said_damaged = said_unwritten = False  # each is said once in a process
unwritten = 0  # kernels that could not be written


def cache_directory():
    """Return the folder that compiled kernels are written to, None where no folder can be written.

    Without one, what no folder has is compiled anew in every process.
    """
    return _folders.written()


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


class _Loaded(Linked):
    """Machine code out of the cache.

    What callers link with is parsed when one is compiled: 20 ms for the three kernels of a `fit`,
    whose machine code takes 7.
    """

    @classmethod
    def load(cls, target_codegen, state, functions):
        """Return the library that a `state` was made of; `functions` are asked for by name."""
        name, machine_code, bitcode, needs, raises = state
        self = cls(target_codegen, name)
        self.needs = {(function, types): function.library(types) for function, types in needs}
        # A user edits one file of two: who calls by name would not look for errors.
        if any(library.raises and not needs[key] for key, library in self.needs.items()):
            raise ValueError("a function that it calls may raise by now")
        self._bitcode, self.has_code = bitcode, machine_code is not None
        self.raises = raises
        if not self.has_code:
            self._finalized = True
            return self
        self.enable_object_caching()
        self._set_compiled_object(machine_code)
        self._finalize_final_module()
        target_codegen._engine._defined_symbols.update(functions)
        return self

    def own_module(self):
        if self._shared_module is None:
            self._shared_module = parse_bitcode(self._bitcode)
        return self._shared_module


def _parts(cres):
    """Return what is written of a kernel: its code, what it calls by name, what Numba tells of it.

    But for the source with its types.
    """
    library = cres.library
    bitcode = library.own_module().as_bitcode()
    machine_code = library._get_compiled_object() if library.has_code else None
    needs = {key: needed.raises for key, needed in library.needs.items()}
    library = library.name, machine_code, bitcode, needs, library.raises
    cres.fndesc.typemap = cres.fndesc.calltypes = None  # of its functions
    return library, cres.fndesc, cres.environment, cres.signature


def _rebuild(target_context, payload, wanted):
    """As Numba does it, with a library of ours, of what `_parts` returned."""
    library, fndesc, environment, signature = pickle.loads(payload)
    if tuple(signature.args) != wanted:
        raise ValueError(f"it has the types {signature.args}")
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


@functools.cache
def _machine(target_codegen):
    """Return what code is made for; asked for once: twelve times are 2 of a first fit's 20 ms."""
    return *target_codegen.magic_tuple(), FUSED, L2_BYTES


def _say_compiling():
    """Say, once in a process, why it waits: the first training step compiles for six seconds.

    By the logger "fastnet", whose warnings Python prints on standard error unless told otherwise.
    """
    global said_compiling
    if said_compiling:
        return
    said_compiling = True
    until = "in every process: set NUMBA_CACHE_DIR to a folder that can be written to keep them"
    if cache_directory() is not None:
        until = f"once: they are kept in {cache_directory()}"
    _warn("fastnet: compiling kernels, which takes some seconds, %s", until)


def _say_damaged(path, reason):
    global said_damaged
    if not said_damaged:
        said_damaged = True
        _warn("fastnet: %s is no kernel that can be loaded (%s): it is compiled anew", path, reason)


def _say_unwritten(path, reason):
    global said_unwritten, unwritten
    unwritten += 1
    if not said_unwritten:
        said_unwritten = True
        _warn(
            "fastnet: %s was not written (%s): the next process compiles it again. Make room, or "
            "set NUMBA_CACHE_DIR to another folder.",
            path,
            reason,
        )


def _warn(*message):
    logging.getLogger("fastnet").warning(*message)


class _Cache(caching.NullCache):
    """The versions of one function."""

    def __init__(self, function):
        self._function, self._files = function, sorted(_files_of(function))

    @property
    def cache_path(self):
        return cache_directory() and str(cache_directory())

    def flush(self):
        """Forget all versions: Numba's `recompile`."""
        for folder in _folders.read():
            _folders.remove(folder.glob(f"{self._name}-*"))

    @property
    def _name(self):
        return "".join(c for c in self._function.__name__ if c.isalnum() or c == "_")[:40]

    @functools.cached_property
    def _place(self):
        """Where the function stands; fastnet's own files have the same names everywhere."""
        files = [file.removeprefix(_INSIDE) for file in self._files]
        line = self._function.__code__.co_firstlineno
        return f"{self._function.__name__} {line} {files}"

    @functools.cached_property
    def _source(self):
        """A hash of the files outside of fastnet: those inside are in the folder's name."""
        outside = [file for file in self._files if not file.startswith(_INSIDE)]
        hashes = [hashlib.sha256(pathlib.Path(file).read_bytes()).digest() for file in outside]
        return hashlib.sha256(b"".join(hashes)).digest()

    def _file_of(self, args, target_codegen):
        """Return the name of a version's file, and a hash of all that tells it from others."""
        identity = f"{self._place}\n{args!r}\n{_machine(target_codegen)}"
        identity = hashlib.sha256(os.fsencode(identity))
        return f"{self._name}-{identity.hexdigest()[:24]}.kernel", identity.digest()

    def load_overload(self, sig, target_context):
        """Load without what Numba would import first, all that it can compile: 0.2 to 0.45 s.

        Its compiler imports that itself when there is something to compile.
        """
        found = self._load(sigutils.normalize_signature(sig)[0], target_context)
        if found is None:
            _prepare_to_compile()
        return found

    def _load(self, args, target_context):
        damaged = None
        name, identity = self._file_of(args, target_context.codegen())
        for folder in _folders.read():
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    content = memoryview(file.read())
                payload = _opened(content, identity, self._source)
                if payload is not None:
                    return _rebuild(target_context, payload, tuple(args))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except Exception as error:  # whatever unpickling raises: nothing here stops a training
                if damaged is None and os.path.exists(path):  # and is not in a folder of another's
                    damaged = path, error
        if damaged:
            _say_damaged(*damaged)
        return None

    def save_overload(self, sig, cres):
        """Write a version; where that is impossible, say so and go on with what was compiled."""
        folder = cache_directory()
        if folder is None or _folders.edited():
            return
        if cres.library.has_dynamic_globals or cres.lifted:
            _warn("fastnet: %s has addresses in it: every process compiles it anew", self._name)
            return
        name, identity = self._file_of(sigutils.normalize_signature(sig)[0], cres.codegen)
        try:
            payload = serialize.dumps(_parts(cres))
            check = hashlib.sha256(identity + self._source + payload).digest()
            _folders.write(folder, name, self._source, check, payload)
        except Exception as error:  # a full disk, most of all
            _say_unwritten(folder / name, error)


def _opened(content, identity, source):
    """Return what a file has behind its head; None where it is of older sources than `source`."""
    written_of, check, payload = content[:_HASH], content[_HASH : 2 * _HASH], content[2 * _HASH :]
    digest = hashlib.sha256(identity)
    digest.update(written_of)
    digest.update(payload)
    if digest.digest() != check:
        raise ValueError("empty, cut short, or another's")
    return payload if written_of == source else None


class _NoCache(caching.NullCache):
    """Of functions that no file holds."""

    def load_overload(self, sig, target_context):
        _prepare_to_compile()


def _prepare_to_compile():
    entrypoints.init_all()
    _say_compiling()


def cache_for(function):
    """Return the cache of a kernel; none for a function that was typed in, which has no file."""
    return _Cache(function) if all(map(os.path.isfile, _files_of(function))) else _NoCache()
