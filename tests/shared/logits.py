"""Logits and labels in frames of NaN, and softmax of them as kernels."""

import numpy as np
from framed import among_nans, call, wide

from fastnet.reference import kernels as reference


def softmax(x):
    return call("softmax_forward", x, outputs=[x.shape])[0]


def softmax_cross_entropy(x, t):
    y, loss = call("softmax_cross_entropy_forward", x, t, outputs=[x.shape, (1,)])
    return y, loss[0]


def logits(dtype, shape, seed=0):
    """Far enough apart that some probability is large and others vanish."""
    rng = np.random.default_rng([seed, *shape])
    return among_nans((6 * rng.standard_normal(shape)).astype(dtype))


def labels(shape, seed=0):
    """Random, the first and the last class among them."""
    t = np.random.default_rng([seed, *shape]).integers(0, shape[1], shape[0])
    t[0], t[-1] = 0, shape[1] - 1
    return t


def wide_softmax(x):
    (exact,) = wide(x)
    reference.softmax_forward(exact.copy(), exact)
    return exact
