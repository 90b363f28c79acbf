"""numerical_gradient: any shape and layout, its step, and x put back to the bit."""

import itertools
import math

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refusals import READ_ONLY, bits, both_sides, refusal

from fastnet.gradient import (
    numerical_gradient,
)
from fastnet.layers import Affine, Dense
from fastnet.models import Sequential

EPS = 2.0**-52


@both_sides
def test_the_textbooks_gradients(side):
    def f(x):
        return x[0] ** 2 + x[1] ** 2

    # Section 4.4 prints these digits before it rounds them.
    assert_array_equal(
        side.numerical_gradient(f, np.array([3.0, 4.0])), [6.00000000000378, 7.999999999999119]
    )
    assert_allclose(side.numerical_gradient(f, np.array([0.0, 2.0])), [0, 4], rtol=1e-11)
    assert_allclose(side.numerical_gradient(f, np.array([3.0, 0.0])), [6, 0], rtol=1e-11)


VIEWS = {
    "0-d": lambda x: x[0, :1].reshape(()),
    "1-d": lambda x: x[0],
    "matrix": lambda x: x,
    "4-d": lambda x: x.reshape(2, 1, 3, 2),
    "transposed": lambda x: x.T,
    "every other": lambda x: x[:, ::2],
    "backwards": lambda x: x[::-1],
    "empty": lambda x: x[:0],
    "bytes swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "Fortran order": np.asfortranarray,
}


@both_sides
@every_dtype_name
@with_each("view", VIEWS)
def test_any_shape_and_layout(side, dtype, view, rng):
    x = VIEWS[view](rng.standard_normal((3, 4)).astype(dtype))
    weights = rng.standard_normal(x.shape)
    kept = bits(x)

    def f(given):
        assert given is x
        return np.sum(weights * np.sin(x, dtype=np.float64))

    grad = side.numerical_gradient(f, x)
    assert bits(x) == kept
    assert grad.shape == x.shape and grad.dtype == x.dtype
    # h**2 / 6; the rounding of 12 terms over 2h; and of x + h, and the gradient, in float32
    h = {"float32": 2.0**-7, "float64": 1e-4}[dtype]
    tolerance = h * h / 6 + 12 * 12 * EPS / h + 4 * np.finfo(dtype).eps / h * (dtype == "float32")
    expected = weights * np.cos(x, dtype=np.float64)
    assert_allclose(grad, expected, rtol=0, atol=tolerance * np.abs(weights).max(initial=1))


# dtype, x, step: the textbook's, or the power of two above cbrt(eps) * max(1, |x|)
STEPS = [
    ("float64", 0.0, 1e-4),
    ("float64", -1.0, 1e-4),
    ("float64", 16.0, 1e-4),
    ("float64", 20.0, 2.0**-13),
    ("float64", 1e9, 2.0**13),
    ("float64", -1e300, 2.0**980),
    ("float32", 0.0, 2.0**-7),
    ("float32", 1.0, 2.0**-7),
    ("float32", -3.0, 2.0**-6),
    ("float32", 1e6, 2.0**13),
    ("float16", 1.0, 2.0**-3),
]


@both_sides
@with_each("dtype, value, step", STEPS)
def test_the_step_fits_dtype_and_size(side, dtype, value, step):
    x, seen = np.array([value], dtype), []
    side.numerical_gradient(lambda x: seen.append(x[0]) or 0.0, x)
    scale = np.cbrt(np.finfo(dtype).eps, dtype=np.float64) * max(1, abs(value))
    assert step == 1e-4 >= scale or (scale < step <= 2 * scale and math.frexp(step)[0] == 0.5)
    assert seen == [x.dtype.type(x[0] + step), x.dtype.type(x[0] - step)]
    diff = []
    side.numerical_diff(lambda x: diff.append(x) or x, x[0])
    assert [float(x) for x in diff] == [float(x) for x in seen]


@both_sides
def test_no_step_is_not_finite(side):
    """What C's frexp makes of NaN and infinity, nobody knows."""
    assert_array_equal(side._steps(np.array([np.nan, np.inf, -np.inf])), [1e-4] * 3)


def test_a_large_x_has_a_gradient():
    x = np.array([1e9, 1e15])  # 1e15 + 1e-4 is 1e15
    assert_allclose(numerical_gradient(lambda x: 3 * x[0] + 2 * x[1], x), [3, 2], rtol=1e-9)


def test_float32_takes_a_larger_step_than_the_textbooks(rng):
    """What the docstring says of 1e-4 in float32."""
    x, t = rng.random((32, 64)).astype(np.float32), np.arange(32) % 10
    model = Sequential([Dense(32, activation="sigmoid"), Dense(10)], seed=0)
    exact = model.gradient(x, t)[2]
    W = model.layers[1].W

    def error(numerical):
        return np.abs(numerical - exact).max() / np.abs(exact).max()

    textbook = np.zeros_like(W)
    for i in np.ndindex(W.shape):
        kept = W[i]
        W[i] = kept + 1e-4
        above = model.forward(x, t)
        W[i] = kept - 1e-4
        textbook[i] = (above - model.forward(x, t)) / 2e-4
        W[i] = kept
    assert error(textbook) > 3e-3
    assert error(numerical_gradient(lambda W: model.forward(x, t), W)) < 1e-3


SPECIAL = np.array([-0.0, np.nan, -np.nan, np.inf, -np.inf, 5e-324, 1.7e308, 0.1])


@both_sides
@with_each("dtype", ["<f8", ">f8", "<f4", ">f4", "<f2"])
def test_x_is_put_back_to_the_bit(side, dtype):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        number = x.view(dtype.replace("f", "u"))
        number[1] |= number.dtype.type(1)  # a NaN that carries something
        kept = bits(x)
        side.numerical_gradient(lambda x: 0.0, x)
    assert bits(x) == kept


@both_sides
@with_each("error", [ZeroDivisionError, KeyboardInterrupt])
@with_each("call", range(8))
def test_x_is_put_back_where_f_raises(side, error, call):
    x = np.array([[0.1, -0.0], [0.3, 1e-300]])
    kept, calls = bits(x), itertools.count()

    def f(x):
        assert bits(x) != kept
        if next(calls) == call:
            raise error
        return x.sum()

    with pytest.raises(error):
        side.numerical_gradient(f, x)
    assert bits(x) == kept
    with pytest.raises((TypeError, ValueError)):
        side.numerical_gradient(lambda x: "no number", x)
    assert bits(x) == kept


def test_f_may_ignore_its_argument_and_give_any_real_number(rng):
    layer, x = Affine(rng.standard_normal((3, 2)), np.zeros(2)), rng.standard_normal((4, 3))
    grad = numerical_gradient(lambda _: np.sum(layer.forward(x)), layer.W)
    assert_allclose(grad, np.repeat(x.sum(axis=0), 2).reshape(3, 2), rtol=1e-9)
    for kind in (float, np.float32, np.array, int):
        found = numerical_gradient(lambda x, kind=kind: kind(16384 * x[0]), np.ones(1))
        assert_allclose(found, [16384], rtol=1e-3 if kind is np.float32 else 0.4)


GRADIENT_REFUSALS = {
    "TypeError: numerical_gradient: f must be a function, got an array of shape (2,) and "
    "dtype float64. Give one that takes x.": (
        np.ones(2),
        np.ones(2),
    ),
    "TypeError: numerical_gradient: x must be an array, as it is changed in place, got "
    "[3.0, 4.0]. Give numpy.array(x, float).": (sum, [3.0, 4.0]),
    "TypeError: numerical_gradient: x must be an array, as it is changed in place, got 3.0. Give "
    "numpy.array(x, float).": (abs, 3.0),
    "TypeError: numerical_gradient: x must be an array of float16, float32 or float64, got dtype "
    "int64. Give x.astype(float).": (np.sum, np.ones(2, np.int64)),
    "TypeError: numerical_gradient: x must be an array of float16, float32 or float64, got dtype "
    "complex128. Give x.astype(float).": (np.sum, np.ones(2, complex)),
    "ValueError: numerical_gradient: x must be writeable, as it is changed in place, got a "
    "read-only array. Give x.copy().": (np.sum, READ_ONLY),
    "TypeError: numerical_gradient: f(x) must be a real number, got an array of shape (2,) and "
    "dtype float64. Give a float.": (np.sin, np.ones(2)),
    "TypeError: numerical_gradient: f(x) must be a real number, got None. Give a float.": (
        lambda x: None,
        np.ones(2),
    ),
    "TypeError: numerical_gradient: f(x) must be a real number, got (1+0j). Give a float.": (
        lambda x: 1 + 0j,
        np.ones(2),
    ),
}


@with_each("text", GRADIENT_REFUSALS)
def test_numerical_gradient_refuses(text):
    assert refusal(lambda: numerical_gradient(*GRADIENT_REFUSALS[text])) == text
