"""Functions that the compiled loop calls by address: what most networks do without.

The loop knows dense layers, two losses and SGD. Every other loss, optimizer and layer is a kernel
of its own, compiled and cached when a network first uses it: the loop is compiled once for all, and
any of them goes with any other. Arguments are numbers, memory by its address; the last one is a
number of the network's dtype, which says what the addresses point to. A call costs 2 ns.
"""

from llvmlite import ir
from numba import float64, types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import helper
from .simd import INT64, get, pointer, pointer_at


@intrinsic
def call(typingctx, address, arguments):
    """Call the function at an address with a tuple of numbers; it returns an int64."""

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[1])
        function = ir.FunctionType(INT64, [value.type for value in values])
        return builder.call(builder.inttoptr(args[0], function.as_pointer()), values)

    return types.int64(types.int64, arguments), codegen


@intrinsic
def address_in(typingctx, p, i):
    """The address of p[i], a pointer."""

    def codegen(context, builder, sig, args):
        return builder.ptrtoint(builder.gep(args[0], [args[1]]), INT64)

    return types.int64(p, types.int64), codegen


@helper
def number_in(calls, word):
    """The float64 number that a word of `calls` is."""
    return get(pointer_at(address_in(pointer(calls), word), float64(0)), 0)


def types_of(kernel, dtype):
    """Return the argument types of a kernel by address: int64, and last a number of the dtype."""
    return (*[types.int64] * (kernel.py_func.__code__.co_argcount - 1), dtype)


def address(kernel, dtype):
    """Return the address of a kernel whose last argument is a number of the NumPy dtype.

    It stays valid as long as the process: Numba keeps what it has compiled.
    """
    signature = types_of(kernel, getattr(types, dtype.name))
    if signature not in kernel.overloads:
        kernel.compile(signature)
    compiled = kernel.overloads[signature]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
