"""Hinge losses: outputs y (N, C), targets t (N, C) of -1 and 1, or labels t (N,); loss is (1,)."""

import numpy as np


def hinge_forward(y, t, loss):
    """Write loss[0] = mean(max(0, 1 - t y))."""
    loss[0] = np.maximum(1 - t * y, 0).mean()


def hinge_backward(y, t, dout, dx):
    """Write dx = (-t where 1 - t y > 0, else 0) * dout / (N C); dx may be y."""
    dx[...] = np.where(1 - t * y <= 0, 0, -t) * dout / y.size


def squared_hinge_forward(y, t, loss):
    """Write loss[0] = mean(max(0, 1 - t y)**2)."""
    loss[0] = (np.maximum(1 - t * y, 0) ** 2).mean()


def squared_hinge_backward(y, t, dout, dx):
    """Write dx = -2 t max(0, 1 - t y) * dout / (N C); dx may be y."""
    dx[...] = -2 * t * np.maximum(1 - t * y, 0) * dout / y.size


def categorical_hinge_forward(y, t, loss):
    """Write loss[0] = mean over n of max(0, 1 + max of (1 - onehot(t)) y - y[n, t[n]])."""
    others, own = _others(y, t)
    loss[0] = np.maximum(others.max(axis=1) - own + 1, 0).mean()


def categorical_hinge_backward(y, t, dout, dx):
    """Write dx = (onehot(rival) - onehot(t)) * dout / N where the loss is positive; dx may be y."""
    others, own = _others(y, t)
    rival, n = others.argmax(axis=1), np.arange(len(y))
    violation = others[n, rival] - own + 1
    large = violation > 0
    some = large & (others[n, rival] > 0)  # the 0 in the label's own place is no class's score
    dx[...] = np.where(np.isnan(violation), np.nan, 0)[:, np.newaxis]
    dx[n[some], rival[some]] = dout / len(y)
    dx[n[large], t[large]] = -dout / len(y)


def _others(y, t):
    """Scores with 0 in the place of the label, and the scores of the labels."""
    n = np.arange(len(y))
    others, own = y.copy(), y[n, t]
    others[n, t] = 0
    return others, own
