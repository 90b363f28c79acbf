"""The project's decorators.

Numba's own cache watches only the file that a kernel stands in: after an edit to an imported
helper the cached caller keeps its old machine code.  Here the stamp of a cache entry is a hash
of every kernel source and of the vector width, so an edit to any of them recompiles all.
"""

import functools
import gc
import hashlib
import inspect
import logging
import os
import pathlib
import tempfile

import numpy as np
from llvmlite.binding import (
    Linkage,
    create_pass_builder,
    create_pipeline_tuning_options,
    parse_assembly,
    parse_bitcode,
)
from numba import config, njit, types
from numba.core import caching, codegen, compiler, entrypoints, registry

from .blocking import BITS, FUSED, L2_BYTES

_FOLDER = pathlib.Path(__file__).resolve().parent


def _source_stamp():
    digest = hashlib.sha256(f"{BITS} {FUSED} {L2_BYTES}".encode())
    for path in sorted(_FOLDER.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
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


class _Locator(caching._CacheLocator):
    def __init__(self, py_func, py_file):
        self._py_file = py_file  # Numba names it in warnings
        self._first_line = py_func.__code__.co_firstlineno

    def get_cache_path(self):
        return str(_CACHE_FOLDER)

    def get_source_stamp(self):
        return _STAMP

    def get_disambiguator(self):
        return str(self._first_line)

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
    def load_overload(self, sig, target_context):
        _prepare_to_compile()


def _prepare_to_compile():
    entrypoints.init_all()
    _say_compiling()


class _Library(codegen.JITCodeLibrary):
    """Machine code that is optimised once, its loops as they are written.

    Numba would run cheap passes before the full ones, which repeat them: for counts of references,
    of which there are none. And LLVM would unroll the loops over vectors: 0.45 s of the compiling
    of the first training step and 1.4 times the machine code, for 0.98 of the kernels' speed.
    """

    def _optimize_functions(self, module):
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self):
        options = create_pipeline_tuning_options(speed_level=3)
        options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
        builder = create_pass_builder(self._codegen._tm, options)
        builder.getModulePassManager().run(self._final_module, builder)


class _Bitcode(_Library):
    """What the callers of a helper link with, without machine code: nobody calls that of a helper.

    A helper that calls others is optimised in the kernels alone: Numba would optimise all that it
    calls once more for every function on the way to a kernel. Together this took the compiling of
    the first training step from 11.5 s to 6.4 on a busy core, and left its speed as it was.
    """

    def _optimize_final_module(self):
        if not self._linking_libraries:
            super()._optimize_final_module()

    def _finalize_final_module(self):
        linked = self._final_module
        for function in linked.functions:
            if not function.is_declaration:
                function.linkage = Linkage.linkonce_odr
        # All that is made is the variable that Numba keeps the helper's environment in.
        variables = [str(v) for v in linked.global_variables if v.linkage == Linkage.common]
        empty = self._codegen._create_empty_module(self.name)
        self._final_module = parse_assembly("\n".join([str(empty), *variables]))
        super()._finalize_final_module()
        self._shared_module = linked


# Passes that kernels have no use for, an eighth of the Python code that runs: for closures and
# comprehensions, and for expressions of whole arrays.
NEEDLESS = {"InlineClosureLikes", "NopythonRewrites"}


def _undisturbed(function, argument):
    """Call it without the garbage collector, on a stack in one piece.

    The collector would look at what Numba makes again and again: 1.2 times the time, for 60 MB
    less. And CPython's stack comes from the system in pieces of 16 KB, which go back as soon as
    they are empty: where the calls of a loop begin a new one, it comes and goes with each, 100,000
    times and more in the first training step, which takes 0.5 to 2 s. A frame that needs half a
    megabyte gets a piece of one, and leaves the rest to the calls inside.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return function(argument)
    finally:
        if collects:
            gc.enable()


_undisturbed.__code__ = _undisturbed.__code__.replace(co_stacksize=70_000)  # of 8 bytes


class _KernelCompiler(compiler.Compiler):
    library = _Library

    def __init__(self, typingctx, targetctx, library, *rest):
        library = self.library(targetctx.codegen(), "kernel")
        library.enable_object_caching()
        super().__init__(typingctx, targetctx, library, *rest)

    def compile_extra(self, func):
        return _undisturbed(super().compile_extra, func)

    def define_pipelines(self):
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [p for p in pipeline.passes if p[0].__name__ not in NEEDLESS]
        return pipelines


class _HelperCompiler(_KernelCompiler):
    library = _Bitcode


# What an array of the API holds.
_ELEMENTS = {np.dtype(t.name): t for t in (types.float32, types.float64, types.int64, types.uint8)}


class Kernel(registry.CPUDispatcher):
    """A function that Numba compiles as `jit` says.

    Where it comes out of the cache, nothing of the compiler is asked for.
    """

    def __init__(self, function, pipeline_class=_KernelCompiler, **options):
        # Numba asks twice for the signature, which takes half of the time that a kernel costs.
        function.__signature__ = inspect.signature(function)
        options |= {"nopython": True, "boundscheck": None, "error_model": "numpy"}
        options |= {"nogil": True, "_nrt": False}
        super().__init__(function, {}, options, pipeline_class)
        del self._cache  # Numba's, which is none

    @functools.cached_property
    def _cache(self):
        return _NoCache() if _CACHE_FOLDER is None else _Cache(self.py_func)

    def __reduce__(self):
        return self.__name__  # of its module, which another process imports

    def get_call_template(self, args, kws):
        """Without literals: Numba would compile once more for each of them. 13 s became 4 s."""
        plain = [types.unliteral(arg) for arg in args]
        return super().get_call_template(
            plain, {name: types.unliteral(arg) for name, arg in kws.items()}
        )

    def _compilation_chain_init_hook(self):
        """Numba looks for extensions, 4 to 14 ms: `_prepare_to_compile` does."""

    def typeof_pyval(self, val):
        """Without numpy.ma, which Numba imports, 18 ms, to see that an array is not masked."""
        if type(val) is np.ndarray and val.flags.carray and val.dtype in _ELEMENTS:
            return types.Array(_ELEMENTS[val.dtype], val.ndim, "C")
        return super().typeof_pyval(val)


def jit(function):
    """Compile a kernel: no Python objects, the GIL released, NumPy's rules for division.

    Kernels allocate nothing, so reference counts are off: two atomic instructions an array and
    call took 14 % of the time of a 3-4-1 network's step.
    """
    return Kernel(function)


class helper:
    """Compile a part of kernels, which takes pointers or vectors, so that Python cannot call it.

    Without the wrappers for Python the first training step compiles in 5.8 s instead of 6.5. And
    a dispatcher is made when something that calls it is compiled, 0.1 ms for each of 217: where
    the kernels come out of the cache nobody asks.
    """

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.py_func = function

    def __reduce__(self):
        return self.__name__

    @functools.cached_property
    def _dispatcher(self):
        return Kernel(self.py_func, _HelperCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True)

    @property
    def _numba_type_(self):
        return self._dispatcher._numba_type_

    def __getattr__(self, name):
        return getattr(self._dispatcher, name)


def inline(function):
    """Paste a helper into its callers, before Numba infers types.

    For helpers that take jitted functions (called, they would keep a caller from being cached),
    and for those that only pass arguments on.
    """
    return njit(error_model="numpy", inline="always", _nrt=False)(function)


def exact(*signatures):
    """Make a kernel return False for arguments of other types, and compile nothing for them.

    For kernels that check their arguments themselves: dimensions, layout and writeability, which
    the dispatcher looks at anyway, take Python 0.05 us an array more. The dispatcher does not tell
    apart byte orders, nor subclasses of ndarray: the caller does, `array.dtype is numpy.dtype(...)`
    and `type(array) is numpy.ndarray`. Each signature is compiled at its first call.
    """
    numbers = {types.float64: float, types.int64: int}

    def kind_of(t):
        return (t.ndim, np.dtype(t.dtype.name)) if isinstance(t, types.Array) else numbers[t]

    def is_one(argument, kind):
        if isinstance(kind, type):
            return type(argument) is kind
        return (
            type(argument) is np.ndarray
            and (argument.ndim, argument.dtype) == kind
            and argument.flags.carray
        )

    def refuse(*arguments):
        return False

    def decorate(dispatcher):
        wanted = [list(map(kind_of, signature)) for signature in signatures]
        compile_for_args = dispatcher._compile_for_args

        def compile_or_refuse(*arguments):
            if any(all(map(is_one, arguments, kinds)) for kinds in wanted):
                return compile_for_args(*arguments)
            return refuse  # called by the dispatcher, in place of a new version

        dispatcher._compile_for_args = compile_or_refuse
        dispatcher.exact_types = signatures
        return dispatcher

    return decorate
