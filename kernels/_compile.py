"""The project's decorators, and the types that stand on its kernels.

@jit(matrix, vector, int64)                 a kernel: the types of its arguments
def foo_forward(x, out, n): ...

@helper                                     a part of kernels, which has a name of its own there
@shared                                     a part whose machine code all its callers share
@inline                                     a part that is pasted into its callers
@entry(LayerForward)                        a function that the loop calls by its address
"""

import functools
import inspect

from numba import njit, types
from numba.core.compiler_lock import global_compiler_lock

from . import _fork  # noqa: F401  before there is anything to compile
from ._kernel import Kernel, arguments_of
from ._pipeline import HelperCompiler, SharedCompiler
from ._types import (  # noqa: F401  what stands on kernels, with the decorators
    AnyShape,
    Real,
    cube,
    labels,
    matrix,
    real,
    vector,
)

_OF_A_PART = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # no way in but from kernels


def _take_name(self, function):
    """Let an object be known as the function that it is made of."""
    self.__name__, self.__qualname__ = function.__name__, function.__qualname__
    self.__module__, self.__doc__ = function.__module__, function.__doc__
    self.py_func = self.__wrapped__ = function


def jit(*signature):
    """Compile a kernel: no Python objects, the GIL released, NumPy's rules for division.

    The types of its arguments stand on it; or tuples of types, where it has more than one version
    in a dtype. Kernels allocate nothing, so reference counts are off: two atomic instructions an
    array and call took 14 % of the time of a 3-4-1 network's step.
    """
    functions = [given for given in signature if inspect.isfunction(given)]
    if functions:
        raise TypeError(
            f"jit: types must be given, got the function {functions[0].__name__}. Write "
            "@jit(matrix, vector, int64), the types of its arguments."
        )
    signatures = signature if signature and isinstance(signature[0], tuple) else [signature]

    def decorate(function):
        return Kernel(function, signatures)

    return decorate


class helper:
    """Compile a part of kernels, which takes pointers or vectors, so that Python cannot call it.

    Without the wrappers for Python the first training step compiles in 5.8 s instead of 6.5. And
    a dispatcher is made when something that calls it is compiled, 0.1 ms for each of 217: where
    the kernels come out of the cache nobody asks.
    """

    def __init__(self, function):
        _take_name(self, function)

    def __reduce__(self):
        return self.__name__

    @functools.cached_property
    def _dispatcher(self):
        return Kernel(self.py_func, (), HelperCompiler, **_OF_A_PART)

    @property
    def _numba_type_(self):
        return self._dispatcher._numba_type_

    def __getattr__(self, name):
        return getattr(self._dispatcher, name)


class _Shared(Kernel):
    """What is compiled of a shared function."""

    def add_overload(self, cres):
        cres.library.shared = self.function, tuple(cres.signature.args)
        super().add_overload(cres)


class shared(helper):
    """Compile a part of kernels once for all of them, who call it by its name.

    For what is large and is called once in a while: a helper is compiled again in each kernel that
    it ends up in, `gemm` in 56, and a call takes 2 ns.
    """

    @functools.cached_property
    def _dispatcher(self):
        dispatcher = _Shared(self.py_func, (), SharedCompiler, **_OF_A_PART)
        dispatcher.function = self
        return dispatcher

    def library(self, types):
        """Return the machine code of a version, out of the cache or compiled."""
        self._dispatcher.compile(types)
        return self._dispatcher.overloads[types].library


def inline(function):
    """Paste a helper into its callers, before Numba infers types.

    For helpers that take jitted functions (called, they would keep a caller from being cached),
    and for those that only pass arguments on.
    """
    return njit(error_model="numpy", inline="always", _nrt=False)(function)


_named = set()


def named(name, module, function):
    """Give a function that another one made the name by which a module knows it; return it.

    The cache goes by its file, line and name: the name must be new among those of one line. In a
    module of a user's it may be made again, by a cell that runs twice, and be one of ours: its
    kernels carry the files of its functions.
    """
    code = function.__code__
    key = code.co_filename, code.co_firstlineno, name
    if module.startswith("fastnet."):
        if key in _named:
            raise TypeError(
                f"named: name must be new, got {name!r}, which {module} or another file has given "
                "to the same function already. Give another name."
            )
        _named.add(key)
    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    return function


class _OfLoop(Kernel):
    """A kernel without a way in from Python: where that would be is address 0."""

    def add_overload(self, cres):  # but to the dispatcher, which would call it
        self.overloads[tuple(cres.signature.args)] = cres

    def _compile_for_args(self, *args, **kws):
        rule = "kernel must be called by the loop, got a call from Python. Use address(dtype)."
        raise TypeError(f"{self.__name__}: {rule}")


class LoopFunction:
    """A function that the compiled loop calls by its address: of a layer, a loss, an optimizer.

    It is compiled, or loaded, when a network first asks for the address.
    """

    def __init__(self, function, convention):
        arguments = arguments_of(function)
        wanted = (*convention._fields, "like")
        if arguments != wanted:
            raise TypeError(
                f"entry: {function.__qualname__} must take the arguments of "
                f"{convention.__name__}, {', '.join(wanted)}, got {', '.join(arguments)}. "
                "Write them in that order."
            )
        _take_name(self, function)
        self.convention, self._addresses = convention, {}

    def __reduce__(self):
        return self.__name__

    @functools.cached_property
    def kernel(self):
        """What Numba compiles, for the loop alone: the way in from Python takes 20 ms of it."""
        signature = *[types.int64] * len(self.convention._fields), real
        ways_in = {"no_cpython_wrapper": True, "no_cfunc_wrapper": False}
        return _OfLoop(self.py_func, [signature], **ways_in)

    def address(self, dtype):
        """Return its address for networks of a NumPy dtype, which holds as long as the process."""
        if dtype not in self._addresses:  # to make it takes 14 us
            with global_compiler_lock:  # which a fork waits for: not in the middle of making it
                (args,) = (v for v in self.kernel.versions if v[-1] is getattr(types, dtype.name))
                self.kernel.compile(args)
                made = self.kernel.overloads[args]
                name = made.fndesc.llvm_cfunc_wrapper_name
                self._addresses[dtype] = made.library.get_pointer_to_function(name)
        return self._addresses[dtype]


def entry(convention):
    """Let the compiled loop call a function by its address, by a convention of `loop.calls`.

    Its arguments are the convention's, numbers and addresses, all int64, and last `like`, a number
    of the network's dtype: what the addresses point to. It returns an int64.
    """
    return functools.partial(LoopFunction, convention=convention)
