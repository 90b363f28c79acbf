"""Rescaling as kernels and as a layer by hand: the bits of NumPy, and what is refused."""

import copy

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_array_equal
from refused import refused
from rescaled import KINDS, bits

from fastnet import kernels, reference
from fastnet.layers import (
    Dense,
    LeakyRelu,
    Rescaling,
)
from fastnet.models import Sequential


@with_each("size", [*range(1, 35), 63, 64, 65, 200])
@every_dtype_name
def test_kernels_have_the_bits_of_numpy(size, dtype):
    rng, kind = np.random.default_rng(size), np.dtype(dtype).type
    framed, x = np.full((3, size), 7, dtype), rng.standard_normal((1, size)).astype(dtype)
    x[0, -1] = -0.0
    for offset in (kind(-0.3), kind(-0.0)):
        kernels.rescaling_forward(x, kind(0.1), offset, framed[1:2])
        assert bits(framed[1:2]) == bits(x * kind(0.1) + offset)
        twin = np.empty_like(x)
        reference.kernels.rescaling_forward(x, kind(0.1), offset, twin)
        assert bits(framed[1:2]) == bits(twin)
    kernels.rescaling_backward(x, kind(0.1), framed[1:2])
    assert bits(framed[1:2]) == bits(x * kind(0.1))
    assert (framed[[0, 2]] == 7).all()
    kernels.rescaling_forward(x, kind(2), kind(1), x)  # in place
    kernels.rescaling_backward(x, kind(2), x)
    assert x[0, -1] == 2


def test_nan_and_infinity_stay():
    out = Rescaling(-0.5, 3).forward(np.array([np.nan, np.inf, -np.inf]))
    assert_array_equal(out, [np.nan, -np.inf, np.inf])


@every_dtype_name
def test_zero_keeps_its_sign_without_an_offset(dtype):
    x, layer = np.array([[-0.0, 0.0]], dtype), Rescaling(2)
    assert_array_equal(np.signbit(layer.forward(x)), [[True, False]])
    for stack in ([Rescaling(2)], [Rescaling(2), Rescaling(3)]):
        found = Sequential(stack, dtype=dtype).predict(x)
        assert_array_equal(np.signbit(found), [[True, False]])


@with_each("kind", KINDS)
def test_by_hand_any_dtype_and_shape(kind):
    x = np.arange(24).reshape(2, 3, 4).astype(kind)
    layer = Rescaling(1 / 4, offset=-1)
    out, dx = layer.forward(x), layer.backward(np.ones((2, 3, 4), np.float32))
    assert out.dtype == (kind if kind[:5] == "float" else "float64")
    assert_array_equal(out, x.astype(float) / 4 - 1)
    assert dx.dtype == np.float32 and (dx == 0.25).all()
    assert layer.forward(8) == 1 and np.ndim(layer.forward(8)) == 0
    assert_array_equal(layer.forward([[4, 8]]), [[0, 1]])


def test_backward_goes_by_the_scale_of_forward():
    layer = Rescaling(0.5)
    layer.forward(np.ones(3))
    layer.scale = 4
    assert_array_equal(layer.backward([1, 2, 3]), [0.5, 1, 1.5])
    assert_array_equal(layer.forward([1, 2, 3]), [4, 8, 12])


def test_bad_arguments_and_calls():
    scale = "must be finite and not 0, got {}. Give a number such as 1 / 255."
    for value in (0, np.nan, -np.inf):
        text = scale.format(float(value))
        refused(lambda value=value: Rescaling(value), ValueError, f"Rescaling: scale {text}")
    layer = Rescaling(2)
    refused(
        lambda: setattr(layer, "scale", 0.0),
        ValueError,
        f"Rescaling.scale: scale {scale.format(0.0)}",
    )
    refused(
        lambda: Rescaling(1, np.inf),
        ValueError,
        "Rescaling: offset must be finite, got inf. Give a number such as -1.",
    )
    refused(
        lambda: Rescaling("1/255"),
        TypeError,
        "Rescaling: scale must be a real number, got '1/255'. Give a float.",
    )
    refused(
        lambda: Rescaling(2).backward(1), RuntimeError, "Rescaling.backward: call forward first."
    )
    layer.forward(np.ones((2, 3)))
    refused(
        lambda: layer.backward(np.ones(3)),
        ValueError,
        "Rescaling.backward: dout must have shape (2, 3), got dout.shape=(3,). Give one number "
        "for each output of forward.",
    )
    refused(
        lambda: Rescaling(1e300).forward(np.ones(2, np.float32)),
        ValueError,
        "Rescaling.forward: scale must be finite in float32, got 1e+300. Give a number such as 1.",
    )


@pytest.mark.parametrize("layer", [Rescaling(1e300), Rescaling(1, -1e39), LeakyRelu(1e300)])
def test_numbers_that_the_models_dtype_cannot_hold_are_refused(layer):
    for stack in ([layer, Dense(2, input_shape=3)], [Dense(2, input_shape=3), layer]):
        i = stack.index(layer)
        refused(
            lambda stack=stack: Sequential(stack),
            ValueError,
            f"Sequential.add: layers[{i}] must have numbers that are finite in float32, got "
            f'{layer!r}. Give smaller ones, or make the model with dtype="float64".',
        )
        Sequential(copy.deepcopy(stack), dtype="float64").predict(np.zeros((1, 3)))
