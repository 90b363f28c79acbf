"""Images whose channels seem to come first, and gradients that fit no parameter."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import B, W, X

from fastnet.layers import Affine, Conv2D, Dense, Flatten, MatMul
from fastnet.models import Sequential


@with_each(
    "shape, refused",
    [
        *[((2, 3, 8, 8), True), ((2, 1, 8, 8), True), ((2, 3, 4, 4), True), ((2, 1, 2, 2), True)],
        *[((2, 2, 8, 8), False), ((2, 4, 8, 8), False), ((2, 3, 3, 3), False)],
        *[((2, 3, 8, 9), False), ((2, 8, 8, 3), False), ((2, 1, 1, 1), False)],
    ],
)
def test_channels_that_seem_to_come_first(shape, refused):
    """One or three of something, before what is square and larger."""
    model, x, t = Sequential([Conv2D(2, 1), Flatten(), Dense(2)]), np.zeros(shape), [0, 1]
    if not refused:
        model.fit(x, t, epochs=1, verbose=0)
        return
    way = f"the first layer an input_shape={shape[1:]}."
    text = (
        f"Sequential.fit: x must be (N, height, width, channels), got x.shape={shape}, whose "
        f"channels seem to come first. Give x.transpose(0, 2, 3, 1); or, if they do not, {way}"
    )
    with pytest.raises(ValueError) as raised:
        model.fit(x, t, epochs=1, verbose=0)
    assert raised.value.args == (text,)
    model = Sequential([Conv2D(2, 1, input_shape=shape[1:]), Flatten(), Dense(2)])
    model.fit(x, t, epochs=1, verbose=0)


@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("kind", ["Affine", "Dense", "MatMul"])
def test_a_gradient_of_another_shape_than_its_parameter(kind, i):
    """Written by a kernel, it would be left with numbers behind it."""
    if i and kind == "MatMul":
        pytest.skip("it has one parameter")
    layer = {"Affine": lambda: Affine(W, B), "MatMul": lambda: MatMul(W), "Dense": dense}[kind]()
    dout = np.ones_like(layer.forward(X))
    shape = layer.grads[i].shape
    for other in ((*shape[:-1], shape[-1] + 1), (*shape, 1)):
        layer.grads[i] = np.zeros(other)
        text = (
            f"{kind}.backward: grads[{i}] must have shape {shape} to match params[{i}], got "
            f"{other}. Assign layer.W and layer.b, which remake the gradients."
        )
        with pytest.raises(ValueError) as raised:
            layer.backward(dout)
        assert raised.value.args == (text,)
        layer.grads[i] = np.zeros(shape)
        layer.backward(dout)


def dense():
    layer = Dense(W.shape[1])
    layer.build(W.shape[0], np.random.default_rng(0), np.float64)
    return layer
