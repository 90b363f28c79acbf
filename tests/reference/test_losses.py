"""Softmax and losses of the reference: by hand, invariants, gradients."""

import numpy as np
import pytest
from differences import assert_gradient, central_difference, peaked_logits
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.reference.functions import cross_entropy_error, softmax
from fastnet.reference.layers import (
    SoftmaxWithLoss,
)
from fastnet.reference.losses import MeanSquaredError, SoftmaxCrossEntropy

# Softmax and the losses


def test_softmax_rows_sum_to_one(rng):
    y = softmax(peaked_logits(rng))
    assert_allclose(y.sum(axis=1), np.ones(6), rtol=1e-15)
    assert (y > 0).all()


def test_softmax_by_hand():
    assert_allclose(softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625], rtol=1e-15)
    assert_array_equal(softmax(np.array([0.0, -np.inf])), [1, 0])


def test_cross_entropy_error_by_hand():
    y = np.array([[0.25, 0.75], [0.5, 0.5]])
    expected = -(np.log(0.75 + 1e-7) + np.log(0.5 + 1e-7)) / 2
    assert_allclose(cross_entropy_error(y, np.array([1, 0])), expected, rtol=1e-15)
    assert_allclose(cross_entropy_error(y, np.array([[0, 1], [1, 0]])), expected, rtol=1e-15)
    assert_allclose(cross_entropy_error(y[0], np.array(1)), -np.log(0.75 + 1e-7), rtol=1e-15)
    assert_allclose(cross_entropy_error(y[0], np.array([0, 1])), -np.log(0.75 + 1e-7), rtol=1e-15)
    assert_allclose(cross_entropy_error(np.array([[0.0, 1.0]]), np.array([0])), 7 * np.log(10))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_equal_logits_give_log_c(loss):
    x, t = np.full((4, 7), 2.5), np.array([0, 3, 6, 6])
    assert_allclose(loss().forward(x, t), np.log(7), rtol=1e-6)


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_shifted_logits_give_the_same_loss(loss, rng):
    x, t = peaked_logits(rng), np.arange(6) % 5
    assert_allclose(loss().forward(x + 1e6, t), loss().forward(x, t), rtol=1e-8)


def test_only_the_fused_loss_is_exact_far_from_the_label():
    x, t = np.array([[0.0, 1000.0]]), np.array([0])
    assert SoftmaxCrossEntropy().forward(x, t) == 1000
    assert_allclose(SoftmaxWithLoss().forward(x, t), 7 * np.log(10))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_softmax_loss_gradient_equals_central_difference(loss, rng):
    layer = loss()
    x = rng.standard_normal((6, 5))
    for t in (rng.integers(0, 5, 6), rng.random((6, 5))):  # weights of classes, of any sum
        # The textbook's gradient leaves the 1e-7 inside its log out: an error of 1e-7 / y, which of
        # all classes together is more than 1e-8.
        of = layer if t.ndim == 1 else SoftmaxCrossEntropy()
        expected = central_difference(lambda of=of, t=t: 3 * of.forward(x, t), x)
        layer.forward(x, t)
        assert_allclose(layer.backward(3), expected, rtol=1e-5, atol=1e-8)
        assert_allclose(layer.backward(3).sum(axis=1), np.zeros(6), atol=1e-15)


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_one_hot_rows_are_labels(loss, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    a, b = loss(), loss()
    assert a.forward(x, t) == b.forward(x, np.eye(5)[t]) == b.loss
    assert_array_equal(b.t, t)
    assert_array_equal(a.backward(), b.backward())
    assert_array_equal(b.y, softmax(x))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_loss_of_a_batch_is_the_mean_of_its_rows(loss, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    layer = loss()
    rows = [layer.forward(x[n : n + 1], t[n : n + 1]) for n in range(6)]
    dx = [layer.backward() for n in range(6) if layer.forward(x[n : n + 1], t[n : n + 1])]
    assert_allclose(layer.forward(x, t), np.mean(rows), rtol=1e-14)
    assert_allclose(layer.backward(), np.concatenate(dx) / 6, rtol=1e-13, atol=1e-16)


def test_mean_squared_error_by_hand():
    layer = MeanSquaredError()
    y, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 5.0]])
    assert layer.forward(y, t) == (0 + 4 + 9 + 1) / 2 / 2
    assert_array_equal(layer.backward(2), [[0, 2], [3, -1]])
    assert layer.forward(np.array([[1.0], [2.0]]), np.array([0.0, 4.0])) == (1 + 4) / 2 / 2
    assert_array_equal(layer.backward(), [[0.5], [-1]])


def test_mean_squared_error_gradient_equals_central_difference(rng):
    layer = MeanSquaredError()
    y, t = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    layer.forward(y, t)
    assert_gradient(layer.backward(), lambda: layer.forward(y, t), y)
