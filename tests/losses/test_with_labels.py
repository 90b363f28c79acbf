"""Losses as objects: by hand, labels in every form, what they keep."""

import pickle

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import SoftmaxWithLoss
from fastnet.losses import MeanSquaredError, SoftmaxCrossEntropy
from fastnet.reference import layers as reference_layers
from fastnet.reference import losses as reference_losses

TWINS = {
    SoftmaxWithLoss: reference_layers.SoftmaxWithLoss,
    SoftmaxCrossEntropy: reference_losses.SoftmaxCrossEntropy,
    MeanSquaredError: reference_losses.MeanSquaredError,
}
softmax_losses = with_each("kind", [SoftmaxWithLoss, SoftmaxCrossEntropy])


def peaked_logits(rng, n=6, c=5):
    x = 5 * rng.standard_normal((n, c))
    assert np.ptp(x, axis=1).min() > 3  # logits near 0 would make every softmax alike
    return x


@every_dtype
@with_each("shape", [(1, 1), (1, 33), (7, 1), (6, 5), (17, 10)])
@with_each("kind", TWINS)
def test_losses_equal_the_reference(kind, shape, dtype, rng):
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    if kind is MeanSquaredError:
        t = rng.standard_normal(shape).astype(dtype)
    else:
        t = rng.integers(0, shape[1], shape[0])
    loss, exact = kind(), TWINS[kind]()
    value = loss.forward(x, t)
    wide = x.astype(np.longdouble)
    target = t.astype(np.longdouble) if kind is MeanSquaredError else t
    expected = exact.forward(wide, target)
    eps = np.finfo(dtype).eps
    size = max(1, float(np.abs(x).max()))
    assert abs(value - expected) <= (shape[1] + 8) * eps * max(size, float(expected))
    assert loss.loss == value
    dx = loss.backward(0.5)
    bound = (shape[1] + 20) * eps * size
    assert (np.abs(dx - exact.backward(0.5)) <= bound / shape[0]).all()
    assert value.dtype == dx.dtype == dtype and dx.shape == shape
    assert (np.abs(loss.y - exact.y) <= bound).all()
    assert_array_equal(loss.t, t)


@every_dtype
@softmax_losses
def test_equal_logits_give_log_c(kind, dtype):
    x, t = np.full((4, 7), 2.5, dtype), np.array([0, 3, 6, 6])
    assert_allclose(kind().forward(x, t), np.log(7), rtol=1e-6)


@softmax_losses
def test_a_shift_of_the_logits_changes_nothing(kind, rng):
    x, t = np.round(peaked_logits(rng)), np.arange(6) % 5  # integers: the shift is exact
    one, two = kind(), kind()
    assert one.forward(x, t) == two.forward(x + 1e6, t)
    assert_array_equal(one.backward(), two.backward())


@softmax_losses
def test_softmax_losses_by_hand(kind):
    loss = kind()
    value = loss.forward(np.log([[1.0, 3.0], [4.0, 1.0]]), [1, 1])
    assert_allclose(value, -(np.log(0.75) + np.log(0.2)) / 2, rtol=1e-6)
    expected = np.array([[0.25, -0.25], [0.8, -0.8]]) / 2
    assert_allclose(loss.backward(), expected, rtol=1e-14)
    assert_allclose(loss.backward(-3), -3 * expected, rtol=1e-14)
    assert_allclose(loss.backward(np.array(2)), 2 * expected, rtol=1e-14)
    assert_allclose(loss.backward(), expected, rtol=1e-14)


@softmax_losses
def test_softmax_gradient_equals_central_difference(kind, rng):
    loss = kind()
    x, t = rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
    expected = central_difference(lambda: 3 * loss.forward(x, t), x)
    assert np.abs(expected).max() > 0.01
    loss.forward(x, t)
    # The textbook's gradient leaves the 1e-7 inside its log out: an error of 1e-7 / y.
    rtol = 1e-5 if kind is SoftmaxWithLoss else 1e-7
    assert_allclose(loss.backward(3), expected, rtol=rtol, atol=1e-9)
    assert_allclose(loss.backward(3).sum(axis=1), np.zeros(6), atol=1e-15)


def test_squared_error_gradient_equals_central_difference(rng):
    loss = MeanSquaredError()
    x, t = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    expected = central_difference(lambda: 3 * loss.forward(x, t), x)
    loss.forward(x, t)
    assert_allclose(loss.backward(3), expected, rtol=1e-7, atol=1e-9)


def test_squared_error_by_hand():
    loss = MeanSquaredError()
    y, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 5.0]])
    assert loss.forward(y, t) == (0 + 4 + 9 + 1) / 2 / 2
    assert_array_equal(loss.backward(2), [[0, 2], [3, -1]])
    assert loss.forward([[1.0], [2.0]], [0.0, 4.0]) == (1 + 4) / 2 / 2  # (N,) where C is 1
    assert_array_equal(loss.backward(), [[0.5], [-1]])
    assert loss.t.shape == (2, 1)


def test_only_the_fused_loss_is_exact_far_from_the_label():
    x = np.array([[0.0, 1000.0]])
    assert SoftmaxCrossEntropy().forward(x, [0]) == 1000
    assert_allclose(SoftmaxWithLoss().forward(x, [0]), 7 * np.log(10))
    assert SoftmaxCrossEntropy().forward(np.array([[3e38, -3e38]], np.float32), [0]) == 0


@softmax_losses
def test_labels_in_every_form_give_one_loss(kind, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    read_only = t.astype(np.uint8)
    read_only.flags.writeable = False
    one_hot = np.eye(5)[t]
    loss = kind()
    value, dx = loss.forward(x, t), loss.backward()
    for form in (t.tolist(), t[:, np.newaxis], read_only, one_hot, one_hot.astype(bool)):
        assert loss.forward(x, form) == value
        assert_array_equal(loss.backward(), dx)
        assert_array_equal(loss.t, t)
        assert loss.t.dtype == np.int64


@softmax_losses
def test_labels_that_change_after_forward_reach_no_kernel(kind, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    loss = kind()
    loss.forward(x, t)
    dx = loss.backward()
    t[...] = 10**9
    loss.t[...] = 10**9
    assert_array_equal(loss.backward(), dx)


@pytest.mark.parametrize("kind", TWINS)
def test_loss_of_a_batch_is_the_mean_of_its_rows(kind, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    if kind is MeanSquaredError:
        t = rng.standard_normal((6, 5))
    loss = kind()
    values, gradients = [], []
    for n in range(6):
        values.append(loss.forward(x[n : n + 1], t[n : n + 1]))
        gradients.append(loss.backward())
    assert_allclose(loss.forward(x, t), np.mean(values), rtol=1e-14)
    assert_allclose(loss.backward(), np.concatenate(gradients) / 6, rtol=1e-13, atol=1e-16)


@with_each("dtype", [np.float16, np.float32, np.float64])
@with_each("kind", TWINS)
def test_losses_can_be_pickled(kind, dtype, rng):
    x = rng.standard_normal((6, 5)).astype(dtype)
    loss = kind()
    loss.forward(x, x[::-1] if kind is MeanSquaredError else [0, 1, 2, 3, 4, 0])
    dx = pickle.loads(pickle.dumps(loss)).backward()
    assert_array_equal(dx, loss.backward(), strict=True)
    assert dx.dtype == dtype


def test_squared_errors_arrays_are_the_callers():
    x, t = np.ones((2, 1)), np.zeros((2, 1))
    loss = MeanSquaredError()
    loss.forward(x, t)
    t[...] = 3
    assert_array_equal(loss.backward(), [[-1], [-1]])


def test_losses_have_nothing_to_learn():
    for kind in TWINS:
        assert kind().params == kind().grads == []


def test_nan_is_no_error():
    x = np.array([[np.nan, 1.0], [0.0, 0.0]])
    for kind, t in [(SoftmaxWithLoss, [0, 1]), (SoftmaxCrossEntropy, [0, 1])]:
        loss = kind()
        assert np.isnan(loss.forward(x, t))
        assert np.isnan(loss.backward()[0]).all() and np.isfinite(loss.backward()[1]).all()
    assert np.isnan(MeanSquaredError().forward(x, x))


@with_each("row", [[0, 0, 0], [1, 0, 1], [0, 2, 0], [0.5, 0.4, 0], [np.nan, 1, 0], [-1, 1, 1]])
@every_dtype
@softmax_losses
def test_rows_that_do_not_add_up_are_told(kind, dtype, row):
    for x in (np.ones((4, 3), np.float32), np.ones((4, 3))):
        t = np.eye(3, dtype=dtype)[[0, 2, 1, 0]]
        t[2] = row
        layer = kind()
        with pytest.raises(ValueError, match=r"\.forward: t must be one-hot, .* got t\[2\]=\["):
            layer.forward(x, t)
        assert not hasattr(layer, "y")
