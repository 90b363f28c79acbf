"""Cross entropies of two classes and of distributions: y, t (N, C), loss (1,); dx may be y."""

import numpy as np


def categorical_cross_entropy_forward(y, t, loss):
    """Write loss[0] = -sum(t log(y + 1e-7)) / N."""
    loss[0] = -(t * np.log(y + 1e-7)).sum() / len(y)


def categorical_cross_entropy_backward(y, t, dout, dx):
    """Write dx = -t / (y + 1e-7) * dout / N."""
    dx[...] = -t / (y + 1e-7) * dout / len(y)


def binary_cross_entropy_forward(y, t, loss):
    """Write loss[0] = -mean(t log(y) + (1 - t) log(1 - y)); logarithms are at least -100."""
    with np.errstate(divide="ignore"):
        of_one, of_zero = np.maximum(np.log(y), -100), np.maximum(np.log1p(-y), -100)
    loss[0] = ((t - 1) * of_zero - t * of_one).mean()


def binary_cross_entropy_backward(y, t, dout, dx):
    """Write dx = (y - t) / max(y (1 - y), 1e-12) * dout / (N C)."""
    dx[...] = (y - t) / np.maximum((1 - y) * y, 1e-12) * dout / y.size


def sigmoid_cross_entropy_forward(y, t, loss):
    """Write loss[0] = mean(log(1 + exp(y)) - t y), of logits y."""
    loss[0] = (np.maximum(y, 0) - y * t + np.log1p(np.exp(-np.abs(y)))).mean()


def sigmoid_cross_entropy_backward(y, t, dout, dx):
    """Write dx = (sigmoid(y) - t) * dout / (N C)."""
    dx[...] = (_sigmoid(y) - t) * dout / y.size


def kullback_leibler_divergence_forward(y, t, loss):
    """Write loss[0] = sum(t (log(t) - log(y))) / N; 0 log(0) is 0, log(y) at least -100."""
    with np.errstate(divide="ignore"):
        own, other = np.log(np.where(t > 0, t, 1)), np.maximum(np.log(y), -100)
    loss[0] = (t * (own - other)).sum() / len(y)


def kullback_leibler_divergence_backward(y, t, dout, dx):
    """Write dx = -t / max(y, 1e-12) * dout / N."""
    dx[...] = -t / np.maximum(y, 1e-12) * dout / len(y)


def sigmoid_with_loss_forward(x, t, y, loss):
    """Write y = sigmoid(x), loss[0] = -sum(log((y where t is 1, else 1 - y) + 1e-7)) / N."""
    y[...] = _sigmoid(x)
    loss[0] = -np.log(np.where(t == 1, y, 1 - y) + 1e-7).sum() / len(x)


def _sigmoid(x):
    """1 / (1 + exp(-x)) without an overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)
