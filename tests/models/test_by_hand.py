"""A step by hand: forward, backward, gradient, and an optimizer of one's own."""

import numpy as np
from numpy.testing import assert_array_equal
from small_models import (
    STACKS,
    assert_whole,
    close,
    data,
    every_dtype,
    every_loss,
    every_stack,
    small,
)

from fastnet import layers
from fastnet.layers import (
    Dense,
    Tanh,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


@every_dtype
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
    by_hand, model = (Sequential([Dense(2)], seed=0) for _ in range(2))
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
        for i in range(array.size):
            kept, h = array[i], 1e-6
            array[i] = kept + h
            above = model.forward(x, t)
            array[i] = kept - h
            slope = (above - model.forward(x, t)) / (2 * h)
            array[i] = kept
            assert abs(slope - grad[i]) < 2e-8 * max(1, abs(slope)), (i, slope, grad[i])


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
