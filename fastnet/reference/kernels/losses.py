"""Losses of outputs and targets y, t (N, C): loss is (1,), dx may be y."""

import numpy as np


def mean_squared_error_forward(y, t, loss):
    """Write loss[0] = sum((y - t)**2) / 2 / N."""
    loss[0] = ((y - t) ** 2).sum() / 2 / len(y)


def mean_squared_error_backward(y, t, dout, dx):
    """Write dx = (y - t) * dout / N; dx may be y."""
    np.subtract(y, t, out=dx)
    dx *= dout
    dx /= len(y)


def elementwise_mean_squared_error_forward(y, t, loss):
    """Write loss[0] = mean((y - t)**2)."""
    loss[0] = ((y - t) ** 2).mean()


def elementwise_mean_squared_error_backward(y, t, dout, dx):
    """Write dx = 2 (y - t) * dout / (N C)."""
    dx[...] = 2 * (y - t) * dout / y.size


def mean_absolute_error_forward(y, t, loss):
    """Write loss[0] = mean(|y - t|)."""
    loss[0] = np.abs(y - t).mean()


def mean_absolute_error_backward(y, t, dout, dx):
    """Write dx = sign(y - t) * dout / (N C)."""
    dx[...] = np.sign(y - t) * dout / y.size


def mean_absolute_percentage_error_forward(y, t, loss):
    """Write loss[0] = mean(100 |y - t| / max(|t|, 1e-7))."""
    loss[0] = (100 * np.abs(y - t) / np.maximum(np.abs(t), 1e-7)).mean()


def mean_absolute_percentage_error_backward(y, t, dout, dx):
    """Write dx = 100 sign(y - t) / max(|t|, 1e-7) * dout / (N C)."""
    dx[...] = 100 * np.sign(y - t) / np.maximum(np.abs(t), 1e-7) * dout / y.size


def mean_squared_logarithmic_error_forward(y, t, loss):
    """Write loss[0] = mean((log(1 + y) - log(1 + t))**2); below 1e-7, y and t count as that."""
    loss[0] = (_logarithmic_error(y, t) ** 2).mean()


def mean_squared_logarithmic_error_backward(y, t, dout, dx):
    """Write dx = 2 (log(1 + y) - log(1 + t)) / (1 + y) * dout / (N C), 0 where y < 1e-7."""
    y = np.where(y < 1e-7, np.inf, y)
    dx[...] = np.where(y == np.inf, 0, 2 * _logarithmic_error(y, t) / (y + 1)) * dout / y.size


def _logarithmic_error(y, t):
    return np.log(np.maximum(y, 1e-7) + 1) - np.log(np.maximum(t, 1e-7) + 1)


def poisson_forward(y, t, loss):
    """Write loss[0] = mean(y - t log(y + 1e-7))."""
    loss[0] = (y - t * np.log(y + 1e-7)).mean()


def poisson_backward(y, t, dout, dx):
    """Write dx = (1 - t / (y + 1e-7)) * dout / (N C)."""
    dx[...] = (1 - t / (y + 1e-7)) * dout / y.size


def huber_forward(y, t, delta, loss):
    """Write loss[0] = mean(e**2 / 2 up to delta, delta (e - delta / 2) beyond), e = |y - t|."""
    e = np.abs(y - t)
    loss[0] = np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2).mean()


def huber_backward(y, t, delta, dout, dx):
    """Write dx = (y - t, within -delta and delta) * dout / (N C)."""
    dx[...] = np.clip(y - t, -delta, delta) * dout / y.size


def log_cosh_forward(y, t, loss):
    """Write loss[0] = mean(log(cosh(y - t)))."""
    loss[0] = (np.logaddexp(y - t, t - y) - np.log(2.0)).mean()


def log_cosh_backward(y, t, dout, dx):
    """Write dx = tanh(y - t) * dout / (N C)."""
    dx[...] = np.tanh(y - t) * dout / y.size


def cosine_proximity_forward(y, t, loss):
    """Write loss[0] = -mean over n of y[n] . t[n] / (|y[n]| |t[n]|); lengths are at least 1e-7."""
    loss[0] = -((y * t).sum(axis=1, keepdims=True) / (_length(y) * _length(t))).mean()


def cosine_proximity_backward(y, t, dout, dx):
    """Write dx[n] = (cosine[n] y[n] / |y[n]| - t[n] / |t[n]|) / |y[n]| * dout / N."""
    length, other = _length(y), _length(t)
    cosine = (y * t).sum(axis=1, keepdims=True) / (length * other)
    cosine[length == np.float64(1e-7).astype(y.dtype)] = 0  # a length held there does not change
    dx[...] = (y / length * cosine - t / other) * (dout / len(y) / length)


def _length(y):
    return np.maximum(np.sqrt((y * y).sum(axis=1, keepdims=True)), 1e-7)
