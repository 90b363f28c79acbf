"""Pointers: where they come from, and one number at a time."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .types import INT32, INT64


@intrinsic
def pointer(typingctx, array):
    """Address of the first element of an array, in memory order whatever its dimensions."""

    def codegen(context, builder, sig, args):
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def pointer_at(typingctx, address, like):
    """Integer address as a pointer to the dtype of `like` (a scalar)."""

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return types.CPointer(like)(types.int64, like), codegen


@intrinsic
def offset(typingctx, p, count):
    """The pointer `count` elements on."""

    def codegen(context, builder, sig, args):
        return builder.gep(args[0], [args[1]])

    return p(p, types.int64), codegen


@intrinsic
def get(typingctx, p, i):
    """The scalar p[i]."""

    def codegen(context, builder, sig, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return p.dtype(p, types.int64), codegen


@intrinsic
def put(typingctx, p, i, value):
    """p[i] = value, cast to the dtype of p."""

    def codegen(context, builder, sig, args):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64, p.dtype), codegen


@intrinsic
def scalar(typingctx, like, value):
    """`value` in the dtype of the pointer or vector `like`: a bare literal would be float64."""

    def codegen(context, builder, sig, args):
        return args[1]

    return like.dtype(like, like.dtype), codegen


@intrinsic(prefer_literal=True)
def stack_buffer(typingctx, like, size):
    """Pointer to `size` (a literal) uninitialised bytes on the stack, 64-byte aligned."""
    count = size.literal_value * 8 // like.dtype.bitwidth

    def codegen(context, builder, sig, args):
        with builder.goto_entry_block():
            kind = context.get_data_type(like.dtype)
            buffer = builder.alloca(kind, size=INT64(count))
            buffer.align = 64
        return buffer

    return types.CPointer(like.dtype)(like, size), codegen


@intrinsic(prefer_literal=True)
def index_buffer(typingctx, count):
    """Pointer to `count` (a literal) uninitialised int32 on the stack, 64-byte aligned."""
    size = count.literal_value

    def codegen(context, builder, sig, args):
        with builder.goto_entry_block():
            buffer = builder.alloca(INT32, size=INT64(size))
            buffer.align = 64
        return buffer

    return types.CPointer(types.int32)(count), codegen


@intrinsic
def allocate(typingctx, like, size):
    """Pointer to `size` uninitialised bytes from the C library, null where it has none."""

    def codegen(context, builder, sig, args):
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(pointer, [INT64])
        malloc = cgutils.get_or_insert_function(builder.module, function, "malloc")
        return builder.bitcast(builder.call(malloc, [args[1]]), context.get_value_type(like))

    return like(like, types.int64), codegen


@intrinsic
def release(typingctx, p):
    """Give back what `allocate` gave; null is nothing."""

    def codegen(context, builder, sig, args):
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [pointer])
        free = cgutils.get_or_insert_function(builder.module, function, "free")
        builder.call(free, [builder.bitcast(args[0], pointer)])
        return context.get_dummy_value()

    return types.void(p), codegen


@intrinsic
def is_null(typingctx, p):
    """Whether a pointer is null."""

    def codegen(context, builder, sig, args):
        return builder.icmp_unsigned("==", builder.ptrtoint(args[0], INT64), INT64(0))

    return types.boolean(p), codegen
