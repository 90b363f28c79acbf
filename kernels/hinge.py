"""Hinge losses: of outputs with targets -1 and 1, and of class scores with labels.

Each is two functions and one call that makes the rest of it, as `loss_family` says.
"""

from math import nan

from ._compile import helper
from .loss_family import loss_of_labels, mean_loss
from .simd import (
    count_lanes,
    fill,
    get,
    is_lane,
    lanes,
    load,
    load_first,
    max_lanes,
    put,
    scalar,
    select,
    sum_lanes,
)
from .sweep import fold, put_all


@helper
def _hinge(y, t):
    margin = 1.0 - t * y
    return select(margin <= 0.0, 0.0, margin)


@helper
def _hinge_slope(y, t):
    return select(1.0 - t * y <= 0.0, 0.0, -t)


hinge_forward, hinge_backward, hinge_in_loop = mean_loss(
    "hinge",
    _hinge,
    _hinge_slope,
    """Hinge loss of outputs with targets -1 and 1, mean over the outputs and the batch.

        loss[0] = mean over n and c of max(0, 1 - t[n, c] y[n, c])
        dx = (-t where 1 - t y > 0, else 0) * dout / (N C)

    Source: keras.losses.Hinge.
    """,
    middles=(0.0, 0.0),
)


@helper
def _squared_hinge(y, t):
    violation = _hinge(y, t)
    return violation * violation


@helper
def _squared_hinge_slope(y, t):
    return -2.0 * t * _hinge(y, t)


squared_hinge_forward, squared_hinge_backward, squared_hinge_in_loop = mean_loss(
    "squared_hinge",
    _squared_hinge,
    _squared_hinge_slope,
    """Squared hinge loss with targets -1 and 1, mean over the outputs and the batch.

        loss[0] = mean over n and c of max(0, 1 - t[n, c] y[n, c])**2
        dx = -2 t max(0, 1 - t y) * dout / (N C)

    Source: keras.losses.SquaredHinge.
    """,
    middles=(0.0, 0.0),
)


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
def _categorical_hinge_row(y, t, columns):
    label = get(t, 0)
    violation = _rival_score(y, label, columns) - get(y, label) + scalar(y, 1.0)
    return scalar(y, 0.0) if violation <= 0 else violation


@helper
def _categorical_hinge_gradient_row(y, t, columns, dout, n, dx):
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


categorical_hinge_forward, categorical_hinge_backward, categorical_hinge_in_loop = loss_of_labels(
    "categorical_hinge",
    (_categorical_hinge_row, _categorical_hinge_gradient_row),
    """Categorical hinge loss, mean over the batch.

        loss[0] = mean over n of max(0, 1 + rival[n] - y[n, t[n]])
        rival[n] = max(0, largest of y[n, c] with c != t[n])
        dx[n, c] = ([c is the rival] - [c = t[n]]) * dout / N where n has a loss, else 0

    The 0 in the rival comes from the label's own place in (1 - t) y, for a one-hot t. Of equal
    scores the first is the rival; where none is above 0, no class is. A row with a NaN gives NaN.
    Source: keras.losses.CategoricalHinge.
    """,
)
