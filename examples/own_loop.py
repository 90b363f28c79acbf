"""Kernels inside a jitted loop of one's own: an autoencoder whose both halves share their weights.

    python examples/own_loop.py

No layer of fastnet has tied weights in the compiled loop, and none is needed: the code is
sigmoid(x @ W + b), the picture code @ W.T + c, and the gradient of W the sum of two products. All
of it is one compiled function, called once. Expected, in some 7 s, most of it to compile:

    error a pixel: 0.240 0.118 0.093 0.086
"""

import math

import numba
import numpy as np

from fastnet import kernels
from fastnet.datasets import load_digits


@numba.njit(nogil=True)
def train(x, W, b, c, rate, orders, batch_size):
    """Train in place; return the mean squared error of each epoch."""
    (n, d), m = x.shape, W.shape[1]
    one, losses = x.dtype.type(1), np.zeros(len(orders), x.dtype)
    code, dcode = np.empty((batch_size, m), x.dtype), np.empty((batch_size, m), x.dtype)
    y, loss = np.empty((batch_size, d), x.dtype), np.empty(1, x.dtype)
    V, dV = np.empty((m, d), x.dtype), np.empty((m, d), x.dtype)
    dW, db, dc = np.empty_like(W), np.empty_like(b), np.empty_like(c)
    batches = n // batch_size
    for epoch, order in enumerate(orders):
        for i in range(batches):
            rows = x[order[i * batch_size : (i + 1) * batch_size]]
            V[:] = W.T
            kernels.affine_forward(rows, W, b, kernels.SIGMOID, code)
            kernels.affine_forward(code, V, c, kernels.IDENTITY, y)
            kernels.elementwise_mean_squared_error_forward(y, rows, loss)
            losses[epoch] += loss[0] / batches
            kernels.elementwise_mean_squared_error_backward(y, rows, one, y)
            kernels.affine_backward_params(code, y, dV, dc)
            kernels.affine_backward_input(y, V, code, kernels.SIGMOID, dcode)
            kernels.affine_backward_params(rows, dcode, dW, db)
            dW += dV.T
            kernels.sgd_update(dW, rate, W)
            kernels.sgd_update(db, rate, b)
            kernels.sgd_update(dc, rate, c)
    return losses


(digits, _), _ = load_digits()
x = (digits / 16).astype(np.float32)
rng = np.random.default_rng(0)
W = (rng.standard_normal((64, 24)) / math.sqrt(64)).astype(np.float32)
b, c = np.zeros(24, np.float32), x.mean(axis=0)
orders = rng.permuted(np.tile(np.arange(len(x)), (60, 1)), axis=1)
losses = train(x, W, b, c, np.float32(4), orders, 32)
print("error a pixel:", *(f"{math.sqrt(loss):.3f}" for loss in losses[[0, 9, 29, 59]]))
