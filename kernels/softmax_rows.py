"""Softmax and cross entropy of rows, on pointers: for softmax.py and for the compiled loop."""

import math

from . import elementary
from ._compile import helper, shared
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
    max_lanes,
    offset,
    put,
    scalar,
    select,
    stack_buffer,
    store,
    store_first,
    sum_lanes,
)
from .softmax_turned import NARROW, few_columns, two_columns
from .sweep import fold, put_all, sweep

TINY = 1e-7  # inside the textbook's logarithm, so that log(0) does not occur

# Rows whose logarithms are taken together, a vector at a time: for a row alone, the logarithm
# is a quarter of the cost of 10 classes.
LOGS = 64
LOGS_BYTES = 8 * LOGS


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
                put(few, i, get(labels, get(rows, start + i)))
            for i in range(0, count, step):
                at = (start + i) * columns
                source, gradient = offset(x, at), offset(dx, at)
                totals, logits = offset(few, i), offset(margins, i)
                if columns == 2 and count - i >= step:
                    correct += two_columns(source, totals, logits, scale, gradient)
                else:
                    correct += few_columns(
                        min(step, count - i), columns, source, totals, logits, scale, gradient
                    )
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
