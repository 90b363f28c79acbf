"""Every layer of the reference gives what the one on kernels gives."""

import inspect

import layer_examples
import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastnet import layers
from fastnet.reference import layers as reference_layers
from fastnet.reference.kernels.recurrence import ACTIVATIONS


def flat(value):
    """Return all arrays and numbers of lists in lists."""
    if isinstance(value, (list, tuple)):
        return [each for one in value for each in flat(one)]
    return [] if value is None else [np.asarray(value)]


def passed(example):
    """Return what a layer gives in training, twice, and after it where that is another thing."""
    layer = example.make(np.float64)
    inputs, dout = example.inputs(np.float64), example.dout(np.float64)
    trains = "train_flg" in inspect.signature(layer.forward).parameters
    found = []
    for factor in (1, 2.5):  # a stateful layer goes on
        found.append(layer.forward(*inputs, *[True] * trains))
        found += [layer.backward(factor * dout), [grad.copy() for grad in layer.grads]]
    if trains:
        found.append(layer.forward(*inputs, False))
    return flat(found)


# What the reference has no counterpart of: it fuses few activations, and pads by pairs alone.
WITHOUT_TWIN = {
    *(f"Dense {name}" for name in layers.ACTIVATIONS if name not in (*ACTIVATIONS, "softmax")),
    *(f"{name}Pooling2D ((2, 3), (1, 2), 1)" for name in ("Max", "Average")),
    "Conv2D groups",
}


@pytest.mark.parametrize("name", sorted(layer_examples.LAYERS.keys() - WITHOUT_TWIN))
def test_layers(name, monkeypatch):
    found = []
    for room in (layers, reference_layers):
        monkeypatch.setattr(layer_examples, "layers", room)
        found.append(passed(layer_examples.LAYERS[name]))
    assert len(found[0]) == len(found[1]) > 1
    for ours, theirs in zip(*found, strict=True):
        assert_allclose(theirs, ours, rtol=1e-12, atol=1e-13)


def test_a_frozen_normalization(monkeypatch):
    example, found = layer_examples.LAYERS["BatchNormalization"], []
    for room in (layers, reference_layers):
        monkeypatch.setattr(layer_examples, "layers", room)
        layer = example.make(np.float64)
        layer.forward(*example.inputs(np.float64), True)
        layer.trainable = False
        found.append([layer.forward(*example.inputs(np.float64), True)])
        found[-1].append(layer.backward(example.dout(np.float64)))
    assert_allclose(found[1], found[0], rtol=1e-12)
