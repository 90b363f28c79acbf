"""Softmax and cross entropy: probabilities y (N, C), labels t (N,) int64, loss (1,)."""

import numpy as np


def softmax_forward(x, y):
    """Write y = exp(x) / sum(exp(x)) over the last axis of (C,) or (N, C)."""
    np.subtract(x, x.max(axis=-1, keepdims=True), out=y)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)


def softmax_backward(y, dout, dx):
    """Write dx = y * (dout - sum(dout * y)) over the last axis."""
    np.subtract(dout, (dout * y).sum(axis=-1, keepdims=True), out=dx)
    dx *= y


def cross_entropy_forward(y, t, loss):
    """Write loss[0] = mean(-log(y[n, t[n]] + 1e-7)), the textbook's form."""
    n = len(y)
    loss[0] = -np.sum(np.log(y[np.arange(n), t] + 1e-7)) / n


def cross_entropy_backward(y, t, dout, dx):
    """Write dx[n, c] = -[c == t[n]] / (y[n, c] + 1e-7) * dout / N."""
    n = len(y)
    rows = np.arange(n)
    dx[...] = 0
    dx[rows, t] = -1 / (y[rows, t] + 1e-7) * dout / n


def softmax_cross_entropy_forward(x, t, y, loss):
    """Write y = softmax(x) and loss[0] = mean(logsumexp(x) - x[t])."""
    n = len(x)
    np.subtract(x, x.max(axis=1, keepdims=True), out=y)
    chosen = y[np.arange(n), t]
    np.exp(y, out=y)
    total = y.sum(axis=1, keepdims=True)
    y /= total
    loss[0] = (np.log(total[:, 0]) - chosen).sum() / n


def softmax_cross_entropy_backward(y, t, dout, dx):
    """Write dx = (y - onehot(t)) * dout / N; dx may be y."""
    n = len(y)
    np.copyto(dx, y)
    dx[np.arange(n), t] -= 1
    dx *= dout
    dx /= n
