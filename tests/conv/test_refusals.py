"""Conv2D and Conv1D say what is wrong with arguments, images and the layers around them."""

import numpy as np
import pytest

from fastnet.layers import Conv1D, Conv2D, Dense
from fastnet.models import Sequential


def message(call, *args, error=ValueError, **kwargs):
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_bad_arguments_are_named():
    assert message(Conv2D, 0, 3) == (
        "Conv2D: filters must be at least 1, got 0. Give a positive int."
    )
    assert message(Conv2D, 4, (3, 3, 3)) == (
        "Conv2D: kernel_size must be a whole number or 2 of them, got (3, 3, 3). "
        "Give one for all axes of an image, or one for each."
    )
    assert message(Conv1D, 4, 3, strides=(1, 2)) == (
        "Conv1D: strides must be a whole number or one of them, got (1, 2). Give an int."
    )
    assert message(Conv2D, 4, 3, padding="full") == (
        "Conv2D: padding must be 'valid', 'same' or numbers of zeros, got 'full'. "
        "Give one of these."
    )
    assert message(Conv2D, 4, 3, padding=(1, 2, 3)) == (
        "Conv2D: padding must have an entry for each axis, got (1, 2, 3). "
        "Give a number, or one or a pair (before, behind) for each of 2 axes."
    )
    assert message(Conv2D, 4, 3, padding=-1) == (
        "Conv2D: padding must be at least 0, got -1. Give such a number."
    )
    assert message(Conv2D, 4, 3, groups=3) == (
        "Conv2D: filters must be a multiple of groups=3, got 4. Give each group as many filters."
    )
    assert message(Conv2D, 4, 3, activation="softmax") == (
        "Conv2D: activation must be one of single numbers, got 'softmax'. "
        "Add Softmax() behind a Dense."
    )
    assert message(Conv2D, 4, 3, use_bias=1, error=TypeError) == (
        "Conv2D: use_bias must be True or False, got 1. Give one of the two."
    )


def test_images_that_do_not_fit_are_named(rng):
    layer = Conv2D(4, 5)
    assert message(layer.forward, np.ones((2, 28, 28, 1)), error=RuntimeError).startswith(
        "Conv2D.forward: call build("
    )
    assert message(layer.output_shape, (784,)) == (
        "Conv2D: input_shape must be (height, width, channels), got (784,). Give samples of that "
        "shape, or put a Reshape before the layer."
    )
    assert message(layer.output_shape, (1, 28, 28)) == (
        "Conv2D: input_shape must be at least as large as the kernel, 5 x 5, got 1 x 28, padding "
        "included. If channels stand first, they must stand last: x.transpose(0, 2, 3, 1)."
    )
    assert message(Conv2D, 4, 5, input_shape=(3, 4, 1)) == (
        "Conv2D: input_shape must be at least as large as the kernel, 5 x 5, got 3 x 4, padding "
        "included. Give larger images, a smaller kernel, or padding."
    )
    assert message(Conv2D(4, 1, groups=2).output_shape, (3, 3, 3)) == (
        "Conv2D: input_shape must have a multiple of groups=2 channels, got (3, 3, 3). Give each "
        "group as many channels."
    )
    layer.build((28, 28, 3), rng, "float32")
    assert message(layer.forward, np.ones((2, 3, 28, 28))) == (
        "Conv2D.forward: x must be (N, height, width, channels) with 3 channels to match W "
        "(5, 5, 3, 4), got x.shape=(2, 3, 28, 28). Channels are the last axis: "
        "x.transpose(0, 2, 3, 1)."
    )
    assert message(layer.output_shape, (3, 28, 28)) == (
        "Conv2D: input_shape must have 3 channels to match W (5, 5, 3, 4), got (3, 28, 28). "
        "Channels are the last axis: x.transpose(0, 2, 3, 1)."
    )
    assert message(layer.backward, 1, error=RuntimeError) == (
        "Conv2D.backward: call forward first."
    )
    assert message(setattr, layer, "filters", 5, error=RuntimeError) == (
        "Conv2D.filters: filters must be set before build, got 5 for W (5, 5, 3, 4). Assign "
        "layer.W and layer.b, or make another Conv2D."
    )
    assert message(setattr, layer, "W", np.ones((1, 5, 3, 4))) == (
        "Conv2D.W: W must have shape (5, 5, 3, 4), got W.shape=(1, 5, 3, 4). Give such an array, "
        "or make another layer."
    )
    bare = Conv2D(4, 1, use_bias=False)
    assert message(getattr, bare, "b", error=AttributeError) == (
        "Conv2D.b: use_bias must be True, got False. Make the layer with a bias."
    )


def test_a_model_says_what_is_wrong_before_anything_changes(rng):
    x, t = rng.standard_normal((4, 1, 28, 28)), np.zeros(4, int)
    model = Sequential([Conv2D(4, 5), Dense(3)], seed=0)
    assert "Give x.transpose(0, 2, 3, 1); or" in message(model.fit, x, t)
    assert not model.layers[0].params
    model = Sequential([Conv2D(4, 5, input_shape=(28, 28, 1)), Dense(3)], seed=0)
    assert "Channels are the last axis: x.transpose(0, 2, 3, 1)." in message(model.fit, x, t)
    model = Sequential([Dense(20), Conv2D(4, 5), Dense(3)], seed=0)
    assert "input_shape must be (height, width, channels), got (20,)" in message(
        model.fit, rng.standard_normal((4, 9)), t
    )
