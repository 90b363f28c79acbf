"""Rules of one's own, and what is made of them; those of updates.py are in test_updates.py."""

import math

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet.kernels._compile import helper
from fastnet.kernels.rules import update_kernel, update_rule
from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Optimizer


@helper
def _leaking(p, g, v, w, rate, kept, leak):
    """A rule with two states, which decays the weights itself, by numbers made of the update's."""
    return kept * p - rate * g, leak * v + g, w + v


@helper
def _leaking_numbers(t, lr, leak, weight_decay):
    return lr / t, 1.0 - weight_decay, leak


_update_leaking, leaking_in_loop = update_rule("leaking", _leaking, 2, _leaking_numbers)


@update_kernel
def leaking_update(grad, lr, leak, weight_decay, clip_value, scale, t, v, w, param):
    """Leaking.

        param *= 1 - weight_decay
        ...

    Source: this test.
    """
    _update_leaking(grad, (lr, leak, weight_decay, clip_value, scale), t, (v, w), param)


class Leaking(Optimizer):
    kernel = staticmethod(leaking_update)
    entry = leaking_in_loop
    state_names = ("v", "w")

    def __init__(self, lr=0.25, leak=-2.0, weight_decay=0.5, clip_value=None, clip_norm=None):
        super().__init__(lr, weight_decay, clip_value, clip_norm, leak=leak)


class Own(SGD):
    def update(self, params, grads):
        super().update(params, grads)


class ByHand(Optimizer):
    def update(self, params, grads):
        self.iter += 1
        for param, grad in zip(params, grads, strict=True):
            param -= self.lr * np.sign(grad)


class InBoth(ByHand):
    """Its author says that update does what the entry does."""

    state_names = ("v", "w")

    def in_loop(self):
        return leaking_in_loop

    def update(self, params, grads):
        super().update(params, grads)


@every_dtype
def test_a_kernel_of_ones_own(dtype):
    v, w, param = np.zeros((3, 37), dtype)
    param[:] = 4
    for t in (1, 2):
        grad = np.full(37, 16 * t, dtype)
        leaking_update(grad, 0.25, -2.0, 0.5, 20.0, 0.5, t, v, w, param)
    # g: 8, then 16; p: 2 - 2, then 0 - 2; v: 8, then -16 + 16; w: 0, then 8.
    assert_array_equal([param, v, w], np.full((3, 37), [[-2], [0], [8]]))


def test_an_optimizer_of_ones_own_by_hand_and_in_fit():
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    nets = [Sequential([Dense(3)], dtype="float64", seed=1) for _ in range(2)]
    for net in nets:
        net.build(4)
    one, other = Leaking(clip_norm=0.5), Leaking(clip_norm=0.5)
    assert repr(one) == "Leaking(lr=0.25, leak=-2.0, weight_decay=0.5, clip_norm=0.5)"
    nets[0].fit(x, t, 3, 30, optimizer=one, shuffle=False, verbose=0)
    for _ in range(3):
        nets[1].forward(x, t)
        nets[1].backward()
        other.update(nets[1].params, nets[1].grads)
    np.testing.assert_allclose(nets[0].parameter_vector, nets[1].parameter_vector, rtol=1e-12)
    for name in ("v", "w"):
        for state, wanted in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_allclose(state, wanted, rtol=1e-10)


def test_what_fit_takes_of_ones_own():
    x, t = np.eye(4), np.arange(4)
    net = Sequential([Dense(4)], dtype="float64", seed=1)
    for optimizer, text in [
        (Own(), "optimizer must update as SGD does, got a Own with an update of its own. Step by"),
        (
            ByHand(0.1),
            "optimizer must update as Optimizer does, got a ByHand with an update of its",
        ),
    ]:
        with pytest.raises(TypeError, match=f"^Sequential.fit: {text}"):
            net.fit(x, t, optimizer=optimizer, verbose=0)
    with pytest.raises(
        TypeError, match=r"^Optimizer must say what it is to the compiled loop, got"
    ):
        net.fit(x, t, optimizer=Optimizer(0.1), verbose=0)
    both = InBoth(0.1, leak=0.5)
    net.fit(x, t, optimizer=both, verbose=0)
    assert both.iter == 1


@pytest.mark.parametrize("number", [math.nan, -1.0, 7])
def test_a_number_of_ones_own_may_be_any(number):
    assert Leaking(leak=number).leak is number
    with pytest.raises(TypeError, match=r"^Leaking: leak must be a real number, got None"):
        Leaking(leak=None)
