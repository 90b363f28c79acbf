"""Layers by address whose gradient is cut into blocks, which threads share."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet.kernels import entry
from fastnet.kernels.loop.calls import LayerBackward, LayerForward, LayerGradient
from fastnet.kernels.simd import get, offset, pointer_at, put
from fastnet.layers import (
    Dense,
    Layer,
    LoopLayer,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


@entry(LayerForward)
def scaled_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """out = x * w, by way of what the thread has alone."""
    p, w = pointer_at(x, like), pointer_at(param, like)
    mine, target = pointer_at(own, like), pointer_at(out, like)
    for i in range(n):
        for j in range(d):
            put(mine, j, get(p, i * d + j) * get(w, j))
        for j in range(d):
            put(target, i * d + j, get(mine, j))
    return 0


@entry(LayerBackward)
def scaled_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """dx = dout * w."""
    if dx != 0:
        g, w, target = pointer_at(dout, like), pointer_at(param, like), pointer_at(dx, like)
        for i in range(n):
            for j in range(d):
                put(target, i * d + j, get(g, i * d + j) * get(w, j))
    return 0


@entry(LayerGradient)
def scaled_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """Some of dw = sum over rows of x * dout."""
    p, g, dw = pointer_at(x, like), pointer_at(dout, like), pointer_at(target, like)
    for j in range(block * d // blocks, (block + 1) * d // blocks):
        total = get(p, j) * get(g, j)
        for i in range(1, n):
            row = offset(p, i * d)
            total += get(row, j) * get(g, i * d + j)
        put(dw, j, (get(dw, j) if add else like * 0.0) + like * total)
    return 0


class Scaled(Layer):
    """out = x * w, with a gradient that is cut into blocks."""

    array_names = ("w",)
    decays = 1

    def __init__(self, w):
        super().__init__()
        self.params, self.grads = [np.array(w)], [np.zeros_like(w)]

    def forward(self, x):
        self.x = x
        return x * self.params[0]

    def backward(self, dout):
        self.grads[0][...] = (self.x * dout).sum(0)
        return dout * self.params[0]

    def in_loop(self, input_shape):
        kernels = scaled_in_loop, scaled_gradient_in_loop, scaled_weights_in_loop
        d = input_shape[0]
        return [LoopLayer(input_shape, ((d,),), kernels, own=d)]


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_gradient_in_blocks_has_the_same_bits_for_any_number_of_threads(
    threads, optimizer, monkeypatch
):
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_CALL", 0)
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_THREAD", 1)
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((200, 30)), rng.integers(0, 4, 200), rng.standard_normal(30)
    found = []
    before = fastnet.get_num_threads()
    try:
        for n in (1, threads):
            fastnet.set_num_threads(n)
            model = Sequential([Dense(30, "tanh"), Scaled(w), Dense(4)], dtype="float64", seed=0)
            model.fit(x, t, 3, 64, optimizer(), verbose=0)
            found.append(model.parameter_vector.copy())
    finally:
        fastnet.set_num_threads(before)
    assert_array_equal(*found)
    by_hand = Sequential([Dense(30, "tanh"), Scaled(w), Dense(4)], dtype="float64", seed=0)
    by_hand.build(30)
    rule = optimizer()
    for _ in range(3):
        order = np.arange(200)
        by_hand._rng.shuffle(order)
        for start in range(0, 200, 64):
            part = order[start : start + 64]
            by_hand.forward(x[part], t[part])
            by_hand.backward()
            rule.update(by_hand.params, by_hand.grads)
    assert_allclose(by_hand.parameter_vector, found[0], rtol=1e-9, atol=1e-12)


def test_a_frozen_layer_in_blocks_stays():
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((40, 30)), rng.integers(0, 4, 40), rng.standard_normal(30)
    for rule in (SGD, Adam):
        layers = [Dense(30), Scaled(w), Dense(4)]
        layers[1].trainable = False
        Sequential(layers, dtype="float64", seed=0).fit(x, t, 2, 16, rule(), verbose=0)
        assert_array_equal(layers[1].params[0], w)


def test_weights_of_a_layer_by_address_decay():
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((40, 30)), rng.integers(0, 4, 40), rng.standard_normal(30)
    model = Sequential([Scaled(w), Dense(4)], dtype="float64", seed=0, l1=0.01, l2=0.1)
    model.build(30)
    model.forward(x, t), model.backward()
    stepped = model.parameter_vector - 0.1 * model.gradient_vector
    for exact, by_definition in zip(
        model.gradient(x, t), model.numerical_gradient(x, t), strict=True
    ):
        assert_allclose(exact, by_definition, atol=1e-8)
    loss = model.forward(x, t)
    history = model.fit(x, t, 1, 40, SGD(0.1), shuffle=False, verbose=0)
    assert_allclose(model.parameter_vector, stepped, rtol=1e-12)
    assert history.loss[0] == pytest.approx(loss, rel=1e-13)
