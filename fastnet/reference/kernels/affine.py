"""Product, bias and activation, forward and backward: x (N, D), W (D, M), b (M,), out (N, M)."""

import numpy as np

from .activations import BACKWARD, FORWARD


def affine_forward(x, W, b, activation, out):
    """Write out = activation(x @ W + b)."""
    np.dot(x, W, out=out)
    out += b
    FORWARD[activation](out, out)


def affine_backward(x, W, dout, dx, dW, db):
    """Write dx = dout @ W.T, dW = x.T @ dout and db = dout.sum(0)."""
    np.dot(dout, W.T, out=dx)
    affine_backward_params(x, dout, dW, db)


def affine_backward_input(dout, W, x, activation, dx):
    """Write dx = (dout @ W.T) * activation'(x), where x is the output of that activation."""
    np.dot(dout, W.T, out=dx)
    BACKWARD[activation](x, dx, dx)


def affine_backward_params(x, dout, dW, db):
    """Write dW = x.T @ dout and db = dout.sum(0)."""
    np.dot(x.T, dout, out=dW)
    np.sum(dout, axis=0, out=db)


def affine_backward_sgd_update(x, dout, lr, W, b):
    """Do W -= lr * x.T @ dout and b -= lr * dout.sum(0)."""
    dW = np.dot(x.T, dout)
    dW *= lr
    W -= dW
    b -= lr * dout.sum(axis=0)
