"""gradient_check: right networks are right, a wrong sign is found."""

# ruff: noqa: NPY002  TwoLayerNet draws from NumPy's global generator, as the book does

import math

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose
from refusals import SIDES, bits, both_sides

import fastnet
from fastnet import reference
from fastnet.functions import softmax
from fastnet.gradient import (
    gradient_check,
)
from fastnet.layers import Affine, Dense, Sigmoid
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.models import Sequential, TwoLayerNet


@with_each("loss", ["softmax_cross_entropy", "mean_squared_error"])
@with_each("activation", ["sigmoid", "tanh", "relu", None])
@every_dtype_name
def test_a_sequential_is_right(dtype, activation, loss, rng):
    model = Sequential([Dense(6, activation), Dense(3)], loss=loss, dtype=dtype, seed=0)
    x = rng.standard_normal((7, 4))
    t = rng.integers(3, size=7) if loss == "softmax_cross_entropy" else rng.random((7, 3))
    errors = gradient_check(model, x, t)  # builds it
    assert list(errors) == ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]
    assert 0 < max(errors.values()) < (1e-8 if dtype == "float64" else 2e-6)
    assert all(type(error) is float for error in errors.values())


def test_a_two_layer_net_is_right(rng):
    np.random.seed(3)
    net = TwoLayerNet(4, 5, 3, weight_init_std=1.0)
    kept = {key: bits(array) for key, array in net.params.items()}
    x, t = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    errors = gradient_check(net, x, t)
    assert list(errors) == ["W1", "b1", "W2", "b2"]
    # Its loss has 1e-7 in the logarithm, of which its gradient knows nothing.
    assert 0 < max(errors.values()) < 1e-7 / softmax(net.predict(x))[np.arange(6), t].min()
    assert {key: bits(array) for key, array in net.params.items()} == kept


@both_sides
def test_both_sides_find_a_wrong_sign(side, rng):
    package = fastnet if side is SIDES[0] else reference

    class Wrong(package.models.Sequential):
        def gradient(self, x, t):
            first, *others = super().gradient(x, t)
            return [-first, *others]

    layers = [package.layers.Dense(5, "tanh"), package.layers.Dense(3)]
    model = Wrong(layers, dtype="float64", seed=0)
    errors = side.gradient_check(model, rng.standard_normal((7, 4)), rng.integers(3, size=7))
    assert list(errors) == ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]
    wrong, *right = errors.values()
    assert wrong == pytest.approx(2, rel=1e-6) and max(right) < 1e-7


class Book:
    """A model of the second book's kind: lists, forward and backward."""

    def __init__(self, dtype=np.float64):
        rng = np.random.default_rng(1)
        weights = [rng.standard_normal(s).astype(dtype) for s in ((4, 5), (5,), (5, 3), (3,))]
        self.stack = self.layers = [Affine(*weights[:2]), Sigmoid(), Affine(*weights[2:])]
        self.last = SoftmaxCrossEntropy()
        self.params = [array for layer in self.layers for array in layer.params]
        self.grads = [array for layer in self.layers for array in layer.grads]
        self.factor = 1

    def forward(self, x, t):
        for layer in self.stack:
            x = layer.forward(x)
        return self.last.forward(x, t)

    def backward(self):
        dout = self.factor * self.last.backward()
        for layer in reversed(self.stack):
            dout = layer.backward(dout)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-8), (np.float32, 1e-2)])
def test_an_object_with_lists(dtype, bound, rng):
    model, x, t = Book(dtype), rng.standard_normal((7, 4)).astype(dtype), rng.integers(3, size=7)
    kept = list(map(bits, model.params))
    errors = gradient_check(model, x, t)
    assert list(errors) == ["layers[0].W", "layers[0].b", "layers[2].W", "layers[2].b"]
    assert 0 < max(errors.values()) < bound
    assert list(map(bits, model.params)) == kept
    del model.layers
    assert list(gradient_check(model, x, t)) == [f"params[{i}]" for i in range(4)]


def test_half_a_gradient_is_half_wrong(rng):
    model = Book()
    model.factor = 0.5
    errors = gradient_check(model, rng.standard_normal((7, 4)), rng.integers(3, size=7))
    assert_allclose(list(errors.values()), 0.5, rtol=1e-8)


class Line:
    """loss = sum of W * x + 0 * b, with whatever gradient it is given."""

    def __init__(self, grad):
        self.params = {"W": np.array([1.0, 2.0]), "b": np.zeros(2)}
        self.grad = grad

    def loss(self, x, t):
        return np.sum(self.params["W"] * x)

    def gradient(self, x, t):
        return self.grad


def test_zeros_and_nan_and_infinity():
    x, zero = np.array([3.0, 4.0]), np.zeros(2)
    assert gradient_check(Line({"W": x, "b": zero}), x, None)["b"] == 0
    assert gradient_check(Line({"W": zero, "b": x}), x, None) == {
        "W": pytest.approx(1),
        "b": 1,
    }
    for bad in (math.nan, math.inf):
        errors = gradient_check(Line({"W": np.array([3.0, bad]), "b": zero}), x, None)
        assert math.isnan(errors["W"]) and errors["b"] == 0


def test_grads_that_a_loss_overwrites():
    class Eager(Line):
        def loss(self, x, t):
            self.grad["W"][:] = 0
            return super().loss(x, t)

        def gradient(self, x, t):
            self.grad["W"][:] = x
            return self.grad

    x = np.array([3.0, 4.0])
    assert max(gradient_check(Eager({"W": np.zeros(2), "b": np.zeros(2)}), x, None).values()) < 1e-8


class Random(Line):
    def loss(self, x, t):
        return next(x)


class Nothing:
    pass


class Lossy(Nothing):
    def forward(self, x, t):
        return 1.0


CHECK_REFUSALS = {
    "TypeError: gradient_check: model must have loss(x, t) or forward(x, t), and gradient(x, t) or "
    "backward(), got Nothing without loss and forward. Give a Sequential, a TwoLayerNet, or an "
    "object with these, params and grads.": (Nothing(), None),
    "TypeError: gradient_check: model must have loss(x, t) or forward(x, t), and gradient(x, t) or "
    "backward(), got Lossy without gradient and backward. Give a Sequential, a TwoLayerNet, or an "
    "object with these, params and grads.": (Lossy(), None),
    "ValueError: gradient_check: loss must be the same in every call, got 1.5 and then 2.5. Leave "
    "out what is random, such as Dropout, and stateful=True.": (Random({}), iter([1.5, 2.5])),
    "KeyError: gradient_check: grads must have every key of params, got none for 'b'. Compute its "
    "gradient, or leave it out of params.": (Line({"W": np.ones(2)}), np.ones(2)),
    "ValueError: gradient_check: grads['W'] must have shape (2,) to match params['W'], got (3,). "
    "Give the gradient of that array.": (Line({"W": np.ones(3), "b": np.ones(2)}), np.ones(2)),
}


@pytest.mark.parametrize("text", CHECK_REFUSALS)
def test_gradient_check_refuses(text):
    model, x = CHECK_REFUSALS[text]
    with pytest.raises((KeyError, TypeError, ValueError)) as caught:
        gradient_check(model, x, None)
    assert f"{caught.type.__name__}: {caught.value.args[0]}" == text
