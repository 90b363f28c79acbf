"""L1 and L2 penalties: values, gradients, and what is refused."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels, penalties
from fastnet.penalties import l1_penalty, l1_penalty_gradient, l2_penalty, l2_penalty_gradient
from fastnet.reference import kernels as reference
from fastnet.reference import penalties as plain

NAMES = ["l1_penalty", "l2_penalty"]


@every_dtype
@pytest.mark.parametrize("name", NAMES)
def test_kernels_equal_the_reference(name, dtype, rng):
    for size in (*range(1, 18), 31, 33, 65, 200, 4095, 4096, 4097, 10_000):
        W, dW = rng.standard_normal((2, size)).astype(dtype)
        W[::7] = 0
        loss, expected = np.full(3, -7, dtype), np.empty(1, np.longdouble)
        getattr(kernels, f"{name}_forward")(W, dtype(0.3), loss[1:2])
        strength = np.longdouble(dtype(0.3))
        getattr(reference, f"{name}_forward")(W.astype(np.longdouble), strength, expected)
        # Blocks of 4096 in two vectors of sums: at most 1024 terms each, and a tree of lanes.
        assert abs(loss[1] - expected[0]) <= min(size, 1024) * np.finfo(dtype).eps * expected[0]
        assert loss[0] == loss[2] == -7
        framed = np.full(size + 80, -7, dtype)
        framed[40 : 40 + size] = dW
        getattr(kernels, f"{name}_backward")(W, dtype(0.3), framed[40 : 40 + size])
        getattr(reference, f"{name}_backward")(W, dtype(0.3), dW)
        assert_array_equal(framed[40 : 40 + size], dW)
        assert (framed[:40] == -7).all() and (framed[40 + size :] == -7).all()


@every_dtype
@with_each("name", NAMES)
@with_each("shape", [(), (5,), (3, 7), (2, 3, 4), (0, 2)])
def test_functions_equal_the_reference(name, shape, dtype, rng):
    W = np.asarray(rng.standard_normal(shape), dtype)
    for call in (getattr(penalties, name), getattr(plain, name)):
        value = call(W, 0.25)
        assert_allclose(value, getattr(plain, name)(W.astype(np.longdouble), 0.25), rtol=1e-5)
    assert getattr(penalties, name)(W, 0.25).dtype == dtype
    grad = getattr(penalties, f"{name}_gradient")(W, 0.25)
    assert_array_equal(grad, getattr(plain, f"{name}_gradient")(W, dtype(0.25)))
    assert np.shape(grad) == shape and grad.dtype == dtype


@pytest.mark.parametrize("name", NAMES)
def test_gradient_equals_central_differences(name, rng):
    W, h = rng.standard_normal((3, 4)), 1e-6
    grad = getattr(penalties, f"{name}_gradient")(W, 0.7)
    for i in np.ndindex(W.shape):
        above, below = W.copy(), W.copy()
        above[i] += h
        below[i] -= h
        slope = (getattr(penalties, name)(above, 0.7) - getattr(penalties, name)(below, 0.7)) / 2
        assert abs(slope / h - grad[i]) < 1e-8


def test_signs_and_nan():
    W = np.array([2.0, -3.0, 0.0, -0.0, np.inf, -np.inf, np.nan])
    assert_array_equal(l1_penalty_gradient(W, 0.5), [0.5, -0.5, 0, 0, 0.5, -0.5, np.nan])
    assert np.isnan(l1_penalty(W, 1)) and np.isnan(l2_penalty(W, 1))
    assert_array_equal(l2_penalty_gradient(W[-1:], 1), [np.nan])
    assert l1_penalty([1, -2], 1).dtype == np.float64
    assert l2_penalty_gradient(np.ones(2, np.float16), 1).dtype == np.float16


@pytest.mark.parametrize("name", [*NAMES, *(f"{name}_gradient" for name in NAMES)])
def test_errors(name):
    call = getattr(penalties, name)
    for W, strength, error, text in [
        (
            "text",
            1,
            TypeError,
            "W must be an array of integers, float16, float32 or float64, got str of dtype <U4. "
            "Give an array of numbers.",
        ),
        (
            [1.0],
            -1,
            ValueError,
            "strength must be finite in float64 and not negative, got -1.0. "
            "Give a number such as 0.01.",
        ),
        (
            np.ones(2, np.float32),
            1e39,
            ValueError,
            "strength must be finite in float32 and not negative, got 1e+39. "
            "Give a number such as 0.01.",
        ),
        ([1.0], "1", TypeError, "strength must be a real number, got '1'. Give a float."),
    ]:
        with pytest.raises(error) as raised:
            call(W, strength)
        assert str(raised.value) == f"{name}: {text}"
