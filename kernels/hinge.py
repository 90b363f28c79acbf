"""Hinge losses: of outputs with targets -1 and 1, and of class scores with labels.

Rows are as in losses.py. Those of categorical hinge take a pointer to the label of the sample.
"""

from math import nan

from ._compile import helper, jit, labels, matrix, real, vector
from .losses import gradient_of_elements, mean_of_elements
from .simd import (
    count_lanes,
    fill,
    get,
    is_lane,
    lanes,
    load,
    load_first,
    max_lanes,
    offset,
    pointer,
    put,
    scalar,
    select,
    sum_lanes,
)
from .sweep import fold, put_all, sum_of, sweep


@helper
def _hinge(y, t):
    margin = 1.0 - t * y
    return select(margin <= 0.0, 0.0, margin)


@helper
def _hinge_slope(y, t, dout, divisor):
    return select(1.0 - t * y <= 0.0, 0.0, -t) * dout / divisor


@helper
def hinge_row(y, t, columns):
    """Mean of max(0, 1 - t y) over the columns of a sample, pointers."""
    return sum_of(_hinge, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def hinge_gradient_row(y, t, columns, dout, n, dx):
    """dx = -t where 1 - t y > 0, else 0, times dout / (n * columns); dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_hinge_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _squared_hinge(y, t):
    violation = _hinge(y, t)
    return violation * violation


@helper
def _squared_hinge_slope(y, t, dout, divisor):
    return -2.0 * t * _hinge(y, t) * dout / divisor


@helper
def squared_hinge_row(y, t, columns):
    """Mean of max(0, 1 - t y)**2 over the columns of a sample, pointers."""
    return sum_of(_squared_hinge, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def squared_hinge_gradient_row(y, t, columns, dout, n, dx):
    """dx = -2 t max(0, 1 - t y) * dout / (n * columns) on pointers; dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_squared_hinge_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _larger(top, known, y):
    return select(y > top, y, top), select(y == y, known, nan)


@helper
def _rival_score(y, label, columns):
    """Largest of 0 and the scores of the other classes; NaN where one of those is."""
    top, known = fill(y, 0.0), fill(y, 0.0)
    if columns <= lanes(y):  # no loops of random lengths, which a CPU cannot predict
        scores = select(is_lane(y, label), 0.0, load_first(y, 0, columns))
        top, known = _larger(top, known, scores)
    else:
        state = fold(_larger, (top, known), (y,), 0, label, ())
        top, known = fold(_larger, state, (y,), label + 1, columns, ())
    return max_lanes(top) + sum_lanes(known)


@helper
def _class_of(score, y, label, columns):
    """The first class but `label` with that positive score, which one has."""
    step = lanes(y)
    wanted, start = fill(y, score), 0
    # The label's own score may be the same: its vector is looked at, and left.
    while start + step <= columns and count_lanes(load(y, start) == wanted) == 0:
        start += step
    while get(y, start) != score or start == label:
        start += 1
    return start


@helper
def categorical_hinge_row(y, t, columns):
    """max(0, 1 + largest other score, at least 0, - score of the label t[0]); pointers."""
    label = get(t, 0)
    violation = _rival_score(y, label, columns) - get(y, label) + scalar(y, 1.0)
    return scalar(y, 0.0) if violation <= 0 else violation


@helper
def categorical_hinge_gradient_row(y, t, columns, dout, n, dx):
    """Gradient of the categorical hinge loss, times dout / n, on pointers; dx may be y."""
    label = get(t, 0)
    score = _rival_score(y, label, columns)
    violation = score - get(y, label) + scalar(y, 1.0)
    rival = label
    if violation > 0 and score > 0:
        rival = _class_of(score, y, label, columns)
    put_all(dx, columns, scalar(y, nan) if violation != violation else scalar(y, 0.0))
    if violation > 0:
        scale = scalar(y, dout) / scalar(y, n)
        put(dx, rival, scale)
        put(dx, label, -scale)


@jit(matrix, matrix, vector)
def hinge_forward(y, t, loss):
    """Hinge loss, mean over the outputs and the batch.

        loss[0] = mean over n and c of max(0, 1 - t[n, c] y[n, c])

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Outputs, and targets -1 and 1.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: keras.losses.Hinge.
    """
    mean_of_elements(hinge_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def hinge_backward(y, t, dout, dx):
    """Gradient of the hinge loss.

        dx = (-t where 1 - t y > 0, else 0) * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(hinge_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def squared_hinge_forward(y, t, loss):
    """Squared hinge loss, mean over the outputs and the batch.

        loss[0] = mean over n and c of max(0, 1 - t[n, c] y[n, c])**2

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Outputs, and targets -1 and 1.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: keras.losses.SquaredHinge.
    """
    mean_of_elements(squared_hinge_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def squared_hinge_backward(y, t, dout, dx):
    """Gradient of the squared hinge loss.

        dx = -2 t max(0, 1 - t y) * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(squared_hinge_gradient_row, y, t, dout, dx)


@jit(matrix, labels, vector)
def categorical_hinge_forward(y, t, loss):
    """Categorical hinge loss, mean over the batch.

        loss[0] = mean over n of max(0, 1 + rival[n] - y[n, t[n]])
        rival[n] = max(0, largest of y[n, c] with c != t[n])

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    loss : (1,), same dtype as y
        Overwritten.

    Notes
    -----
    The 0 in the rival comes from the label's own place in (1 - t) y, for a one-hot t.
    Source: keras.losses.CategoricalHinge.
    """
    n, columns = y.shape
    p, labels = pointer(y), pointer(t)
    total = 0.0
    for i in range(n):
        total += categorical_hinge_row(offset(p, i * columns), offset(labels, i), columns)
    put(pointer(loss), 0, total / n)


@jit(matrix, labels, real, matrix)
def categorical_hinge_backward(y, t, dout, dx):
    """Gradient of the categorical hinge loss.

        dx[n, c] = ([c is the rival] - [c = t[n]]) * dout / N where n has a loss, else 0

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y.

    Notes
    -----
    Of equal scores the first is the rival; where none is above 0, no class is. A row with a NaN
    gives NaN.
    """
    n, columns = y.shape
    p, labels, target = pointer(y), pointer(t), pointer(dx)
    size = scalar(p, n)
    for i in range(n):
        at = i * columns
        categorical_hinge_gradient_row(
            offset(p, at), offset(labels, i), columns, dout, size, offset(target, at)
        )
