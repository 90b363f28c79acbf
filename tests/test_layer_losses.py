"""SoftmaxWithLoss, SoftmaxCrossEntropy and MeanSquaredError: values, gradients, oracles.

Then the other losses as classes, SigmoidWithLoss and WeightedLosses. test_losses.py has the
kernels, test_published_losses.py other libraries.
"""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import functions, losses
from fastnet.layers import SoftmaxWithLoss
from fastnet.losses import MeanSquaredError, SoftmaxCrossEntropy
from fastnet.reference import layers as reference_layers
from fastnet.reference import losses as reference_losses

TWINS = {
    SoftmaxWithLoss: reference_layers.SoftmaxWithLoss,
    SoftmaxCrossEntropy: reference_losses.SoftmaxCrossEntropy,
    MeanSquaredError: reference_losses.MeanSquaredError,
}
softmax_losses = pytest.mark.parametrize("kind", [SoftmaxWithLoss, SoftmaxCrossEntropy])
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def peaked_logits(rng, n=6, c=5):
    x = 5 * rng.standard_normal((n, c))
    assert np.ptp(x, axis=1).min() > 3  # logits near 0 would make every softmax alike
    return x


def central_difference(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        grad[i] = (above - f()) / (2 * h)
        x[i] = kept
    return grad


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (1, 33), (7, 1), (6, 5), (17, 10)], ids=str)
@pytest.mark.parametrize("kind", TWINS)
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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("kind", TWINS)
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


@pytest.mark.parametrize(
    "row", [[0, 0, 0], [1, 0, 1], [0, 2, 0], [0.5, 0.4, 0], [np.nan, 1, 0], [-1, 1, 1]]
)
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


# --------------------------------------------------------------------------- losses by name

LABELLED = [name for name, kind in losses.LOSSES.items() if kind.takes_labels]
every_loss = pytest.mark.parametrize("name", losses.LOSSES)


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


# --------------------------------------------------------------------------- SigmoidWithLoss


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


# --------------------------------------------------------------------------- WeightedLosses


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
