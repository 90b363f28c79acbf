"""Tiles of dot products: a register each, whose lanes are added up at the end."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import llvm
from .tiles import tile_of, vectors_of
from .types import INT32, INT64, LANES


@intrinsic
def dot_update(typingctx, tile, a, a_row, rows, b, b_row, count):
    """tile[i, j] += a[i * a_row : i * a_row + count] * b[j * b_row : j * b_row + count].

    Lane by lane: vector (i, j) of the tile holds the partial sums of one dot product. Rows from
    `rows` on repeat the last one, so nothing outside is read.
    """

    def codegen(context, builder, sig, args):
        value, a_, a_row_, rows_, b_, b_row_, count_ = args
        dtype = tile.dtype
        last = builder.sub(rows_, INT64(1))
        addresses = []
        for i in range(tile.rows):
            row = builder.select(builder.icmp_signed("<", INT64(i), last), INT64(i), last)
            addresses.append(builder.gep(a_, [builder.mul(a_row_, row)]))
        for j in range(tile.vectors):
            addresses.append(builder.gep(b_, [builder.mul(b_row_, INT64(j))]))
        found = llvm.load_firsts(builder, dtype, addresses, count_)
        left, right = found[: tile.rows], found[tile.rows :]
        sums = [
            llvm.fma(builder, dtype, left[n // tile.vectors], right[n % tile.vectors], old)
            for n, old in enumerate(vectors_of(builder, tile, value))
        ]
        return tile_of(context, builder, tile, sums)

    i64 = types.int64
    return tile(tile, a, i64, i64, b, i64, i64), codegen


@intrinsic
def store_sums(typingctx, p, tile):
    """p[n] = sum of the lanes of vector n, in row order, of a tile of 2**k vectors."""
    dtype = tile.dtype
    count = LANES(dtype)

    def codegen(context, builder, sig, args):
        vectors = [builder.extract_value(args[1], n) for n in range(tile.rows * tile.vectors)]
        even = ir.Constant(ir.VectorType(INT32, count), list(range(0, 2 * count, 2)))
        odd = ir.Constant(ir.VectorType(INT32, count), list(range(1, 2 * count, 2)))
        for start in range(0, len(vectors), count):
            group = vectors[start : start + count]
            used = len(group)
            # Add neighbouring lanes of two vectors into one, in order: with 16 vectors of 16
            # lanes, 45 instructions where 16 sums on their own take 128.
            for _ in range(count.bit_length() - 1):
                pairs = zip(group[::2], group[1::2]) if len(group) > 1 else [group * 2]
                group = [
                    builder.fadd(
                        builder.shuffle_vector(x, y, even), builder.shuffle_vector(x, y, odd)
                    )
                    for x, y in pairs
                ]
            address = builder.gep(args[0], [INT64(start)])
            llvm.store(builder, dtype, llvm.lanes_of(builder, group[0], range(used)), address)
        return context.get_dummy_value()

    return types.void(p, tile), codegen
