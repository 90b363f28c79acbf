"""Logits and labels in frames of NaN, and softmax of them as kernels."""

import math

import numpy as np
import pytest

from fastnet import kernels
from fastnet.reference import kernels as reference

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

MARGIN, SENTINEL = 40, -7.25


def framed(shape, dtype):
    """Return a buffer of sentinels and an array in the middle of it."""
    size = math.prod(shape)
    buffer = np.full(size + 2 * MARGIN, SENTINEL, dtype)
    return buffer, buffer[MARGIN : MARGIN + size].reshape(shape)


def among_nans(array):
    buffer = np.full(array.size + 2 * MARGIN, np.nan, array.dtype)
    buffer[MARGIN : MARGIN + array.size] = array.ravel()
    return buffer[MARGIN : MARGIN + array.size].reshape(array.shape)


def call(name, *arguments, outputs):
    """Call a kernel with outputs inside frames; check the frames and the inputs."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    kept = [a.copy() for a in arrays]
    frames = [framed(shape, arrays[0].dtype) for shape in outputs]
    assert getattr(kernels, name)(*arguments, *(inside for _, inside in frames)) is None
    for buffer, _ in frames:
        assert (buffer[:MARGIN] == SENTINEL).all() and (buffer[-MARGIN:] == SENTINEL).all()
    for array, copy in zip(arrays, kept, strict=True):
        assert np.array_equal(array, copy, equal_nan=True)
    return [inside for _, inside in frames]


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


def wide(*arrays):
    return [a.astype(np.float64 if a.dtype == np.float32 else np.longdouble) for a in arrays]


def wide_softmax(x):
    (exact,) = wide(x)
    reference.softmax_forward(exact.copy(), exact)
    return exact
