"""The compiled loop stops before an update that spoils the weights."""

import numpy as np
import pytest
from epochs import STACKS, build, data, epoch, every_loss, predict
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    MEAN_SQUARED_ERROR,
)
from fastnet.reference import kernels as reference

# A loss that is not finite


@with_each("value", [np.nan, np.inf, -np.inf])
@every_loss
@every_dtype
def test_stops_before_the_update_of_a_loss_that_is_not_finite(value, loss, dtype):
    """In the fourth batch of the second of three epochs; what follows counts nothing."""
    stack = STACKS["relu"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    x[29] = value
    order = np.stack([np.arange(24), np.r_[:8, 29, 8:23], np.arange(24)])
    copied, twin = params.copy(), params.astype(np.float64)
    wanted = [
        epoch(kernels, x, labels, targets, layers, copied, loss, rows)
        for rows in (order[0], order[1, :8])
    ]
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order)
    assert_array_equal(params, copied)
    assert np.isfinite(params).all()
    assert_array_equal(totals, [*wanted, [0, 0, 0]])
    assert_array_equal(totals[:, 2], [3, 1, 0])
    with np.errstate(invalid="ignore"):
        again = epoch(
            reference, x.astype(np.float64), labels, targets.astype(np.float64), layers, twin,
            loss, order,
        )  # fmt: skip
    assert_array_equal(again[:, 1:], totals[:, 1:])


@every_dtype
def test_a_loss_that_overflows_stops(dtype):
    """It is inf, of finite outputs."""
    stack = STACKS["one layer"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    copied = params.copy()
    epoch(kernels, x, labels, targets, layers, copied, MEAN_SQUARED_ERROR, np.arange(8))
    x[11] = np.sqrt(np.finfo(dtype).max) * 100
    totals = epoch(kernels, x, labels, targets, layers, params, MEAN_SQUARED_ERROR)
    assert_array_equal(params, copied)
    assert np.isfinite(totals).all() and totals[2] == 1
    assert np.isfinite(predict(kernels, x, layers, params)).all()


@every_loss
def test_evaluation_reports_a_loss_that_is_not_finite(loss):
    """It goes on to the end, and no parameter is in danger."""
    stack = STACKS["relu"]
    layers, params = build(stack, np.float64)
    x, labels, targets = data(stack, np.float64)
    x[11] = np.nan
    kept = params.copy()
    with np.errstate(invalid="ignore"):
        results = [
            epoch(module, x, labels, targets, layers, params, loss, learn=False)
            for module in (kernels, reference)
        ]
    for totals in results:
        assert np.isnan(totals[0]) and totals[2] == 5
    assert_array_equal(params, kept)


@every_dtype
def test_a_learning_rate_that_diverges_stops(dtype):
    stack = STACKS["relu"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    done = [
        epoch(kernels, x, labels, targets, layers, params, MEAN_SQUARED_ERROR, lr=1e6)[2]
        for _ in range(20)
    ]
    assert done[0] > 0 and done[-1] == 0


# Gradients


@pytest.mark.parametrize(
    "stack", ["three layers", "no bias", "activations apart", "activations at the ends"]
)
@every_loss
def test_gradients_equal_central_differences(stack, loss):
    """One update of one batch with lr = 1 moves the parameters by the gradient."""
    layers, params = build(STACKS[stack], np.float64)
    x, labels, targets = data(STACKS[stack], np.float64, n=6)
    arguments = x, labels, targets, layers
    moved = params.copy()
    epoch(kernels, *arguments, moved, loss, batch_size=6, lr=1.0)
    gradient = params - moved
    assert np.abs(gradient).max() > 0.02
    for i in range(len(params)):
        sides = []
        for change in (1e-6, -1e-6):
            at = params.copy()
            at[i] += change
            sides.append(epoch(kernels, *arguments, at, loss, batch_size=6, learn=False)[0] / 6)
        assert abs((sides[0] - sides[1]) / 2e-6 - gradient[i]) < 1e-8, i
