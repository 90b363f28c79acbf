"""Layers of the reference: by hand, and gradients against central differences."""

import inspect

import numpy as np
import pytest
from differences import assert_gradient, away_from_zero
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import layers, losses
from fastnet.reference import kernels
from fastnet.reference import layers as reference
from fastnet.reference import losses as reference_losses
from fastnet.reference.functions import relu
from fastnet.reference.layers import (
    Affine,
    Dense,
    MatMul,
    Relu,
    Sigmoid,
    Softmax,
    Tanh,
)

# Layers


def make_dense(activation):
    layer = Dense(3, activation=activation)
    layer.build(4, np.random.default_rng(1), np.float64)
    layer.b[...] = [0.3, -0.2, 0.1]
    return layer


def make_affine():
    rng = np.random.default_rng(1)
    return Affine(rng.standard_normal((4, 3)), rng.standard_normal(3))


LAYERS = {
    "MatMul": lambda: MatMul(np.random.default_rng(1).standard_normal((4, 3))),
    "Affine": make_affine,
    "Sigmoid": Sigmoid,
    "Relu": Relu,
    "Tanh": Tanh,
    "Softmax": Softmax,
    "Dense": lambda: make_dense(None),
    "Dense identity": lambda: make_dense("identity"),
    "Dense sigmoid": lambda: make_dense("sigmoid"),
    "Dense relu": lambda: make_dense("relu"),
    "Dense tanh": lambda: make_dense("tanh"),
}


@with_each("name", LAYERS)
@with_each("shape", [(5, 4), (4,)])
def test_layer_gradients_equal_central_differences(name, shape, rng):
    layer = LAYERS[name]()
    x = away_from_zero(rng.standard_normal(shape))
    dout = rng.standard_normal(layer.forward(x).shape)

    def objective():
        return np.sum(layer.forward(x) * dout)

    dx = layer.backward(dout.copy())
    assert dx.shape == x.shape
    assert_gradient(dx, objective, x)
    for param, grad in zip(layer.params, layer.grads, strict=True):
        assert_gradient(grad, objective, param)


def test_affine_flattens_images_and_gives_dx_their_shape(rng):
    images = rng.standard_normal((5, 2, 2))
    layer = make_affine()
    rows = make_affine()
    assert_array_equal(layer.forward(images), rows.forward(images.reshape(5, 4)))
    dout = rng.standard_normal((5, 3))
    assert_array_equal(layer.backward(dout), rows.backward(dout).reshape(5, 2, 2))
    assert_array_equal(layer.dW, rows.dW)


@with_each("name", LAYERS)
def test_layer_treats_a_batch_as_its_rows(name, rng):
    layer = LAYERS[name]()
    x = rng.standard_normal((5, 4))
    dout = rng.standard_normal(layer.forward(x).shape)
    out, dx = layer.forward(x), layer.backward(dout)
    grads = [grad.copy() for grad in layer.grads]
    sums = [np.zeros_like(grad) for grad in grads]
    for n in range(5):
        assert_allclose(layer.forward(x[n]), out[n], rtol=1e-13, atol=1e-14)
        assert_allclose(layer.backward(dout[n]), dx[n], rtol=1e-13, atol=1e-14)
        for total, grad in zip(sums, layer.grads, strict=True):
            total += grad
    for total, grad in zip(sums, grads, strict=True):
        assert_allclose(total, grad, rtol=1e-12, atol=1e-13)


def test_affine_by_hand():
    layer = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0]))
    assert_array_equal(layer.forward(np.array([[1.0, 2.0], [0.0, 1.0]])), [[17, 30], [13, 24]])
    assert_array_equal(layer.backward(np.array([[1.0, 0.0], [0.0, 2.0]])), [[1, 3], [4, 8]])
    assert_array_equal(layer.dW, [[1, 0], [2, 2]])
    assert_array_equal(layer.db, [1, 2])


def test_grads_keep_their_identity_and_are_overwritten(rng):
    layer = make_affine()
    grads = list(layer.grads)
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    for _ in range(2):
        layer.forward(x)
        layer.backward(dout)
    assert all(a is b for a, b in zip(grads, layer.grads, strict=True))
    assert_allclose(layer.db, dout.sum(axis=0))


def test_assigned_weights_are_used_by_reference(rng):
    layer = make_affine()
    W, b = np.ones((2, 6)), np.zeros(6)
    layer.W, layer.b = W, b
    assert layer.params[0] is W and layer.params[1] is b
    assert layer.dW.shape == (2, 6) and layer.db.shape == (6,)
    W[...] = 2
    assert_array_equal(layer.forward(np.array([[1.0, 1.0]])), np.full((1, 6), 4.0))


def test_activations_by_hand():
    x = np.array([[-1.0, 0.0], [2.0, -3.0]])
    dout = np.array([[1.0, 2.0], [3.0, 4.0]])
    layer = Relu()
    assert_array_equal(layer.forward(x), [[0, 0], [2, 0]])
    assert_array_equal(layer.mask, [[True, True], [False, True]])
    assert_array_equal(layer.backward(dout), [[0, 0], [3, 0]])
    assert_array_equal(dout, [[1, 2], [3, 4]])  # the caller's array is left alone
    layer = Sigmoid()
    assert_allclose(layer.forward(np.log([1.0, 3.0, 1 / 3])), [0.5, 0.75, 0.25], rtol=1e-15)
    assert_allclose(layer.backward(np.ones(3)), [0.25, 0.1875, 0.1875], rtol=1e-15)
    layer = Tanh()
    assert_allclose(layer.forward(np.log([1.0, 2.0])), [0, 0.6], rtol=1e-15)
    assert_allclose(layer.backward(np.ones(2)), [1, 0.64], rtol=1e-15)


def test_nan_passes_through_relu():
    x = np.array([np.nan, -np.inf, -0.0, np.inf])
    expected = [np.nan, 0, 0, np.inf]
    assert_array_equal(relu(x), expected)
    layer = Relu()
    assert_array_equal(layer.forward(x), expected)
    assert_array_equal(layer.backward(np.full(4, np.inf)), [np.inf, 0, 0, np.inf])
    out = np.empty(4)
    kernels.relu_forward(x, out)
    assert_array_equal(out, expected)


def test_float32_stays_float32(rng):
    x = rng.standard_normal((5, 4)).astype(np.float32)
    for name in ["Sigmoid", "Relu", "Tanh", "Softmax"]:
        layer = LAYERS[name]()
        assert layer.forward(x).dtype == np.float32, name
        assert layer.backward(x).dtype == np.float32, name
    layer = Affine(np.ones((4, 3)), np.zeros(3))
    assert layer.forward(x).dtype == np.float64


@pytest.mark.parametrize("rooms", [(layers, reference), (losses, reference_losses)])
def test_defaults_are_those_of_the_layer_and_the_loss(rooms):
    """Of what a call may leave out, a twin takes the same."""
    compared = 0
    for name in rooms[0].__all__:
        for method in ("__init__", "forward", "backward"):
            ours, theirs = (getattr(getattr(room, name, None), method, None) for room in rooms)
            if inspect.isfunction(ours) and inspect.isfunction(theirs):
                given = [inspect.signature(f).parameters for f in (ours, theirs)]
                for known in set(given[0]) & set(given[1]):
                    wanted, found = (parameters[known].default for parameters in given)
                    assert found == wanted, (name, method, known)
                    compared += wanted is not inspect.Parameter.empty
    assert compared > 20
