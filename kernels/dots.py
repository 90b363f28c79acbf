"""The columns of a matrix product that would leave most of a vector unused, in ways that fill it.

As dot products along the sum where the rows of a have no gaps; as rows of the transpose where its
columns have none.
"""

from ._compile import helper, shared
from .blocking import (
    ALONE,
    DOT_DEPTH,
    DOT_ROWS,
    REPEATS,
    STRIP,
    SUMS_BYTES,
    TURNED,
    TURNED_ROWS,
)
from .shallow import WIDEST
from .simd import (
    dot_update,
    get,
    lanes,
    load_tile,
    offset,
    put,
    scalar,
    scale_and_add,
    stack_buffer,
    store_sums,
    store_tile,
    tile_rows,
    tile_shape,
    tile_vectors,
    transpose_block,
    zero_tile,
)
from .tiles import AS_IT_IS, steps, strip, tile


@helper
def _dot_tile(
    shape, rows, depth, a, a_row, b, b_row, c, c_row, c_col, factor, z, z_row, z_col, add
):  # fmt: skip
    step = lanes(a)
    full = depth - depth % step
    tile = zero_tile(a, shape)
    for k in range(0, full, step):
        tile = dot_update(tile, offset(a, k), a_row, rows, offset(b, k), b_row, step)
    if full < depth:
        tile = dot_update(tile, offset(a, full), a_row, rows, offset(b, full), b_row, depth - full)
    sums = stack_buffer(a, SUMS_BYTES)
    store_sums(sums, tile)
    for i in range(rows):
        for j in range(tile_vectors(shape)):
            value = get(sums, i * tile_vectors(shape) + j)
            if add:
                value = factor * value + get(z, i * z_row + j * z_col)
            put(c, i * c_row + j * c_col, value)


@helper
def dots(
    m, n, depth, a, a_row, b, b_row, c, c_row, c_col, factor, z, z_row, z_col, add
):  # fmt: skip
    """c = a @ b.T for rows without gaps on both sides: the vectors run along the sum."""
    for i in range(0, m, DOT_ROWS):
        rows = min(DOT_ROWS, m - i)
        p = offset(a, i * a_row)
        j = 0
        while j < n:
            at, z_at = i * c_row + j * c_col, i * z_row + j * z_col
            q = offset(b, j * b_row)
            if n - j >= 2:
                _dot_tile(
                    tile_shape(DOT_ROWS, 2), rows, depth, p, a_row, q, b_row,
                    offset(c, at), c_row, c_col, factor, offset(z, z_at), z_row, z_col, add,
                )  # fmt: skip
            else:
                _dot_tile(
                    tile_shape(DOT_ROWS, 1), rows, depth, p, a_row, q, b_row,
                    offset(c, at), c_row, c_col, factor, offset(z, z_at), z_row, z_col, add,
                )  # fmt: skip
            j += 2


@helper
def prefers_dots(n, depth, step):
    """Whether columns that fill no vector shall be dot products; not a matter of rows, as bits are.

    Up to 10 of 784 terms, 7 of 255, 2 of 50: 1.5x at 784-10 with batch 100, 0.7x with batch 1.
    Few terms of a vector and some columns fill a tile of two vectors on AVX2: 50-10 with batch 100
    in 0.88 of the time in float32.
    """
    narrow = n % step
    if STRIP == 2 and n // step % 2 == 1 and depth < 16 * step:
        return False
    return narrow > 0 and n < 64 * step and 4 * narrow * (depth + 8 * step) < 3 * step * depth


@shared
def narrow_dots(m, n, depth, a, a_row, b, b_depth, b_col, c, c_row, factor, z, z_row, add, panel):
    """`gemm` for fewer columns than a vector has lanes: dot products with the columns of b."""
    if b_depth == 1:
        dots(m, n, depth, a, a_row, b, b_col, c, c_row, 1, factor, z, z_row, 1, add)
        return
    step = lanes(a)
    for k in range(0, depth, DOT_DEPTH):
        block = min(DOT_DEPTH, depth - k)
        for i in range(0, block, step):
            transpose_block(
                offset(b, (k + i) * b_depth), b_depth, block - i, n, offset(panel, i), DOT_DEPTH
            )
        dots(
            m, n, block, offset(a, k), a_row, panel, DOT_DEPTH, c, c_row, 1,
            factor, z, z_row, 1, add,
        )  # fmt: skip
        if not add:
            add, factor = True, scalar(a, 1.0)
        z, z_row = c, c_row


@helper
def _add_tile(shape, rows, a, a_row, factor, z, z_row, add, c, c_row, columns):
    height = tile_rows(shape)
    tile = load_tile(shape, a, steps(a_row, rows, height), columns)
    if add:
        tile = scale_and_add(tile, factor, z, steps(z_row, rows, height), columns)
    store_tile(c, steps(c_row, rows, height), tile, columns)


@helper
def add_rows(rows, a, a_row, factor, z, z_row, add, c, c_row, columns):
    """c = a, or where `add` is true factor * a + z, of at most a vector's columns.

    A tile's rows are read before they are written: where rows of c share a cache line, a load waits
    for the store before it.
    """
    for j in range(0, rows, TURNED_ROWS):
        p, q, r = offset(a, j * a_row), offset(z, j * z_row), offset(c, j * c_row)
        if rows - j >= TURNED_ROWS:
            _add_tile(
                tile_shape(TURNED_ROWS, 1), TURNED_ROWS, p, a_row, factor, q, z_row, add, r, c_row,
                columns,
            )  # fmt: skip
        else:
            for k in range(0, rows - j, 4):
                _add_tile(
                    tile_shape(4, 1), min(4, rows - j - k), offset(p, k * a_row), a_row, factor,
                    offset(q, k * z_row), z_row, add, offset(r, k * c_row), c_row, columns,
                )  # fmt: skip


@helper
def narrow_transposed(m, n, depth, a, a_depth, b, b_depth, c, c_row, factor, z, z_row, add, panel):
    """`gemm` for fewer columns than a vector has lanes, as rows of the transpose."""
    step = lanes(a)
    turned = offset(panel, TURNED * step)
    for i in range(0, m, TURNED):
        rows = min(TURNED, m - i)
        done, width = 0, (ALONE if n == 1 else WIDEST) * step
        while REPEATS and n <= 2 and rows - done >= width:
            q, target = offset(a, i + done), offset(panel, done)
            if n == 1:
                tile(
                    tile_shape(1, ALONE), 1, depth, b, 0, b_depth, q, a_depth, q, 0, target, 0,
                    width, factor, z, 0, False, AS_IT_IS, q,
                )  # fmt: skip
            else:  # a is read once: two of 10 columns in 0.54 of the time of one by one
                tile(
                    tile_shape(2, WIDEST), 2, depth, b, 1, b_depth, q, a_depth, q, 0, target,
                    TURNED, width, factor, z, 0, False, AS_IT_IS, q,
                )  # fmt: skip
            done += width
        for j in range(done, rows, STRIP * step):
            strip(
                n, min(STRIP * step, rows - j), depth, b, 1, 1, b_depth, offset(a, i + j), a_depth,
                False, offset(panel, j), TURNED, factor, z, 0, False, AS_IT_IS, panel,
            )  # fmt: skip
        for j in range(0, rows, step):
            transpose_block(offset(panel, j), TURNED, n, rows - j, offset(turned, j * step), step)
        add_rows(
            rows, turned, step, factor, offset(z, i * z_row), z_row, add, offset(c, i * c_row),
            c_row, n,
        )  # fmt: skip
