"""Tiles of registers: load, store, and one step of a product's sum."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from . import llvm
from .types import INT64, LANES, Tile, TileShape


def _row_start(builder, p, steps, row):
    """Where a row of a tile begins: `steps` are the distances of rows 1, 2 and 3 from row 0."""
    near, twice, far = steps
    p = builder.gep(p, [builder.mul(far, INT64(row // 3))])
    return builder.gep(p, [(INT64(0), near, twice)[row % 3]])


def _vectors_of_row(builder, tile, start):
    return [builder.gep(start, [INT64(j * LANES(tile.dtype))]) for j in range(tile.vectors)]


def _addresses(builder, tile, p, steps):
    """Addresses of a tile's vectors, in row order."""
    starts = [_row_start(builder, p, steps, i) for i in range(tile.rows)]
    return [address for start in starts for address in _vectors_of_row(builder, tile, start)]


def _load_columns(builder, tile, p, steps, columns):
    """Vectors of `columns` columns at p, in row order; the last of each row may be in part."""
    addresses, width = _addresses(builder, tile, p, steps), tile.vectors
    used = builder.sub(columns, INT64((width - 1) * LANES(tile.dtype)))
    ends = llvm.load_firsts(builder, tile.dtype, addresses[width - 1 :: width], used)
    return [
        ends[n // width] if n % width == width - 1 else llvm.load(builder, tile.dtype, address)
        for n, address in enumerate(addresses)
    ]


def vectors_of(builder, tile, value):
    """The vectors of a tile, in row order."""
    return [builder.extract_value(value, n) for n in range(tile.rows * tile.vectors)]


def tile_of(context, builder, tile, vectors):
    """The tile of these vectors, in row order."""
    value = ir.Constant(context.get_value_type(tile), ir.Undefined)
    for n, vector in enumerate(vectors):
        value = builder.insert_value(value, vector, n)
    return value


@intrinsic(prefer_literal=True)
def tile_shape(typingctx, rows, vectors):
    """The shape of a tile; `rows` and `vectors` are literals."""

    def codegen(context, builder, sig, args):
        return context.get_dummy_value()

    return TileShape(rows.literal_value, vectors.literal_value)(rows, vectors), codegen


@intrinsic
def tile_rows(typingctx, shape):
    """How many rows a tile has: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(shape.rows)

    return types.int64(shape), codegen


@intrinsic
def tile_vectors(typingctx, shape):
    """How many vectors wide a tile is: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(shape.vectors)

    return types.int64(shape), codegen


@intrinsic
def load_tile(typingctx, shape, p, steps, columns):
    """The tile of `columns` columns at p; `steps` 0 copy one row to all.

    Rows 1, 2 and 3 begin steps[0], steps[1] and steps[2] elements after row 0, and 4, 5 and 6
    after row 3: steps of (s, 2 s, 3 s) are rows s apart, and of (s, s, s) all but the first are
    the same.
    """
    tile = Tile(p.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        _, p_, steps_, columns_ = args
        steps_ = cgutils.unpack_tuple(builder, steps_)
        found = _load_columns(builder, tile, p_, steps_, columns_)
        return tile_of(context, builder, tile, found)

    return tile(shape, p, steps, types.int64), codegen


@intrinsic
def zero_tile(typingctx, like, shape):
    """A tile of zeros of the pointer's dtype."""
    tile = Tile(like.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        return ir.Constant(context.get_value_type(tile), None)

    return tile(like, shape), codegen


@intrinsic
def opaque(typingctx, value):
    """The same integer, of which the optimizer knows nothing.

    LLVM walks from row to row of a tile by additions that wait for each other, eight cycles a
    step of the product's sum; it cannot where it does not know that an offset is 3 * a_row.
    """

    def codegen(context, builder, sig, args):
        same = ir.InlineAsm(ir.FunctionType(INT64, [INT64]), "", "=r,0", side_effect=False)
        return builder.call(same, [args[0]])

    return types.int64(types.int64), codegen


@intrinsic
def rank_one_update(typingctx, tile, a, steps, b):
    """tile[i, :] += a[row i] * b[:], for every row i: one step of a product's sum.

    `steps` as for `load_tile`; whole vectors of b are read.
    """
    dtype = tile.dtype

    def codegen(context, builder, sig, args):
        value, a_, steps_, b_ = args
        steps_ = cgutils.unpack_tuple(builder, steps_)
        row = [llvm.load(builder, dtype, p) for p in _vectors_of_row(builder, tile, b_)]
        sums = vectors_of(builder, tile, value)
        for i in range(tile.rows):
            element = builder.load(_row_start(builder, a_, steps_, i))
            factor = llvm.splat(builder, element, LANES(dtype))
            for n in range(i * tile.vectors, (i + 1) * tile.vectors):
                sums[n] = llvm.fma(builder, dtype, factor, row[n % tile.vectors], sums[n])
        return tile_of(context, builder, tile, sums)

    return tile(tile, a, steps, b), codegen


@intrinsic
def prefetch_tile(typingctx, shape, p, steps):
    """Ask for the cache lines of a tile at p, which will be read soon."""
    tile = Tile(p.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        for address in _addresses(builder, tile, args[1], cgutils.unpack_tuple(builder, args[2])):
            llvm.prefetch(builder, address)
        return context.get_dummy_value()

    return types.void(shape, p, steps), codegen


@intrinsic
def scale_and_add(typingctx, tile, factor, p, steps, columns):
    """factor * tile + the tile of `columns` columns at p, as `load_tile` reads it."""

    def codegen(context, builder, sig, args):
        value, factor_, p_, steps_, columns_ = args
        steps_ = cgutils.unpack_tuple(builder, steps_)
        vector = llvm.splat(builder, factor_, LANES(tile.dtype))
        addends = _load_columns(builder, tile, p_, steps_, columns_)
        sums = [
            llvm.fma(builder, tile.dtype, vector, *pair)
            for pair in zip(vectors_of(builder, tile, value), addends)
        ]
        return tile_of(context, builder, tile, sums)

    return tile(tile, tile.dtype, p, steps, types.int64), codegen


@intrinsic
def store_tile(typingctx, p, steps, tile, columns):
    """The tile at p = the first `columns` columns of `tile`; nothing else is written.

    `steps` as for `load_tile`: where rows are the same in memory, they must have the same numbers.
    """

    def codegen(context, builder, sig, args):
        p_, steps_, value, columns_ = args
        addresses = _addresses(builder, tile, p_, cgutils.unpack_tuple(builder, steps_))
        vectors, width = vectors_of(builder, tile, value), tile.vectors
        used = builder.sub(columns_, INT64((width - 1) * LANES(tile.dtype)))
        for n, (vector, address) in enumerate(zip(vectors, addresses)):
            if n % width < width - 1:
                llvm.store(builder, tile.dtype, vector, address)
        ends = slice(width - 1, None, width)
        llvm.store_firsts(builder, tile.dtype, vectors[ends], addresses[ends], used)
        return context.get_dummy_value()

    return types.void(p, steps, tile, types.int64), codegen
