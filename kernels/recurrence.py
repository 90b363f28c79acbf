"""What recurrent layers share: products with weights that were packed once, and time order.

A layer keeps a batch in the order of time, (steps, rows, columns): the rows of a step lie together,
and those of all steps are one matrix, so that x @ Wx of a whole sequence is one product, and the
gradients of Wx and Wh one each. Of the product with Wh, step by step, the weights are packed once
a sequence. Every sum begins with its addend and goes on term by term: the results of a row depend
on no other row, nor on how many there are.
"""

from . import affine
from ._compile import helper, shared
from .blocking import AHEAD, ALONE, BITS, BLOCK_BYTES, STRIP, TALL
from .loop.blocks import W_UNIT, cut
from .nodes import add
from .packing import pack_strips, pack_transpose
from .simd import fill, fma, get, lanes, offset, scalar, tile_shape
from .sweep import copy, sweep, sweep_row
from .tiles import AS_IT_IS, strip, terms_at_a_time, tile

ROWS = 48  # of a step that go through product and gates together: their gates stay in L2


@helper
def rows_together(left):
    """Rows of a step that go on together of so many that are left: two or more, but of one."""
    return left if left <= ROWS + 8 else ROWS


@helper
def _columns(left, step, rows):
    """Columns of the next strip of so many that are left, for products of so many rows."""
    if rows == 1:
        return min(left, ALONE * step)
    if STRIP == 3 and 3 * step < left <= 4 * step:
        return 2 * step  # 2 + 2 vectors, not 3 + 1
    return min(left, STRIP * step)


@shared
def pack_weights(rows, depth, n, b, b_depth, b_col, panel):
    """Copy b, (depth, n), strip by strip, each of whole vectors, for products of so many rows.

    b_col or b_depth is 1.
    """
    step = lanes(b)
    j = 0
    while j < n:
        columns, q = _columns(n - j, step, rows), offset(panel, j * depth)
        if b_col == 1:
            width = (columns + step - 1) // step * step
            ahead = max(1, AHEAD // (BITS // 8) // STRIP)
            pack_strips(depth, columns, width, offset(b, j), b_depth, q, ahead)
        else:
            pack_transpose(depth, columns, offset(b, j * b_col), b_depth, b_col, q, False)
        j += columns


@helper
def weights_at(rows, times, depth, n, b, b_row, panel):
    """Where b (depth, n) is read by so many products of so many rows, and how far it goes on.

    That is in the panel, packed, and 0 from row to row. A step alone of one sequence reads its
    weights once, where they stand: packed first it took 2 (128 units) to 6 (650) times as long. A
    vector of its last row but one must not end behind the last.
    """
    if rows * times == 1 and b_row >= lanes(b):
        return b, b_row
    pack_weights(rows, depth, n, b, b_row, 1, panel)
    return panel, 0


@helper
def _fused(total, b, x):
    return fma(x, b, total)


@helper
def _row_by_strips(n, depth, a, b, b_row, c, z, add):
    """`packed_product` of one row: as many sums at a time as hide each other's wait."""
    step, one, packed = lanes(a), scalar(a, 1.0), b_row == 0
    j = 0
    while j < n:
        columns = min(n - j, ALONE * step)
        p, row = offset(b, j), b_row
        if packed:
            p, row = offset(b, j * depth), (columns + step - 1) // step * step
        if columns == ALONE * step:
            tile(
                tile_shape(1, ALONE), 1, depth, a, 0, 1, p, row, p, 0, offset(c, j), 0, columns,
                one, offset(z, j), 0, add, AS_IT_IS, p,
            )  # fmt: skip
        else:  # whole vectors are read of all rows but, where b stands, of its last
            terms, q = (depth if packed else depth - 1), offset(c, j)
            for k in range(0, columns, STRIP * step):
                strip(
                    1, min(STRIP * step, columns - k), terms, a, 0, 0, 1, offset(p, k), row, True,
                    offset(q, k), 0, one, offset(z, j + k), 0, add, AS_IT_IS, p,
                )  # fmt: skip
            if not packed:
                x = fill(a, get(a, depth - 1))
                sweep(_fused, (q,), (q, offset(p, (depth - 1) * row)), 0, columns, (x,))
        j += columns


@shared
def packed_product(m, n, depth, a, a_row, b, b_row, c, c_row, z, z_row, add):
    """c = a @ b + z, or without `add` c = a @ b; z may be c. b and b_row are of `weights_at`."""
    step, one = lanes(a), scalar(a, 1.0)
    if m == 1:
        _row_by_strips(n, depth, a, b, b_row, c, z, add)
        return
    terms = terms_at_a_time(depth, step)
    height = max(24, BLOCK_BYTES // (BITS // 8) * step // (2 * depth) // 24 * 24)
    for i in range(0, m, height):
        rows, j = min(height, m - i), 0
        while j < n:
            columns = _columns(n - j, step, m)
            width = (columns + step - 1) // step * step
            target = offset(c, i * c_row + j)
            addend, row, adds = offset(z, i * z_row + j), z_row, add
            for k in range(0, depth, terms):
                p = offset(b, j * depth + k * width)
                strip(
                    rows, columns, min(terms, depth - k), offset(a, i * a_row + k), a_row, a_row, 1,
                    p, width, True, target, c_row, one, addend, row, adds, AS_IT_IS, p,
                )  # fmt: skip
                addend, row, adds = target, c_row, True
            j += columns


@shared
def in_time_order(first, n, size, steps, d, reverse, x, target):
    """target[t, first + i] = x[i, t] for n rows of a batch of `size`, or of x in reverse order."""
    for t in range(steps):
        at = steps - 1 - t if reverse else t
        for i in range(n):
            copy(offset(x, (i * steps + at) * d), offset(target, (t * size + first + i) * d), d)


@helper
def goes_out(t, steps, reverse, sequences, above, h, out, out_row, out_step):
    """Where the states of step t are written a second time, and how far their rows are apart.

    To `out`, from all steps or from the last; else to `above`, where they stand anyway.
    """
    if sequences:
        return offset(out, (steps - 1 - t if reverse else t) * out_step), out_row
    if t == steps - 1:
        return out, out_row
    return above, h


@helper
def copy_rows(n, columns, x, x_row, out, out_row):
    """out[i, :columns] = x[i, :columns], for rows that start so many elements apart."""
    for i in range(n):
        copy(offset(x, i * x_row), offset(out, i * out_row), columns)


@helper
def add_rows(n, columns, x, x_row, out):
    """out[i, :] += x[i, :columns], for rows of x that start so many elements apart."""
    for i in range(n):
        row = offset(out, i * columns)
        sweep_row(add, (row,), (row, offset(x, i * x_row)), columns, ())


@shared
def inputs_product(first, n, size, steps, d, m, x, Wx, b, panel, out):
    """out[t, rows] = x[t, rows] @ Wx + b, for rows first : first + n of a batch of `size`."""
    # The rows of all steps are one matrix where they are those of the whole batch.
    times, rows = (1, n * steps) if n == size else (steps, n)
    weights, row = weights_at(rows, times, d, m, Wx, m, panel)
    for t in range(times):
        at = t * size + first
        target = offset(out, at * m)
        packed_product(rows, m, d, offset(x, at * d), d, weights, row, target, m, b, 0, True)


@helper
def _group(left, depth, step, rows):
    """Columns of the next whole strips that fill a part of L2, of so many that are left."""
    room, columns = BLOCK_BYTES // 4 // (BITS // 8) * step, 0
    while columns < left and columns * depth < room:
        columns += _columns(left - columns, step, rows)
    return columns


@shared
def inputs_gradient(first, n, size, steps, d, m, reverse, dout, Wx, panel, adds, dx):
    """dx[i, t] = dout[t, first + i] @ Wx.T, or in reverse order; where it `adds`, dx += that.

    By steps or by samples, whatever makes the taller products; some columns of all of them before
    the next: with 650 features the packed weights of all would come from L3 for each of the steps.
    """
    by_steps = n >= steps or n >= TALL
    rows = n if by_steps else steps
    pack_weights(rows, m, d, Wx, 1, m, panel)
    j = 0
    while j < d:
        columns, weights = _group(d - j, m, lanes(dx), rows), offset(panel, j * m)
        if by_steps:
            for t in range(steps):
                target = offset(dx, (steps - 1 - t if reverse else t) * d + j)
                p, row = offset(dout, (t * size + first) * m), steps * d
                packed_product(n, columns, m, p, m, weights, 0, target, row, target, row, adds)
        else:
            start, row = ((steps - 1) * d, -d) if reverse else (0, d)
            for i in range(n):
                target, p = offset(dx, i * steps * d + start + j), offset(dout, (first + i) * m)
                packed_product(
                    steps, columns, m, p, size * m, weights, 0, target, row, target, row, adds
                )
        j += columns


@helper
def _part(block, blocks, before, after, size):
    """First row, and the one behind the last, of a block's part of `size` rows between others."""
    if blocks == 1:
        return 0, size
    total = before + size + after
    start, stop = block * total // blocks, (block + 1) * total // blocks
    return cut(start - before, size, W_UNIT), cut(stop - before, size, W_UNIT)


@shared
def weights_gradient(
    block, blocks, size, steps, d, h, m, starts, xs, hs, da, ds, factor, add, dWx, dWh, db, db_h,
    two_biases,
):  # fmt: skip
    """Part `block` of `blocks` of dWx = xs.T @ da, dWh = hs.T @ ds and db, the sum of da.

    xs (steps, size, d), hs (steps, size, h) the states before each step, da (steps, size, m) the
    gradient of the sums with x, ds of those with h: the same but where there are `two_biases`, and
    db_h is the sum of ds. Overwritten, or where `add` is true factor times them is added.
    """
    rows = steps * size
    first, last = _part(block, blocks, 0, h, d)
    if last > first:
        affine.backward_params(
            rows, d, m, offset(xs, first), da, factor, add, offset(dWx, first * m), db, first == 0,
            last - first,
        )  # fmt: skip
    first, last = _part(block, blocks, d, 0, h)
    if last > first:
        target, states = offset(dWh, first * m), offset(hs, first)
        if two_biases:
            affine.backward_params(
                rows, h, m, states, ds, factor, add, target, db_h, first == 0, last - first
            )
        else:
            skip = size if starts else 0  # of the first step, before which all states are 0
            affine.backward_params(
                rows - skip, h, m, offset(states, skip * h), offset(ds, skip * m), factor, add,
                target, db, False, last - first,
            )  # fmt: skip
