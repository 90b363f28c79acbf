"""The books' networks of images, and what trains them."""

# ruff: noqa: NPY002  the books draw from NumPy's global generator

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet.datasets import load_digits
from fastnet.reference.textbook import first as plain_first
from fastnet.textbook import first

SMALL = dict(
    input_dim=(2, 10, 8),
    conv_param={"filter_num": 5, "filter_size": 3, "pad": 1, "stride": 1},
    hidden_size=7,
    output_size=4,
    weight_init_std=0.3,
)
PIXELS = np.random.default_rng(3).standard_normal((6, 2, 10, 8))
KINDS = np.array([1, 0, 3, 2, 1, 1])


def both(name, **options):
    """Make fastnet's network and its twin with the same weights."""
    made = []
    for module in (first, plain_first):
        np.random.seed(4)
        made.append(getattr(module, name)(**options))
    return made


def test_simple_conv_net_is_its_twin():
    ours, plain = both("SimpleConvNet", **SMALL)
    assert list(ours.params) == list(plain.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert list(ours.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    for name, array in ours.params.items():
        assert_array_equal(array, plain.params[name])
    assert ours.layers["Conv1"].W is ours.params["W1"]
    for t in (KINDS, np.eye(4)[KINDS]):
        assert_allclose(ours.predict(PIXELS), plain.predict(PIXELS), rtol=1e-12)
        assert_allclose(ours.loss(PIXELS, t), plain.loss(PIXELS, t), rtol=1e-13)
        assert ours.accuracy(PIXELS, t) == plain.accuracy(PIXELS, t)
        assert ours.accuracy(PIXELS, t, batch_size=4) == plain.accuracy(PIXELS, t)
        found, expected = ours.gradient(PIXELS, t), plain.gradient(PIXELS, t)
        assert list(found) == list(expected)
        for name, array in found.items():
            assert_allclose(array, expected[name], rtol=1e-11, atol=1e-14)
    again = ours.gradient(PIXELS, KINDS)
    assert not any(np.shares_memory(found[name], again[name]) for name in again)


def test_simple_conv_net_has_the_gradient_of_the_definition():
    ours, _ = both("SimpleConvNet", **{**SMALL, "input_dim": (2, 4, 4)})
    x, t = 10 * PIXELS[:1, :, :4, :4], KINDS[:1]  # of one image no step crosses a bend
    exact, definition = ours.gradient(x, t), ours.numerical_gradient(x, t)
    for name, array in exact.items():
        assert_allclose(array, definition[name], rtol=1e-5, atol=1e-7)
    assert np.abs(exact["W1"]).max() > 0.1


def test_deep_conv_net_is_its_twin():
    ours, plain = both("DeepConvNet")
    x, t = np.random.default_rng(3).standard_normal((5, 1, 28, 28)), np.array([3, 1, 4, 1, 5])
    assert [type(a).__name__ for a in ours.layers] == [type(a).__name__ for a in plain.layers]
    for name, array in ours.params.items():
        assert_array_equal(array, plain.params[name])
    assert_allclose(ours.predict(x), plain.predict(x), rtol=1e-10, atol=1e-12)
    assert ours.accuracy(x, t) == plain.accuracy(x, t)
    gradients = []
    for network in (ours, plain):
        np.random.seed(5)  # of the masks
        gradients.append(network.gradient(x, t))
    for name, array in gradients[0].items():
        assert_allclose(array, gradients[1][name], rtol=1e-9, atol=1e-12)


def test_trainer_trains_images():
    (x, t), (x_test, t_test) = load_digits(normalize=True, flatten=False)
    np.random.seed(0)
    param = {"filter_num": 6, "filter_size": 3, "pad": 0, "stride": 1}
    network = first.SimpleConvNet((1, 8, 8), param, 20, 10, 0.1)
    trainer = first.Trainer(
        network, x, t, x_test, t_test, 8, 50, "Adam", {"lr": 0.01}, 300, verbose=False
    )
    trainer.train()
    assert network.accuracy(x_test, t_test) > 0.95


def test_parameters_of_images_go_through_files(tmp_path):
    ours, _ = both("SimpleConvNet", **SMALL)
    other = first.SimpleConvNet(**SMALL)
    ours.save_params(tmp_path / "params.pkl")
    with open(tmp_path / "params.pkl", "rb") as file:
        assert list(pickle.load(file)) == list(ours.params)  # as the book's reads it
    other.load_params(tmp_path / "params.pkl")
    assert_array_equal(other.predict(PIXELS), ours.predict(PIXELS))
    assert other.layers["Affine2"].b is other.params["b3"]


def test_files_of_other_things_are_refused_before_anything_changes(tmp_path):
    ours, _ = both("SimpleConvNet", **SMALL)
    before, file = ours.predict(PIXELS), tmp_path / "params.pkl"

    def told(text):
        with pytest.raises(ValueError) as caught:
            ours.load_params(file)
        assert text in str(caught.value) and "\n" not in str(caught.value)
        assert_array_equal(ours.predict(PIXELS), before)

    first.SimpleConvNet(**{**SMALL, "hidden_size": 8}).save_params(file)
    told(
        "SimpleConvNet.load_params: file_name must hold the arrays of this network, got W2 of "
        "shape (100, 8) where (100, 7) belongs. Make the network with the sizes of the one that"
    )
    for value, why in (
        ([np.ones(3)], "got a list in"),
        ({"W1": 3}, "got 'W1', which is no array of floats in"),
        ({"W1": np.array(["a"])}, "got 'W1', which is no array of floats in"),
        (print, "got builtins.print in"),  # nothing of it is run
    ):
        file.write_bytes(pickle.dumps(value))
        told(why)
    file.write_bytes(b"no pickle")
    told("SimpleConvNet.load_params: file_name must hold a pickle of a dict of arrays, got ")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: first.SimpleConvNet(conv_param={"filter_num": 3}),
            "SimpleConvNet: conv_param must be a dict with filter_num, filter_size, pad, stride, "
            "got {'filter_num': 3}. Give such as {'filter_num': 30, 'filter_size': 5, 'pad': 0, "
            "'stride': 1}.",
        ),
        (
            lambda: first.SimpleConvNet((28, 28)),
            "SimpleConvNet: input_dim must be a whole number or 3 of them, got (28, 28). Give one "
            "for all axes of an image, or one for each.",
        ),
        (
            lambda: first.SimpleConvNet((1, 4, 4)),
            "SimpleConvNet: input_dim must be at least as large as the kernel, 5 x 5, got 4 x 4, "
            "padding included. Give larger images, a smaller kernel, or padding.",
        ),
        (
            lambda: first.DeepConvNet((1, 2, 2)),
            "DeepConvNet: pool must be no larger than the image, got (2, 2) for 1 x 1 pixels, "
            "padding 'valid'. Make it smaller, or pad.",
        ),
        (
            lambda: first.DeepConvNet(hidden_size=0),
            "DeepConvNet: hidden_size must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: first.smooth_curve(np.ones(10)),
            "smooth_curve: x must have 11 numbers or more, got x.shape=(10,). Give a vector, or "
            "draw it as it is.",
        ),
    ],
)
def test_wrong_arguments_of_images_are_told(call, text):
    refused(call, ValueError, text)


def test_smooth_curve_and_shuffle_dataset():
    curve = np.random.default_rng(0).standard_normal(37)
    assert_allclose(first.smooth_curve(curve), plain_first.smooth_curve(curve), rtol=1e-13)
    assert_allclose(first.smooth_curve(np.arange(30))[10:20], np.arange(10, 20), rtol=1e-13)
    found = []
    for module in (first, plain_first):
        np.random.seed(1)
        found.append(module.shuffle_dataset(PIXELS, KINDS))
    for ours, plain in zip(*found, strict=True):
        assert_array_equal(ours, plain)
    assert not np.array_equal(found[0][0], PIXELS)
