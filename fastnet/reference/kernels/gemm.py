"""Matrix product."""

import numpy as np


def matmul_forward(x, W, out):
    """Write out = x @ W, with x (N, D), W (D, M), out (N, M)."""
    np.dot(x, W, out=out)


def matmul_backward(x, W, dout, dx, dW):
    """Write dx = dout @ W.T (N, D) and dW = x.T @ dout (D, M)."""
    np.dot(dout, W.T, out=dx)
    np.dot(x.T, dout, out=dW)
