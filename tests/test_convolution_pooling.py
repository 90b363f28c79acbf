"""A convolution and the windows of 2 x 2 behind it, which the compiled loop does as one."""

import copy

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet.kernels.convolution_in_loop import convolution_in_loop
from fastnet.kernels.convolution_pooling import convolution_pooling_in_loop, images_at_a_time
from fastnet.layers import (
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    Relu,
    Reshape,
    Sigmoid,
    Tanh,
    pooling,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


def images(n, shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, *shape)), rng.integers(0, 3, n)


def network(shape, dtype="float64", activation="relu", filters=5, apart=False, **options):
    """A convolution and its windows; apart, with a Dropout of nothing between them."""
    between = [Dropout(0.0)] if apart else []
    layers = [Conv2D(filters, 3, activation=activation, **options), *between, MaxPooling2D(2)]
    return Sequential([*layers, Flatten(), Dense(3)], dtype=dtype, seed=0)


def steps_of(model):
    return [kernels[0] for _, kernels in model._network.called]


@with_each("activation", ["identity", "relu", "sigmoid", "tanh"])
@with_each("shape", [(8, 8, 1), (7, 9, 2), (4, 5, 17), (3, 3, 1)])
@every_dtype_name
def test_both_in_one_are_as_one_after_the_other(dtype, shape, activation):
    x, t = images(40, shape)
    options = {"dtype": dtype, "activation": activation, "padding": "same"}
    model, apart = network(shape, **options), network(shape, apart=True, **options)
    for made in (model, apart):
        made.fit(x, t, 2, 16, SGD(0.1), shuffle=False, verbose=0)
    assert steps_of(model) == [convolution_pooling_in_loop] and len(steps_of(apart)) > 1
    close = {"float32": 2e-5, "float64": 1e-12}[dtype]
    assert_allclose(model.parameter_vector, apart.parameter_vector, rtol=close, atol=close)
    assert_allclose(model.predict(x), apart.predict(x), rtol=close, atol=close)


@pytest.mark.parametrize("clip", [{}, {"clip_norm": 1e9}], ids=["folded", "written"])
@pytest.mark.parametrize("count", [1, 2, 31])
def test_images_that_are_in_the_cache_together(count, clip):
    """The last ones may be fewer; the gradient goes on to a layer below."""
    x, t = images(count, (30, 30, 1))
    below = Conv2D(2, 3, activation="tanh", padding="same")
    layers = [below, Conv2D(9, 3, activation="relu"), MaxPooling2D(2), Dense(3)]
    model = Sequential(layers, dtype="float64", seed=0)
    model.build((30, 30, 1))
    (step,) = model.layers[1].in_loop((30, 30, 2))
    geometry = pooling.Geometry(*map(int, step.numbers[:18]))
    assert images_at_a_time.py_func(geometry) == 4
    assert steps_of(model)[1] is convolution_pooling_in_loop
    start = model.parameter_vector.copy()
    loss = model.forward(x, t)
    model.backward()
    gradient = model.gradient_vector.copy()
    history = model.fit(x, t, 1, count, SGD(0.5, **clip), shuffle=False, verbose=0)
    assert history.loss[0] == pytest.approx(loss, rel=1e-13)
    assert_allclose(model.parameter_vector, start - 0.5 * gradient, rtol=1e-11, atol=1e-13)


def test_gradients_are_central_differences():
    x, t = images(3, (6, 7, 2))
    model = network((6, 7, 2), activation="tanh")
    exact = model.gradient(x, t)
    for found, wanted in zip(exact, model.numerical_gradient(x, t), strict=True):
        assert_allclose(found, wanted, atol=1e-8)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@every_dtype_name
def test_the_bits_are_the_same_for_any_number_of_threads(dtype, optimizer, monkeypatch):
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_CALL", 0)
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_THREAD", 1)
    x, t = images(150, (12, 11, 3))
    found, before = [], fastnet.get_num_threads()
    try:
        for threads in (1, 2, 3):
            fastnet.set_num_threads(threads)
            layers = [Conv2D(4, 3), Conv2D(7, 3, activation="relu"), MaxPooling2D(2), Dense(3)]
            model = Sequential(layers, dtype=dtype, seed=0)
            model.fit(x, t, 3, 64, optimizer(), verbose=0)
            found.append((model.parameter_vector.copy(), model.predict(x)))
    finally:
        fastnet.set_num_threads(before)
    for other in found[1:]:
        for array, same in zip(other, found[0], strict=True):
            assert_array_equal(array, same)


@pytest.mark.parametrize(
    "layer",
    [MaxPooling2D(3), MaxPooling2D(2, strides=1), MaxPooling2D(2, padding="same")],
)
def test_other_windows_stay_a_step_of_their_own(layer):
    model = Sequential([Conv2D(2, 2), layer, Flatten(), Dense(3)], seed=0)
    model.build((8, 8, 1))
    assert len(steps_of(model)) == 2


def test_an_activation_of_its_own_stays_between():
    model = network((8, 8, 1), activation="gelu")
    model.build((8, 8, 1))
    assert len(steps_of(model)) == 3


@with_each("layer", [Relu, Sigmoid, Tanh])
@with_each("behind", [[MaxPooling2D(2)], [], [Conv2D(2, 1)]])
def test_an_activation_behind_a_convolution_is_its_own(layer, behind):
    """Same steps, same bits; of a convolution of single pixels, too, which is a product."""
    x, t = images(20, (8, 8, 2))
    name, made = layer.__name__.lower(), []
    for first in ([Conv2D(5, 3), layer()], [Conv2D(5, 3, activation=name)]):
        model = Sequential([*first, *copy.deepcopy(behind), Dense(3)], dtype="float64", seed=0)
        model.build((8, 8, 2))
        model.layers[0].W[...] = np.random.default_rng(1).standard_normal((3, 3, 2, 5))
        model.l2 = 0.1
        model.layers[-1].W[...] = np.linspace(-1, 1, model.layers[-1].W.size).reshape(-1, 3)
        model.fit(x, t, 2, 8, Adam(), shuffle=False, verbose=0)
        made.append(model)
    assert len(made[0]._network.table) == len(made[1]._network.table)
    assert steps_of(made[0]) == steps_of(made[1])
    assert_array_equal(made[0].parameter_vector, made[1].parameter_vector)
    assert_array_equal(made[0].predict(x), made[1].predict(x))


def test_a_second_activation_and_one_behind_a_flatten_stay_apart():
    for layers in ([Conv2D(4, 3), Relu(), Tanh()], [Conv2D(4, 3), Flatten(), Relu()]):
        model = Sequential([*layers, Dense(3)], seed=0)
        model.build((5, 5, 1))
        assert len(model._network.table) == 3


@pytest.mark.parametrize("layer", [Relu, Sigmoid])
def test_an_activation_behind_the_windows_is_another_step(layer):
    x, t = images(20, (8, 8, 2))
    made = []
    for between in ([], [Dropout(0.0)]):
        layers = [Conv2D(5, 3), MaxPooling2D(2), *between, layer(), Dense(3)]
        model = Sequential(layers, dtype="float64", seed=0)
        model.fit(x, t, 2, 8, SGD(0.1), shuffle=False, verbose=0)
        made.append(model)
    assert steps_of(made[0]) == [convolution_pooling_in_loop]
    assert_allclose(made[0].parameter_vector, made[1].parameter_vector, rtol=1e-12)
    assert_array_equal(made[0].predict(x), made[1].predict(x))


def test_single_pixels_are_one_product():
    model = Sequential([Conv2D(4, 1), Relu(), Conv2D(3, 1, strides=2), Dense(3)], seed=0)
    model.build((5, 5, 2))
    assert len(model._network.table) == 3 and steps_of(model) == [convolution_in_loop]
    assert model._network.products == 25 * (2 * 4 + 4) + 9 * 4 * 3 + 27 * 3 + 3


def test_weights_decay_and_freeze():
    x, t = images(20, (8, 8, 1))
    model, apart = network((8, 8, 1)), network((8, 8, 1), apart=True)
    for made in (model, apart):
        made.l2 = 0.1
        made.fit(x, t, 2, 8, SGD(0.1), shuffle=False, verbose=0)
    assert_allclose(model.parameter_vector, apart.parameter_vector, rtol=1e-11)
    frozen = model.layers[0].W.copy()
    model.layers[0].trainable = False
    model.fit(x, t, 1, 8, Adam(), verbose=0)
    assert_array_equal(model.layers[0].W, frozen)


def test_it_is_saved_and_goes_on(tmp_path):
    x, t = images(40, (8, 8, 1))
    model = network((8, 8, 1), "float32")
    model.fit(x, t, 2, 16, Adam(), verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    for made in (model, again):
        made.fit(x, t, 2, 16, verbose=0)
    assert_array_equal(again.parameter_vector, model.parameter_vector)


@pytest.mark.parametrize("shape", [(16, 4, 4), (8, 4, 8), (6, 12, 4)])
def test_another_shape_between_them_keeps_them_apart(shape):
    x, _ = images(6, (9, 8, 1) if shape == (6, 12, 4) else (8, 8, 1))
    first = Conv2D(4, 3, padding="same", input_shape=x.shape[1:])
    layers = [first, Reshape(shape), MaxPooling2D(2), Flatten(), Dense(3)]
    model = Sequential(layers, dtype="float64", seed=0)
    assert_allclose(model.predict(x), model.forward(x), rtol=1e-12)


def test_windows_behind_a_convolution_of_sequences():
    layers = [Conv1D(4, 3, padding="same", input_shape=(8, 2)), Reshape((4, 2, 4))]
    model = Sequential([*layers, MaxPooling2D(2), Flatten(), Dense(3)], dtype="float64", seed=0)
    x = np.random.default_rng(0).standard_normal((3, 8, 2))
    assert_allclose(model.predict(x), model.forward(x), rtol=1e-12)
