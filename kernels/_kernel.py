"""A kernel: the function of Numba's that `jit` makes, and what it asks Numba less often for."""

import functools
import inspect

import numpy as np
from numba import from_dtype, types
from numba.core import compiler, errors, event, registry, sigutils
from numba.core.caching import NullCache
from numba.core.compiler_lock import global_compiler_lock

from ._cache import cache_for
from ._convention import insert
from ._pipeline import KernelCompiler, forget
from ._types import refusal, versions_of

# What an array of the API holds.
_ELEMENTS = {np.dtype(t.name): t for t in (types.float32, types.float64, types.int64, types.uint8)}


def arguments_of(function):
    """Return the names of a function's arguments: all are positional, without defaults."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _signature(function):
    """Return what inspect.signature does, in a fifth of its 60 us."""
    code = function.__code__
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS) or function.__defaults__:
        return inspect.signature(function)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in arguments_of(function)]
    return inspect.Signature(parameters, __validate_parameters__=False)


class Kernel(registry.CPUDispatcher):
    """A function that Numba compiles as `jit` says.

    Where it comes out of the cache, nothing of the compiler is asked for.

    Attributes
    ----------
    versions : list of tuples of Numba types
        The arguments that fastnet calls it with: what `fastnet warmup` compiles.
    """

    def __init__(self, function, signatures=(), pipeline_class=KernelCompiler, **options):
        self._given = signatures
        # Numba asks twice for the signature, which takes half of the time that a kernel costs.
        function.__signature__ = _signature(function)
        options = {"no_cfunc_wrapper": True} | options
        options |= {"nopython": True, "boundscheck": None, "error_model": "numpy"}
        options |= {"nogil": True, "_nrt": False}
        super().__init__(function, {}, options, pipeline_class)
        del self._cache  # Numba's, which is none

    @functools.cached_property
    def versions(self):
        """As above; made when asked for: most processes do not, and for all it takes 10 ms."""
        return versions_of(self._given)

    @functools.cached_property
    def _cache(self):
        return cache_for(self.py_func)

    def __reduce__(self):
        return self.__name__  # of its module, which another process imports

    def compile(self, sig):
        """As Numba does it, without clocks for the compiler's lock and LLVM's.

        Each of the functions that are compiled one inside the other would be told of every lock.
        """
        with global_compiler_lock:
            if not self._can_compile:
                raise RuntimeError("compilation disabled")
            with self._compiling_counter:
                args, return_type = sigutils.normalize_signature(sig)
                if tuple(args) in self.overloads:
                    return self.overloads[tuple(args)].entry_point
                cres = self._cache.load_overload(sig, self.targetctx)
                if cres is not None:
                    self._cache_hits[sig] += 1
                    insert(self.targetctx, cres.entry_point, cres.fndesc, cres.library)
                    self.add_overload(cres)
                    return cres.entry_point
                self._cache_misses[sig] += 1
                details = {"dispatcher": self, "args": args, "return_type": return_type}
                with event.trigger_event("numba:compile", data=details):
                    cres = self._compiler.compile(args, return_type)
                    self.add_overload(cres)
                self._cache.save_overload(sig, cres)
                return cres.entry_point

    def recompile(self):
        """As Numba does it, with the globals as they are now."""
        forget(self.py_func)
        self.__dict__.pop("_as_value", None)
        super().recompile()

    def get_call_template(self, args, kws):
        """As Numba does it, without literals: with each it would compile anew, 13 s and not 4."""
        plain = [types.unliteral(arg) for arg in args]
        plain_kws = {name: types.unliteral(arg) for name, arg in kws.items()}
        message = self._given and self._refusal(self.fold_argument_types(plain, plain_kws)[1])
        if message:
            raise errors.TypingError(message)
        return super().get_call_template(plain, plain_kws)

    def _compile_for_args(self, *args, **kws):
        """As Numba does it, called from Python; other types than those that stand here, never."""
        message = self._refusal([self.typeof_pyval(arg) for arg in args], args)
        if message:
            raise TypeError(message)
        return super()._compile_for_args(*args, **kws)

    def _refusal(self, found, values=None):
        return refusal(self, arguments_of(self.py_func), self._given, found, values)

    def _compilation_chain_init_hook(self):
        """Numba looks for extensions, 4 to 14 ms: the cache does, before anything is compiled."""

    def typeof_pyval(self, val):
        """As Numba does it, without numpy.ma: imported to see masked arrays, it takes 18 ms."""
        if type(val) is np.ndarray and val.flags.carray:
            if val.dtype in _ELEMENTS:
                return types.Array(_ELEMENTS[val.dtype], val.ndim, "C")
            if val.dtype.names:
                return types.Array(from_dtype(val.dtype), val.ndim, "C")
        return super().typeof_pyval(val)

    @functools.cached_property
    def _as_value(self):
        """The same with a way in from C."""
        made = Kernel(self.py_func, self._given, no_cfunc_wrapper=False)
        made._cache, made._as_value = NullCache(), made
        return made

    def get_compile_result(self, sig):
        """As Numba does it, of a function that jitted code gets as a value, and calls as C does.

        Nobody else asks for a kernel's way in from C, which took 2 % of a warm-up.
        """
        if self._as_value is not self:
            return self._as_value.get_compile_result(sig)
        return super().get_compile_result(sig)

    def inspect_types(self, file=None, signature=None, **options):
        """As Numba does it, of what it infers anew: what is kept of a kernel has no such text."""
        shown = Kernel(self.py_func, self._given, compiler.Compiler)
        shown._cache = NullCache()
        for args in self.signatures if signature is None else [signature]:
            shown.compile(args)
        registry.CPUDispatcher.inspect_types(shown, file, signature, **options)
