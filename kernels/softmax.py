"""Softmax and cross entropy, alone and fused; a row at a time.

The loss of a batch is summed in float64 whatever the dtype: 10**7 float32 terms of 0.1 added up
in float32 give 1,087,937 instead of 1,000,000.
"""

import math

from . import elementary
from ._jit import jit
from .simd import (
    fill,
    first_lane,
    get,
    keep_first,
    lanes,
    load,
    load_first,
    max_lanes,
    offset,
    pointer,
    put,
    scalar,
    select,
    store,
    store_first,
    sum_lanes,
)

TINY = 1e-7  # inside the textbook's logarithm, so that log(0) does not occur


@jit
def softmax_row(x, columns, y):
    """y[:columns] = softmax(x[:columns]) on pointers; returns the maximum and the sum of exps."""
    step = lanes(x)
    full = columns - columns % step
    rest = columns - full
    top = fill(x, -math.inf)
    for j in range(0, full, step):
        v = load(x, j)
        top = select(v > top, v, top)
    if rest:
        v = keep_first(load_first(x, full, rest), rest, -math.inf)
        top = select(v > top, v, top)
    largest = max_lanes(top)
    top = fill(x, largest)
    total = fill(x, 0.0)
    for j in range(0, full, step):
        e = elementary.exp(load(x, j) - top)
        store(y, j, e)
        total = total + e
    if rest:
        e = elementary.exp(keep_first(load_first(x, full, rest) - top, rest, -math.inf))
        store_first(y, full, e, rest)
        total = total + e
    sum_of_exps = sum_lanes(total)
    total = fill(x, sum_of_exps)
    for j in range(0, full, step):
        store(y, j, load(y, j) / total)
    if rest:
        store_first(y, full, load_first(y, full, rest) / total, rest)
    return largest, sum_of_exps


@jit
def cross_entropy_row(x, columns, label, y):
    """y = softmax(x) on pointers; returns -log of the label's probability, from the logits."""
    logit = get(x, label)  # before y is written: y may be x
    largest, sum_of_exps = softmax_row(x, columns, y)
    return first_lane(elementary.log(fill(x, sum_of_exps))) - (logit - largest)


@jit
def cross_entropy_gradient_row(y, columns, label, dout, n, dx):
    """dx = (y - one_hot(label)) * dout / n on pointers; dx may be y."""
    step = lanes(y)
    scale, count = fill(y, dout), fill(y, n)
    correct = (get(y, label) - scalar(y, 1.0)) * dout / n
    full = columns - columns % step
    for j in range(0, full, step):
        store(dx, j, load(y, j) * scale / count)
    if full < columns:
        rest = columns - full
        store_first(dx, full, load_first(y, full, rest) * scale / count, rest)
    put(dx, label, correct)


@jit
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
    if columns > 0:
        for i in range(0, x.size, columns):
            softmax_row(offset(p, i), columns, offset(q, i))


@jit
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
    step = lanes(pointer(y))
    if columns == 0:
        return
    for i in range(0, y.size, columns):
        p, q = offset(pointer(y), i), offset(pointer(dout), i)
        target = offset(pointer(dx), i)
        total = fill(p, 0.0)
        for j in range(0, columns, step):
            count = min(step, columns - j)
            total = total + load_first(p, j, count) * load_first(q, j, count)
        mean = fill(p, sum_lanes(total))
        for j in range(0, columns, step):
            count = min(step, columns - j)
            gradient = load_first(p, j, count) * (load_first(q, j, count) - mean)
            store_first(target, j, gradient, count)


@jit
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
    total = 0.0
    for i in range(n):
        probability = get(p, i * columns + get(labels, i)) + scalar(p, TINY)
        total -= first_lane(elementary.log(fill(p, probability)))
    put(pointer(loss), 0, total / n)


@jit
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
        Overwritten. Must not overlap y.
    """
    n, columns = y.shape
    p, labels, target = pointer(y), pointer(t), pointer(dx)
    for i in range(n * columns):
        put(target, i, 0.0)
    for i in range(n):
        at = i * columns + get(labels, i)
        put(target, at, -dout / (get(p, at) + scalar(p, TINY)) / n)


@jit
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
    total = 0.0
    for i in range(n):
        start = i * columns
        total += cross_entropy_row(offset(p, start), columns, get(labels, i), offset(q, start))
    put(pointer(loss), 0, total / n)


@jit
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
    for i in range(n):
        start = i * columns
        cross_entropy_gradient_row(
            offset(p, start), columns, get(labels, i), dout, scalar(p, n), offset(q, start)
        )
