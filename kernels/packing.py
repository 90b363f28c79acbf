"""Copies of parts of a and b from which a matrix product reads in order."""

from ._compile import helper, shared
from .blocking import (
    BITS,
    TALL,
)
from .simd import (
    lanes,
    load,
    load_first,
    offset,
    prefetch,
    store,
    transpose_block,
    transpose_square,
)


@shared
def pack_transpose(depth, columns, b, b_depth, b_col, panel, asks):
    """panel[k, j] = b[k, j] for j < columns; whole vectors a row, those past columns unused.

    Squares that are all there need no masks: 4.9 cycles each for 8.5 of float64 on AVX2, 12 for 18
    of float32. Where it `asks`, the columns behind these are fetched into the caches for the next
    panel.
    """
    step = lanes(b)
    width = (columns + step - 1) // step * step
    j = 0
    while columns - j >= step and depth >= 2 * step:
        # The last square begins where it ends with the sum: some terms are written twice.
        p, q, left = offset(b, j * b_col), offset(panel, j), depth
        while True:
            if asks:
                for i in range(step):
                    prefetch(p, (columns + i) * b_col)
            transpose_square(p, b_col, q, width)
            left -= step
            if left <= 0:
                break
            move = min(step, left)
            p, q = offset(p, move * b_depth), offset(q, move * width)
        j += step
    for k in range(0, depth, step):
        for i in range(j, columns, step):
            transpose_block(
                offset(b, k * b_depth + i * b_col), b_col, columns - i, depth - k,
                offset(panel, k * width + i), width,
            )  # fmt: skip


@shared
def pack_strips(depth, columns, width, b, b_depth, panel, ahead):
    """Strips of b side by side, each a panel of its own, whose last vector is padded.

    A row at a time: rows of 512 float64 are all in one set of L1, and strip by strip a cache line
    takes 18 cycles, in fours 5.
    """
    step = lanes(b)
    full = columns // width * width
    size = (columns - full + step - 1) // step * step
    for k in range(depth):
        row = offset(b, k * b_depth)
        target = offset(panel, k * width)
        for j in range(0, full, width):
            prefetch(row, ahead * b_depth + j)
            for i in range(0, width, step):
                store(target, i, load(row, j + i))
            target = offset(target, width * depth)
        target = offset(panel, full * depth + k * size)
        for i in range(full, columns, step):
            store(target, i - full, load_first(row, i, columns - i))


@helper
def aliases(like, rows, row):
    """Whether so many rows drive one another out of L1, of 64 sets of eight lines of 64 bytes."""
    size = row * (BITS // 8) // lanes(like)
    if size % 64 != 0:
        return False
    line = size // 64
    return rows * min(64, line & -line) > 64 * 4


@helper
def copy_tiles(rows, depth, a, a_depth, copy):
    """Rows of a, side by side in memory, in tiles of TALL: a term's rows together, in order.

    A tile has room for one more term: a vector's lanes past its rows are written over by the next.
    """
    step = lanes(a)
    for k in range(depth):
        for i in range(0, rows, TALL):
            p, q = offset(a, k * a_depth + i), offset(copy, i * (depth + 1) + k * TALL)
            for r in range((TALL - 1) // step * step, -1, -step):
                if rows - i - r >= step:
                    store(q, r, load(p, r))
                else:
                    store(q, r, load_first(p, r, rows - i - r))


@helper
def turn_tiles(rows, depth, a, a_row, copy):
    """`copy_tiles` for an a whose columns are side by side: transposed, a square at a time.

    Up to a vector's lanes of terms are written behind the last tile.
    """
    step = lanes(a)
    for i in range(0, rows, TALL):
        for k in range(0, depth, step):
            for r in range((TALL - 1) // step * step, -1, -step):
                if rows - i - r > 0:
                    transpose_block(
                        offset(a, (i + r) * a_row + k), a_row, rows - i - r, depth - k,
                        offset(copy, i * (depth + 1) + k * TALL + r), TALL,
                    )  # fmt: skip
