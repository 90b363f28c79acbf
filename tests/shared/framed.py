"""Arrays inside frames: no kernel may write around its outputs, or read around its inputs."""

import math

import numpy as np

from fastnet import kernels

MARGIN, SENTINEL = 40, -7.25


def framed(shape, dtype):
    """Return a buffer of sentinels and an array in the middle of it."""
    size = math.prod(shape)
    buffer = np.full(size + 2 * MARGIN, SENTINEL, dtype)
    return buffer, buffer[MARGIN : MARGIN + size].reshape(shape)


def assert_frame(buffer):
    assert (buffer[:MARGIN] == SENTINEL).all() and (buffer[-MARGIN:] == SENTINEL).all()


def among_nans(array):
    """Copy an input into a buffer of NaN, which a read past its ends would bring along."""
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
        assert_frame(buffer)
    for array, copy in zip(arrays, kept, strict=True):
        assert np.array_equal(array, copy, equal_nan=True)
    return [inside for _, inside in frames]


def wide(*arrays):
    return [a.astype(np.float64 if a.dtype == np.float32 else np.longdouble) for a in arrays]
