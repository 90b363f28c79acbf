"""numerical_diff: derivatives of the textbooks, of each element, of any real number."""

import math

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refusals import both_sides, refusal

from fastnet.gradient import (
    numerical_diff,
)


@both_sides
def test_the_textbooks_derivatives(side):
    # Section 4.3.3 prints these digits.
    assert side.numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5) == 0.1999999999990898
    assert side.numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 10) == 0.2999999999986347


@both_sides
@every_dtype_name
@with_each("shape", [(), (7,), (2, 3), (2, 1, 2)])
def test_the_derivative_of_each_element(side, dtype, shape, rng):
    x = rng.standard_normal(shape).astype(dtype) if shape else np.array(0.5, dtype)
    kept = x.copy()
    found = side.numerical_diff(np.sin, x)
    assert found.dtype == dtype and found.shape == shape
    assert_array_equal(x, kept)
    # h**2 / 6, and what the rounding of two sines leaves
    eps, h = np.finfo(dtype).eps, {"float32": 2.0**-7, "float64": 1e-4}[dtype]
    assert_allclose(found, np.cos(x), rtol=0, atol=h * h / 6 + 4 * eps / h)


def test_numbers_stay_numbers():
    seen = []

    def f(x):
        seen.append(x)
        return math.sin(x)

    assert type(numerical_diff(f, 1)) is type(numerical_diff(f, 1.0)) is float
    assert {type(x) for x in seen} == {float}
    assert seen[:2] == [1.0001, 0.9999]
    assert type(numerical_diff(np.sin, np.float32(1))) is np.float32
    assert_array_equal(numerical_diff(lambda x: x > 0, np.array([1, 0])), [0, 5000])


def test_integers_and_float16():
    assert numerical_diff(np.square, np.array([1, 2])).dtype == np.float64
    slope = numerical_diff(np.square, np.array([1.0, 2.0], np.float16))
    assert slope.dtype == np.float16
    assert_array_equal(slope, [2, 4])  # in steps of 1/8 and 1/4


DIFF_REFUSALS = {
    "TypeError: numerical_diff: f must be a function, got 3. Give one that takes x.": (3, 1.0),
    "TypeError: numerical_diff: x must be an array of integers, float16, float32 or float64, got "
    "complex of dtype complex128. Give its real part, numpy.real(x).": (np.sin, 1j),
    "ValueError: numerical_diff: f(x) must have the shape of x (3,), got (). For a function that "
    "makes one number of many, use numerical_gradient.": (np.sum, np.ones(3)),
    "TypeError: numerical_diff: f(x) must be an array of integers, float16, float32 or float64, "
    "got NoneType of dtype object. Give an array of numbers.": (lambda x: None, 1.0),
}


@pytest.mark.parametrize("text", DIFF_REFUSALS)
def test_numerical_diff_refuses(text):
    assert refusal(lambda: numerical_diff(*DIFF_REFUSALS[text])) == text
