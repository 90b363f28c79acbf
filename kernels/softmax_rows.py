"""Softmax and cross entropy of rows, on pointers: for softmax.py and for the compiled loop."""

import math

from . import elementary
from ._compile import helper, shared
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
from .sweep import fold, put_all, sweep

TINY = 1e-7  # inside the textbook's logarithm, so that log(0) does not occur

# Rows whose logarithms are taken together, a vector at a time: for a row alone, the logarithm
# is a quarter of the cost of 10 classes.
LOGS = 64
LOGS_BYTES = 8 * LOGS

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
def softmax_row(x, columns, y):
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


@shared
def softmax_rows(n, columns, x, y):
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


@shared
def softmax_gradient(n, columns, x, labels, rows, scale, dx, losses):
    """Cross entropies of n rows of logits, and their gradients; returns how many answers are right.

    dx = (softmax(x) - one_hot(labels[rows])) * scale on pointers; dx may be x.
    """
    step = lanes(x)
    correct = 0
    few, margins = stack_buffer(x, LOGS_BYTES), stack_buffer(x, LOGS_BYTES)
    for start in range(0, n, LOGS):
        count = min(LOGS, n - start)
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
