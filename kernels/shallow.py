"""Matrix products of few terms, or of few rows with a b that no cache holds: b in its order.

A tile of a few terms spends its time on reading and writing c. Here two rows of c go by from left
to right, and up to four terms at a time are added to them, which stay in L1 until all are: 0.3 of
the time of tiles at 255 x 512 with two terms.
"""

from ._compile import helper
from .simd import (
    fill,
    fma,
    get,
    lanes,
    load,
    load_first,
    offset,
    scalar,
    store,
    store_first,
)

WIDTH = 64  # vectors of columns at a time: eight rows of b and two of c are half of L1


@helper
def _four_terms(columns, x, x_depth, x_next, b, b_depth, begun, p, p_next, c, c_next):
    """c[i, j] = p[i, j] + x[i, 0:4] @ b[0:4, j] for two rows; without p[i, j] if not `begun`."""
    step = lanes(b)
    x0, x1 = fill(x, get(x, 0)), fill(x, get(x, x_depth))
    x2, x3 = fill(x, get(x, 2 * x_depth)), fill(x, get(x, 3 * x_depth))
    y = offset(x, x_next)
    y0, y1 = fill(x, get(y, 0)), fill(x, get(y, x_depth))
    y2, y3 = fill(x, get(y, 2 * x_depth)), fill(x, get(y, 3 * x_depth))
    q, r, s = offset(b, b_depth), offset(b, 2 * b_depth), offset(b, 3 * b_depth)
    for j in range(0, columns - step + 1, step):
        if begun:
            u, v = load(p, j), load(p, p_next + j)
        else:
            u = v = fill(b, 0.0)
        row = load(b, j)
        u, v = fma(x0, row, u), fma(y0, row, v)
        row = load(q, j)
        u, v = fma(x1, row, u), fma(y1, row, v)
        row = load(r, j)
        u, v = fma(x2, row, u), fma(y2, row, v)
        row = load(s, j)
        u, v = fma(x3, row, u), fma(y3, row, v)
        store(c, j, u)
        store(c, c_next + j, v)
    rest = columns % step
    if rest:
        j = columns - rest
        u = v = fill(b, 0.0)
        if begun:
            u, v = load_first(p, j, rest), load_first(p, p_next + j, rest)
        row = load_first(b, j, rest)
        u, v = fma(x0, row, u), fma(y0, row, v)
        row = load_first(q, j, rest)
        u, v = fma(x1, row, u), fma(y1, row, v)
        row = load_first(r, j, rest)
        u, v = fma(x2, row, u), fma(y2, row, v)
        row = load_first(s, j, rest)
        u, v = fma(x3, row, u), fma(y3, row, v)
        store_first(c, j, u, rest)
        store_first(c, c_next + j, v, rest)


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
def _one_term(columns, x, x_next, b, begun, p, p_next, c, c_next):
    """c[i, j] = p[i, j] + x[i, 0] * b[0, j] for two rows; without p[i, j] if not `begun`."""
    step = lanes(b)
    x0, y0 = fill(x, get(x, 0)), fill(x, get(x, x_next))
    for j in range(0, columns - step + 1, step):
        if begun:
            u, v = load(p, j), load(p, p_next + j)
        else:
            u = v = fill(b, 0.0)
        row = load(b, j)
        u, v = fma(x0, row, u), fma(y0, row, v)
        store(c, j, u)
        store(c, c_next + j, v)
    rest = columns % step
    if rest:
        j = columns - rest
        u = v = fill(b, 0.0)
        if begun:
            u, v = load_first(p, j, rest), load_first(p, p_next + j, rest)
        row = load_first(b, j, rest)
        u, v = fma(x0, row, u), fma(y0, row, v)
        store_first(c, j, u, rest)
        store_first(c, c_next + j, v, rest)


@helper
def _scale_and_add(columns, sums, sums_next, factor, z, z_next, c, c_next):
    """c[i, j] = factor * sums[i, j] + z[i, j] for two rows."""
    step = lanes(c)
    scale = fill(c, factor)
    for j in range(0, columns - step + 1, step):
        u = fma(scale, load(sums, j), load(z, j))
        v = fma(scale, load(sums, sums_next + j), load(z, z_next + j))
        store(c, j, u)
        store(c, c_next + j, v)
    rest = columns % step
    if rest:
        j = columns - rest
        u = fma(scale, load_first(sums, j, rest), load_first(z, j, rest))
        v = fma(scale, load_first(sums, sums_next + j, rest), load_first(z, z_next + j, rest))
        store_first(c, j, u, rest)
        store_first(c, c_next + j, v, rest)


@helper
def shallow_product(
    m, n, depth, a, a_row, a_depth, b, b_depth, c, c_row, factor, z, z_row, add, sums
):
    """c = a @ b, or where `add` is true factor * (a @ b) + z, on pointers, for at least one term.

    b's columns have no gaps. `sums` has room for 2 * WIDTH vectors. The results have the bits of
    those in tiles.
    """
    step = lanes(a)
    scaled = add and factor != scalar(a, 1.0)
    for j in range(0, n, WIDTH * step):
        columns = min(WIDTH * step, n - j)
        for i in range(0, m, 2):
            # One row alone is worked on twice.
            x_next, c_next, z_next = (
                (a_row, c_row, z_row) if i + 1 < m else (0 * a_row, 0 * c_row, 0 * z_row)
            )
            target, addend = offset(c, i * c_row + j), offset(z, i * z_row + j)
            p, p_next, begun = addend, z_next, add and not scaled
            k = 0
            while k < depth:
                terms = 4 if depth - k >= 4 else 1
                if m == 1 and depth - k >= 8:
                    terms = 8
                q, q_next = target, c_next
                if scaled or k + terms < depth:
                    q, q_next = sums, (WIDTH * step if i + 1 < m else 0)
                x, row = offset(a, i * a_row + k * a_depth), offset(b, k * b_depth + j)
                if terms == 8:
                    _eight_terms(columns, x, a_depth, row, b_depth, begun, p, q)
                elif terms == 4:
                    _four_terms(
                        columns, x, a_depth, x_next, row, b_depth, begun, p, p_next, q, q_next
                    )
                else:
                    _one_term(columns, x, x_next, row, begun, p, p_next, q, q_next)
                p, p_next, begun = q, q_next, True
                k += terms
            if scaled:
                _scale_and_add(columns, sums, p_next, factor, addend, z_next, target, c_next)
