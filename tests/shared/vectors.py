"""Arrays of numbers and edges for vectors, and bits that are compared."""

import numpy as np

from fastnet.kernels import simd

SENTINEL = -7.25


def width(dtype):
    return simd.BITS // (8 * np.dtype(dtype).itemsize)


def numbers(dtype, rows=1):
    """Vectors of whole numbers, no two alike."""
    x = np.random.default_rng(0).permutation(rows * width(dtype)) + 1.0
    return x.astype(dtype).reshape(rows, -1)
