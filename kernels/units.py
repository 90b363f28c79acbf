"""Dense layers from and to one or two units: vectors go across the rows of a batch.

Along a row they would be a fourth full at most: a step of 1-1-2 with batch 1,024 took 15.2 us in
float32, and takes 6.
"""

from ._compile import helper
from .blocking import BITS
from .simd import (
    fill,
    fma,
    get,
    lanes,
    load,
    load_first,
    load_pairs,
    offset,
    put,
    stack_buffer,
    store,
    store_first,
    store_pairs,
    sum_lanes,
)

UNITS = 2
UNIT_ROWS = 32  # rows from which it pays: a third less at 33
PAIRS_BYTES = 2 * BITS // 8


@helper
def is_of_units(n, d, m):
    """Whether a layer from d units to m is worked on here, with n rows: so are its sums."""
    return 0 < d <= UNITS and 0 < m <= UNITS and n >= UNIT_ROWS


@helper
def _columns(n, columns, p):
    """Both columns of n rows, as vectors with 0 behind them; the same one twice, if there is one.

    At most as many rows as a vector has lanes.
    """
    step = lanes(p)
    if columns == 1:
        only = load(p, 0) if n == step else load_first(p, 0, n)
        return only, only
    if n == step:
        return load_pairs(p, 0)
    pairs = stack_buffer(p, PAIRS_BYTES)
    store(pairs, 0, load_first(p, 0, min(step, 2 * n)))
    store(pairs, step, load_first(p, step, max(0, 2 * n - step)))
    return load_pairs(pairs, 0)


@helper
def _put_columns(n, columns, p, first, second):
    step = lanes(p)
    if n == step:
        if columns == 1:
            store(p, 0, first)
        else:
            store_pairs(p, 0, first, second)
    elif columns == 1:
        store_first(p, 0, first, n)
    else:
        pairs = stack_buffer(p, PAIRS_BYTES)
        store_pairs(pairs, 0, first, second)
        store_first(p, 0, load(pairs, 0), min(step, 2 * n))
        store_first(p, step, load(pairs, step), max(0, 2 * n - step))


@helper
def units_product(n, d, m, x, W, row, column, b, has_bias, out):
    """out = x @ W + b for n rows; W[k, j] is at k * row + j * column. The bits are `gemm`'s."""
    step, k, j = lanes(x), (d - 1) * row, (m - 1) * column
    w, w_right = fill(x, get(W, 0)), fill(x, get(W, j))
    w_below, w_across = fill(x, get(W, k)), fill(x, get(W, k + j))
    bias = bias_right = fill(x, 0.0)
    if has_bias:
        bias, bias_right = fill(x, get(b, 0)), fill(x, get(b, m - 1))
    for i in range(0, n, step):
        rows = min(step, n - i)
        first, second = _columns(rows, d, offset(x, i * d))
        left, right = fma(first, w, bias), fma(first, w_right, bias_right)
        if d == 2:
            left, right = fma(second, w_below, left), fma(second, w_across, right)
        _put_columns(rows, m, offset(out, i * m), left, right)


@helper
def _put_sum(p, i, sums, factor, add):
    total = sum_lanes(sums)
    put(p, i, factor * total + get(p, i) if add else total)


@helper
def units_backward_params(n, d, m, x, dout, factor, add, dW, db, has_bias):
    """`affine.backward_params`."""
    step, zero = lanes(x), fill(x, 0.0)
    w, w_right, w_below, w_across, bias, bias_right = zero, zero, zero, zero, zero, zero
    for i in range(0, n, step):
        rows = min(step, n - i)
        first, second = _columns(rows, d, offset(x, i * d))
        left, right = _columns(rows, m, offset(dout, i * m))
        w, w_right = fma(first, left, w), fma(first, right, w_right)
        w_below, w_across = fma(second, left, w_below), fma(second, right, w_across)
        bias, bias_right = bias + left, bias_right + right
    _put_sum(dW, 0, w, factor, add)
    if m == 2:
        _put_sum(dW, 1, w_right, factor, add)
    if d == 2:
        _put_sum(dW, m, w_below, factor, add)
    if d == 2 and m == 2:
        _put_sum(dW, 3, w_across, factor, add)
    if has_bias:
        _put_sum(db, 0, bias, factor, add)
        if m == 2:
            _put_sum(db, 1, bias_right, factor, add)
