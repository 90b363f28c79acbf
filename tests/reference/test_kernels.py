"""Twins of the kernels: by hand, and gradients against central differences."""

import numpy as np
import pytest
from differences import assert_gradient, away_from_zero, peaked_logits
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.reference import kernels
from fastnet.reference.functions import cross_entropy_error, relu, sigmoid, softmax
from fastnet.reference.losses import MeanSquaredError, SoftmaxCrossEntropy

# Kernels


def test_elementwise_kernels_by_hand():
    x, out = np.array([0.0, np.log(3.0)]), np.empty(2)
    kernels.exp_forward(x, out)
    assert_allclose(out, [1, 3], rtol=1e-15)
    kernels.log_forward(out, out)
    assert_allclose(out, x, atol=1e-15)
    kernels.sigmoid_forward(x, out)
    assert_allclose(out, [0.5, 0.75], rtol=1e-15)
    kernels.tanh_forward(x, out)
    assert_allclose(out, [0, 0.8], rtol=1e-15)
    param = np.array([1.0, 2.0])
    kernels.sgd_update(np.array([2.0, -4.0]), 0.5, param)
    assert_array_equal(param, [0, 4])


@pytest.mark.parametrize("name", ["sigmoid", "relu", "tanh"])
def test_activation_kernels_equal_central_differences_and_may_alias(name, rng):
    forward, backward = (getattr(kernels, f"{name}_{way}") for way in ("forward", "backward"))
    x, dout = away_from_zero(rng.standard_normal((3, 4))), rng.standard_normal((3, 4))
    out, dx = np.empty_like(x), np.empty_like(x)

    def objective():
        forward(x, out)
        return np.sum(out * dout)

    objective()
    backward(out, dout, dx)
    assert_gradient(dx, objective, x)
    forward(x, out)
    same = x.copy()
    forward(same, same)
    assert_array_equal(same, out)
    same = dout.copy()
    backward(out, same, same)
    assert_array_equal(same, dx)


ACTIVATIONS = {
    kernels.IDENTITY: lambda x: x,
    kernels.SIGMOID: sigmoid,
    kernels.RELU: relu,
    kernels.TANH: np.tanh,
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_affine_kernels_equal_central_differences(activation, rng):
    # z -> x = activation(z) -> x @ W + b: the input kernel reaches back to z.
    z = away_from_zero(rng.standard_normal((5, 4)))
    W, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
    dout = rng.standard_normal((5, 3))
    out = np.empty((5, 3))

    def objective():
        kernels.affine_forward(ACTIVATIONS[activation](z), W, b, kernels.IDENTITY, out)
        return np.sum(out * dout)

    x = ACTIVATIONS[activation](z)
    dx, dW, db, again = np.empty((5, 4)), np.empty((4, 3)), np.empty(3), np.empty((4, 3))
    kernels.affine_backward_input(dout, W, x, activation, dx)
    assert_gradient(dx, objective, z)
    kernels.affine_backward(x, W, dout, dx, dW, db)
    assert_gradient(dW, objective, W)
    assert_gradient(db, objective, b)
    assert_array_equal(dx, dout @ W.T)
    dx[...] = np.nan
    kernels.matmul_backward(x, W, dout, dx, again)
    assert_array_equal(again, dW)
    assert_array_equal(dx, dout @ W.T)
    again[...] = db[...] = np.nan
    kernels.affine_backward_params(x, dout, again, db)
    assert_array_equal(again, dW)
    assert_array_equal(db, dout.sum(axis=0))

    W_new, b_new = W.copy(), b.copy()
    kernels.affine_backward_sgd_update(x, dout, 0.25, W_new, b_new)
    assert_array_equal(W_new, W - 0.25 * dW)
    assert_array_equal(b_new, b - 0.25 * db)

    kernels.affine_forward(x, W, b, activation, out)
    assert_allclose(out, ACTIVATIONS[activation](x @ W + b), rtol=1e-14)
    kernels.matmul_forward(x, W, out)
    assert_array_equal(out, x @ W)


def test_softmax_kernels_equal_central_differences(rng):
    x, dout = peaked_logits(rng), rng.standard_normal((6, 5))
    y, dx = np.empty((6, 5)), np.empty((6, 5))

    def objective():
        kernels.softmax_forward(x, y)
        return np.sum(y * dout)

    objective()
    assert_array_equal(y, softmax(x))
    kernels.softmax_backward(y, dout, dx)
    assert_gradient(dx, objective, x)
    kernels.softmax_forward(x[0], y[0])
    assert_array_equal(y[0], softmax(x[0]))


def test_cross_entropy_kernels_equal_central_differences(rng):
    y, t = softmax(rng.standard_normal((6, 5))), rng.integers(0, 5, 6)
    loss, dx = np.empty(1), np.full((6, 5), np.nan)

    def objective():
        kernels.cross_entropy_forward(y, t, loss)
        return 3 * loss[0]

    assert objective() == 3 * cross_entropy_error(y, t)
    kernels.cross_entropy_backward(y, t, 3.0, dx)
    assert_gradient(dx, objective, y)


def test_softmax_cross_entropy_kernels_equal_central_differences(rng):
    x, t = rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
    loss, y, dx = np.empty(1), np.empty((6, 5)), np.empty((6, 5))

    def objective():
        kernels.softmax_cross_entropy_forward(x, t, y, loss)
        return 3 * loss[0]

    assert objective() == 3 * SoftmaxCrossEntropy().forward(x, t)
    kernels.softmax_cross_entropy_backward(y, t, 3.0, dx)
    assert_gradient(dx, objective, x)
    objective()
    kernels.softmax_cross_entropy_backward(y, t, 3.0, y)
    assert_array_equal(y, dx)


def test_mean_squared_error_kernels_equal_central_differences(rng):
    y, t = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    loss, dx = np.empty(1), np.empty((4, 3))

    def objective():
        kernels.mean_squared_error_forward(y, t, loss)
        return 3 * loss[0]

    assert objective() == 3 * MeanSquaredError().forward(y, t)
    kernels.mean_squared_error_backward(y, t, 3.0, dx)
    assert_gradient(dx, objective, y)
