"""A weight for each sample: by hand, in fit, with any threads."""

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from weighted_models import (
    BATCH,
    LAST,
    C,
    N,
    by_hand,
    drawn_weights,
    model,
    outputs,
    rows,
    targets,
    with_ignored,
)

import fastnet
import fastnet.models
import fastnet.reference
from fastnet import losses
from fastnet.layers import BatchNormalization, Dense, Dropout, SoftmaxWithLoss
from fastnet.losses import (
    LOSSES,
    Loss,
    SoftmaxCrossEntropy,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

every_loss = with_each("name", LOSSES)


def kinds(name):
    """The loss, here and in NumPy."""
    kind = LOSSES.get(name, SoftmaxWithLoss)
    room = fastnet.reference.layers if kind is SoftmaxWithLoss else fastnet.reference.losses
    return kind, getattr(room, kind.__name__)


@with_each("name", [*LOSSES, "softmax_with_loss"])
@every_dtype_name
def test_by_hand_as_the_twin(name, dtype):
    kind, plain = kinds(name)
    t = targets(name if name in LOSSES else "softmax_cross_entropy")
    y, weights = outputs(name, dtype), drawn_weights(dtype)
    loss, twin = kind(), plain()
    value = loss.forward(y, t, weights)
    wanted = twin.forward(y.astype(float), np.asarray(t), weights.astype(float))
    bound = 40 * np.finfo(dtype).eps
    assert type(value) is np.dtype(dtype).type or t.ndim == 2
    assert_allclose(value, wanted, rtol=bound, atol=bound)
    for dout in (1, 0.3):
        dx = loss.backward(dout)
        assert_allclose(dx, twin.backward(dout), rtol=bound, atol=bound)
    assert_array_equal(dx[[0, 7]], 0)


@with_each("name", [*LOSSES, "softmax_with_loss"])
def test_the_gradient_by_hand_is_that_of_the_weighted_loss(name):
    kind = kinds(name)[0]
    t = targets(name if name in LOSSES else "softmax_cross_entropy")
    y, weights, loss = outputs(name, "float64"), drawn_weights(), kind()
    # Away from kinks and from 0.
    y = np.clip(y, 0.05, None) if name in LAST else y
    loss.forward(y, t, weights)
    dx = loss.backward()
    for at in [(0, 1), (3, 0), (4, 2), (9, 3)]:
        upper, lower = y.copy(), y.copy()
        upper[at] += 1e-6
        lower[at] -= 1e-6
        slope = (kind().forward(upper, t, weights) - kind().forward(lower, t, weights)) / 2e-6
        # The textbook's gradient is that of a logarithm without the 1e-7.
        assert abs(slope - dx[at]) < (1e-6 if name == "softmax_with_loss" else 1e-7) * max(
            1, abs(slope)
        )


@every_loss
def test_the_mean_is_over_the_samples(name):
    """sum(w l) / N, and not / sum(w): weights of 2 give twice the loss and gradient."""
    kind, y, t = LOSSES[name], outputs(name, "float64"), targets(name)
    plain, weighted = kind(), kind()
    value = plain.forward(y, t)
    for weight in (1.0, 2.0):
        assert_allclose(weighted.forward(y, t, np.full(N, weight)), weight * value, rtol=1e-14)
        assert_allclose(weighted.backward(), weight * plain.backward(), rtol=1e-14, atol=1e-18)
    rows = [float(kind().forward(y[i : i + 1], t[i : i + 1])) for i in range(N)]
    weights = drawn_weights()
    assert_allclose(weighted.forward(y, t, weights), np.dot(rows, weights) / N, rtol=1e-13)
    assert_allclose(weighted.forward(y, t, weights.tolist()), weighted.loss, rtol=0)
    value = weighted.forward(y, t)  # and none again
    assert value == plain.loss
    assert_array_equal(weighted.backward(), plain.backward())


@with_each("optimizer", [SGD, Adam])
@every_loss
@every_dtype_name
def test_fit_goes_as_steps_by_hand(name, dtype, optimizer):
    x, t, weights = rows(dtype), targets(name), drawn_weights(dtype)
    looped, hand = (model(name, LAST.get(name), dtype) for _ in range(2))
    hand.build(5)
    settings = {"shuffle": False, "verbose": 0, "sample_weight": weights}
    seen = looped.fit(x, t, 4, BATCH, optimizer(0.01), **settings).loss
    wanted = by_hand(hand, x, t, weights, optimizer(0.01), 4)
    bound = 400 * np.finfo(dtype).eps
    assert_allclose(looped.parameter_vector, hand.parameter_vector, rtol=bound, atol=bound)
    assert_allclose(seen, wanted, rtol=bound, atol=bound)
    evaluated = looped.evaluate(x, t, sample_weight=weights)
    assert_allclose(evaluated["loss"], looped.forward(x, t, weights), rtol=bound, atol=bound)
    # Answers count alike.
    assert evaluated.get("accuracy") == looped.evaluate(x, t).get("accuracy")


@every_loss
def test_the_gradient_of_a_weighted_model(name):
    x, t, weights = rows(), targets(name), drawn_weights()
    net = model(name, LAST.get(name))
    grads = net.gradient(x, t, weights)
    for grad, slope in zip(grads, net.numerical_gradient(x, t, weights), strict=True):
        assert_allclose(grad, slope, rtol=0, atol=2e-8 * max(1, np.abs(grad).max()))
    plain = net.gradient(x, t)
    assert not np.allclose(plain[0], grads[0], rtol=1e-3)


@every_loss
@every_dtype_name
def test_weights_of_one_change_no_bit(name, dtype):
    x, t = rows(dtype), targets(name)
    plain, weighted = (model(name, LAST.get(name), dtype) for _ in range(2))
    wanted = plain.fit(x, t, 3, BATCH, verbose=0).loss
    seen = weighted.fit(x, t, 3, BATCH, verbose=0, sample_weight=np.ones(N)).loss
    assert seen == wanted
    assert_array_equal(weighted.parameter_vector, plain.parameter_vector)
    assert weighted.evaluate(x, t, sample_weight=np.ones(N)) == plain.evaluate(x, t)


@pytest.mark.parametrize("threads", [1, 2])
def test_in_batches_of_any_size_with_any_threads(threads, team_of):
    """Also one sample an update, which an unweighted network has a way of its own for."""
    x, t = np.concatenate([rows()] * 3), targets("softmax_cross_entropy", 3 * N)
    weights = np.concatenate([drawn_weights()] * 3)
    team_of(threads)
    for batch in (1, 3, 40, 3 * N):  # of 32 and more each thread has some
        ours = Sequential([Dense(3, "tanh"), Dense(C)], dtype="float64", seed=0)
        plain = fastnet.reference
        theirs = plain.models.Sequential(
            [plain.layers.Dense(3, "tanh"), plain.layers.Dense(C)], dtype="float64", seed=0
        )
        seen = ours.fit(x, t, 3, batch, SGD(0.1), verbose=0, sample_weight=weights)
        wanted = theirs.fit(x, t, 3, batch, plain.optimizer.SGD(0.1), sample_weight=weights)
        assert_allclose(seen.loss, wanted.loss, rtol=1e-11)
        assert seen.accuracy == wanted.accuracy
        assert_allclose(ours.parameter_vector, theirs.parameter_vector, rtol=0, atol=1e-12)


def test_weights_leave_penalties_alone():
    x, t, weights = rows(), targets("softmax_cross_entropy"), drawn_weights()
    ours, theirs = (
        package.models.Sequential(
            [package.layers.Dense(C)], dtype="float64", seed=0, l1=0.01, l2=0.1
        )
        for package in (fastnet, fastnet.reference)
    )
    seen = ours.fit(x, t, 3, BATCH, SGD(0.1), verbose=0, sample_weight=weights)
    wanted = theirs.fit(x, t, 3, BATCH, fastnet.reference.optimizer.SGD(0.1), sample_weight=weights)
    assert_allclose(seen.loss, wanted.loss, rtol=1e-12)
    assert_allclose(ours.forward(x, t, weights), theirs.forward(x, t, weights), rtol=1e-12)


def test_penalties_and_samples_that_do_not_count():
    """What large weights cost is no part of what is divided by the samples that count."""
    x, (t, kept) = rows(), with_ignored()
    loss = SoftmaxCrossEntropy(ignore_index=-1)
    ours = Sequential([Dense(C)], loss, "float64", seed=0, l1=0.01, l2=0.1)
    theirs = Sequential([Dense(C)], SoftmaxCrossEntropy(), "float64", seed=0, l1=0.01, l2=0.1)
    optimizer = SGD(0.1)
    seen = ours.fit(x, t, 3, N, optimizer, shuffle=False, verbose=0)
    wanted = theirs.fit(x[kept], t[kept], 3, N, SGD(0.1), shuffle=False, verbose=0)
    assert_allclose(seen.loss, wanted.loss, rtol=1e-12)
    assert_allclose(ours.parameter_vector, theirs.parameter_vector, rtol=1e-12)


def test_validation_data_weigh_alike():
    """Neither the weights of the training, nor a loss that its targets need."""
    x, t, weights = rows(), targets("softmax_cross_entropy"), drawn_weights()
    soft = np.random.default_rng(0).dirichlet(np.ones(C), N)
    net = model("softmax_cross_entropy")
    for given, held_out in ((t, t), (soft, t), (t, soft)):
        seen = net.fit(
            x, given, 2, BATCH, validation_data=(x[:9], held_out[:9]), verbose=0,
            sample_weight=weights,
        )  # fmt: skip
        wanted = net.evaluate(x[:9], held_out[:9])
        assert (seen.val_loss[-1], seen.val_accuracy[-1]) == tuple(wanted.values())


def test_the_users_weights_are_read_once_and_stay():
    x, t, weights = rows("float32"), targets("softmax_cross_entropy"), drawn_weights()
    kept = weights.copy()
    net = model("softmax_cross_entropy", dtype="float32", hidden=[BatchNormalization(), Dropout()])
    net.fit(x, t, 2, BATCH, verbose=0, sample_weight=weights, class_weight={1: 2})
    assert_array_equal(weights, kept)


def test_a_loss_of_ones_own_is_weighted_in_the_loop():
    class Own(losses.MeanSquaredError):
        """The same, by another name."""

    class Plain(Loss):
        def forward(self, x, t):
            self.y, self.t = x, t
            return ((x - t) ** 2).sum() / 2 / len(x)

        def backward(self, dout=1):
            return (self.y - self.t) * dout / len(self.y)

        def in_loop(self):
            return losses.MeanSquaredError().in_loop()

    x, t, weights = rows(), targets("mean_squared_error"), drawn_weights()
    wanted = model("mean_squared_error").fit(x, t, 3, verbose=0, sample_weight=weights).loss
    for loss in (Own(), Plain()):
        assert model(loss).fit(x, t, 3, verbose=0, sample_weight=weights).loss == wanted
