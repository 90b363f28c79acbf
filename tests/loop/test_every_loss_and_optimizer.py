"""The compiled loop trains as the steps by hand: every loss with every optimizer."""

import numba
import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from loop_models import (
    ADJUSTED,
    BATCH,
    LAST,
    OPTIMIZERS,
    assert_same_training,
    data,
    model,
    train_by_hand,
)
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.kernels.dropout import layer_seed
from fastnet.layers import (
    BatchNormalization,
    Dense,
)
from fastnet.losses import LOSSES, Huber
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum


@with_each("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
@every_dtype_name
def test_every_loss_with_every_optimizer(loss, optimizer, dtype):
    x, t = data(loss, dtype)
    assert_same_training(lambda: model(loss, dtype), x, t, OPTIMIZERS[optimizer])


# The cosine of one number is 1 or -1, whatever the weights.
OF_ONE_OUTPUT = [
    name
    for name in LOSSES
    if not LOSSES[name].takes_labels and name != "cosine_proximity" and LAST.get(name) != "softmax"
]


@with_each("loss", OF_ONE_OUTPUT)
@every_dtype_name
def test_every_loss_of_one_output(loss, dtype):
    x, t = data(loss, dtype, 1)
    assert_same_training(lambda: model(loss, dtype, 1), x, t, OPTIMIZERS["Adam"])


@with_each("optimizer", ADJUSTED)
@every_dtype_name
def test_every_adjustment_of_the_gradient(optimizer, dtype):
    x, t = data("softmax_cross_entropy", dtype)
    assert_same_training(lambda: model("softmax_cross_entropy", dtype), x, t, ADJUSTED[optimizer])


@with_each("loss", LOSSES)
def test_evaluate_equals_forward(loss):
    x, t = data(loss, "float64")
    net = model(loss, "float64")
    seen = net.evaluate(x, t)
    assert_allclose(seen["loss"], net.forward(x, t), rtol=1e-13)
    y = net.predict(x)
    if LOSSES[loss].takes_labels:
        assert seen["accuracy"] == np.mean(y.argmax(axis=1) == t)
    elif LOSSES[loss].yes_above is not None:  # each output by itself
        above, wanted = LOSSES[loss].yes_above
        assert seen["accuracy"] == np.mean((y > above) == (t > wanted))
    elif LOSSES[loss].default_metrics:
        assert seen["accuracy"] == np.mean(y.argmax(axis=1) == t.argmax(axis=1))
    else:
        assert list(seen) == ["loss"]


@pytest.mark.parametrize(
    ("loss", "answer", "yes"),
    [("hinge", 0.2, 1), ("sigmoid_cross_entropy", 0.2, 1), ("binary_cross_entropy", 0.2, 1)],
)
def test_one_output_says_yes_above_the_middle(loss, answer, yes):
    """Of hinge's -1 and 1, of a logit, of a probability."""
    net = Sequential([Dense(1, LAST.get(loss))], loss, "float64", seed=0)
    net.build(1)
    net.params[0][...], net.params[1][...] = 0, answer
    no = -1 if loss == "hinge" else 0
    t = np.array([yes, yes, yes, no])
    assert net.evaluate(np.zeros((4, 1)), t)["accuracy"] == 0.75
    net.params[1][...] = -answer
    assert net.evaluate(np.zeros((4, 1)), t)["accuracy"] == 0.25


def test_steps_by_hand_and_fit_take_turns():
    """The states that fit leaves are those that update goes on with, and the other way round."""
    x, t = data("softmax_cross_entropy", "float64")
    mixed, by_hand = (model("softmax_cross_entropy", "float64") for _ in range(2))
    one, other = Adam(0.01), Adam(0.01)
    settings = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "optimizer": one}
    train_by_hand(mixed, x, t, one, epochs=2)
    mixed.fit(x, t, epochs=3, **settings)
    train_by_hand(mixed, x, t, one, epochs=2)
    mixed.fit(x, t, epochs=3, **settings)
    train_by_hand(by_hand, x, t, other)
    assert_allclose(mixed.parameter_vector, by_hand.parameter_vector, rtol=1e-12, atol=1e-12)
    assert one.iter == other.iter == 50


def test_a_loss_that_is_not_finite_leaves_the_state_before_it():
    """Weights, states and the number of the update are those after the last finite one."""
    x, t = data("softmax_cross_entropy", "float64")
    x[25] = np.nan  # the third batch of the second epoch
    order = [*range(20), *range(30, 45)]
    net, twin = (model("softmax_cross_entropy", "float64") for _ in range(2))
    one, other = Adam(0.01), Adam(0.01)
    with pytest.raises(FloatingPointError):
        net.fit(x, t, epochs=2, batch_size=BATCH, shuffle=False, optimizer=one, verbose=0)
    twin.fit(
        x[order][:20], t[order][:20], epochs=1, batch_size=BATCH, shuffle=False, optimizer=other,
        verbose=0,
    )  # fmt: skip
    assert one.iter == other.iter == 2
    assert_array_equal(net.parameter_vector, twin.parameter_vector)
    for name in ("m", "v"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, 1e300])
def test_a_loss_that_is_not_finite_leaves_the_running_statistics_before_it(bad):
    """The batch is normalized, and its mean and variance averaged, before its loss is known."""
    x, t = data("mean_squared_error", "float64")
    x[25] = bad  # the third batch
    nets = [
        model("mean_squared_error", "float64", layers=[BatchNormalization(), Dense(3)])
        for _ in range(2)
    ]
    settings = {"batch_size": BATCH, "shuffle": False, "optimizer": SGD(0.05), "verbose": 0}
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        nets[0].fit(x, t, **settings)
    nets[1].fit(x[:20], t[:20], **settings)
    assert_array_equal(nets[0].parameter_vector, nets[1].parameter_vector)
    for name in ("running_mean", "running_var"):
        mine, wanted = (getattr(net.layers[0], name) for net in nets)
        assert np.isfinite(mine).all()
        assert_array_equal(mine, wanted)


def test_weights_that_overflow_leave_the_state_before_it():
    x, t = data("mean_squared_error", "float32")
    net = model("mean_squared_error", "float32")
    optimizer = Momentum(lr=3e38)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        net.fit(x, t, epochs=3, batch_size=BATCH, optimizer=optimizer, verbose=0)
    assert np.isfinite(net.parameter_vector).all()
    assert all(np.isfinite(v).all() for v in optimizer.v)


def test_seeds_of_layers_share_no_pattern():
    @numba.njit
    def mixed(n):
        return [layer_seed(7, i, j) for i in range(n) for j in range(2)]

    numbers = np.array(mixed(2048), np.int64)
    assert len(set(numbers.tolist())) == 4096
    bits = np.unpackbits(numbers.view(np.uint8)).reshape(4096, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / 64  # five standard deviations


def test_a_huber_loss_has_its_own_delta():
    x, t = data("huber", "float64")
    for dtype in ("float32", "float64"):
        assert_same_training(lambda d=dtype: model(Huber(0.05), d), x, t, OPTIMIZERS["Adam"])
    wide, narrow = model(Huber(1.0), "float64"), model(Huber(0.05), "float64")
    narrow._loss.delta = 1.0  # read at every call
    assert narrow.evaluate(x, t) == wide.evaluate(x, t)
    narrow._loss.delta = 0.05
    assert narrow.evaluate(x, t)["loss"] < 0.2 * wide.evaluate(x, t)["loss"]
    assert_allclose(narrow.evaluate(x, t)["loss"], narrow.forward(x, t), rtol=1e-13)
    for by_definition, g in zip(
        narrow.numerical_gradient(x, t), narrow.gradient(x, t), strict=True
    ):
        assert_allclose(by_definition, g, atol=1e-8 * np.abs(g).max())
