"""Every layer that takes rows, made, and central differences of it."""

import numpy as np
import pytest

from fastnet import layers

ACTIVATIONS = [None, "identity", "sigmoid", "relu", "tanh"]
PRODUCTS = ["MatMul", "Affine", *(f"Dense {activation}" for activation in ACTIVATIONS)]
OF_OUTPUT = [name for name in layers.activations.__all__ if name != "Step"]  # without a gradient
LAYERS = [*PRODUCTS, *OF_OUTPUT, *layers.gates.__all__, "Softmax"]
every_layer = pytest.mark.parametrize("name", LAYERS)


def make(name, W, b, module=layers):
    """The layer of that name, of fastnet or of the reference; W and b where it takes them."""
    if name == "MatMul":
        return module.MatMul(W)
    if name == "Affine":
        return module.Affine(W, b)
    if name.startswith("Dense"):
        activation = name.removeprefix("Dense ")
        layer = module.Dense(W.shape[1], activation=None if activation == "None" else activation)
        layer.build(W.shape[0], np.random.default_rng(0), np.float64)
        layer.params[:] = [W, b]
        layer.grads[:] = [np.zeros_like(W), np.zeros_like(b)]
        return layer
    return getattr(module, name)()
