"""Hinge losses: by hand, rivals and ties. losses/ compares them with the reference."""

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference


def both(name, y, t, dout=1.0):
    """Return the loss and its gradient, which the kernels and their twins have alike."""
    y = np.asarray(y, np.float64)
    t = np.asarray(t, np.int64 if name == "categorical_hinge" else np.float64)
    found = []
    for side in (kernels, reference):
        loss, dx = np.empty(1), np.empty_like(y)
        getattr(side, f"{name}_forward")(y, t, loss)
        getattr(side, f"{name}_backward")(y, t, dout, dx)
        found.append((loss[0], dx))
    assert_array_equal(found[0][0], found[1][0])
    assert_array_equal(found[0][1], found[1][1])
    return found[0]


def test_hinge_by_hand():
    loss, dx = both("hinge", [[0.5, -2.0], [3.0, 1.0]], [[1, 1], [1, -1]])
    assert loss == (0.5 + 3 + 0 + 2) / 4
    assert_array_equal(dx, [[-0.25, -0.25], [0, 0.25]])
    loss, dx = both("squared_hinge", [[0.5, -2.0], [3.0, 1.0]], [[1, 1], [1, -1]])
    assert loss == (0.25 + 9 + 0 + 4) / 4
    assert_array_equal(dx, [[-0.25, -1.5], [0, 1]])


def test_a_margin_of_one_is_enough():
    for name in ("hinge", "squared_hinge"):
        loss, dx = both(name, [[1.0, -1.0]], [[1, -1]])
        assert loss == 0
        assert_array_equal(dx, [[0, 0]])


def test_categorical_hinge_by_hand():
    y = [[3.0, 1.0, 0.5], [2.0, 1.5, 0.0], [-3.0, -2.0, -4.0], [0.0, 5.0, 5.0]]
    loss, dx = both("categorical_hinge", y, [0, 0, 1, 0], dout=4.0)
    # The label leads by 2; by 0.5; all are below the 0 in the label's place; two rivals alike.
    assert loss == (0 + 0.5 + 3 + 6) / 4
    assert_array_equal(dx, [[0, 0, 0], [-1, 1, 0], [0, -1, 0], [-1, 1, 0]])


@pytest.mark.parametrize(
    ("y", "label", "expected"),
    [
        ([3.0, 2.0, 1.0], 0, [0, 0, 0]),  # a lead of exactly 1 is enough
        ([0.0, -1.0, -2.0], 1, [0, -1, 0]),  # a rival at 0 is no more than the label's own place
    ],
)
def test_borders_of_the_categorical_hinge(y, label, expected):
    assert_array_equal(both("categorical_hinge", [y], [label])[1], [expected])


@every_dtype
def test_the_rival_is_found_wherever_it_stands(dtype):
    """Before, behind and beside the label, in the first vector of 40 classes and the last."""
    for label in (0, 1, 15, 16, 38, 39):
        for rival in (0, 2, 15, 17, 39):
            if label == rival:
                continue
            y = np.linspace(0.1, 0.2, 40, dtype=dtype).reshape(1, 40)
            y[0, rival], y[0, label] = 2, 2  # the label's own score is as large
            dx, loss = np.empty_like(y), np.empty(1, dtype)
            kernels.categorical_hinge_forward(y, np.array([label]), loss)
            assert loss[0] == 1
            kernels.categorical_hinge_backward(y, np.array([label]), dtype(1), dx)
            expected = np.zeros_like(y)
            expected[0, rival], expected[0, label] = 1, -1
            assert_array_equal(dx, expected)


@every_dtype
def test_whole_scores_have_ties_that_the_reference_breaks_alike(dtype):
    rng = np.random.default_rng(0)
    y, t = rng.integers(-2, 3, (400, 21)).astype(dtype), rng.integers(0, 21, 400)
    ours, theirs = np.empty_like(y), np.empty_like(y)
    kernels.categorical_hinge_backward(y, t, dtype(1), ours)
    reference.categorical_hinge_backward(y, t, dtype(1), theirs)
    assert_array_equal(ours, theirs)


def test_infinite_scores():
    loss, dx = both("categorical_hinge", [[np.inf, 0.0, 1.0]], [1])
    assert loss == np.inf
    assert_array_equal(dx, [[1, -1, 0]])
    loss, dx = both("categorical_hinge", [[np.inf, 0.0, 1.0]], [0])
    assert loss == 0
    assert_array_equal(dx, [[0, 0, 0]])


@pytest.mark.parametrize("at", [0, 5, 18])
def test_a_nan_anywhere_in_a_row_spoils_the_row(at):
    y = np.ones((2, 19))
    y[0, at] = np.nan
    loss, dx = both("categorical_hinge", y, [5, 5])
    assert np.isnan(loss)
    assert np.isnan(dx[0]).all()
    assert_array_equal(dx[1, :6], [0.5, 0, 0, 0, 0, -0.5])
