"""gradient_descent: the path of the textbooks, and what a failure leaves."""

import itertools
import math

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refusals import READ_ONLY, SIDES, both_sides, refusal

from fastnet.gradient import (
    gradient_descent,
)


def bowl(x):
    return np.sum(x**2)


@both_sides
def test_the_textbooks_descent(side):
    # Section 4.4.1 prints these digits for the three learning rates.
    x, path = side.gradient_descent(bowl, np.array([-3.0, 4.0]), lr=0.1, step_num=100)
    assert_allclose(x, [-6.11110793e-10, 8.14814391e-10], rtol=1e-8)
    assert path.shape == (100, 2)
    assert_array_equal(path[0], [-3, 4])
    assert_allclose(path[1:], 0.8 * path[:-1], rtol=1e-9, atol=1e-11)
    assert_allclose(x, 0.8 * path[-1], rtol=1e-5)
    x, _ = side.gradient_descent(bowl, np.array([-3.0, 4.0]), lr=1e-10, step_num=100)
    assert_allclose(x, [-2.99999994, 3.99999992], rtol=1e-8)


@both_sides
@with_each("shape", [(), (4,), (2, 3)])
@every_dtype_name
def test_descent_changes_its_start(side, shape, dtype, rng):
    start = np.asarray(rng.standard_normal(shape), dtype)
    kept = start.copy()
    x, path = side.gradient_descent(bowl, start, lr=0.25, step_num=3)
    assert x is start and x.dtype == path.dtype == dtype and path.shape == (3, *shape)
    assert_array_equal(path[0], kept)
    assert_allclose(x, kept / 8, rtol=0, atol=1e-10 if dtype == "float64" else 1e-4)
    assert not np.shares_memory(x, path)


def test_the_two_descents_are_the_same():
    found = [side.gradient_descent(np.linalg.norm, np.array([0.3, -2.0]), 0.2) for side in SIDES]
    for ours, theirs in zip(*found, strict=True):
        assert_array_equal(ours, theirs)


def test_a_strided_start():
    table = np.array([[1.0, 7.0], [2.0, 7.0]])
    x, path = gradient_descent(bowl, table[:, 0], lr=0.5, step_num=2)
    assert x.base is table
    assert_allclose(table, [[0, 7], [0, 7]], rtol=0, atol=1e-10)
    assert_array_equal(path[0], [1, 2])


def test_a_descent_that_fails_stays_at_its_last_step():
    x, calls = np.array([1.0]), itertools.count()

    def f(x):
        if next(calls) == 3:  # the second of the second step
            raise ZeroDivisionError
        return bowl(x)

    with pytest.raises(ZeroDivisionError):
        gradient_descent(f, x, lr=0.25)
    assert_allclose(x, [0.5], rtol=1e-11)


DESCENT_REFUSALS = {
    "TypeError: gradient_descent: f must be a function, got None. Give one that takes x.": (
        None,
        np.ones(2),
    ),
    "TypeError: gradient_descent: init_x must be an array of float16, float32 or float64, got "
    "dtype int64. Give init_x.astype(float).": (bowl, np.ones(2, np.int64)),
    "TypeError: gradient_descent: init_x must be an array, as it is changed in place, got "
    "[1.0]. Give numpy.array(init_x, float).": (bowl, [1.0]),
    "ValueError: gradient_descent: init_x must be writeable, as it is changed in place, got a "
    "read-only array. Give init_x.copy().": (bowl, READ_ONLY),
    "ValueError: gradient_descent: lr must be finite, got nan. Give a number such as 0.1.": (
        bowl,
        np.ones(2),
        math.nan,
    ),
    "TypeError: gradient_descent: lr must be a real number, got '1'. Give a float.": (
        bowl,
        np.ones(2),
        "1",
    ),
    "ValueError: gradient_descent: step_num must be at least 1, got 0. Give a positive int.": (
        bowl,
        np.ones(2),
        0.1,
        0,
    ),
    "TypeError: gradient_descent: f(x) must be a real number, got 'x'. Give a float.": (
        lambda x: "x",
        np.ones(2),
    ),
}


@with_each("text", DESCENT_REFUSALS)
def test_gradient_descent_refuses(text):
    _, start, *_ = arguments = DESCENT_REFUSALS[text]
    assert refusal(lambda: gradient_descent(*arguments)) == text
    assert_array_equal(start, np.ones(len(start)))
