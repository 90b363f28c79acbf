"""Products with an x that is mostly zeros, as images are: the parts of affine.py that skip them.

Four rows of a go together: the positions where one of them is not zero are listed, and the sums
of the tile run over those alone. Of MNIST's pixels 19 % are not zero, of four digits' 39 %, and
of four neighbours 28 %. As fma(0, w, total) is total, bits are those of `gemm`, but for the sign of
a zero, as long as w is finite: where one is not, all is left to `gemm`, as where x has few zeros.

With 100 of its digits x @ W (784 x 50) takes 0.72 of `gemm`'s time and x.T @ dout 0.6, in
float64; in float32 0.76 and 0.68. Random numbers take 1 % longer, to be told apart, and an x
whose first rows or columns are unlike the rest at most 20 %.

The compiled loop has them by address (`loop/sparse.py`), where a sample of the data says that they
pay: a step of 784-50-10 with 100 digits takes 0.64 of the time with AVX-512, 0.6 with AVX2.
"""

from ._compile import helper
from .blocking import BITS, DEPTH, END_BYTES, PANEL_BYTES, SET
from .dots import narrow_dots, prefers_dots
from .simd import (
    append_positions,
    either,
    fill,
    fma,
    get,
    index_buffer,
    lanes,
    load,
    load_first,
    load_tile,
    nonzero_bits,
    offset,
    opaque,
    prefetch,
    rank_one_update,
    scalar,
    scale_and_add,
    stack_buffer,
    store,
    store_tile,
    sum_lanes,
    tile_shape,
    transpose_block,
    zero_tile,
)
from .tiles import four_steps, terms_at_a_time

STRIP = SET.sparse_strip
CHUNK = 32  # rows between those at work and those asked for: 60,000 digits in 40 ms, 72 without
TERMS = DEPTH  # of a sum that are listed at a time: as many as `gemm` adds up
INDICES = TERMS + 16  # a whole vector of indices is written at the end of the list
B_BYTES = 64 * 1024  # of W that the terms at a time take: 0.9 of the time with 24 KB
LEAST_TERMS = 24  # below that reading and writing the tile again takes longer than the sum
LEAST_VECTORS = 2  # of columns: of one, finding the zeros takes longer than they do
LEAST_ROWS = 32  # of x: eight in float64 take 1.5 times as long as by `gemm`, 19 as long
LEAST_SIZE = 2**14  # numbers in x: looking at 12 rows is 1 % of the work then
MOST = 0.5  # of the positions may be listed: at 0.6 the gradient of W takes as long as by `gemm`
SAMPLED_COLUMNS = 64  # columns of x that are no sample of all
PANEL = max(BITS // 8, 4 * 8) * TERMS  # bytes of columns of x, as rows: a vector of them, or four
WIDEST = 4096  # bytes of a row of dout


@helper
def _positions(depth, a, a_row, indices):
    """List the columns of four rows of a where one is not zero, and return how many they are."""
    step = lanes(a)
    full = depth - depth % step
    count = 0
    for k in range(0, full, step):
        found = either(
            either(load(a, k), load(a, a_row + k)),
            either(load(a, 2 * a_row + k), load(a, 3 * a_row + k)),
        )
        count = append_positions(indices, count, k, nonzero_bits(found), a)
    if full < depth:
        rest = depth - full
        found = load_first(a, full, rest)
        for i in range(1, 4):
            found = either(found, load_first(a, i * a_row + full, rest))
        count = append_positions(indices, count, full, nonzero_bits(found), a)
    return count


@helper
def _is_mostly_zero(n, d, x, x_row, indices):
    """Whether few positions are listed of the first, of the middle and of the last four rows."""
    for part in range(3):
        count, row = 0, part * (n - 4) // 2
        for k in range(0, d, TERMS):
            count += _positions(min(TERMS, d - k), offset(x, row * x_row + k), x_row, indices)
        if count > MOST * d:
            return False
    return True


@helper
def _is_finite(p, size):
    """Whether no element is NaN or infinite: 0 times each of them is 0."""
    step = lanes(p)
    full = size - size % step
    zero = scalar(p, 0.0)
    total = second = third = fourth = fill(p, 0.0)
    four = size - size % (4 * step)
    for i in range(0, four, 4 * step):
        total = fma(load(p, i), zero, total)
        second = fma(load(p, i + step), zero, second)
        third = fma(load(p, i + 2 * step), zero, third)
        fourth = fma(load(p, i + 3 * step), zero, fourth)
    total = (total + second) + (third + fourth)
    for i in range(four, full, step):
        total = fma(load(p, i), zero, total)
    if full < size:
        total = fma(load_first(p, full, size - full), zero, total)
    return sum_lanes(total) == 0


@helper
def _tile(
    shape, depth, count, indices, a, a_row, b, b_row, c, c_row, columns, z, z_row, factor, scaled
):  # fmt: skip
    """One tile of c = z + a @ b, or where `scaled` z + factor * (a @ b), by the terms listed."""
    step = lanes(a)
    near, twice, far = four_steps(a_row)
    steps = near, twice, opaque(far)
    # Whole vectors of b are read: behind its last row may stand what is not ours.
    last, end = 0, stack_buffer(a, END_BYTES)
    if count > 0 and columns % step > 0 and get(indices, count - 1) == depth - 1:
        last = 1
        for j in range(0, columns, step):
            store(end, j, load_first(b, (depth - 1) * b_row + j, columns - j))
    tile, z_steps = zero_tile(c, shape), four_steps(z_row)
    if not scaled:
        tile = load_tile(shape, z, z_steps, columns)
    for i in range(count - last):
        k = get(indices, i)
        tile = rank_one_update(tile, offset(a, k), steps, offset(b, k * b_row))
    for _ in range(last):
        tile = rank_one_update(tile, offset(a, depth - 1), steps, end)
    if scaled:
        tile = scale_and_add(tile, factor, z, z_steps, columns)
    store_tile(c, four_steps(c_row), tile, columns)


@helper
def _four_rows(
    n, depth, count, indices, a, a_row, b, b_row, c, c_row, z, z_row, factor, scaled
):  # fmt: skip
    """`_tile` for four rows and n columns."""
    step = lanes(a)
    for j in range(0, n, STRIP * step):
        columns = min(STRIP * step, n - j)
        p, q, r = offset(b, j), offset(c, j), offset(z, j)
        if STRIP == 3 and columns > 2 * step:
            _tile(
                tile_shape(4, 3), depth, count, indices, a, a_row, p, b_row, q, c_row, columns, r,
                z_row, factor, scaled,
            )  # fmt: skip
        elif columns > step:
            _tile(
                tile_shape(4, 2), depth, count, indices, a, a_row, p, b_row, q, c_row, columns, r,
                z_row, factor, scaled,
            )  # fmt: skip
        else:
            _tile(
                tile_shape(4, 1), depth, count, indices, a, a_row, p, b_row, q, c_row, columns, r,
                z_row, factor, scaled,
            )  # fmt: skip


@helper
def sparse_forward(n, d, m, x, W, b, out):
    """x @ W + b for rows of x from the first on, if most of x is zero; return how many, or 0."""
    step = lanes(x)
    if n < LEAST_ROWS or n * d < LEAST_SIZE or m < LEAST_VECTORS * step:
        return 0
    wide = m - m % step if prefers_dots(m, d, step) else m
    terms = min(TERMS, B_BYTES * step // (m * (BITS // 8)))
    terms -= terms % step
    if terms < LEAST_TERMS:
        return 0
    indices = index_buffer(INDICES)
    if not (_is_mostly_zero(n, d, x, d, indices) and _is_finite(W, d * m)):
        return 0
    n -= n % 4
    listed = 0
    for first in range(0, n, CHUNK):
        last = min(first + CHUNK, n)
        z, z_row = b, 0
        for k in range(0, d, terms):
            depth = min(terms, d - k)
            for i in range(first, last, 4):
                p = offset(x, i * d + k)
                if i + CHUNK < n:
                    for r in range(CHUNK, CHUNK + 4):
                        for q in range(0, depth, step):
                            prefetch(p, r * d + q)
                count = _positions(depth, p, d, indices)
                listed += count
                _four_rows(
                    wide, depth, count, indices, p, d, offset(W, k * m), m,
                    offset(out, i * m), m, offset(z, i * z_row), z_row, scalar(x, 1.0), False,
                )  # fmt: skip
            z, z_row = out, m
        if 4 * listed > MOST * d * last:  # the looks deceived
            n = last
            break
    if wide < m:  # the few columns that `gemm` makes as dot products
        narrow_dots(
            n, m - wide, d, x, d, offset(W, wide), m, 1, offset(out, wide), m,
            scalar(x, 1.0), offset(b, wide), 0, True, stack_buffer(x, PANEL_BYTES),
        )  # fmt: skip
    return n


@helper
def sparse_backward_params(n, rows, m, x, d, dout, factor, add, dW):
    """x.T @ dout for rows of dW from the first on, if most of x is zero; return how many, or 0.

    Where `add` is true factor * that product + dW. Of dW only `rows` of the d rows, from those on
    that x and dW point to.
    """
    step = lanes(x)
    together = max(4, step)  # columns of x that become rows of the panel
    if (
        n < LEAST_ROWS
        or n * rows < LEAST_SIZE
        or m < LEAST_VECTORS * step
        or m * (BITS // 8) > WIDEST * step
        # Other bits: `gemm` sums all terms of narrow columns before it scales them, those here
        # block by block; and where it does not scale, sums start from dW.
        or (add and ((n > TERMS and m % step > 0) or factor == scalar(x, 1.0)))
    ):
        return 0
    indices = index_buffer(INDICES)
    if not (_is_mostly_zero(n, rows, x, d, indices) and _is_finite(dout, n * m)):
        return 0
    panel = stack_buffer(x, PANEL)
    rows -= rows % together
    zeros = stack_buffer(x, WIDEST)
    for j in range(0, m, step):
        store(zeros, j, fill(x, 0.0))
    listed = 0
    terms = terms_at_a_time(n, step)
    for i in range(0, n, terms):
        depth = min(terms, n - i)
        for k in range(0, rows, together):
            for r in range(0, depth, step):
                for q in range(0, together, step):
                    transpose_block(
                        offset(x, (i + r) * d + k + q), d, depth - r, step,
                        offset(panel, q * TERMS + r), TERMS,
                    )  # fmt: skip
            for q in range(0, together, 4):
                p, c = offset(panel, q * TERMS), offset(dW, (k + q) * m)
                count = _positions(depth, p, TERMS, indices)
                listed += count
                z, z_row = (c, m) if add or i > 0 else (zeros, 0)
                _four_rows(
                    m, depth, count, indices, p, TERMS, offset(dout, i * m), m, c, m, z, z_row,
                    factor, add,
                )  # fmt: skip
            done = k + together
            if i == 0 and done >= SAMPLED_COLUMNS and 4 * listed > MOST * depth * done:
                rows = done  # those of dW from here on are for the caller
                break
    return rows
