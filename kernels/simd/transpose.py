"""Numbers transposed in registers: squares, and pairs."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import llvm
from .types import INT32, INT64, LANES, Vector


def _transposed(builder, dtype, block):
    """The rows of a square of vectors as its columns."""
    count = LANES(dtype)

    def shuffled(i, j, order):
        order = ir.Constant(ir.VectorType(INT32, count), list(order))
        return builder.shuffle_vector(block[i], block[j], order)

    # Swap ever larger off-diagonal squares: log2(lanes) rounds of two-input shuffles.
    size = 1
    if dtype.bitwidth == 32:
        # The first two in the forms that x86 has in one instruction: neighbours of two rows
        # side by side, then pairs of them.
        size = 4
        quads = range(0, count, 4)
        low = [k for q in quads for k in (q, count + q, q + 1, count + q + 1)]
        high = [k + 2 for k in low]
        first = [k for q in quads for k in (q, q + 1, count + q, count + q + 1)]
        second = [k + 2 for k in first]
        for i in range(0, count, 4):
            block[i : i + 4] = [
                shuffled(j, j + 1, order) for order in (low, high) for j in (i, i + 2)
            ]
            block[i : i + 4] = [
                shuffled(j, j + 1, order) for j in (i, i + 2) for order in (first, second)
            ]
    while size < count:
        low = [j if not j & size else count + j - size for j in range(count)]
        high = [j + size if not j & size else count + j for j in range(count)]
        for i in range(count):
            if not i & size:
                pair = shuffled(i, i + size, low), shuffled(i, i + size, high)
                block[i], block[i + size] = pair
        size *= 2
    return block


def _store_rows(builder, dtype, block, target, stride):
    for j, row in enumerate(block):
        llvm.store(builder, dtype, row, builder.gep(target, [builder.mul(INT64(j), stride)]))


@intrinsic
def transpose_block(typingctx, source, stride, rows, columns, target, target_stride):
    """target[j, i] = source[i, j] for a square of lanes x lanes, in registers.

    Row i of `source` starts at i * stride; rows from `rows` on repeat the last, columns from
    `columns` on are zero, so nothing outside is read.  All lanes x lanes of `target` are written.
    """
    dtype = source.dtype
    count = LANES(dtype)

    def codegen(context, builder, sig, args):
        source_, stride_, rows_, columns_, target_, target_stride_ = args
        last = builder.sub(rows_, INT64(1))
        addresses = []
        for i in range(count):
            inside = builder.icmp_signed("<", INT64(i), last)
            row = builder.select(inside, INT64(i), last)
            addresses.append(builder.gep(source_, [builder.mul(row, stride_)]))
        block = llvm.load_firsts(builder, dtype, addresses, columns_)

        block = _transposed(builder, dtype, block)
        _store_rows(builder, dtype, block, target_, target_stride_)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(source, i64, i64, i64, target, i64), codegen


@intrinsic
def transpose_square(typingctx, source, stride, target, target_stride):
    """`transpose_block` of a square that is all there."""
    dtype = source.dtype

    def codegen(context, builder, sig, args):
        source_, stride_, target_, target_stride_ = args
        starts = [
            builder.gep(source_, [builder.mul(INT64(i), stride_)]) for i in range(LANES(dtype))
        ]
        block = [llvm.load(builder, dtype, start) for start in starts]
        _store_rows(builder, dtype, _transposed(builder, dtype, block), target_, target_stride_)
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64), codegen


@intrinsic
def load_pairs(typingctx, p, i):
    """The even and the odd elements of p[i : i + 2 * lanes], two vectors."""
    vector, count = Vector(p.dtype), LANES(p.dtype)
    pair = types.UniTuple(vector, 2)

    def codegen(context, builder, sig, args):
        x, y = (
            llvm.load(builder, p.dtype, builder.gep(args[0], [builder.add(args[1], INT64(k))]))
            for k in (0, count)
        )
        orders = (list(range(k, 2 * count, 2)) for k in (0, 1))
        orders = (ir.Constant(ir.VectorType(INT32, count), order) for order in orders)
        parts = [builder.shuffle_vector(x, y, order) for order in orders]
        return context.make_tuple(builder, pair, parts)

    return pair(p, types.int64), codegen


@intrinsic
def store_pairs(typingctx, p, i, x, y):
    """The even elements of p[i : i + 2 * lanes] = x, the odd ones = y."""
    vector, count = Vector(p.dtype), LANES(p.dtype)

    def codegen(context, builder, sig, args):
        for start in (0, count):
            order = [k // 2 + k % 2 * count for k in range(start, start + count)]
            order = ir.Constant(ir.VectorType(INT32, count), order)
            address = builder.gep(args[0], [builder.add(args[1], INT64(start))])
            llvm.store(builder, p.dtype, builder.shuffle_vector(args[2], args[3], order), address)
        return context.get_dummy_value()

    return types.void(p, types.int64, vector, vector), codegen
