"""One strip of a matrix product: register tiles under each other, whose sums stay in registers.

A tile reads whole vectors of b, without masks: `_rows` sees to what stands behind its last row.
"""

from ._compile import helper, shared
from .activations import relu, relu_gradient
from .blocking import BITS, DEPTH, END_BYTES, FAR, LONG, REPEATS, STRIP, TALL_1, TALL_2, TALL_3
from .simd import (
    fill,
    lanes,
    load,
    load_first,
    load_tile,
    map_tile,
    map_tiles,
    offset,
    opaque,
    prefetch_tile,
    put,
    rank_one_update,
    scalar,
    scale_and_add,
    stack_buffer,
    store,
    store_first,
    store_tile,
    tile_rows,
    tile_shape,
    tile_vectors,
    zero_tile,
)

ROW_BYTES = 8 * BITS // 8  # of eight vectors
# What becomes of a tile before it is stored: a pass over 200 x 100 float64, which L1 does not hold,
# takes 2 to 3 us, a third of their product with ten terms.
AS_IT_IS, RECTIFIED, WHERE_POSITIVE = range(3)


@helper
def terms_at_a_time(depth, step):
    """Terms of a sum that are added up before the next ones: 784 are three times about as many.

    And not three times as many as a panel holds, and then sixteen.
    """
    parts = max(1, (depth + DEPTH - 1) // DEPTH)
    return ((depth + parts - 1) // parts + step - 1) // step * step if parts > 1 else DEPTH


@helper
def steps(stride, rows, height):
    """Where rows 1, 2 and 3 of a tile begin, so that it has no others than the first `rows`.

    Row 3 q + r of a tile begins where step q times `far` and step r, 0, `near` or `twice`, lead:
    a tile that is higher than it has rows has some of them twice, and writes them twice.
    """
    near, twice, far = 1, 2, 3
    if rows < height:
        if height == 8:  # of five, six or seven rows
            near, twice, far = (2, 1, 1) if rows == 5 else (1, 2, 2) if rows == 6 else (4, 3, 1)
        elif height == 6:  # of four or five
            far = rows - 3
        else:  # of one, two or three
            near, twice, far = min(1, rows - 1), min(2, rows - 1), rows - 1
    return (near * stride, twice * stride, far * stride)


@helper
def four_steps(stride):
    """`steps` of rows that are all there."""
    return (stride, 2 * stride, 3 * stride)


@helper
def tile(
    shape, rows, depth, a, a_row, a_depth, b, b_depth, end, guard, c, c_row, columns,
    factor, z, z_row, add, finish, y,
):  # fmt: skip
    """One tile of c; a sum in blocks is the same as in one, as it starts from z if factor is 1.

    Of its rows only the first `rows` are there. The last `guard` rows of b are read at `end`. By
    `finish` c is AS_IT_IS, RECTIFIED, or 0 but WHERE_POSITIVE numbers are in y, whose rows are as
    far from one another as those of c.
    """
    height = tile_rows(shape)
    if not REPEATS:
        rows = height  # all are there: three numbers less to work out
    near, twice, far = steps(a_row, rows, height)
    a_steps, c_steps = (near, twice, opaque(far)), steps(c_row, rows, height)
    z_steps = steps(z_row, rows, height)
    sums = zero_tile(c, shape)
    if add:
        if factor == 1:
            sums = load_tile(shape, z, z_steps, columns)
            if depth >= LONG and c_row >= FAR * lanes(c):
                prefetch_tile(shape, offset(c, height * c_row), c_steps)  # the next one
        else:
            prefetch_tile(shape, z, z_steps)
    elif depth >= LONG and c_row >= FAR * lanes(c):
        prefetch_tile(shape, c, c_steps)
    k, stop, stride = 0, depth - guard, b_depth
    while True:
        while k < stop:
            sums = rank_one_update(sums, a, a_steps, b)
            a, b = offset(a, a_depth), offset(b, stride)
            k += 1
        if k == depth:
            break
        b, stop, stride = end, depth, tile_vectors(shape) * lanes(c)
    if add and factor != 1:
        sums = scale_and_add(sums, factor, z, z_steps, columns)
    if finish == RECTIFIED:
        sums = map_tile(relu, sums)
    elif finish == WHERE_POSITIVE:
        sums = map_tiles(relu_gradient, load_tile(shape, y, c_steps, columns), sums)
    store_tile(c, c_steps, sums, columns)


@helper
def _rows(
    tall, four, two, one, m, depth, a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row,
    columns, factor, z, z_row, add, finish, y,
):  # fmt: skip
    """All rows of one strip, in tiles of the heights of the given shapes.

    A tile begins a_tile elements of a for each row before it: a_row, but where tiles were copied.

    Whole vectors of b are read: behind the columns of a row stands the next one, and behind the
    last, unless b is `padded`, what is not ours. The rows from which a vector would reach that far
    are read from a copy.
    """
    width = tile_vectors(tall) * lanes(a)
    end, guard = stack_buffer(a, END_BYTES), 0
    if not padded and columns < width:
        guard = min(depth, (width - columns + b_depth - 1) // b_depth)
        for k in range(guard):
            for j in range(0, columns, lanes(a)):
                vector = load_first(b, (depth - guard + k) * b_depth + j, columns - j)
                store(end, k * width + j, vector)
    height = tile_rows(tall)
    i = 0
    while m - i >= height or (REPEATS and m - i > 4):
        if REPEATS and height == 6 and 7 <= m - i <= 8 and a_tile == a_row:
            break  # four and three or four, not six and one or two
        tile(
            tall, min(height, m - i), depth, offset(a, i * a_tile), a_row, a_depth, b, b_depth, end,
            guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
            finish, offset(y, i * c_row),
        )  # fmt: skip
        i += height
    a = offset(a, i * (a_tile - a_row))
    while m - i >= 4 or (REPEATS and m - i > 0):
        tile(
            four, min(4, m - i), depth, offset(a, i * a_row), a_row, a_depth, b, b_depth, end,
            guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
            finish, offset(y, i * c_row),
        )  # fmt: skip
        i += 4
    if not REPEATS:
        if m - i >= 2:
            tile(
                two, 2, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth, end,
                guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row,
                add, finish, offset(y, i * c_row),
            )  # fmt: skip
            i += 2
        if m - i >= 1:
            tile(
                one, 1, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth, end,
                guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row,
                add, finish, offset(y, i * c_row),
            )  # fmt: skip


@shared
def strip(
    m, columns, depth, a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, factor, z, z_row,
    add, finish, y,
):  # fmt: skip
    """One strip of at most STRIP vectors of columns."""
    step = lanes(a)
    if columns <= step:
        _rows(
            tile_shape(TALL_1, 1), tile_shape(4, 1), tile_shape(2, 1), tile_shape(1, 1), m, depth,
            a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, columns, factor, z, z_row, add,
            finish, y,
        )  # fmt: skip
    elif columns <= 2 * step:
        _rows(
            tile_shape(TALL_2, 2), tile_shape(4, 2), tile_shape(2, 2), tile_shape(1, 2), m, depth,
            a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, columns, factor, z, z_row, add,
            finish, y,
        )  # fmt: skip
    elif STRIP == 3:
        _rows(
            tile_shape(TALL_3, 3), tile_shape(4, 3), tile_shape(2, 3), tile_shape(1, 3), m, depth,
            a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, columns, factor, z, z_row, add,
            finish, y,
        )  # fmt: skip


@helper
def sum_rows(n, m, rows, total, factor, add):
    """total[j] = sum over n of rows[n, j], or where `add` is true factor * that sum + total[j].

    Eight vectors of a row at a time: rows of 512 float64 fall into one set of L1, where a vector
    of each row at a time takes 18 cycles. Then four, whose sums do not wait for each other: 0.8 of
    the time of an update at 1024,3,50.
    """
    step = lanes(rows)
    sums, one = stack_buffer(rows, ROW_BYTES), stack_buffer(rows, 8)
    put(one, 0, scalar(rows, 1.0))
    j = 0
    while j < m:
        columns = 8 * step
        if m - j >= columns:
            tile = zero_tile(rows, tile_shape(1, 8))
            for i in range(n):
                tile = rank_one_update(tile, one, (0, 0, 0), offset(rows, i * m + j))
            store_tile(sums, (0, 0, 0), tile, columns)
        elif m - j > 2 * step:
            columns = min(4 * step, m - j)
            # Behind a row stands the next one; behind the last, what is not ours.
            whole = max(0, n - (4 * step - columns + m - 1) // m)
            four = zero_tile(rows, tile_shape(1, 4))
            for i in range(whole):
                four = rank_one_update(four, one, (0, 0, 0), offset(rows, i * m + j))
            store_tile(sums, (0, 0, 0), four, 4 * step)
            for i in range(whole, n):
                for q in range(0, columns, step):
                    column = load_first(rows, i * m + j + q, columns - q)
                    store(sums, q, load(sums, q) + column)
        else:
            columns = min(step, m - j)
            column = fill(rows, 0.0)
            whole = max(0, n - (step - columns + m - 1) // m)
            for i in range(whole):
                column = column + load(rows, i * m + j)
            for i in range(whole, n):
                column = column + load_first(rows, i * m + j, columns)
            store(sums, 0, column)
        for q in range(0, columns, step):
            count = min(step, columns - q)
            column = load(sums, q)
            if add:
                column = load_first(total, j + q, count) + fill(rows, factor) * column
            store_first(total, j + q, column, count)
        j += columns
