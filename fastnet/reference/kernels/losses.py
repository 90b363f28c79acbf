"""Mean squared error: outputs and targets y, t (N, C), loss (1,)."""

import numpy as np


def mean_squared_error_forward(y, t, loss):
    """Write loss[0] = sum((y - t)**2) / 2 / N."""
    loss[0] = ((y - t) ** 2).sum() / 2 / len(y)


def mean_squared_error_backward(y, t, dout, dx):
    """Write dx = (y - t) * dout / N; dx may be y."""
    np.subtract(y, t, out=dx)
    dx *= dout
    dx /= len(y)
