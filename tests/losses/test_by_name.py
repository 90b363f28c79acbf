"""Losses by name, SigmoidWithLoss and WeightedLosses equal their twins."""

import pickle

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import functions, losses
from fastnet.losses import MeanSquaredError
from fastnet.reference import losses as reference_losses

LABELLED = [name for name, kind in losses.LOSSES.items() if kind.takes_labels]
every_loss = with_each("name", losses.LOSSES)


def arguments(name, dtype, n=6, c=5, seed=0):
    """Outputs that are probabilities, too, and targets that every loss takes."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.05, 0.95, (n, c)).astype(dtype)
    if name in LABELLED:
        return x, rng.integers(0, c, n)
    t = rng.integers(0, 2, (n, c))
    return x, (2 * t - 1 if name in ("hinge", "squared_hinge") else t).astype(dtype)


def test_the_names_are_all_losses_of_one_output():
    kinds = set(losses.LOSSES.values())
    assert len(kinds) == len(losses.LOSSES)
    others = {losses.SigmoidWithLoss, losses.WeightedLosses}
    bases = {"LOSSES", "Loss", "LoopLoss"}
    assert {kind.__name__ for kind in kinds | others} == {*losses.__all__} - bases
    assert [kind.name for kind in losses.LOSSES.values()] == list(losses.LOSSES)


@every_dtype
@every_loss
def test_a_loss_by_name_equals_its_twin(name, dtype):
    x, t = arguments(name, dtype)
    kind = losses.LOSSES[name]
    loss, twin = kind(), getattr(reference_losses, kind.__name__)()
    value = loss.forward(x, t)
    expected = twin.forward(x.astype(np.float64), t)
    eps = np.finfo(dtype).eps
    # Percentages of targets 0 are 1e9: their errors stay relative.
    assert_allclose(value, expected, rtol=40 * eps)
    assert_allclose(loss.backward(0.5), twin.backward(0.5), rtol=60 * eps, atol=8 * eps)
    assert value.dtype == loss.backward().dtype == dtype
    assert loss.loss == value
    assert_array_equal(loss.t, t)
    assert loss.params == loss.grads == []
    assert_array_equal(pickle.loads(pickle.dumps(loss)).backward(), loss.backward(), strict=True)


@every_loss
def test_gradients_are_those_of_the_mean(name):
    """A batch of the same rows twice has the loss, and each row half the gradient."""
    x, t = arguments(name, np.float64)
    loss = losses.LOSSES[name]()
    value, dx = loss.forward(x, t), loss.backward()
    assert np.abs(dx).max() > 0
    assert_allclose(loss.forward(np.tile(x, (2, 1)), np.concatenate([t, t])), value, rtol=1e-13)
    assert_allclose(loss.backward(), np.tile(dx / 2, (2, 1)), rtol=1e-13)


@pytest.mark.parametrize("name", LABELLED)
def test_one_hot_rows_are_labels(name):
    x, t = arguments(name, np.float64)
    loss = losses.LOSSES[name]()
    value, dx = loss.forward(x, t), loss.backward()
    assert loss.forward(x, np.eye(5)[t]) == value
    assert_array_equal(loss.backward(), dx)
    assert_array_equal(loss.t, t)
    loss.t[...] = 10**9  # a copy: it reaches no kernel
    assert_array_equal(loss.backward(), dx)


def test_the_two_mean_squared_errors():
    x, t = arguments("mean_squared_error", np.float64)
    half, whole = MeanSquaredError(), losses.ElementwiseMeanSquaredError()
    assert_allclose(half.forward(x, t), 5 / 2 * whole.forward(x, t), rtol=1e-14)
    assert_allclose(half.backward(), 5 / 2 * whole.backward(), rtol=1e-14)
    assert_allclose(half.loss * 6, functions.sum_squared_error(x, t), rtol=1e-14)


def test_a_delta_that_changes():
    loss = losses.Huber(1)
    assert type(loss.delta) is float
    assert loss.forward([[3.0]], [[0.0]]) == 2.5
    loss.delta = 2
    assert loss.forward([[3.0]], [[0.0]]) == 4
    assert_array_equal(loss.backward(), [[2]])


@every_dtype
@pytest.mark.parametrize("shape", [(7,), (7, 1), (4, 3)], ids=str)
def test_sigmoid_with_loss_equals_its_twin(shape, dtype, rng):
    x, t = (3 * rng.standard_normal(shape)).astype(dtype), rng.integers(0, 2, shape)
    loss, twin = losses.SigmoidWithLoss(), reference_losses.SigmoidWithLoss()
    eps = np.finfo(dtype).eps
    assert_allclose(loss.forward(x, t), twin.forward(x.astype(float), t), rtol=200 * eps)
    assert_allclose(loss.backward(2), twin.backward(2), rtol=0, atol=4 * eps)
    assert_allclose(loss.y, twin.y, rtol=4 * eps)
    assert_array_equal(loss.t, t)
    assert loss.loss.dtype == loss.y.dtype == loss.t.dtype == loss.backward().dtype == dtype
    assert loss.y.shape == loss.t.shape == loss.backward().shape == shape


def test_sigmoid_with_loss_is_the_books():
    """Cross entropy of the columns 1 - y and y, and the error as its gradient: the delta rule."""
    x, t = np.array([-2.0, 0.5, 3.0]), np.array([0, 1, 0], np.int32)
    loss = losses.SigmoidWithLoss()
    y = 1 / (1 + np.exp(-x))
    exact = functions.cross_entropy_error(np.c_[1 - y, y], t)
    assert_allclose(loss.forward(x, t), exact, rtol=1e-14)
    assert_allclose(loss.backward(3), (y - t) * 3 / 3, rtol=1e-14)
    column = losses.SigmoidWithLoss()
    assert column.forward(x[:, np.newaxis], t) == loss.loss  # (N, 1) and (N,)
    assert_array_equal(column.backward(), loss.backward()[:, np.newaxis])


def test_sigmoid_with_loss_has_one_error_an_output(rng):
    """Whatever the number of outputs, delta is the error, over N alone."""
    x, t = rng.standard_normal((4, 3)), rng.integers(0, 2, (4, 3))
    loss = losses.SigmoidWithLoss()
    expected = central_difference(lambda: loss.forward(x, t), x)
    loss.forward(x, t)
    assert_allclose(loss.backward(), expected, rtol=2e-6)  # the gradient leaves 1e-7 / y out
    assert_array_equal(loss.backward(), (loss.y - t) / 4)


def test_targets_that_change_after_forward_change_nothing():
    x, t = np.zeros((2, 1)), np.array([[0.0], [1.0]])
    loss = losses.SigmoidWithLoss()
    loss.forward(x, t)
    dx = loss.backward()
    t[...] = 7
    assert_array_equal(loss.backward(), dx)


def make_two(weights):
    return losses.WeightedLosses([MeanSquaredError(), losses.MeanAbsoluteError()], weights)


def test_weighted_losses_by_hand():
    xs = [np.array([[3.0], [1.0]]), np.array([[1.0, 5.0]])]
    ts = [np.array([1.0, 1.0]), np.array([[0.0, 0.0]])]
    loss = make_two([1, 3])
    assert loss.forward(xs, ts) == (1 * 1 + 3 * 3) / 4
    assert_array_equal(loss.backward(2)[0], [[0.5], [0]])
    assert_array_equal(loss.backward(2)[1], [[0.75, 0.75]])
    assert make_two(None).forward(xs, ts) == (1 + 3) / 2
    assert make_two((0, 1)).forward(xs, ts) == 3
    loss.weights = [1, 0]
    assert loss.forward(xs, ts) == 1
    assert_array_equal(loss.backward()[1], [[0, 0]])


def test_weighted_losses_equal_their_twin(rng):
    xs, ts = rng.standard_normal((2, 6, 5)), rng.standard_normal((2, 6, 5))
    ours = make_two([0.3, 2])
    pair = [reference_losses.MeanSquaredError(), reference_losses.MeanAbsoluteError()]
    twin = reference_losses.WeightedLosses(pair, [0.3, 2])
    assert_allclose(ours.forward([*xs], [*ts]), twin.forward([*xs], [*ts]), rtol=1e-14)
    for dx, expected in zip(ours.backward(-3), twin.backward(-3), strict=True):
        assert_allclose(dx, expected, rtol=1e-13)


def test_weighted_losses_have_numpys_dtype():
    single, double = np.ones((2, 2), np.float32), np.ones((2, 2))
    loss = make_two([1, 2])
    assert loss.forward([single, single], [single * 0, single]).dtype == np.float32
    assert [dx.dtype for dx in loss.backward()] == [np.float32, np.float32]
    assert loss.forward([single, double], [single, double]).dtype == np.float64
    assert [dx.dtype for dx in loss.backward()] == [np.float32, np.float64]


def test_targets_of_sigmoid_with_loss():
    for t, shown in (([0, 1, 2, 1], "t[2, 0]=2"), ([0, 0.5, 1, 1], "t[1, 0]=0.5")):
        with pytest.raises(ValueError) as raised:
            losses.SigmoidWithLoss().forward(np.linspace(-1, 1, 4), t)
        assert str(raised.value) == (
            f"SigmoidWithLoss.forward: t must be 0 or 1, got {shown}. Give 1 for yes and 0 for no."
        )
