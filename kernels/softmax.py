"""Softmax and cross entropy, alone and fused; a row at a time.

The loss of a batch is summed in float64 whatever the dtype: 10**7 float32 terms of 0.1 added up
in float32 give 1,087,937 instead of 1,000,000.
"""

import math

from . import elementary
from ._compile import helper, jit, labels, matrix, real, vector
from .blocking import BITS
from .simd import (
    count_lanes,
    fill,
    first_lane,
    get,
    is_lane,
    keep_first,
    lanes,
    load,
    load_first,
    load_pairs,
    max_lanes,
    offset,
    pointer,
    put,
    scalar,
    select,
    stack_buffer,
    store,
    store_first,
    store_pairs,
    sum_lanes,
    transpose_block,
)
from .sweep import fold, put_all, sum_of, sweep

TINY = 1e-7  # inside the textbook's logarithm, so that log(0) does not occur

# Rows whose logarithms are taken together, a vector at a time: for a row alone, the logarithm
# is a quarter of the cost of 10 classes.
FEW = 64
FEW_BYTES = 8 * FEW

VECTOR_BYTES = BITS // 8
SQUARE_BYTES = VECTOR_BYTES * VECTOR_BYTES // 4  # lanes times lanes
NARROW = 4  # vectors of columns
TURNED_BYTES = NARROW * SQUARE_BYTES


@helper
def _larger(top, x):
    return select(x > top, x, top)


@helper
def _largest(x, columns):
    """Largest of x[:columns], a pointer; NaN is passed over, and shows in the exps."""
    return max_lanes(fold(_larger, fill(x, -math.inf), (x,), 0, columns, ()))


@helper
def _exps(x, columns, largest, y):
    """y = exp(x[:columns] - largest) on pointers, but for the columns that fill no whole vector.

    Returns the sum of all, and the exps of those, 0 past the end: what is stored under a mask
    cannot be loaded before it has reached the cache, up to 20 ns later.
    """
    step = lanes(x)
    top = fill(x, largest)
    total, last = fill(x, 0.0), fill(x, 0.0)
    full = columns - columns % step
    for j in range(0, full, step):
        e = elementary.exp(load(x, j) - top)
        store(y, j, e)
        total = total + e
    if full < columns:
        rest = columns - full
        # exp(-inf) = 0 in the lanes past the end
        last = elementary.exp(keep_first(load_first(x, full, rest) - top, rest, -math.inf))
        total = total + last
    return sum_lanes(total), last


@helper
def _divided(y, total):
    return y / total


@helper
def _softmax_row(x, columns, y):
    """y[:columns] = softmax(x[:columns]) on pointers; returns the sum of exps and the maximum."""
    full = columns - columns % lanes(x)
    largest = _largest(x, columns)
    total, last = _exps(x, columns, largest, y)
    sweep(_divided, (y,), (y,), 0, full, (total,))
    if full < columns:
        store_first(y, full, _divided(last, total), columns - full)
    return total, largest


@helper
def sum_of_logs(x, count):
    """Sum of log(x[:count]), a pointer, added in float64; x is overwritten."""
    sweep(elementary.log, (x,), (x,), 0, count, ())
    total = 0.0
    for j in range(count):
        total += get(x, j)
    return total


@helper
def cross_entropy_row(y, t, columns):
    """-log(y[t[0]] + 1e-7) of probabilities y[:columns], on pointers, t to the label."""
    probability = get(y, get(t, 0)) + scalar(y, TINY)
    return -first_lane(elementary.log(fill(y, probability)))


@helper
def cross_entropy_gradient_row(y, t, columns, dout, n, dx):
    """dx = -[c = t[0]] / (y + 1e-7) * dout / n on pointers, t to the label; dx may be y."""
    label = get(t, 0)
    slope = scalar(y, -1.0) / (get(y, label) + scalar(y, TINY)) * scalar(y, dout) / scalar(y, n)
    put_all(dx, columns, scalar(y, 0.0))
    put(dx, label, slope)


@helper
def _scaled(y, factor, scale):
    return y * factor * scale


@helper
def softmax_gradient_row(x, columns, label, scale, dx):
    """dx = (softmax(x) - one_hot(label)) * scale on pointers; dx may be x.

    Returns the sum of exp(x - largest) and x[label] - largest: the row's cross entropy is the
    logarithm of the first less the second.
    """
    logit, full = get(x, label), columns - columns % lanes(x)
    largest = _largest(x, columns)
    total, last = _exps(x, columns, largest, dx)
    inverse = scalar(x, 1.0) / total
    right = get(dx, label) * inverse if label < full else scalar(x, 0.0)
    sweep(_scaled, (dx,), (dx,), 0, full, (inverse, scale))
    if label < full:
        put(dx, label, (right - scalar(x, 1.0)) * scalar(x, scale))
    if full < columns:
        y = last * inverse
        gradient = select(is_lane(x, label - full), y - 1.0, y) * scale
        store_first(dx, full, gradient, columns - full)
    return total, logit - largest


@helper
def _compare(above, equal, x, logit):
    return select(x <= logit, above, 1.0), select(x == logit, equal + 1.0, equal)


@helper
def is_largest(x, columns, label):
    """Whether `label` is the index that argmax gives: the first of the largest; not among NaN.

    Counts instead of branching: what a network answers is what a CPU predicts worst.
    """
    zero, logit = fill(x, 0.0), get(x, label)
    above, equal = fold(_compare, (zero, zero), (x,), 0, columns, (logit,))
    right = count_lanes(above > 0.0) == 0
    if count_lanes(equal > 0.0) + count_lanes(equal > 1.0) > 1:
        for j in range(label):
            right &= get(x, j) != logit
    return right


# Up to as many rows as a vector has lanes, of up to twice the columns, are worked on in the
# transpose, where a vector holds one column of all rows: 1,024 rows of 10 classes take 10 us less
# than with sums and maxima along each row, a quarter of a step of 10-10-10.


@helper
def _turn(n, columns, x, turned):
    """turned[j, i] = x[i, j] on pointers, with rows of as many elements as a vector has lanes."""
    step = lanes(x)
    if columns == 2 and n == step:
        first, second = load_pairs(x, 0)
        store(turned, 0, first)
        store(turned, step, second)
        return
    for j in range(0, columns, step):
        transpose_block(offset(x, j), columns, n, columns - j, offset(turned, j * step), step)


@helper
def _turn_back(n, columns, turned, y):
    """y[i, j] = turned[j, i], for the n rows of y."""
    step = lanes(y)
    if columns == 2 and n == step:
        store_pairs(y, 0, load(turned, 0), load(turned, step))
        return
    back = stack_buffer(y, SQUARE_BYTES)
    for j in range((columns - 1) // step * step, -1, -step):
        rest = min(step, columns - j)
        transpose_block(offset(turned, j * step), step, rest, n, back, step)
        # A whole vector writes into the next row, of which these columns come later: into the same
        # block after it, into the blocks before in their turn. Behind the last row nothing may be.
        whole = max(0, (n * columns - j - step) // columns + 1)
        for i in range(min(n, whole)):
            store(y, i * columns + j, load(back, i * step))
        for i in range(min(n, whole), n):
            store_first(y, i * columns + j, load(back, i * step), rest)


@helper
def _turned_exps(columns, turned, top):
    """turned[j] = exp(turned[j] - top), for every column; returns their sums, a row's in a lane."""
    step = lanes(turned)
    total = fill(turned, 0.0)
    for j in range(columns):
        e = elementary.exp(load(turned, j * step) - top)
        store(turned, j * step, e)
        total = total + e
    return total


@helper
def _softmax_rows(n, columns, x, y):
    """Softmax of n rows on pointers; returns the sums of exps and the maxima, a row's in a lane."""
    step = lanes(x)
    turned = stack_buffer(x, TURNED_BYTES)
    _turn(n, columns, x, turned)
    top = fill(x, -math.inf)
    for j in range(columns):
        v = load(turned, j * step)
        top = select(v > top, v, top)
    total = _turned_exps(columns, turned, top)
    for j in range(columns):
        store(turned, j * step, load(turned, j * step) / total)
    _turn_back(n, columns, turned, y)
    return total, top


@helper
def _few_columns(n, columns, x, labels, logits, scale, dx):
    """`softmax_gradient` in the transpose; labels as numbers of the dtype, and their logits.

    Sums of exps take the labels' place, and logits less the row's largest that of the logits.
    """
    step = lanes(x)
    turned = stack_buffer(x, TURNED_BYTES)
    _turn(n, columns, x, turned)
    top, answer, known = fill(x, -math.inf), fill(x, 0.0), fill(x, 0.0)
    for j in range(columns):
        v = load(turned, j * step)
        answer = select(v > top, fill(x, j), answer)
        top = select(v > top, v, top)
        known = select(v == v, known, math.nan)
    total = _turned_exps(columns, turned, top)
    right, factor = load(labels, 0), fill(x, scale) / total
    for j in range(columns):
        e = load(turned, j * step)
        store(turned, j * step, select(right == fill(x, j), e - total, e) * factor)
    _turn_back(n, columns, turned, dx)
    store(labels, 0, total)
    store(logits, 0, load(logits, 0) - top)
    return count_lanes(keep_first(answer + known, n, math.nan) == right)


@helper
def _log_less(x, margin):
    return elementary.log(x) - margin


@helper
def softmax_gradient(n, columns, x, labels, rows, scale, dx, losses):
    """Cross entropies of n rows of logits, and their gradients; returns how many answers are right.

    dx = (softmax(x) - one_hot(labels[rows])) * scale on pointers; dx may be x.
    """
    step = lanes(x)
    correct = 0
    few, margins = stack_buffer(x, FEW_BYTES), stack_buffer(x, FEW_BYTES)
    for start in range(0, n, FEW):
        count = min(FEW, n - start)
        if columns <= NARROW * step:
            for i in range(count):
                label = get(labels, get(rows, start + i))
                put(few, i, label)
                put(margins, i, get(x, (start + i) * columns + label))
            for i in range(0, count, step):
                at = (start + i) * columns
                correct += _few_columns(
                    min(step, count - i), columns, offset(x, at), offset(few, i),
                    offset(margins, i), scale, offset(dx, at),
                )  # fmt: skip
        else:
            for i in range(count):
                at, label = (start + i) * columns, get(labels, get(rows, start + i))
                correct += is_largest(offset(x, at), columns, label)
                total, margin = softmax_gradient_row(
                    offset(x, at), columns, label, scale, offset(dx, at)
                )
                put(few, i, total)
                put(margins, i, margin)
        sweep(_log_less, (offset(losses, start),), (few, margins), 0, count, ())
    return correct


@jit(matrix, matrix)
def softmax_forward(x, y):
    """Softmax over the last axis.

        y[n, c] = exp(x[n, c] - max_n) / sum over k of exp(x[n, k] - max_n)

    Parameters
    ----------
    x : (C,) or (N, C) float32 or float64, C-contiguous
    y : same shape and dtype, C-contiguous
        Overwritten. May be x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.5.2.
    """
    columns = x.shape[-1]
    p, q = pointer(x), pointer(y)
    step = lanes(p)
    if 0 < columns <= NARROW * step:
        for i in range(0, x.size, step * columns):
            n = min(step, (x.size - i) // columns)
            _softmax_rows(n, columns, offset(p, i), offset(q, i))
    elif columns > 0:
        for i in range(0, x.size, columns):
            _softmax_row(offset(p, i), columns, offset(q, i))


@helper
def _product(y, dout):
    return y * dout


@helper
def _slope(y, dout, mean):
    return y * (dout - mean)


@jit(matrix, matrix, matrix)
def softmax_backward(y, dout, dx):
    """Gradient of the softmax over the last axis.

        dx[n, c] = y[n, c] * (dout[n, c] - sum over k of dout[n, k] * y[n, k])

    Parameters
    ----------
    y, dout : (C,) or (N, C), one dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : same shape and dtype, C-contiguous
        Overwritten. May be dout.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/layers.py.
    """
    columns = y.shape[-1]
    if columns == 0:
        return
    for i in range(0, y.size, columns):
        p, q = offset(pointer(y), i), offset(pointer(dout), i)
        mean = sum_of(_product, (p, q), 0, columns, ())
        sweep(_slope, (offset(pointer(dx), i),), (p, q), 0, columns, (mean,))


@jit(matrix, labels, vector)
def cross_entropy_forward(y, t, loss):
    """Mean cross entropy of probabilities, the textbook's form.

        loss[0] = -mean over n of log(y[n, t[n]] + 1e-7)

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    loss : (1,), same dtype as y
        Overwritten.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.4.
    """
    n, columns = y.shape
    p, labels = pointer(y), pointer(t)
    few = stack_buffer(p, FEW_BYTES)
    total = 0.0
    for start in range(0, n, FEW):
        count = min(FEW, n - start)
        for i in range(count):
            probability = get(p, (start + i) * columns + get(labels, start + i))
            put(few, i, probability + scalar(p, TINY))
        total -= sum_of_logs(few, count)
    put(pointer(loss), 0, total / n)


@jit(matrix, labels, real, matrix)
def cross_entropy_backward(y, t, dout, dx):
    """Gradient of the textbook's mean cross entropy with respect to the probabilities.

        dx[n, c] = -[c == t[n]] / (y[n, c] + 1e-7) * dout / N

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    dout : scalar of y.dtype
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y.
    """
    n, columns = y.shape
    p, labels, target = pointer(y), pointer(t), pointer(dx)
    size = scalar(p, n)
    for i in range(n):
        at = i * columns
        cross_entropy_gradient_row(
            offset(p, at), offset(labels, i), columns, dout, size, offset(target, at)
        )


@jit(matrix, labels, matrix, vector)
def softmax_cross_entropy_forward(x, t, y, loss):
    """Softmax and mean cross entropy in one, from the logits: finite for any finite logits.

        y = softmax(x)
        loss[0] = mean over n of log(sum over k of exp(x[n, k])) - x[n, t[n]]

    Parameters
    ----------
    x : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    y : (N, C), same dtype, C-contiguous
        Overwritten. May be x.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Differs from the textbook's loss, which adds 1e-7 to each probability, by about 1e-7 over
    that probability. Source: Saitoh, Deep Learning from Scratch, section 5.6.3.
    """
    n, columns = x.shape
    p, q, labels = pointer(x), pointer(y), pointer(t)
    step = lanes(p)
    few, logits = stack_buffer(p, FEW_BYTES), stack_buffer(p, FEW_BYTES)
    total = 0.0
    for start in range(0, n, FEW):
        count = min(FEW, n - start)
        for i in range(count):  # before y is written: y may be x
            put(logits, i, get(p, (start + i) * columns + get(labels, start + i)))
        if columns <= NARROW * step:
            for i in range(0, count, step):
                at, rows = (start + i) * columns, min(step, count - i)
                sums, top = _softmax_rows(rows, columns, offset(p, at), offset(q, at))
                store(few, i, sums)
                store(logits, i, load(logits, i) - top)
        else:
            for i in range(count):
                at = (start + i) * columns
                sum_of_exps, largest = _softmax_row(offset(p, at), columns, offset(q, at))
                put(few, i, sum_of_exps)
                put(logits, i, get(logits, i) - largest)
        total += sum_of_logs(few, count)
        for i in range(count):
            total -= get(logits, i)
    put(pointer(loss), 0, total / n)


@helper
def _share(y, factor, size):
    return y * factor / size


@jit(matrix, labels, real, matrix)
def softmax_cross_entropy_backward(y, t, dout, dx):
    """Gradient of mean cross entropy with respect to the logits.

        dx[n, c] = (y[n, c] - [c == t[n]]) * dout / N

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
        Softmax output.
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.3.
    """
    n, columns = y.shape
    p, q, labels = pointer(y), pointer(dx), pointer(t)
    step = lanes(p)
    errors = stack_buffer(p, FEW_BYTES)
    factor, size = fill(p, dout), fill(p, n)
    for start in range(0, n, FEW):
        count = min(FEW, n - start)
        for i in range(count):  # before dx is written: dx may be y
            at = (start + i) * columns + get(labels, start + i)
            put(errors, i, get(p, at) - scalar(p, 1.0))
        end = (start + count) * columns
        sweep(_share, (q,), (p,), start * columns, end, (factor, size))
        for i in range(0, count, step):
            store(errors, i, load(errors, i) * factor / size)
        for i in range(count):
            put(q, (start + i) * columns + get(labels, start + i), get(errors, i))
