"""Matrix products of few terms, or of few rows with a b that no cache holds: b in its order.

A tile of two to four terms spends its time on reading and writing c. Here two rows of c go by from
left to right, and up to four terms at a time are added to them, which stay in L1 until all are: 0.3
of the time of tiles at 255 x 512 with two terms. With more terms, tiles of two rows that are five
vectors wide write c nearly in order: from 10 units to 100, 200 samples take 0.7 to 0.85 of the time
of tall tiles.
"""

from ._compile import helper
from .activations import relu, relu_gradient
from .blocking import END_BYTES, SMALL_ROWS
from .simd import (
    fill,
    fma,
    get,
    lanes,
    load,
    load_first,
    load_tile,
    map_tile,
    map_tiles,
    offset,
    rank_one_update,
    scalar,
    scale_and_add,
    stack_buffer,
    store,
    store_first,
    store_tile,
    tile_shape,
    zero_tile,
)
from .tiles import RECTIFIED, WHERE_POSITIVE, four_steps

WIDTH = 64  # vectors of columns at a time: eight rows of b and two of c are half of L1
WIDEST = 5  # vectors of a tile of two rows: ten sums hide each other's wait


@helper
def _two_sums(terms, x, y, b, b_depth, begun, p, p_next, ends, scale, z, z_next, j):
    """A vector of both rows, at column j."""
    if begun:
        u, v = load(p, j), load(p, p_next + j)
    else:
        u = v = fill(b, 0.0)
    row = load(b, j)
    u, v = fma(x[0], row, u), fma(y[0], row, v)
    if terms > 1:
        row = load(b, b_depth + j)
        u, v = fma(x[1], row, u), fma(y[1], row, v)
    if terms > 2:
        row = load(b, 2 * b_depth + j)
        u, v = fma(x[2], row, u), fma(y[2], row, v)
    if terms > 3:
        row = load(b, 3 * b_depth + j)
        u, v = fma(x[3], row, u), fma(y[3], row, v)
    if ends:
        u, v = fma(scale, u, load(z, j)), fma(scale, v, load(z, z_next + j))
    return u, v


@helper
def _four_numbers(terms, x, x_depth):
    """Of fewer terms the last ones are the first again: nothing outside is read."""
    return (
        fill(x, get(x, 0)), fill(x, get(x, (terms > 1) * x_depth)),
        fill(x, get(x, (terms > 2) * 2 * x_depth)), fill(x, get(x, (terms > 3) * 3 * x_depth)),
    )  # fmt: skip


@helper
def _few_terms(
    terms, columns, x, x_depth, x_next, b, b_depth, begun, p, p_next, ends, factor, z, z_next, c,
    c_next,
):  # fmt: skip
    """c[i, j] = p[i, j] + x[i, :terms] @ b[:terms, j] for two rows; without p[i, j] if not `begun`.

    Where it `ends` a product, factor times that, and z[i, j]. At most four terms: three together
    take 0.6 of the time of one by one. The last vector overlaps the one before it, and is made
    before anything is written: z may be c.
    """
    step = lanes(b)
    scale, last = fill(x, factor), columns - step
    X, Y = _four_numbers(terms, x, x_depth), _four_numbers(terms, offset(x, x_next), x_depth)
    end, end_next = _two_sums(
        terms, X, Y, b, b_depth, begun, p, p_next, ends, scale, z, z_next, last
    )
    for j in range(0, last, step):
        u, v = _two_sums(terms, X, Y, b, b_depth, begun, p, p_next, ends, scale, z, z_next, j)
        store(c, j, u)
        store(c, c_next + j, v)
    store(c, last, end)
    store(c, c_next + last, end_next)


@helper
def _eight_terms(columns, x, x_depth, b, b_depth, begun, p, c):
    """c[j] = p[j] + x[0:8] @ b[0:8, j] for one row; without p[j] if not `begun`."""
    step = lanes(b)
    x0, x1 = fill(x, get(x, 0)), fill(x, get(x, x_depth))
    x2, x3 = fill(x, get(x, 2 * x_depth)), fill(x, get(x, 3 * x_depth))
    x4, x5 = fill(x, get(x, 4 * x_depth)), fill(x, get(x, 5 * x_depth))
    x6, x7 = fill(x, get(x, 6 * x_depth)), fill(x, get(x, 7 * x_depth))
    q, r, s = offset(b, b_depth), offset(b, 2 * b_depth), offset(b, 3 * b_depth)
    t = offset(b, 4 * b_depth)
    u, v, w = offset(t, b_depth), offset(t, 2 * b_depth), offset(t, 3 * b_depth)
    for j in range(0, columns, step):
        if columns - j >= step:
            total = load(p, j) if begun else fill(b, 0.0)
            total = fma(x1, load(q, j), fma(x0, load(b, j), total))
            total = fma(x3, load(s, j), fma(x2, load(r, j), total))
            total = fma(x5, load(u, j), fma(x4, load(t, j), total))
            store(c, j, fma(x7, load(w, j), fma(x6, load(v, j), total)))
        else:
            rest = columns - j
            total = load_first(p, j, rest) if begun else fill(b, 0.0)
            total = fma(x1, load_first(q, j, rest), fma(x0, load_first(b, j, rest), total))
            total = fma(x3, load_first(s, j, rest), fma(x2, load_first(r, j, rest), total))
            total = fma(x5, load_first(u, j, rest), fma(x4, load_first(t, j, rest), total))
            total = fma(x7, load_first(w, j, rest), fma(x6, load_first(v, j, rest), total))
            store_first(c, j, total, rest)


@helper
def shallow_product(
    m, n, depth, a, a_row, a_depth, b, b_depth, c, c_row, factor, z, z_row, add, sums
):
    """c = a @ b, or where `add` is true factor * (a @ b) + z, on pointers.

    For at least one term, and a vector of columns. b's columns have no gaps. `sums` has room for
    2 * WIDTH vectors. The results have the bits of those in tiles.
    """
    step = lanes(a)
    scaled = add and factor != scalar(a, 1.0)
    j = 0
    while j < n:
        columns = min(WIDTH * step, n - j)
        if 0 < n - j - columns < step:
            columns -= step  # so that the last ones are a vector
        for i in range(0, m, 2):
            # One row alone is worked on twice.
            x_next, c_next, z_next = (
                (a_row, c_row, z_row) if i + 1 < m else (0 * a_row, 0 * c_row, 0 * z_row)
            )
            target, addend = offset(c, i * c_row + j), offset(z, i * z_row + j)
            p, p_next, begun = addend, z_next, add and not scaled
            k = 0
            while k < depth:
                terms = min(4, depth - k)
                if m == 1 and not scaled and depth - k >= 8:
                    terms = 8
                last = k + terms == depth
                q, q_next = target, c_next
                if not last:
                    q, q_next = sums, (WIDTH * step if i + 1 < m else 0)
                x, row = offset(a, i * a_row + k * a_depth), offset(b, k * b_depth + j)
                if terms == 8:
                    _eight_terms(columns, x, a_depth, row, b_depth, begun, p, q)
                else:
                    _few_terms(
                        terms, columns, x, a_depth, x_next, row, b_depth, begun, p, p_next,
                        scaled and last, factor, addend, z_next, q, q_next,
                    )  # fmt: skip
                p, p_next, begun = q, q_next, True
                k += terms
        j += columns


@helper
def _pairs_of_rows(
    shape, m, depth, a, a_row, b, b_depth, end, guard, c, c_row, columns, factor, z, z_row, add,
    finish, y,
):  # fmt: skip
    """A strip of c, in tiles two rows high; the arguments are those of `tiles.tile`."""
    scaled = add and factor != scalar(a, 1.0)
    for i in range(0, m, 2):
        two = 1 if i + 1 < m else 0  # one row alone is worked on twice
        a_steps, c_steps = four_steps(two * a_row), four_steps(two * c_row)
        z_steps, addend = four_steps(two * z_row), offset(z, i * z_row)
        p, q, target = offset(a, i * a_row), b, offset(c, i * c_row)
        sums = zero_tile(c, shape)
        if add and not scaled:
            sums = load_tile(shape, addend, z_steps, columns)
        for _ in range(depth - guard):
            sums = rank_one_update(sums, p, a_steps, q)
            p, q = offset(p, 1), offset(q, b_depth)
        if guard > 0:
            sums = rank_one_update(sums, p, a_steps, end)
        if scaled:
            sums = scale_and_add(sums, factor, addend, z_steps, columns)
        if finish == RECTIFIED:
            sums = map_tile(relu, sums)
        elif finish == WHERE_POSITIVE:
            out = load_tile(shape, offset(y, i * c_row), c_steps, columns)
            sums = map_tiles(relu_gradient, out, sums)
        store_tile(target, c_steps, sums, columns)


@helper
def shallow_tiles(
    m, n, depth, a, a_row, b, b_depth, padded, c, c_row, factor, z, z_row, add, finish, y
):
    """`shallow_product` for rows of a without gaps, at least three vectors of columns.

    `finish` and y are those of `tiles.tile`. Where b is `padded`, whole vectors of its last row
    may be read.
    """
    step = lanes(a)
    vectors = (n + step - 1) // step
    strips = (vectors + WIDEST - 1) // WIDEST
    width = vectors // strips
    wider = vectors - strips * width  # of the strips, the first ones, by a vector
    end, guard = stack_buffer(a, END_BYTES), 0
    if not padded and n % step > 0:
        guard, start = 1, (vectors - width) * step
        for j in range(start, n, step):
            store(end, j - start, load_first(b, (depth - 1) * b_depth + j, n - j))
    for i in range(0, m, SMALL_ROWS):
        rows, j = min(SMALL_ROWS, m - i), 0
        p = offset(a, i * a_row)
        for k in range(strips):
            wide = width + (1 if k < wider else 0)
            columns, last = min(wide * step, n - j), guard if k == strips - 1 else 0
            q, r = offset(b, j), offset(c, i * c_row + j)
            s, t = offset(z, i * z_row + j), offset(y, i * c_row + j)
            if wide == 5:
                _pairs_of_rows(
                    tile_shape(2, 5), rows, depth, p, a_row, q, b_depth, end, last, r, c_row,
                    columns, factor, s, z_row, add, finish, t,
                )  # fmt: skip
            elif wide == 4:
                _pairs_of_rows(
                    tile_shape(2, 4), rows, depth, p, a_row, q, b_depth, end, last, r, c_row,
                    columns, factor, s, z_row, add, finish, t,
                )  # fmt: skip
            else:
                _pairs_of_rows(
                    tile_shape(2, 3), rows, depth, p, a_row, q, b_depth, end, last, r, c_row,
                    columns, factor, s, z_row, add, finish, t,
                )  # fmt: skip
            j += columns
