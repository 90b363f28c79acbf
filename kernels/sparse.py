"""Products with an x that is mostly zeros, as images are: the parts of affine.py that skip them.

Two rows of a go together: the positions where one of them is not zero are listed, and the sums
of the tile run over those alone. Of MNIST's pixels 19 % are not zero, of two digits' 29 %, and of
two neighbours 23 %; of the small digits of scikit-learn 51, 64 and 65 %. As fma(0, w, total) is
total, bits are those of `gemm`, but for the sign of a zero, as long as w is finite: where one is
not, all is left to `gemm`, as where x has few zeros.

With 100 of MNIST's digits x @ W (784 x 50) takes 0.48 of `gemm`'s time and x.T @ dout 0.45, in
float64; in float32 0.55. With 200 of the small digits and 100 columns both take 0.65 to 0.75.
Random numbers take 1 % longer, to be told apart, and an x whose first rows or columns are unlike
the rest at most 20 %. The compiled loop has both by address (`loop/sparse.py`), where a sample of
the data says that they pay.
"""

from ._compile import helper, shared
from .activations import RELU, activate, relu
from .blocking import BITS, END_BYTES, L2_BYTES, PANEL_BYTES, SET
from .dots import narrow_dots, prefers_dots
from .positions import (
    LIST,
    LISTS,
    MOST,
    PAIRS,
    TERMS,
    count_pairs,
    is_finite,
    is_mostly_zero,
    list_pairs,
)
from .simd import (
    fill,
    get,
    index_buffer,
    lanes,
    load_first,
    load_tile,
    map_tile,
    offset,
    prefetch,
    rank_one_update,
    scalar,
    scale_and_add,
    stack_buffer,
    store,
    store_tile,
    tile_shape,
    transpose_block,
    zero_tile,
)
from .sweep import put_scaled
from .tiles import four_steps, sum_rows, terms_at_a_time

STRIP = SET.sparse_strip
CHUNK = 2 * PAIRS  # rows between those at work and those asked for: 60,000 digits in 40 ms, 72 else
L1_BYTES = 28 * 1024  # of a strip of b: 0.9 of the time where 48 KB of it come from L2
LEAST_VECTORS = 2  # of columns: of one, finding the zeros takes longer than they do
LEAST_ROWS = 32  # of x: eight in float64 take 1.5 times as long as by `gemm`, 19 as long
LEAST_SIZE = 3 * 2**12  # numbers in x: looking at 6 rows is 1 % of the work then
SAMPLED_COLUMNS = 64  # columns of x that are no sample of all
SAMPLED_ROWS = 32  # which show how columns shall go in pairs
TOGETHER = 16  # columns of x that become rows of the panel: eight pairs
APART = 8  # columns between those of a pair, where neighbours have fewer zeros in common
PANEL = TOGETHER * 8 * TERMS  # bytes
WIDEST = 4096  # bytes of a row of dout


@helper
def _strip(shape, lists, depth, a, b, b_row, columns, c, z, end):
    """c = z + a @ b, or where `scaled` z + factor * (a @ b), a tile a pair, by the terms listed.

    `end` is factor, scaled, and whether c is relu of that: a pass over 200 x 100 takes 2 us.
    a, c and z are pointers, with what is between pairs of rows and between the rows of a pair.
    """
    (pairs, counts, indices), (x, pair, row) = lists, a
    step, x_steps = lanes(x), four_steps(row)
    (target, c_pair, c_row), (addend, z_pair, z_row) = c, z
    c_steps, z_steps = four_steps(c_row), four_steps(z_row)
    factor, scaled, rectified = end
    # Whole vectors of b are read: behind its last row may stand what is not ours.
    copy, beyond = stack_buffer(x, END_BYTES), columns % step > 0
    if beyond:
        for j in range(0, columns, step):
            store(copy, j, load_first(b, (depth - 1) * b_row + j, columns - j))
    for i in range(pairs):
        count, own = get(counts, i), offset(indices, i * LIST)
        p, q = offset(x, i * pair), offset(addend, i * z_pair)
        last = 1 if beyond and count > 0 and get(own, count - 1) == depth - 1 else 0
        tile = zero_tile(x, shape)
        if not scaled:
            tile = load_tile(shape, q, z_steps, columns)
        for j in range(count - last):
            k = get(own, j)
            tile = rank_one_update(tile, offset(p, k), x_steps, offset(b, k * b_row))
        for _ in range(last):
            tile = rank_one_update(tile, offset(p, depth - 1), x_steps, copy)
        if scaled:
            tile = scale_and_add(tile, factor, q, z_steps, columns)
        if rectified:
            tile = map_tile(relu, tile)
        store_tile(offset(target, i * c_pair), c_steps, tile, columns)


@helper
def _strip_width(n, step):
    """Vectors of the first of the strips of n columns, all of which are about as wide."""
    vectors = (n + step - 1) // step
    parts = (vectors + STRIP - 1) // STRIP
    return (vectors + parts - 1) // parts


@shared
def _strips(n, lists, depth, a, b, b_row, c, z, end):
    """`_strip` for n columns, of at least two vectors."""
    step, j = lanes(b), 0
    while j < n:
        width = _strip_width(n - j, step)
        columns, p = min(width * step, n - j), offset(b, j)
        q, r = (offset(c[0], j), c[1], c[2]), (offset(z[0], j), z[1], z[2])
        if STRIP == 7 and width == 7:
            _strip(tile_shape(2, 7), lists, depth, a, p, b_row, columns, q, r, end)
        elif STRIP >= 6 and width == 6:
            _strip(tile_shape(2, 6), lists, depth, a, p, b_row, columns, q, r, end)
        elif width == 5:
            _strip(tile_shape(2, 5), lists, depth, a, p, b_row, columns, q, r, end)
        elif width == 4:
            _strip(tile_shape(2, 4), lists, depth, a, p, b_row, columns, q, r, end)
        elif width == 3:
            _strip(tile_shape(2, 3), lists, depth, a, p, b_row, columns, q, r, end)
        else:
            _strip(tile_shape(2, 2), lists, depth, a, p, b_row, columns, q, r, end)
        j += columns


@helper
def _terms_in_cache(depth, n, step):
    """Terms of a sum for which a strip of b, of n columns in all, stays in L1, in parts as long."""
    most = min(TERMS, L1_BYTES // (BITS // 8 * _strip_width(n, step)))
    parts = (depth + most - 1) // most
    return ((depth + parts - 1) // parts + step - 1) // step * step


@shared
def sparse_forward(n, d, m, x, W, b, activation, out):
    """activation(x @ W + b) for rows of x from the first on, if most of x is zero.

    Returns how many, or 0.
    """
    step = lanes(x)
    if n < LEAST_ROWS or n * d < LEAST_SIZE or m < LEAST_VECTORS * step:
        return 0
    wide = m - m % step if prefers_dots(m, d, step) else m
    counts, indices = index_buffer(PAIRS), index_buffer(LISTS)
    if not (is_mostly_zero(n, d, x, d, indices) and is_finite(W, d * m)):
        return 0
    n -= n % 2
    listed, terms = 0, _terms_in_cache(d, wide, step)
    # Rows that fit half of L2 were gathered into it: to ask for them takes 4 % more, for digits.
    asks = n * d > L2_BYTES // 2 // (BITS // 8) * step
    for first in range(0, n, CHUNK):
        last = min(first + CHUNK, n)
        pairs = (last - first) // 2
        c, z, z_row = offset(out, first * m), b, 0
        for k in range(0, d, terms):
            depth, p = min(terms, d - k), offset(x, first * d + k)
            for i in range(CHUNK, min(CHUNK + last - first, n - first) if asks else 0):
                for q in range(0, depth, step):
                    prefetch(p, i * d + q)
            samples, lists = (p, 2 * d, d), (pairs, counts, indices)
            listed += list_pairs(pairs, depth, samples, counts, indices)
            results, addend = (c, 2 * m, m), (z, 2 * z_row, z_row)
            q = offset(W, k * m)
            end = scalar(x, 1.0), False, activation == RELU and k + depth == d
            _strips(wide, lists, depth, samples, q, m, results, addend, end)
            z, z_row = c, m
        if 2 * listed > MOST * d * last:  # the looks deceived
            n = last
            break
    if wide < m:  # the few columns that `gemm` makes as dot products
        narrow_dots(
            n, m - wide, d, x, d, offset(W, wide), m, 1, offset(out, wide), m,
            scalar(x, 1.0), offset(b, wide), 0, True, stack_buffer(x, PANEL_BYTES),
        )  # fmt: skip
    if activation != RELU or wide < m:  # relu of what is rectified changes nothing
        activate(activation, out, m, n, m)
    return n


@helper
def _turn(depth, d, x, panel):
    """panel[k, i] = x[i, k] for TOGETHER columns of x."""
    step = lanes(x)
    for i in range(0, depth, step):
        for k in range(0, TOGETHER, step):
            transpose_block(
                offset(x, i * d + k), d, depth - i, step, offset(panel, k * TERMS + i), TERMS
            )


@shared
def sparse_backward_params(n, rows, m, x, d, dout, factor, add, dW, db, has_bias):
    """x.T @ dout for rows of dW from the first on, if most of x is zero; return how many, or 0.

    Where `add` is true factor * that product + dW. Of dW only `rows` of the d rows, from those on
    that x and dW point to. With a bias, whose sums tell whether all of dout is finite, db is made
    along with the first of them.
    """
    step = lanes(x)
    if (
        n < LEAST_ROWS
        or rows < TOGETHER
        or n * rows < LEAST_SIZE
        or m < LEAST_VECTORS * step
        or m * (BITS // 8) > WIDEST * step
        # Other bits: `gemm` sums all terms of narrow columns before it scales them, and where it
        # does not scale, sums start from dW.
        or (add and ((n > TERMS and m % step > 0) or factor == scalar(x, 1.0)))
    ):
        return 0
    counts, indices = index_buffer(PAIRS), index_buffer(LISTS)
    if not is_mostly_zero(n, rows, x, d, indices):
        return 0
    # A sum is finite if all of its terms are, but for those that overflow. An eleventh of what
    # else reads dout once more, 200 x 100 float64 in 1.2 us, and db is half of it.
    sums = stack_buffer(x, WIDEST)
    sum_rows(n, m, dout, sums, scalar(x, 1.0), False)
    if not is_finite(sums, m):
        return 0
    if has_bias:
        put_scaled(m, sums, factor, add, db)
    panel = stack_buffer(x, PANEL)
    rows -= rows % TOGETHER
    zeros = sums
    for j in range(0, m, step):
        store(zeros, j, fill(x, 0.0))
    # Sums that are scaled block by block have the blocks of `gemm`.
    terms = terms_at_a_time(n, step) if add else _terms_in_cache(n, m, step)
    # Of images eight pixels wide a pixel and the one below it have more zeros in common.
    depth, half = min(SAMPLED_ROWS, n), TOGETHER // 2
    _turn(depth, d, offset(x, rows // 2 // TOGETHER * TOGETHER), panel)
    pair, apart = 2, 1
    of_neighbours = count_pairs(half, depth, (panel, 2 * TERMS, TERMS))
    if count_pairs(half, depth, (panel, TERMS, APART * TERMS)) < of_neighbours:
        pair, apart = 1, APART
    listed = 0
    for i in range(0, n, terms):
        depth = min(terms, n - i)
        for k in range(0, rows, TOGETHER):
            _turn(depth, d, offset(x, i * d + k), panel)
            columns = panel, pair * TERMS, apart * TERMS
            listed += list_pairs(half, depth, columns, counts, indices)
            c = offset(dW, k * m), pair * m, apart * m
            z = c if add or i > 0 else (zeros, 0 * m, 0 * m)
            q = offset(dout, i * m)
            end = factor, add, False
            _strips(m, (half, counts, indices), depth, columns, q, m, c, z, end)
            done = k + TOGETHER
            if i == 0 and done >= SAMPLED_COLUMNS and 2 * listed > MOST * depth * done:
                rows = done  # those of dW from here on are for the caller
                break
    return rows
