"""Max pooling's kernels: against the twin and central differences."""

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference

CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 30, 31, 32, 33, 64, 70]
SIZES = [(1, 1), (2, 2), (1, 6), (5, 7), (6, 4)]
# Rows and columns of a window, its strides, and what it reaches over before the image.
GEOMETRIES = [
    (2, 2, 2, 2, 0, 0),
    (1, 1, 1, 1, 0, 0),
    (3, 2, 1, 2, 1, 0),
    (3, 3, 2, 2, 1, 1),
    (2, 3, 3, 1, 1, 2),
    (5, 4, 1, 1, 0, 3),
]


def images(rng, shape, dtype):
    """Few different numbers, so that many are equal, with NaN, infinities and zeros of both signs.

    They are told apart by their signs, lest the wrong one of two equal zeros wins unseen.
    """
    x = rng.integers(-2, 3, shape).astype(dtype)
    x[rng.random(shape) < 0.05] = np.nan
    x[rng.random(shape) < 0.05] = -np.inf
    x[rng.random(shape) < 0.05] = -0.0
    return x


def counts_of(shape, geometry):
    pool_h, pool_w, stride_h, stride_w, top, left = geometry
    h, w = shape
    return (h + 2 * top - pool_h) // stride_h + 1, (w + 2 * left - pool_w) // stride_w + 1


@every_dtype
@with_each("channels", CHANNELS)
def test_two_by_two_equals_the_twin(channels, dtype, rng):
    for h, w in SIZES:
        x = images(rng, (3, h, w, channels), dtype)
        shape = 3, h // 2, w // 2, channels
        found, wanted = ([np.full(shape, 9, dtype), np.full(shape, 9, np.uint8)] for _ in range(2))
        kernels.max_pooling_2x2_forward(x, *found)
        reference.max_pooling_2x2_forward(x, *wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_array_equal(ours, theirs)
        dout = rng.standard_normal(shape).astype(dtype)
        dx, expected = np.full_like(x, 9), np.full_like(x, 9)
        kernels.max_pooling_2x2_backward(dout, found[1], dx)
        reference.max_pooling_2x2_backward(dout, wanted[1], expected)
        assert_array_equal(dx, expected)


@every_dtype
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_windows_equal_the_twin(geometry, zeros, dtype, rng):
    for channels in CHANNELS:
        for size in SIZES:
            counts = counts_of(size, geometry)
            if min(counts) < 1:
                continue
            x = images(rng, (2, *size, channels), dtype)
            for kept in (np.uint8, dtype):
                shape = 2, *counts, channels
                found, wanted = (
                    [np.full(shape, 9, dtype), np.full(shape, 99, kept)] for _ in range(2)
                )
                kernels.max_pooling_forward(x, *geometry, zeros, *found)
                reference.max_pooling_forward(x, *geometry, zeros, *wanted)
                for ours, theirs in zip(found, wanted, strict=True):
                    assert_array_equal(ours, theirs)
                dout = rng.integers(-9, 9, shape).astype(dtype)  # their sums are exact
                dx, expected = np.full_like(x, 9), np.full_like(x, 9)
                kernels.max_pooling_backward(dout, found[1], *geometry, dx)
                reference.max_pooling_backward(dout, wanted[1], *geometry, expected)
                assert_array_equal(dx, expected)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_gradients_equal_central_differences(geometry, rng):
    x = rng.permutation(2 * 6 * 7 * 3).astype(float).reshape(2, 6, 7, 3)  # no two are near
    shape = 2, *counts_of((6, 7), geometry), 3
    out, code, dout = np.empty(shape), np.empty(shape, np.uint8), rng.standard_normal(shape)

    def objective():
        kernels.max_pooling_forward(x, *geometry, False, out, code)
        return np.sum(out * dout)

    objective()
    dx = np.empty_like(x)
    kernels.max_pooling_backward(dout, code, *geometry, dx)
    assert_allclose(central_difference(objective, x, 0.25), dx, atol=1e-9)
    assert np.abs(dx).max() > 0.1
