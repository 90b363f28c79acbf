"""Rows with zeros for products that skip them, and frames around results."""

import numpy as np
import pytest

from fastnet.kernels import (
    FLOAT32,
    FLOAT64,
    UINT8,
    sparse,
)
from fastnet.kernels._compile import jit
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.simd import pointer, scalar

# N, D, M: whole groups and what is left of them, more terms than are listed at a time.
SHAPES = [
    (100, 784, 50),
    (32, 512, 40),
    (39, 4099, 33),
    (103, 785, 71),
    (35, 1030, 34),
    (sparse.TERMS + 5, 69, 96),
    (2 * sparse.TERMS + 3, 64, 35),
    (41, 2 * sparse.TERMS + 1, 40),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)


@jit()
def rows_forward(x, W, b, out):
    (n, d), m = x.shape, W.shape[1]
    return sparse.sparse_forward(
        n, d, m, pointer(x), pointer(W), pointer(b), IDENTITY, pointer(out)
    )


@jit()
def rows_backward(x, dout, dW, factor=1.0, add=False):
    (n, d), m = x.shape, dout.shape[1]
    like, target = scalar(pointer(x), factor), pointer(dW)
    return sparse.sparse_backward_params(
        n, d, m, pointer(x), d, pointer(dout), like, add, target, target, False
    )


def operands(dtype, shape, share):
    """Return x, W, dout and b of normal numbers; of x all but that share are zero."""
    n, d, m = shape
    rng = np.random.default_rng(n + d + m)
    x, W, dout, b = (rng.standard_normal(s).astype(dtype) for s in ((n, d), (d, m), (n, m), m))
    x[rng.random((n, d)) >= share] = 0
    return x, W, dout, b


def rows(x, W, dout, b):
    """How many rows of out and of dW are made with regard to zeros."""
    return rows_forward(x, W, b, np.empty_like(dout)), rows_backward(x, dout, np.empty_like(W))


KINDS = {"float32": FLOAT32, "float64": FLOAT64, "uint8": UINT8}


def images(n=230, d=784, kind="uint8", share=0.05, seed=0):
    """Return rows of few numbers that are not 0, and labels."""
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 256, (n, d)) * (rng.random((n, d)) < share)
    x = x.astype(kind) if kind == "uint8" else (x / 255).astype(kind)
    return x, rng.integers(0, 10, n)


def assert_same_bits(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.tobytes() == other.tobytes()
