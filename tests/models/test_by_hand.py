"""A step by hand: forward, backward, gradient, and an optimizer of one's own."""

import copy

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype_name
from numpy.testing import assert_allclose, assert_array_equal
from small_models import (
    SQUARED_ERROR,
    STACKS,
    assert_whole,
    close,
    data,
    every_loss,
    every_stack,
    refused,
    small,
)

import fastnet
from fastnet import layers, reference
from fastnet.functions import softmax
from fastnet.layers import (
    Dense,
    Dropout,
    Embedding,
    Rescaling,
    Tanh,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


@every_dtype_name
@every_loss
@every_stack
def test_a_step_by_hand_is_a_step_of_fit(stack, loss, dtype):
    x, t = data(12, loss=loss)  # float64, labels int64: neither is the model's dtype
    by_hand, model = (Sequential(STACKS[stack](layers), loss, dtype, seed=0) for _ in range(2))
    sgd = SGD(lr=0.2)
    for _ in range(3):
        value = by_hand.forward(x, t)
        dx = by_hand.backward()
        sgd.update(by_hand.params, by_hand.grads)
        seen = model.fit(x, t, 1, 12, sgd, shuffle=False, verbose=0)
        assert type(value) is np.dtype(dtype).type
        assert dx.dtype == dtype and dx.shape == x.shape
        close(value, seen.loss[0], dtype)
        close(by_hand.parameter_vector, model.parameter_vector, dtype)
    assert_whole(by_hand)


def test_by_hand_with_uint8_and_images():
    x = np.random.default_rng(0).integers(0, 256, (6, 2, 2), np.uint8)
    t = np.array([0, 1, 0, 1, 1, 0])
    by_hand, model = (Sequential([Rescaling(1 / 255), Dense(2)], seed=0) for _ in range(2))
    by_hand.forward(x, t)
    by_hand.backward()
    SGD(0.5).update(by_hand.params, by_hand.grads)
    model.fit(x, t, 1, 6, SGD(0.5), shuffle=False, verbose=0)
    close(by_hand.parameter_vector, model.parameter_vector, "float32")


@every_loss
@every_stack
def test_gradient_equals_central_differences(stack, loss):
    x, t = data(9, loss=loss)
    if "relu" in stack or stack in ("deep", "textbook", "activations in a row"):
        x = x * 3  # away from the kinks
    model = Sequential(STACKS[stack](layers), loss, "float64", seed=5)
    gradients = np.concatenate([grad.ravel() for grad in model.gradient(x, t)])
    vector = model.parameter_vector
    assert gradients.size == vector.size
    assert not np.shares_memory(gradients, model.gradient_vector)
    dx = model.backward(2)  # twice the gradient
    assert_array_equal(model.gradient_vector, 2 * gradients)
    for array, grad in ((vector, gradients), (x.reshape(-1), dx.reshape(-1) / 2)):
        slopes = central_difference(lambda: model.forward(x, t), array, 1e-6)
        assert (np.abs(slopes - grad) < 2e-8 * np.maximum(1, np.abs(slopes))).all()


def test_gradients_are_fresh_and_backward_overwrites():
    x, t = data()
    model = small()
    first = model.gradient(x, t)
    kept = [grad.copy() for grad in first]
    again = model.gradient(x[:3], t[:3])
    for grad, same, other in zip(first, kept, again, strict=True):
        assert_array_equal(grad, same)
        assert not np.array_equal(grad, other)
    for grad, same in zip(model.gradient(x, t), kept, strict=True):
        assert_array_equal(grad, same)


def test_a_model_of_activations_alone():
    x, t = data(8)
    model = Sequential([Tanh()])
    value = model.forward(x, t % 5)
    close(value, model.evaluate(x, t % 5)["loss"], "float32")
    model.fit(x, t % 5, verbose=0)
    assert model.parameter_count == 0 and model.params == []
    close(model.predict(x), np.tanh(x), "float32")
    model.add(Dense(2))
    assert model.predict(x).shape == (8, 2) and model.parameter_count == 12


# --------------------------------------------------------------------------- a loss of one's own


@every_stack
def test_without_targets_the_outputs_and_a_gradient_of_ones_own(stack):
    x = data(9)[0]
    if "relu" in stack or stack in ("deep", "textbook", "activations in a row"):
        x = x * 3  # away from the kinks
    dout = np.random.default_rng(3).standard_normal((9, 3))
    model = Sequential(STACKS[stack](layers), dtype="float64", seed=5)
    assert_allclose(model.forward(x), model.predict(x), rtol=1e-13, atol=1e-15)
    kept = dout.copy()
    dx = model.backward(dout)
    assert_array_equal(dout, kept)
    vector, gradients = model.parameter_vector, model.gradient_vector.copy()
    for array, grad in ((vector, gradients), (x.reshape(-1), dx.reshape(-1))):
        slopes = central_difference(lambda: (dout * model.forward(x)).sum(), array, 1e-6)
        assert (np.abs(slopes - grad) < 1e-7 * np.maximum(1, np.abs(slopes))).all()


@every_stack
def test_the_twin_takes_a_gradient_of_ones_own(stack):
    x, dout = data(9)[0], np.random.default_rng(3).standard_normal((9, 3))
    ours, theirs = (
        package.models.Sequential(STACKS[stack](package.layers), dtype="float64", seed=5)
        for package in (fastnet, reference)
    )
    for rows in (slice(None), 4):  # all, and one row
        assert_allclose(ours.forward(x[rows]), theirs.forward(x[rows]), rtol=1e-12, atol=1e-13)
        ours_dx, theirs_dx = ours.backward(dout[rows]), theirs.backward(dout[rows])
        assert ours_dx.shape == theirs_dx.shape == x[rows].shape
        assert_allclose(ours_dx, theirs_dx, rtol=1e-11, atol=1e-12)
        assert_allclose(ours.gradient_vector, theirs.gradient_vector, rtol=1e-11, atol=1e-12)
        assert_allclose(ours.predict(x[rows]), theirs.predict(x[rows]), rtol=1e-12, atol=1e-13)


@every_dtype_name
def test_the_gradient_of_the_models_own_loss_by_hand(dtype):
    x, t = data(9)
    model = small(dtype=dtype)
    model.l1, model.l2 = 1e-3, 1e-2  # are added to any loss
    expected = model.gradient(x, t)
    y = model.forward(x)
    assert y.shape == (9, 3) and y.dtype == dtype
    dx = model.backward(((softmax(y) - np.eye(3)[t]) / 9).tolist())
    assert dx.shape == x.shape and dx.dtype == dtype
    for found, wanted in zip(model.grads, expected, strict=True):
        close(found, wanted, dtype)
    model.forward(x, t)  # and the loss again
    model.backward()
    for found, wanted in zip(model.grads, expected, strict=True):
        assert_array_equal(found, wanted)


def test_one_row_by_hand():
    x = data(9)[0]
    model, rows = small(), small()
    y = rows.forward(x[2:3])
    dx = rows.backward(y)
    for row in (x[2], x[2].tolist()):
        assert_array_equal(model.forward(row), y[0])
        assert_array_equal(model.backward(y[0]), dx[0])
        assert_array_equal(model.gradient_vector, rows.gradient_vector)
    twin = copy.deepcopy(model)
    assert_array_equal(twin.backward(y[0]), dx[0])


def test_dropout_draws_as_in_training():
    model = Sequential([Dropout(0.5, rng=np.random.default_rng(0))])
    y = model.forward(np.ones((4, 50)))
    assert set(np.unique(y)) == {0, 1}
    assert_array_equal(model.backward(2 * y), 2 * y)


def test_a_policy_learns_what_pays():
    """Two states, two actions; the reward is 1 where the action is the state."""
    rng = np.random.default_rng(0)
    policy, optimizer = Sequential([Dense(8, "tanh"), Dense(2)], seed=0), SGD(lr=0.5)
    states = np.eye(2)
    for _ in range(200):
        state = rng.integers(2)
        p = softmax(policy.forward(states[state]))
        action = rng.choice(2, p=p / p.sum())
        advantage = float(action == state) - 0.5
        policy.backward(advantage * (p - np.eye(2)[action]))
        optimizer.update(policy.params, policy.grads)
    assert policy.predict_proba(states[0])[0] > 0.9 and policy.predict_proba(states[1])[1] > 0.9


def test_a_gradient_that_does_not_fit():
    x, t = data(9)
    model = small()
    refused(model.backward, RuntimeError, "Sequential.backward: call forward first.")
    model.forward(x)
    one_each = "Give one number for each output of forward."
    for dout, shape in ((1, ()), (np.ones(9), (9,)), (np.ones((3, 9)), (3, 9))):
        refused(
            lambda dout=dout: model.backward(dout),
            ValueError,
            f"Sequential.backward: dout must have shape (9, 3), got dout.shape={shape}. {one_each}",
        )
    refused(
        lambda: model.backward("steep"),
        TypeError,
        "Sequential.backward: dout must be an array of integers, float16, float32 or float64, got "
        "str of dtype <U5. Give an array of numbers.",
    )
    model.forward(x, t)
    with pytest.raises(TypeError, match="dout must be a real number"):
        model.backward(np.ones((9, 3)))
    refused(
        lambda: model.gradient(x, None),
        TypeError,
        "Sequential.forward: t must be an array of integers, float16, float32 or float64, got "
        "NoneType of dtype object. Give an array of numbers.",
    )


# --------------------------------------------------------------------------- predict of one row


@pytest.mark.parametrize("kind", ["uint8", "int64", "float32", "float64"])
def test_predict_one_row(kind):
    x = (50 * abs(data(9)[0])).astype(kind)
    model = small()
    y = model.predict(x)
    for row in (x[2], x[2].tolist(), np.repeat(x[2], 2)[::2], x[2].astype(x.dtype.newbyteorder())):
        found = model.predict(row)
        assert found.shape == (3,) and found.dtype == np.float32
        assert_array_equal(found, y[2])
        assert_array_equal(model.predict_proba(row), model.predict_proba(x)[2])
    unbuilt = Sequential([Dense(4), Dense(2)], seed=0)
    assert unbuilt.predict(x[0]).shape == (2,) and unbuilt.layers[0].W.shape == (5, 4)
    assert Sequential([Embedding(np.eye(4))]).predict([3, 1]).tolist() == [
        [0, 0, 0, 1],
        [0, 1, 0, 0],
    ]


@pytest.mark.parametrize("method", ["predict", "forward"])
def test_a_row_of_another_length(method):
    model, one = small(), Sequential([Dense(1, input_shape=1)], SQUARED_ERROR)
    refused(
        lambda: getattr(model, method)(np.ones(4)),
        ValueError,
        f"Sequential.{method}: x must be (N, 5) or one row (5,), got x.shape=(4,). Give rows of 5 "
        "features.",
    )
    x = np.ones(100)
    refused(
        lambda: getattr(one, method)(x),
        ValueError,
        f"Sequential.{method}: x must be (N, 1) or one row (1,), got x.shape=(100,). Reshape it to "
        "(-1, 1).",
    )
    assert getattr(one, method)(x.reshape(-1, 1)).shape == (100, 1)
    assert getattr(one, method)(x[:1]).shape == (1,)
