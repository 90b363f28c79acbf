"""Nodes: add, multiply, repeat and sum along the middle axis of (A, B, C)."""

import numpy as np


def add_forward(x, y, out):
    """Write out = x + y."""
    np.add(x, y, out=out)


def add_backward(dout, dx, dy):
    """Write dx = dout and dy = dout."""
    dx[...] = dout
    dy[...] = dout


def multiply_forward(x, y, out):
    """Write out = x * y."""
    np.multiply(x, y, out=out)


def multiply_backward(x, y, dout, dx, dy):
    """Write dx = dout * y and dy = dout * x."""
    dx[...], dy[...] = dout * y, dout * x


def repeat_forward(x, out):
    """Write out[a, b, c] = x[a, c]."""
    out[...] = x[:, None, :]


def repeat_backward(dout, dx):
    """Write dx[a, c] = sum over b of dout[a, b, c]."""
    np.sum(dout, axis=1, out=dx)


def sum_forward(x, out):
    """Write out[a, c] = sum over b of x[a, b, c]."""
    np.sum(x, axis=1, out=out)


def sum_backward(dout, dx):
    """Write dx[a, b, c] = dout[a, c]."""
    dx[...] = dout[:, None, :]
