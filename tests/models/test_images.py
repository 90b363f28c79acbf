"""Layers of images in `Sequential`: the loop against steps by hand, threads, files, errors."""

import numpy as np
import pytest
from in_turn import every_dtype_name
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Relu,
    Rescaling,
    Reshape,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

SHAPE = 17, 18, 5
STACKS = {  # a layer that learns stands below most windows: else nobody asks for their gradient
    "2x2": lambda: [MaxPooling2D(2), Flatten(), Dense(10, "relu"), Dense(3)],
    "windows": lambda: [
        *(Conv2D(4, 1), MaxPooling2D(3, 2, "same"), AveragePooling2D((2, 3), 1, 1)),
        *(Reshape((-1, 2)), Dense(3)),
    ],
    "wide": lambda: [
        *(Conv2D(4, 1), Relu(), MaxPooling2D(17), Flatten(), Dense(8, "tanh"), Dense(3)),
    ],
    "above a product": lambda: [
        *(AveragePooling2D(4), Dense(12, "tanh"), Reshape((2, 2, 3)), MaxPooling2D(2, 1)),
        *(GlobalAveragePooling2D(), Dense(3)),
    ],
    "channels": lambda: [BatchNormalization(), MaxPooling2D(2), BatchNormalization(), Dense(3)],
    "shapes at both ends": lambda: [Flatten(), Dense(12), Reshape((4, 3)), Flatten(), Dense(3)],
    "a shape last": lambda: [AveragePooling2D(6), Dense(3), Reshape((3,))],
    "scaled": lambda: [Rescaling(0.5), MaxPooling2D(2), Flatten(), Dense(3)],
}
every_stack = pytest.mark.parametrize("name", STACKS)


def samples(dtype="float64", n=60):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, *SHAPE)).astype(dtype), rng.integers(0, 3, n)


def trained(name, dtype="float64", batch_size=16, **options):
    model = Sequential(STACKS[name](), dtype=dtype, seed=0)
    x, t = samples(dtype)
    options = {"optimizer": SGD(lr=0.05), "epochs": 2, "shuffle": False, **options}
    model.fit(x, t, batch_size=batch_size, verbose=0, **options)
    return model


@every_stack
def test_fit_does_the_steps_by_hand(name):
    model, (x, t) = trained(name), samples()
    stepped = Sequential(STACKS[name](), dtype="float64", seed=0)
    stepped.build(SHAPE)
    optimizer = SGD(lr=0.05)
    for _ in range(2):
        for i in range(0, len(x), 16):
            stepped.forward(x[i : i + 16], t[i : i + 16])
            stepped.backward()
            optimizer.update(stepped.params, stepped.grads)
    for ours, theirs in zip(model.params, stepped.params, strict=True):
        assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)
    out = x
    for layer in stepped.layers:
        if isinstance(layer, BatchNormalization):  # by hand each pixel of an image is a feature
            out = layer.forward(out.reshape(-1, out.shape[-1]), train_flg=False).reshape(out.shape)
        else:
            out = layer.forward(out)
    assert_allclose(model.predict(x), out, rtol=1e-11, atol=1e-12)


@every_stack
def test_gradients_equal_the_definition(name):
    x, t = samples(n=4)
    model = Sequential(STACKS[name](), dtype="float64", seed=0)
    exact, definition = model.gradient(x, t), model.numerical_gradient(x, t)
    for one, other in zip(exact, definition, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-6)
    assert max(np.abs(one).max() for one in exact) > 1e-3


@every_stack
@every_dtype_name
def test_the_same_bits_for_any_number_of_threads(name, dtype, team_of):
    found = []
    for threads in (1, 2, 3):
        team_of(threads)  # of fewer than 16 rows each there are none
        found.append(trained(name, dtype, 60, optimizer=Adam(lr=0.01)))
    x, _ = samples(dtype)
    for other in found[1:]:
        assert_array_equal(found[0].predict(x), other.predict(x))


@every_stack
@every_dtype_name
def test_a_file_keeps_all_of_it(name, dtype, tmp_path):
    model, (x, t) = trained(name, dtype, optimizer=Adam(lr=0.01)), samples(dtype)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in model.layers]
    assert_array_equal(again.predict(x), model.predict(x))
    for each in (model, again):
        each.fit(x, t, epochs=1, batch_size=16, verbose=0)
    for ours, theirs in zip(again.params, model.params, strict=True):
        assert_array_equal(ours, theirs)


def test_settings_may_be_changed():
    x, t = samples()
    model = Sequential([MaxPooling2D(2), GlobalAveragePooling2D(), Dense(3)], seed=0)
    model.fit(x, t, epochs=1, verbose=0)
    model.layers[0].pool_size, model.layers[0].strides = 3, 1
    other = Sequential([MaxPooling2D(3, 1), GlobalAveragePooling2D(), Dense(3)], seed=0)
    other.build(SHAPE)
    for ours, theirs in zip(other.params, model.params, strict=True):
        ours[...] = theirs
    assert_array_equal(model.predict(x), other.predict(x))


# --------------------------------------------------------------------------- batch normalization


@every_dtype_name
def test_channels_are_normalized_over_pixels(dtype):
    x, t = samples(dtype)
    model = Sequential(
        [BatchNormalization(momentum=0), GlobalAveragePooling2D(), Dense(3)], dtype=dtype, seed=0
    )
    model.fit(x, t, batch_size=60, epochs=1, optimizer=SGD(lr=1e-12), verbose=0)
    layer, rows = model.layers[0], x.reshape(-1, SHAPE[2]).astype(np.float64)
    assert layer.gamma.shape == layer.running_mean.shape == (SHAPE[2],)
    bound = len(rows) * np.finfo(dtype).eps
    assert_allclose(layer.running_mean, rows.mean(axis=0), rtol=0, atol=bound)
    assert_allclose(layer.running_var, rows.var(axis=0), rtol=0, atol=bound)


def test_torch_normalizes_channels_alike():
    torch = pytest.importorskip("torch")
    x, t = samples()
    layers = [BatchNormalization(running_var=np.ones(5), eps=1e-5), MaxPooling2D(17), Dense(3)]
    model = Sequential(layers, dtype="float64", seed=0)
    model.build(SHAPE)
    W, b = (torch.tensor(array.T.copy()) for array in layers[2].params)
    norm = torch.nn.BatchNorm2d(5, eps=1e-5, dtype=torch.float64)
    pixels = norm(torch.tensor(x.transpose(0, 3, 1, 2)))
    scores = torch.nn.functional.max_pool2d(pixels, 17).flatten(1) @ W.T + b
    torch.nn.functional.cross_entropy(scores, torch.tensor(t)).backward()
    dgamma, dbeta = model.gradient(x, t)[:2]
    assert_allclose(dgamma, norm.weight.grad.numpy(), rtol=1e-11, atol=1e-13)
    assert_allclose(dbeta, norm.bias.grad.numpy(), rtol=1e-11, atol=1e-13)


def test_frozen_normalization_of_channels_stays():
    x, t = samples()
    model = Sequential([BatchNormalization(), GlobalAveragePooling2D(), Dense(3)], seed=0)
    model.fit(x, t, epochs=1, verbose=0)
    layer = model.layers[0]
    layer.trainable = False
    kept = [a.copy() for a in (*layer.params, layer.running_mean, layer.running_var)]
    model.fit(x, t, epochs=1, verbose=0)
    for before, now in zip(
        kept, (*layer.params, layer.running_mean, layer.running_var), strict=True
    ):
        assert_array_equal(before, now)


# --------------------------------------------------------------------------- refusals

WRONG = [
    (
        lambda: Sequential([MaxPooling2D(), Dense(3)]).predict(np.ones((2, 784))),
        r"MaxPooling2D: samples must be images \(height, width, channels\), got the shape \(784,\)",
    ),
    (
        lambda: Sequential([MaxPooling2D(5), Dense(3)]).predict(np.ones((2, 4, 4, 1))),
        r"MaxPooling2D: pool_size must be no larger than the image, got \(5, 5\) for 4 x 4 pixels",
    ),
    (
        lambda: Sequential([Flatten(input_shape=(4, 4)), Dense(3), GlobalAveragePooling2D()]),
        r"GlobalAveragePooling2D: samples must be images",
    ),
    (
        lambda: Sequential([Reshape((3, 3)), Dense(3)]).predict(np.ones((2, 10))),
        r"Reshape: target_shape must have as many numbers as a sample of shape \(10,\), 10, got",
    ),
    (
        lambda: Sequential([MaxPooling2D(padding=2, input_shape=(4, 4, 1)), Dense(3)]),
        r"MaxPooling2D: padding must be less than pool_size \(2, 2\), got \(\(2, 2\), \(2, 2\)\)",
    ),
]


@pytest.mark.parametrize("call, message", WRONG, ids=[case[1][:30] for case in WRONG])
def test_what_does_not_fit_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_by_hand_pooling_says_what_to_add():
    with pytest.raises(TypeError, match=r"got Pooling. In a Sequential images have their channel"):
        Sequential([fastnet.layers.Pooling(2, 2)])


def test_rows_of_a_table_as_an_image():
    table = np.random.default_rng(0).standard_normal((9, 4))
    layers = [Embedding(table), Reshape((3, 2, 4)), MaxPooling2D((3, 2)), Flatten(), Dense(2)]
    model = Sequential(layers, dtype="float64", seed=0)
    idx = np.arange(12).reshape(2, 6) % 9
    out = table[idx].max(axis=1) @ layers[-1].W + layers[-1].b if model.predict(idx).size else 0
    assert_allclose(model.predict(idx), out, rtol=1e-13)
