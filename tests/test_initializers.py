"""Initial weights: their scale, their bits, and Dense, which takes them by name."""

# ruff: noqa: NPY002  the textbook draws from NumPy's global generator

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet import initializers
from fastnet.layers import Dense
from fastnet.reference import initializers as reference
from fastnet.reference import layers as reference_layers

SCALES = {
    "he": np.sqrt(2 / 300),
    "xavier": np.sqrt(1 / 300),
    "lecun": np.sqrt(1 / 300),
    "glorot": np.sqrt(2 / 500),
}


@every_dtype_name
@with_each("name", SCALES)
def test_scale(name, dtype):
    """The spread of 60,000 numbers is within 5 standard deviations, 5 / sqrt(120,000) = 1.5 %."""
    W = getattr(initializers, name)((300, 200), np.random.default_rng(0), dtype)
    assert W.shape == (300, 200) and W.dtype == dtype and W.flags.carray
    assert_allclose(W.std(), SCALES[name], rtol=0.015)
    assert abs(W.mean()) < 5 * SCALES[name] / np.sqrt(60_000)
    assert_array_equal(
        W, getattr(reference, name)((300, 200), np.random.default_rng(0), dtype), strict=True
    )


@pytest.mark.parametrize("name", SCALES)
def test_the_textbooks_bits(name):
    """Without a generator: scale * np.random.randn(D, M), and nothing more is drawn."""
    np.random.seed(3)
    expected, after = SCALES[name] * np.random.randn(300, 200), np.random.rand()
    np.random.seed(3)
    assert_array_equal(getattr(initializers, name)((300, 200)), expected)
    assert np.random.rand() == after


def test_normal_and_zeros():
    np.random.seed(1)
    expected = 0.01 * np.random.randn(4, 3)
    np.random.seed(1)
    assert_array_equal(initializers.normal((4, 3)), expected, strict=True)
    W = initializers.normal([4, 3], 2, np.random.default_rng(0), "float32")
    assert_array_equal(W, reference.normal((4, 3), 2, np.random.default_rng(0), "float32"))
    assert_array_equal(initializers.zeros((2, 3)), np.zeros((2, 3)), strict=True)
    assert initializers.zeros((2, 3), "float32").dtype == np.float32


@pytest.mark.parametrize("name", [*SCALES, "zeros"])
def test_dense_takes_a_name(name):
    layers = [kind(200, weight_init_std=name) for kind in (Dense, reference_layers.Dense)]
    for layer in layers:
        layer.build(300, np.random.default_rng(5), np.dtype("float64"))
    assert_array_equal(layers[0].W, layers[1].W)
    if name == "zeros":
        assert not layers[0].W.any()
    else:
        W = getattr(initializers, name)((300, 200), np.random.default_rng(5))
        assert_array_equal(layers[0].W, W)
    assert layers[0].weight_init_std == name


def test_dense_draws_what_it_always_drew():
    for activation, name in [("relu", "he"), ("tanh", "xavier"), (None, "lecun")]:
        plain, named = Dense(7, activation), Dense(7, activation, weight_init_std=name)
        for layer in (plain, named):
            layer.build(5, np.random.default_rng(0), "float32")
        assert_array_equal(plain.W, named.W)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: initializers.he(300),
            ValueError,
            "he: shape must be (D, M), got 300. Give two ints.",
        ),
        (
            lambda: initializers.glorot((3, 0)),
            ValueError,
            "glorot: shape must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: initializers.lecun((3, 2.5)),
            TypeError,
            "lecun: shape must be a whole number, got 2.5. Give an int.",
        ),
        (
            lambda: initializers.xavier((3, 2), 0),
            TypeError,
            "xavier: rng must be a numpy.random.Generator, got 0. "
            "Give numpy.random.default_rng(seed).",
        ),
        (
            lambda: initializers.normal((3, 2), -1),
            ValueError,
            "normal: std must be finite and not negative, got -1.0. Give a number such as 0.01.",
        ),
        (
            lambda: initializers.normal((3, 2), 1e38, dtype="float32"),
            ValueError,
            "normal: std must leave the weights finite in float32, got 1e+38. "
            "Give a number such as 0.01.",
        ),
        (
            lambda: initializers.zeros((3, 2), "int64"),
            TypeError,
            "zeros: dtype must be float32 or float64, got 'int64'. "
            'Give dtype="float32" or dtype="float64".',
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)


def test_a_name_set_later_is_checked():
    layer = Dense(2)
    layer.weight_init_std = "best"
    with pytest.raises(ValueError, match=r"^Dense\.build: weight_init_std must be one of 'he', "):
        layer.build(3, np.random.default_rng(0), "float32")
    assert layer.params == []
