"""A bit for each number: of eight numbers a byte, whose lowest bit is the first's."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import llvm
from .types import INT64, LANES, ir_element


def AT_ONCE(dtype):
    """Return how many numbers have their bits written together: whole vectors, whole bytes."""
    return max(8, LANES(dtype))


def _vector(dtype):
    return ir.VectorType(ir_element(dtype), AT_ONCE(dtype))


def _at(builder, p, i, kind):
    return builder.bitcast(builder.gep(p, [i]), kind.as_pointer())


@intrinsic
def numbers_at_once(typingctx, like):
    """How many numbers `keep_positive` and `where_set` take: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(AT_ONCE(like.dtype))

    return types.int64(like), codegen


@intrinsic
def keep_positive(typingctx, x, i, out, bits):
    """out[i:] = 0 where x[i:] <= 0, else x[i:], which sets a bit; i is a multiple of 8."""
    dtype = x.dtype

    def codegen(context, builder, sig, args):
        source, start, target, bytes_ = args
        value = builder.load(_at(builder, source, start, _vector(dtype)))
        value.align = dtype.bitwidth // 8
        zeros = ir.Constant(value.type, [0.0] * AT_ONCE(dtype))
        stays = builder.fcmp_unordered(">", value, zeros)  # NaN does, as in NumPy
        llvm.store(
            builder, dtype, builder.select(stays, value, zeros), builder.gep(target, [start])
        )
        word = builder.bitcast(stays, ir.IntType(AT_ONCE(dtype)))
        place = _at(builder, bytes_, builder.lshr(start, INT64(3)), word.type)
        builder.store(word, place).align = 1
        return context.get_dummy_value()

    return types.void(x, types.int64, x, bits), codegen


@intrinsic
def where_set(typingctx, bits, i, dout, dx):
    """dx[i:] = dout[i:] where the bit is set, else 0; i is a multiple of 8."""
    dtype = dout.dtype

    def codegen(context, builder, sig, args):
        bytes_, start, source, target = args
        count = AT_ONCE(dtype)
        place = _at(builder, bytes_, builder.lshr(start, INT64(3)), ir.IntType(count))
        word = builder.load(place)
        word.align = 1
        mask = builder.bitcast(word, ir.VectorType(ir.IntType(1), count))
        value = builder.load(_at(builder, source, start, _vector(dtype)))
        value.align = dtype.bitwidth // 8
        zeros = ir.Constant(value.type, [0.0] * count)
        llvm.store(builder, dtype, builder.select(mask, value, zeros), builder.gep(target, [start]))
        return context.get_dummy_value()

    return types.void(bits, types.int64, dout, dout), codegen
