"""Penalties in the compiled loop: every one with every optimizer."""

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from loop_models import ADJUSTED, OPTIMIZERS, N, assert_same_training, data, drawn_weights, model
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import (
    BatchNormalization,
    Dense,
    MatMul,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD

PENALTIES = {"l1": {"l1": 0.01}, "l2": {"l2": 0.1}, "both": {"l1": 0.003, "l2": 0.05}}


@with_each("optimizer", [*OPTIMIZERS, *ADJUSTED])
@with_each("penalties", PENALTIES)
@every_dtype_name
def test_every_penalty_with_every_optimizer(penalties, optimizer, dtype):
    """Of every W, but not of b, gamma and beta."""
    x, t = data("softmax_cross_entropy", dtype)
    rules = OPTIMIZERS | ADJUSTED

    def make():
        layers = [Dense(7, "tanh"), BatchNormalization(), MatMul(drawn_weights(7, 3))]
        net = Sequential(layers, dtype=dtype, seed=2, **PENALTIES[penalties])
        net.build(5)
        return net

    assert_same_training(make, x, t, rules[optimizer])


@every_dtype_name
def test_a_penalty_is_a_part_of_the_loss(dtype):
    x, t = data("softmax_cross_entropy", dtype)
    plain, net = model("softmax_cross_entropy", dtype), model("softmax_cross_entropy", dtype)
    net.l1, net.l2 = 0.01, 0.5
    cost = sum(0.01 * np.abs(W).sum() + 0.25 * np.sum(W**2) for W in net.params[::2])
    bound = 20 * np.finfo(dtype).eps
    assert_allclose(net.forward(x, t), plain.forward(x, t) + cost, rtol=bound)
    assert_allclose(net.evaluate(x, t)["loss"], plain.evaluate(x, t)["loss"] + cost, rtol=bound)
    assert net.evaluate(x, t)["accuracy"] == plain.evaluate(x, t)["accuracy"]
    seen = net.fit(x, t, 1, N, SGD(0.0), validation_data=(x, t), verbose=0)
    assert_allclose([seen.loss[0], seen.val_loss[0]], net.forward(x, t), rtol=bound)
    for g, by_definition in zip(net.gradient(x, t), net.numerical_gradient(x, t), strict=True):
        assert_allclose(g, by_definition, atol=max(1e-8, bound) * np.abs(g).max())
    net.forward(x, t)
    net.backward(2)
    doubled = [grad.copy() for grad in net.grads]
    assert_allclose(
        np.concatenate([g.ravel() for g in doubled]),
        2 * np.concatenate([g.ravel() for g in net.gradient(x, t)]),
        rtol=bound,
        atol=bound,
    )


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_a_penalty_that_cannot_be(name):
    for bad, error, said in [
        (-0.1, ValueError, "must not be negative, got -0.1"),
        (np.nan, ValueError, "must be finite, got nan"),
        (1e39, ValueError, "must be finite in float32, got 1e+39"),
    ]:
        with pytest.raises(error) as caught:
            Sequential([Dense(2)], **{name: bad})
        assert str(caught.value) == f"Sequential: {name} {said}. Give a number such as 1e-4."
    with pytest.raises(TypeError) as caught:
        Sequential([Dense(2)], **{name: "a lot"})
    assert str(caught.value) == (
        f"Sequential: {name} must be a real number, got 'a lot'. Give a float."
    )
    x, t = data("softmax_cross_entropy", "float32")
    net = model("softmax_cross_entropy", "float32")
    before = net.parameter_vector.copy()
    setattr(net, name, -1.0)
    for call in (lambda: net.fit(x, t, verbose=0), lambda: net.forward(x, t)):
        with pytest.raises(ValueError, match=rf"^Sequential\.\w+: {name} must not be negative"):
            call()
    assert_array_equal(net.parameter_vector, before)
