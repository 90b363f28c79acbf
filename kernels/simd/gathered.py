"""Tiles of registers whose rows lie anywhere in memory: a pointer to each."""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from . import llvm
from .tiles import tile_of, vectors_of
from .types import INT64, LANES, Tile, Vector


def _up_to(builder, i, row, last):
    """i + row, or `last` where that is less."""
    row = builder.add(i, INT64(row))
    return builder.select(builder.icmp_signed("<", row, last), row, last)


@intrinsic
def gathered_rows(typingctx, shape, p, table, i, last):
    """Pointers to a tile's rows: p + table[i] and so on; behind `last` the last again."""
    kind = types.UniTuple(p, shape.rows)

    def codegen(context, builder, sig, args):
        _, p_, table_, i_, last_ = args
        rows = [
            builder.gep(p_, [builder.load(builder.gep(table_, [_up_to(builder, i_, row, last_)]))])
            for row in range(shape.rows)
        ]
        return context.make_tuple(builder, kind, rows)

    return kind(shape, p, table, types.int64, types.int64), codegen


def _vectors_at(builder, dtype, start, count):
    return [builder.gep(start, [INT64(j * LANES(dtype))]) for j in range(count)]


def _load_vectors(builder, dtype, start, count):
    return [llvm.load(builder, dtype, p) for p in _vectors_at(builder, dtype, start, count)]


@intrinsic
def repeated_row(typingctx, shape, p):
    """The tile of whose rows each is that of whole vectors at p."""
    tile = Tile(p.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        row = _load_vectors(builder, p.dtype, args[1], tile.vectors)
        return tile_of(context, builder, tile, row * tile.rows)

    return tile(shape, p), codegen


@intrinsic
def rank_one_rows(typingctx, tile, rows, k, b):
    """tile[i, :] += rows[i][k] * b[:], for every row i: `rank_one_update` of rows by pointers."""
    dtype = tile.dtype

    def codegen(context, builder, sig, args):
        value, rows_, k_, b_ = args
        row = _load_vectors(builder, dtype, b_, tile.vectors)
        sums = vectors_of(builder, tile, value)
        for i, start in enumerate(cgutils.unpack_tuple(builder, rows_)):
            element = builder.load(builder.gep(start, [k_]))
            factor = llvm.splat(builder, element, LANES(dtype))
            for n in range(i * tile.vectors, (i + 1) * tile.vectors):
                sums[n] = llvm.fma(builder, dtype, factor, row[n % tile.vectors], sums[n])
        return tile_of(context, builder, tile, sums)

    return tile(tile, rows, types.int64, b), codegen


@intrinsic
def add_rows(typingctx, tile, rows):
    """tile + the whole vectors at `rows`."""
    dtype = tile.dtype

    def codegen(context, builder, sig, args):
        found = []
        for start in cgutils.unpack_tuple(builder, args[1]):
            found += _load_vectors(builder, dtype, start, tile.vectors)
        pairs = zip(vectors_of(builder, tile, args[0]), found)
        return tile_of(context, builder, tile, [builder.fadd(*pair) for pair in pairs])

    return tile(tile, rows), codegen


@intrinsic
def map_tile(typingctx, function, tile):
    """The tile of function(vector) of its vectors."""
    kinds = (Vector(tile.dtype),)
    function.get_call_type(typingctx, kinds, {})

    def codegen(context, builder, sig, args):
        signature = function.get_call_type(context.typing_context, kinds, {})
        apply = context.get_function(function, signature)
        made = [apply(builder, (v,)) for v in vectors_of(builder, tile, args[1])]
        return tile_of(context, builder, tile, made)

    return tile(function, tile), codegen


@intrinsic
def map_tiles(typingctx, function, first, second):
    """The tile of function(vector, vector) of the vectors of two tiles of one shape."""
    kinds = (Vector(first.dtype),) * 2
    function.get_call_type(typingctx, kinds, {})

    def codegen(context, builder, sig, args):
        signature = function.get_call_type(context.typing_context, kinds, {})
        apply = context.get_function(function, signature)
        pairs = zip(vectors_of(builder, first, args[1]), vectors_of(builder, second, args[2]))
        return tile_of(context, builder, first, [apply(builder, pair) for pair in pairs])

    return first(function, first, second), codegen


@intrinsic
def store_rows(typingctx, rows, tile, columns):
    """The rows at `rows` = the first `columns` columns of `tile`; nothing else is written.

    Where rows are the same in memory, they must have the same numbers.
    """
    dtype = tile.dtype

    def codegen(context, builder, sig, args):
        rows_, value, columns_ = args
        addresses = []
        for start in cgutils.unpack_tuple(builder, rows_):
            addresses += _vectors_at(builder, dtype, start, tile.vectors)
        vectors, width = vectors_of(builder, tile, value), tile.vectors
        used = builder.sub(columns_, INT64((width - 1) * LANES(dtype)))
        for n, (vector, address) in enumerate(zip(vectors, addresses)):
            if n % width < width - 1:
                llvm.store(builder, dtype, vector, address)
        ends = slice(width - 1, None, width)
        llvm.store_firsts(builder, dtype, vectors[ends], addresses[ends], used)
        return context.get_dummy_value()

    return types.void(rows, tile, types.int64), codegen
