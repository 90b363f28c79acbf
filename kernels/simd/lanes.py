"""The lanes of one vector: how many, which, their sum and the largest."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import llvm
from .types import INT32, INT64, LANES, Mask


@intrinsic
def lanes(typingctx, like):
    """How many numbers a vector of the pointer's dtype holds: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(LANES(like.dtype))

    return types.int64(like), codegen


@intrinsic
def keep_first(typingctx, x, count, other):
    """The first `count` lanes of x and the number `other` in the rest."""

    def codegen(context, builder, sig, args):
        mask = llvm.mask_first(builder, x.dtype, args[1])
        return builder.select(mask, args[0], llvm.splat(builder, args[2], LANES(x.dtype)))

    return x(x, types.int64, x.dtype), codegen


@intrinsic
def is_lane(typingctx, like, i):
    """The mask of lane number i alone; no lane where i is outside the vector."""

    def codegen(context, builder, sig, args):
        count = LANES(like.dtype)
        index = ir.Constant(ir.VectorType(INT64, count), list(range(count)))
        return builder.icmp_signed("==", index, llvm.splat(builder, args[1], count))

    return Mask(like.dtype)(like, types.int64), codegen


@intrinsic
def count_lanes(typingctx, mask):
    """How many lanes of the mask are set."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(LANES(mask.dtype)))
        return builder.ctpop(builder.zext(bits, INT64))

    return types.int64(mask), codegen


@intrinsic
def first_lane(typingctx, x):
    """x[0] as a number."""

    def codegen(context, builder, sig, args):
        return builder.extract_element(args[0], INT32(0))

    return x.dtype(x), codegen


def _fold(builder, x, count, combine):
    """Combine all lanes in a tree whose order depends on the number of lanes alone."""
    undefined = ir.Constant(x.type, ir.Undefined)
    while count > 1:
        count //= 2
        order = [(i + count) % x.type.count for i in range(x.type.count)]
        moved = builder.shuffle_vector(
            x, undefined, ir.Constant(ir.VectorType(INT32, len(order)), order)
        )
        x = combine(x, moved)
    return builder.extract_element(x, INT32(0))


@intrinsic
def sum_lanes(typingctx, x):
    """The sum of all lanes, a scalar."""

    def codegen(context, builder, sig, args):
        return _fold(builder, args[0], LANES(x.dtype), builder.fadd)

    return x.dtype(x), codegen


def _larger(builder):
    return lambda a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b)


@intrinsic
def max_lanes(typingctx, x):
    """The largest lane, a scalar; unspecified where a lane is NaN."""

    def codegen(context, builder, sig, args):
        return _fold(builder, args[0], LANES(x.dtype), _larger(builder))

    return x.dtype(x), codegen


def FEW_LANES(dtype):
    """How many lanes `sum_low` and `max_low` look at."""
    return min(4, LANES(dtype))


@intrinsic
def few_lanes(typingctx, like):
    """How many lanes `sum_low` and `max_low` look at."""

    def codegen(context, builder, sig, args):
        return INT64(FEW_LANES(like.dtype))

    return types.int64(like), codegen


def _low_lanes(builder, dtype, x):
    """The first FEW_LANES of a vector."""
    indices = ir.Constant(ir.VectorType(INT32, FEW_LANES(dtype)), list(range(FEW_LANES(dtype))))
    return builder.shuffle_vector(x, x, indices)


@intrinsic
def sum_low(typingctx, x):
    """The sum of the first four lanes, which takes half the time of all 16."""

    def codegen(context, builder, sig, args):
        low = _low_lanes(builder, x.dtype, args[0])
        return _fold(builder, low, FEW_LANES(x.dtype), builder.fadd)

    return x.dtype(x), codegen


@intrinsic
def max_low(typingctx, x):
    """The largest of the first four lanes; unspecified where a lane is NaN."""

    def codegen(context, builder, sig, args):
        low = _low_lanes(builder, x.dtype, args[0])
        return _fold(builder, low, FEW_LANES(x.dtype), _larger(builder))

    return x.dtype(x), codegen
