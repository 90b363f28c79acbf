"""The NumPy twin against oracles that need no second implementation, in float64."""

# ruff: noqa: NPY002  TwoLayerNet draws from NumPy's global generator, as the book does

import sys

import children
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.reference import kernels
from fastnet.reference.functions import cross_entropy_error, relu, sigmoid, softmax
from fastnet.reference.kernels.record import layers_of, program_of
from fastnet.reference.layers import (
    Affine,
    Dense,
    MatMul,
    Relu,
    Rescaling,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.reference.losses import MeanSquaredError, SoftmaxCrossEntropy
from fastnet.reference.models import Sequential, TwoLayerNet
from fastnet.reference.optimizer import SGD


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def central_difference(f, x, h=1e-5):
    """Gradient of f(), which reads x; error about h**2 + 1e-16 / h, or 1e-10."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        below = f()
        x[i] = kept
        grad[i] = (above - below) / (2 * h)
    return grad


def assert_gradient(actual, f, x):
    expected = central_difference(f, x)
    assert np.abs(expected).max() > 1e-3  # a gradient of zeros would prove nothing
    assert_allclose(actual, expected, rtol=1e-7, atol=1e-9)


def away_from_zero(x):
    """Keep relu's kink out of reach of the difference."""
    return x + 0.01 * np.sign(x)


def peaked_logits(rng, n=6, c=5):
    x = 5 * rng.standard_normal((n, c))
    assert softmax(x).max() > 0.9  # logits near 0 would make every softmax alike
    return x


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


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("shape", [(5, 4), (4,)])
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


@pytest.mark.parametrize("name", LAYERS)
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


# Softmax and the losses


def test_softmax_rows_sum_to_one(rng):
    y = softmax(peaked_logits(rng))
    assert_allclose(y.sum(axis=1), np.ones(6), rtol=1e-15)
    assert (y > 0).all()


def test_softmax_by_hand():
    assert_allclose(softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625], rtol=1e-15)
    assert_array_equal(softmax(np.array([0.0, -np.inf])), [1, 0])


def test_cross_entropy_error_by_hand():
    y = np.array([[0.25, 0.75], [0.5, 0.5]])
    expected = -(np.log(0.75 + 1e-7) + np.log(0.5 + 1e-7)) / 2
    assert_allclose(cross_entropy_error(y, np.array([1, 0])), expected, rtol=1e-15)
    assert_allclose(cross_entropy_error(y, np.array([[0, 1], [1, 0]])), expected, rtol=1e-15)
    assert_allclose(cross_entropy_error(y[0], np.array(1)), -np.log(0.75 + 1e-7), rtol=1e-15)
    assert_allclose(cross_entropy_error(y[0], np.array([0, 1])), -np.log(0.75 + 1e-7), rtol=1e-15)
    assert_allclose(cross_entropy_error(np.array([[0.0, 1.0]]), np.array([0])), 7 * np.log(10))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_equal_logits_give_log_c(loss):
    x, t = np.full((4, 7), 2.5), np.array([0, 3, 6, 6])
    assert_allclose(loss().forward(x, t), np.log(7), rtol=1e-6)


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_shifted_logits_give_the_same_loss(loss, rng):
    x, t = peaked_logits(rng), np.arange(6) % 5
    assert_allclose(loss().forward(x + 1e6, t), loss().forward(x, t), rtol=1e-8)


def test_only_the_fused_loss_is_exact_far_from_the_label():
    x, t = np.array([[0.0, 1000.0]]), np.array([0])
    assert SoftmaxCrossEntropy().forward(x, t) == 1000
    assert_allclose(SoftmaxWithLoss().forward(x, t), 7 * np.log(10))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_softmax_loss_gradient_equals_central_difference(loss, rng):
    layer = loss()
    x = rng.standard_normal((6, 5))
    t = rng.integers(0, 5, 6)
    layer.forward(x, t)
    expected = central_difference(lambda: 3 * layer.forward(x, t), x)
    layer.forward(x, t)
    # The textbook's gradient leaves the 1e-7 inside its log out: an error of 1e-7 / y.
    assert_allclose(layer.backward(3), expected, rtol=1e-5, atol=1e-8)
    assert_allclose(layer.backward(3).sum(axis=1), np.zeros(6), atol=1e-15)


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_one_hot_rows_are_labels(loss, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    a, b = loss(), loss()
    assert a.forward(x, t) == b.forward(x, np.eye(5)[t]) == b.loss
    assert_array_equal(b.t, t)
    assert_array_equal(a.backward(), b.backward())
    assert_array_equal(b.y, softmax(x))


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_loss_of_a_batch_is_the_mean_of_its_rows(loss, rng):
    x, t = peaked_logits(rng), rng.integers(0, 5, 6)
    layer = loss()
    rows = [layer.forward(x[n : n + 1], t[n : n + 1]) for n in range(6)]
    dx = [layer.backward() for n in range(6) if layer.forward(x[n : n + 1], t[n : n + 1])]
    assert_allclose(layer.forward(x, t), np.mean(rows), rtol=1e-14)
    assert_allclose(layer.backward(), np.concatenate(dx) / 6, rtol=1e-13, atol=1e-16)


def test_mean_squared_error_by_hand():
    layer = MeanSquaredError()
    y, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 5.0]])
    assert layer.forward(y, t) == (0 + 4 + 9 + 1) / 2 / 2
    assert_array_equal(layer.backward(2), [[0, 2], [3, -1]])
    assert layer.forward(np.array([[1.0], [2.0]]), np.array([0.0, 4.0])) == (1 + 4) / 2 / 2
    assert_array_equal(layer.backward(), [[0.5], [-1]])


def test_mean_squared_error_gradient_equals_central_difference(rng):
    layer = MeanSquaredError()
    y, t = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    layer.forward(y, t)
    assert_gradient(layer.backward(), lambda: layer.forward(y, t), y)


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


# The compiled loop's twin against Sequential

ALL = ["identity", "sigmoid", "relu", "tanh"]


def layers_in(model):
    """Describe a built model's layers as train_epochs has them."""
    stack, start = [], 0
    for layer in model.layers:
        if isinstance(layer, Dense):
            n_in, n_out = layer.W.shape
            bias = start + n_in * n_out
            code = ALL.index(layer.activation or "identity")
            stack.append((n_in, n_out, start, bias, code))
            start = bias + n_out
        else:
            stack.append(
                (n_out, n_out, -1, -1, ["Sigmoid", "Relu"].index(type(layer).__name__) + 1)
            )
    return layers_of(stack)


ALONE = np.zeros(1, np.int64)  # no team


def run_epoch(model, x, t, order, batch_size, loss, lr=0.5, learn=1, scale=1.0):
    dtype = model.dtype.type
    layers = layers_in(model)
    programs = program_of(layers, loss, x_scale=scale)
    labels = t if loss == kernels.SOFTMAX_CROSS_ENTROPY else np.empty(0, np.int64)
    targets = np.empty((0, 0), dtype) if loss == kernels.SOFTMAX_CROSS_ENTROPY else t
    size = kernels.work_size(programs, batch_size)
    work = np.full(size + 8, np.nan, dtype)
    totals = np.full((1, 3), np.nan)
    kind = [np.float32, np.float64, np.uint8].index(x.dtype)
    head = (x.ctypes.data, kind, x.strides[0])
    params = model.parameter_vector
    kernels.train_epochs(
        *head,
        labels,
        targets,
        order[None],
        batch_size,
        params,
        programs,
        dtype(lr),
        learn,
        work,
        totals,
        ALONE,
        0,
    )
    out = np.empty((len(order), layers["outputs"][-1]), dtype)
    kernels.predict_rows(*head, order, params, programs, work, batch_size, out, ALONE, 0)
    assert np.isnan(work[size:]).all()
    return totals[0], out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_train_epochs_is_fit(dtype, data, loss, rng):
    x = np.asarray(255 * rng.random((23, 8)), data)[::-1, :6]  # rows backwards, with a gap
    scale = {np.float32: 0.5, np.float64: 1.0, np.uint8: 1 / 255}[data]
    if data != np.uint8:
        x /= 255
    scaled = x * np.dtype(dtype if data == np.uint8 else data).type(scale)
    labels = rng.integers(0, 3, 23)
    t = labels if loss == "softmax_cross_entropy" else np.eye(3, dtype=dtype)[labels]
    code = ["softmax_cross_entropy", "mean_squared_error"].index(loss)

    def model():
        built = Sequential(
            [
                Dense(5, activation="tanh"),
                Relu(),
                Dense(4, activation="sigmoid"),
                Sigmoid(),
                Dense(3),
            ],
            loss=loss,
            dtype=dtype,
            seed=7,
        )
        built.build(6)
        return built

    fitted, looped = model(), model()
    history = fitted.fit(scaled, t, batch_size=5, optimizer=SGD(0.5), metrics=["accuracy"])
    before = looped.parameter_vector.copy()
    order = looped._rng.permutation(23)
    totals, out = run_epoch(looped, x, t, order, 5, code, scale=scale)
    tolerance = {"rtol": 1e-4, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-11}
    assert np.abs(before - looped.parameter_vector).max() > 0.01
    assert_allclose(looped.parameter_vector, fitted.parameter_vector, **tolerance)
    assert_allclose(totals[0] / 23, history.loss[0], **tolerance)
    assert totals[1] / 23 == history.accuracy[0]
    assert totals[2] == 5
    assert_allclose(out, fitted.predict(scaled)[order], **tolerance)

    trained = looped.parameter_vector.copy()
    totals, _ = run_epoch(looped, x, t, order, 5, code, learn=0, scale=scale)
    assert_array_equal(looped.parameter_vector, trained)
    seen = looped.evaluate(scaled, t, metrics=["accuracy"])
    assert_allclose(totals[0] / 23, seen["loss"], **tolerance)
    assert totals[1] / 23 == seen["accuracy"]


def test_train_epochs_without_bias_and_with_one_output(rng):
    x, t = rng.standard_normal((6, 2)), rng.integers(0, 2, (6, 1)).astype(float)
    params = rng.standard_normal(2)
    expected = params.copy()
    programs = program_of(layers_of([(2, 1, 0, -1, kernels.SIGMOID)]), kernels.MEAN_SQUARED_ERROR)
    work, totals = np.empty(kernels.work_size(programs, 6)), np.zeros((1, 3))
    head = (x.ctypes.data, 1, x.strides[0])
    kernels.train_epochs(
        *head,
        np.empty(0, int),
        t,
        np.arange(6)[None],
        6,
        params,
        programs,
        0.5,
        1,
        work,
        totals,
        ALONE,
        0,
    )
    y = sigmoid(x @ expected[:, None])
    expected -= 0.5 * (x.T @ ((y - t) / 6 * y * (1 - y)))[:, 0]
    assert_allclose(params, expected, rtol=1e-14)
    assert_allclose(totals[0], [((y - t) ** 2).sum() / 2, np.sum((y > 0.5) == (t > 0.5)), 1])


def test_train_epochs_stops_before_the_update_that_would_spoil_the_weights(rng):
    model = Sequential([Dense(3)], dtype="float64", seed=0)
    model.build(4)
    x = rng.standard_normal((6, 4))
    x[4] = np.nan
    t = rng.integers(0, 3, 6)
    good = Sequential([Dense(3)], dtype="float64", seed=0)
    good.fit(x[:4], t[:4], batch_size=2, optimizer=SGD(0.5), shuffle=False)
    totals, _ = run_epoch(model, x, t, np.arange(6), 2, kernels.SOFTMAX_CROSS_ENTROPY)
    assert totals[2] == 2
    assert_allclose(model.parameter_vector, good.parameter_vector, rtol=1e-13)

    model = Sequential([Dense(3)], dtype="float64", seed=0)
    with pytest.raises(
        FloatingPointError, match=r"^Sequential.fit: loss must stay finite, got nan"
    ):
        model.fit(x, t, batch_size=2, optimizer=SGD(0.5), shuffle=False)
    assert_array_equal(model.parameter_vector, good.parameter_vector)


def test_train_epochs_of_no_rows_does_nothing():
    model = Sequential([Dense(3)], dtype="float64", seed=0)
    model.build(4)
    before = model.parameter_vector.copy()
    empty = np.empty((0, 4))
    totals, _ = run_epoch(model, empty, np.empty(0, int), np.empty(0, int), 5, 0)
    assert_array_equal(totals, np.zeros(3))
    assert_array_equal(model.parameter_vector, before)


# SGD


def test_sgd_by_hand():
    optimizer = SGD()
    assert optimizer.lr == 0.01
    optimizer.lr = 0.5
    params = [np.array([1.0, 2.0]), np.array([[3.0]])]
    kept = list(params)
    optimizer.update(params, [np.array([2.0, -2.0]), np.array([[1.0]])])
    assert_array_equal(params[0], [0, 3])
    assert_array_equal(params[1], [[2.5]])
    assert all(a is b for a, b in zip(params, kept, strict=True))


def test_sgd_takes_a_dict_with_views_and_python_floats():
    embedding = np.zeros((2, 3))
    params = {"W": embedding.T, "a": 1.0}
    SGD(lr=1.0).update(params, {"a": 0.25, "W": np.arange(6.0).reshape(3, 2), "extra": None})
    assert params["a"] == 0.75
    assert_array_equal(embedding, -np.arange(6.0).reshape(3, 2).T)
    with pytest.raises(KeyError):
        SGD().update(params, {"a": 0.25})


# Models


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_three_layer_net_gradients_equal_central_differences(activation, loss, rng):
    model = Sequential(
        [Dense(5, activation=activation), Dense(4, activation=activation), Dense(3)],
        loss=loss,
        dtype="float64",
        seed=1,
    )
    x = rng.standard_normal((7, 4))
    t = rng.integers(0, 3, 7) if loss == "softmax_cross_entropy" else rng.standard_normal((7, 3))
    grads = model.gradient(x, t)
    assert len(grads) == 6
    for grad, inside in zip(grads, model.grads, strict=True):
        assert_array_equal(grad, inside)
        assert not np.shares_memory(grad, inside)
    flat = np.concatenate([grad.ravel() for grad in grads])
    assert_array_equal(flat, model.gradient_vector)
    assert_gradient(flat, lambda: model.forward(x, t), model.parameter_vector)
    model.forward(x, t)
    assert_gradient(model.backward(2), lambda: 2 * model.forward(x, t), x)


def test_two_layer_net_gradient_equals_numerical_gradient(rng):
    np.random.seed(3)
    net = TwoLayerNet(4, 5, 3, weight_init_std=1.0)
    x, t = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    before = {key: value.copy() for key, value in net.params.items()}
    numerical, exact = net.numerical_gradient(x, t), net.gradient(x, t)
    assert list(numerical) == list(exact) == ["W1", "b1", "W2", "b2"]
    for key in exact:
        assert_array_equal(net.params[key], before[key])
        assert np.abs(exact[key]).max() > 1e-3
        assert_allclose(exact[key], numerical[key], rtol=1e-4, atol=1e-7)
    kept = exact["W1"].copy()
    net.gradient(2 * x, t)
    assert_array_equal(exact["W1"], kept)  # the caller's to keep


def test_two_layer_net_draws_as_the_book_does(rng):
    np.random.seed(3)
    net = TwoLayerNet(4, 5, 3)
    np.random.seed(3)
    assert_array_equal(net.params["W1"], 0.01 * np.random.randn(4, 5))
    assert_array_equal(net.params["W2"], 0.01 * np.random.randn(5, 3))
    net.params["W1"][...], net.params["W2"][...] = rng.random((4, 5)), rng.random((5, 3))
    x = rng.standard_normal((6, 4))
    y = np.maximum(x @ net.params["W1"], 0) @ net.params["W2"]
    assert_allclose(net.predict(x), y, rtol=1e-14)
    t = y.argmax(axis=1)
    t[:2] = (t[:2] + 1) % 3
    assert net.accuracy(x, t) == net.accuracy(x, np.eye(3)[t]) == 4 / 6
    assert_allclose(net.loss(x, t), cross_entropy_error(softmax(y), t), rtol=1e-14)


def test_weights_and_shuffles_come_from_one_generator(rng):
    # The contract with fastnet.models: the same seed gives the same weights and orders there.
    model = Sequential(
        [Dense(4, activation="relu"), Dense(3, activation="tanh"), Dense(2, weight_init_std=0.1)],
        seed=11,
    )
    x, t = rng.random((10, 5), dtype=np.float32), rng.integers(0, 2, 10)
    seen = []
    model.fit(x, t, epochs=2, batch_size=10, optimizer=Recorder(model, seen))
    draw = np.random.default_rng(11)
    stds = [np.sqrt(2 / 5), np.sqrt(1 / 4), 0.1]
    for layer, shape, std in zip(model.layers, [(5, 4), (4, 3), (3, 2)], stds, strict=True):
        assert layer.W.dtype == np.float32
        assert_array_equal(layer.W, (draw.standard_normal(shape) * std).astype(np.float32))
        assert_array_equal(layer.b, np.zeros(shape[1]))
    for rows in seen:
        assert_array_equal(rows, x[draw.permutation(10)])


class Recorder:
    """An optimizer that changes nothing and keeps what the first layer was given."""

    def __init__(self, model, seen):
        self.model, self.seen = model, seen

    def update(self, params, grads):
        self.seen.append(self.model.layers[0].x.copy())


def test_epoch_loss_and_accuracy_are_weighted_by_batch_size(rng):
    model = Sequential([Dense(3)], dtype="float64", seed=0)
    x, t = rng.standard_normal((7, 4)), rng.integers(0, 3, 7)
    seen = []
    history = model.fit(
        x,
        t,
        epochs=2,
        batch_size=3,
        optimizer=Recorder(model, seen),
        validation_data=(x[:4], t[:4]),
        shuffle=False,
    )
    assert [len(rows) for rows in seen] == [3, 3, 1] * 2
    assert_array_equal(np.concatenate(seen), np.concatenate([x, x]))
    all_rows, some = model.evaluate(x, t), model.evaluate(x[:4], t[:4])
    assert_allclose(history.loss, [all_rows["loss"]] * 2, rtol=1e-14)
    assert history.accuracy == [all_rows["accuracy"]] * 2
    assert history.val_loss == [some["loss"]] * 2
    assert history.val_accuracy == [some["accuracy"]] * 2
    assert len(history.seconds) == 2 and min(history.seconds) > 0


def test_accuracy_by_hand():
    W = np.eye(2)
    model = Sequential([MatMul(W)], dtype="float64")
    x = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 3.0], [3.0, 2.0]])
    assert model.evaluate(x, np.array([0, 1, 1, 1]))["accuracy"] == 0.75
    assert model.evaluate(x, np.eye(2)[[0, 1, 1, 1]])["accuracy"] == 0.75
    model = Sequential([MatMul(W)], loss="mean_squared_error", dtype="float64")
    assert model.evaluate(x, np.eye(2)[[1, 1, 1, 1]], ["accuracy"])["accuracy"] == 0.5
    model = Sequential([MatMul(np.ones((1, 1)))], loss="mean_squared_error", dtype="float64")
    seen = model.evaluate(
        np.array([[0.2], [0.7], [0.8]]), np.array([0.0, 1.0, 0.0]), metrics=["accuracy"]
    )
    assert seen["accuracy"] == 2 / 3
    assert_allclose(seen["loss"], (0.04 + 0.09 + 0.64) / 2 / 3, rtol=1e-14)


def test_uint8_pixels_are_numbers_and_are_rescaled_where_the_model_says_so(rng):
    pixels = rng.integers(0, 256, (5, 2, 3), dtype=np.uint8)
    model = Sequential([Rescaling(1 / 255), Dense(2)], seed=0)
    scaled = pixels.reshape(5, 6) * np.float32(1 / 255)
    assert model.predict(pixels).dtype == np.float32
    assert_array_equal(model.predict(pixels), scaled @ model.layers[1].W)
    model.layers.pop(0)
    assert_array_equal(model.predict(pixels), model.predict(pixels.astype(float)))
    assert_array_equal(model.predict(scaled), scaled @ model.layers[0].W)


def test_layers_are_views_of_the_flat_vector():
    W = np.arange(6.0).reshape(3, 2)
    affine = Affine(W, np.ones(2))
    model = Sequential([affine, Sigmoid(), Dense(2)], seed=0)
    assert model.parameter_count == 6 + 2 + 4 + 2
    vector = model.parameter_vector
    assert vector.dtype == np.float32 and vector.flags.c_contiguous
    assert_array_equal(vector[:8], [0, 1, 2, 3, 4, 5, 1, 1])
    for array in model.params:
        assert np.shares_memory(array, vector)
    for array in model.grads:
        assert np.shares_memory(array, model.gradient_vector)
    vector[0] = 7
    assert affine.W[0, 0] == 7
    affine.W = np.zeros((3, 2))
    assert_array_equal(model.parameter_vector[:6], np.zeros(6))
    x, t = np.ones((2, 3), np.float32), np.array([0, 1])
    model.fit(x, t, optimizer=SGD(1.0))
    assert np.shares_memory(affine.W, model.parameter_vector)
    assert np.abs(model.parameter_vector[:6]).max() > 0


def test_parameter_counts_and_summary(capsys):
    model = Sequential()
    model.add(Dense(32, input_shape=(28, 28)))
    model.add(Dense(10))
    assert model.parameter_count == 25_450
    assert model.summary() is None  # it prints, as fastnet's does
    printed = capsys.readouterr().out
    assert "25,450" in printed and "(784, 32)" in printed
    model = Sequential([Dense(16, input_shape=(784,)), Dense(16), Dense(10)])
    assert model.parameter_count == 13_002


def test_stepping_by_hand_is_fit(rng):
    x, t = rng.random((12, 4), dtype=np.float32), rng.integers(0, 3, 12)
    fitted, stepped = (Sequential([Dense(5, "relu"), Dense(3)], seed=2) for _ in range(2))
    history = fitted.fit(x, t, epochs=2, batch_size=4, optimizer=SGD(0.3), shuffle=False)
    stepped.build(4)
    optimizer, losses = SGD(0.3), []
    for batch in [slice(0, 4), slice(4, 8), slice(8, 12)] * 2:
        losses.append(stepped.forward(x[batch], t[batch]))
        stepped.backward()
        optimizer.update(stepped.params, stepped.grads)
    assert_array_equal(stepped.parameter_vector, fitted.parameter_vector)
    assert_allclose(history.loss, [np.mean(losses[:3]), np.mean(losses[3:])], rtol=1e-6)
    assert_allclose(fitted.predict_proba(x), softmax(fitted.predict(x)))


def test_fit_can_go_on_and_defaults_to_sgd(rng):
    x, t = rng.random((12, 4), dtype=np.float32), rng.integers(0, 3, 12)
    once, twice = (Sequential([Dense(5, "tanh"), Dense(3)], seed=2) for _ in range(2))
    once.fit(x, t, epochs=3, batch_size=5, optimizer=SGD(lr=0.01))  # the default, by name
    twice.fit(x, t, epochs=1, batch_size=5)
    twice.fit(x, t, epochs=2, batch_size=5)
    assert_array_equal(once.parameter_vector, twice.parameter_vector)


def test_xor_is_learnt():
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([0, 1, 1, 0])
    model = Sequential(
        [Dense(4, activation="tanh"), Dense(1, activation="sigmoid")],
        loss="mean_squared_error",
        seed=0,
    )
    history = model.fit(x, t, 1000, 4, optimizer=SGD(1.0), metrics=["accuracy"])
    assert history.accuracy[-1] == 1
    assert history.loss[-1] < 0.01 < history.loss[0]


def test_inputs_are_not_modified(rng):
    x, t = rng.random((12, 4)), rng.integers(0, 3, 12).astype(np.uint8)
    x.flags.writeable = t.flags.writeable = False
    for dtype in ["float32", "float64"]:
        model = Sequential([Dense(5, "relu"), Dense(3)], dtype=dtype, seed=2)
        model.fit(x, t, epochs=2)
        model.gradient(x, t)
    layer = SoftmaxWithLoss()
    layer.forward(x, t % 4)
    layer.backward()


def test_reference_imports_no_numba():
    code = "import sys, fastnet.reference; sys.exit('numba' in sys.modules)"
    done = children.run([sys.executable, "-W", "error", "-c", code])
    assert done.returncode == 0, done.stderr
