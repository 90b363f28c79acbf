"""Models and SGD of the reference: gradients, drawing, what fit reports."""

# ruff: noqa: NPY002  TwoLayerNet draws from NumPy's global generator, as the book does

import sys

import children
import numpy as np
import pytest
from differences import ALL, assert_gradient
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.reference.functions import cross_entropy_error, softmax
from fastnet.reference.layers import (
    Affine,
    Dense,
    MatMul,
    Rescaling,
    Sigmoid,
    SoftmaxWithLoss,
)
from fastnet.reference.models import Sequential, TwoLayerNet
from fastnet.reference.optimizer import SGD

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


@with_each("activation", ALL)
@with_each("loss", ["softmax_cross_entropy", "mean_squared_error"])
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
