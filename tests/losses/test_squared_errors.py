"""Losses with labels or targets of one kind, as kernels: by hand, gradients, NaN."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from loss_kernels import SENTINEL, pair
from numpy.testing import assert_array_equal

from fastnet.kernels import (
    mean_squared_error_backward,
    mean_squared_error_forward,
)
from fastnet.reference import kernels as reference

SHAPES = [*((1, c) for c in range(18)), (2, 3), (5, 16), (7, 33), (17, 1), (300, 10), (3, 200)]


def loss_of(y, t):
    loss = np.full(3, SENTINEL, y.dtype)
    kept = y.copy(), t.copy()
    mean_squared_error_forward(y, t, loss[1:2])
    assert_array_equal(loss[[0, 2]], SENTINEL)
    assert_array_equal(y, kept[0])
    assert_array_equal(t, kept[1])
    return loss[1]


def gradient_of(y, t, dout):
    buffer = np.full(y.size + 80, SENTINEL, y.dtype)
    dx = buffer[40 : 40 + y.size].reshape(y.shape)
    kept = y.copy(), t.copy()
    mean_squared_error_backward(y, t, y.dtype.type(dout), dx)
    assert_array_equal(buffer[:40], SENTINEL)
    assert_array_equal(buffer[-40:], SENTINEL)
    assert_array_equal(y, kept[0])
    assert_array_equal(t, kept[1])
    return dx


@with_each("shape", SHAPES)
@every_dtype
def test_forward(shape, dtype):
    """Whole numbers, whose sum is exact, to the bit; others by the length of the sum."""
    expected = np.empty(1, dtype)
    y, t = pair(dtype, shape, whole=True)
    reference.mean_squared_error_forward(y, t, expected)
    assert loss_of(y, t) == expected[0]

    y, t = pair(dtype, shape, seed=1)
    wide = np.empty(1, np.longdouble)
    reference.mean_squared_error_forward(*(a.astype(np.longdouble) for a in (y, t)), wide)
    assert abs(loss_of(y, t) - wide[0]) <= (shape[1] + 4) * np.finfo(dtype).eps * wide[0]


@with_each("dout", [1.0, -0.3])
@with_each("shape", SHAPES)
@every_dtype
def test_backward(shape, dout, dtype):
    """To the bit: the reference has the same order of operations."""
    y, t = pair(dtype, shape)
    expected = np.empty_like(y)
    reference.mean_squared_error_backward(y, t, dtype(dout), expected)
    assert_array_equal(gradient_of(y, t, dout), expected)
    mean_squared_error_backward(y, t, dtype(dout), y)  # dx may be y
    assert_array_equal(y, expected)


def test_by_hand():
    y, t = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[0.0, 4.0], [0.0, 1.0]])
    assert loss_of(y, t) == (1 + 4 + 0 + 4) / 2 / 2
    assert_array_equal(gradient_of(y, t, 1.0), [[0.5, -1.0], [0.0, -1.0]])


def test_gradient_equals_central_differences():
    y, t = pair(np.float64, (4, 5))
    dx = gradient_of(y, t, 1.5)
    for i in np.ndindex(y.shape):
        above, below = y.copy(), y.copy()
        above[i] += 1e-5
        below[i] -= 1e-5
        assert abs(1.5 * (loss_of(above, t) - loss_of(below, t)) / 2e-5 - dx[i]) < 1e-9


@every_dtype
def test_a_batch_is_the_mean_of_its_rows(dtype):
    y, t = pair(dtype, (6, 7))
    rows = [float(loss_of(y[i : i + 1], t[i : i + 1])) for i in range(6)]
    assert abs(loss_of(y, t) - np.mean(rows)) <= 2 * np.finfo(dtype).eps * np.mean(rows)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@every_dtype
def test_nan_and_infinity(value, dtype):
    y, t = pair(dtype, (5, 19))
    clean = gradient_of(y, t, 1.0)
    y[3, 17] = value
    dx = gradient_of(y, t, 1.0)
    assert_array_equal(loss_of(y, t), np.abs(dtype(value)))
    assert_array_equal(dx[3, 17], dtype(value))
    assert_array_equal(np.delete(dx, 3 * 19 + 17), np.delete(clean, 3 * 19 + 17))


@every_dtype
def test_many_rows_lose_no_digits(dtype):
    """The rows are summed in float64: float32 gave 1,087,937 for the sum of 10**7 times 0.1."""
    y = np.full((1_000_000, 1), 0.1, dtype)
    t = np.zeros_like(y)
    expected = float(y[0, 0]) ** 2 / 2
    bound = 2 * np.finfo(dtype).eps + len(y) * 2.0**-53
    assert abs(loss_of(y, t) - expected) <= bound * expected
