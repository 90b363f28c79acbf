"""Products whose left operand lies anywhere in memory: element (i, k) at a + row[i] + col[k].

    c[place[i] + j] = start[j] + sum over k of a[row[i] + col[k]] * b[k, j]

A convolution is three of them, without a copy of its windows: pixels and taps forward and to its
input, taps and pixels to its weights. Tables of offsets are all that they know of its geometry.
"""

from ._compile import helper, shared
from .activations import relu
from .blocking import REPEATS, STRIP, TALL_1, TALL_2, TALL_3
from .simd import (
    add_rows,
    gathered_rows,
    get,
    lanes,
    map_tile,
    offset,
    rank_one_rows,
    repeated_row,
    store_rows,
    tile_rows,
    tile_shape,
)


@helper
def strip_width(columns, step):
    """Columns of a strip, whole vectors: of four vectors two and two, where three are the most."""
    vectors = max(1, (columns + step - 1) // step)
    strips = (vectors + STRIP - 1) // STRIP
    return (vectors + strips - 1) // strips * step


@helper
def _tile(shape, i, last, terms, a, row, col, b, b_row, start, rectified, adds, c, place, columns):
    _, _, groups, gap, runs, run, skip = terms
    rows = gathered_rows(shape, a, row, i, last)
    sums = repeated_row(shape, start)
    for _ in range(groups):
        for _ in range(runs):
            for k in range(run):
                sums = rank_one_rows(sums, rows, get(col, k), b)
                b = offset(b, b_row)
            col, b = offset(col, run + skip), offset(b, skip * b_row)
        col, b = offset(col, gap), offset(b, gap * b_row)
    targets = gathered_rows(shape, c, place, i, last)
    if adds:
        sums = add_rows(sums, targets)
    if rectified:
        sums = map_tile(relu, sums)
    store_rows(targets, sums, columns)


@helper
def _strip(
    tall, four, low, m, terms, a, row, col, b, b_row, start, rectified, adds, c, place, columns
):
    """All rows of one strip; a tile that is higher than what is left has the last row again."""
    height, few, i = tile_rows(tall), tile_rows(low), 0
    while i < m:
        left = m - i
        if not REPEATS and (left == few or (left == 9 and few == 5)):
            _tile(
                low, i, m - 1, terms, a, row, col, b, b_row, start, rectified, adds, c, place,
                columns,
            )  # fmt: skip
            i += few
        elif left > 4 and not (height == 6 and 7 <= left <= 8):
            _tile(
                tall, i, m - 1, terms, a, row, col, b, b_row, start, rectified, adds, c, place,
                columns,
            )  # fmt: skip
            i += height
        else:
            _tile(
                four, i, m - 1, terms, a, row, col, b, b_row, start, rectified, adds, c, place,
                columns,
            )  # fmt: skip
            i += 4


@shared
def gathered_product(m, n, terms, a, row, col, b, b_row, packed, start, rectified, adds, c, place):
    """c = start + a @ b, with the elements of a, and the rows of c, by tables; on pointers.

    Parameters
    ----------
    m, n : int64
        c is (m, n).
    terms : (depth, first, groups, gap, runs, run, skip)
        Of `depth` terms those from `first` on that are added up: `groups` times `runs` runs of
        `run`, with `skip` behind each run and `gap` more behind each group that are left out.
    a, row, col : pointers
        Element (i, k) of a is a[row[i] + col[k]]; the tables are int64.
    b, b_row, packed : pointer, stride of its rows
        Whole vectors are read of its rows. Where it is `packed` it is strips of `strip_width`
        columns, one behind the other, each of `depth` rows without gaps.
    start : pointer to n numbers and to those that fill a vector
    rectified, adds : bool
        Whether ReLU is taken, and whether c is added to: then whole vectors of it are read.
    c, place : pointers
        Row i of c begins at c + place[i].
    """
    depth, skipped, _, _, _, _, _ = terms
    step = lanes(a)
    width, taken = strip_width(n, step), offset(col, skipped)
    for j in range(0, n, width):
        columns = min(width, n - j)
        strip, stride = offset(b, j), b_row
        if packed:
            stride = (columns + step - 1) // step * step
            strip = offset(b, j * depth)
        strip = offset(strip, skipped * stride)
        target, first = offset(c, j), offset(start, j)
        if columns <= step:
            # A row alone waits for its sums as long as four take: a channel's nine taps are five
            # and four, 0.85 of the time of eight and one.
            _strip(
                tile_shape(TALL_1, 1), tile_shape(4, 1), tile_shape(5, 1), m, terms, a, row, taken,
                strip, stride, first, rectified, adds, target, place, columns,
            )  # fmt: skip
        elif columns <= 2 * step:
            _strip(
                tile_shape(TALL_2, 2), tile_shape(4, 2), tile_shape(1, 2), m, terms, a, row, taken,
                strip, stride, first, rectified, adds, target, place, columns,
            )  # fmt: skip
        elif STRIP == 3:
            _strip(
                tile_shape(TALL_3, 3), tile_shape(4, 3), tile_shape(1, 3), m, terms, a, row, taken,
                strip, stride, first, rectified, adds, target, place, columns,
            )  # fmt: skip
