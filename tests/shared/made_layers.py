"""Layers that were called or built, for tests of what they refuse."""

import numpy as np

from fastnet.layers import (
    ACTIVATIONS,
    Affine,
    Dense,
)

ACTIVATION_NAMES = ", ".join(map(repr, ACTIVATIONS))
X = np.linspace(0.1, 0.9, 12).reshape(3, 4)
W = np.linspace(-1, 1, 8).reshape(4, 2)
B = np.zeros(2)
RNG = np.random.default_rng(0)


def affine():
    return Affine(W.copy(), B.copy())


def called(layer, *arguments):
    layer.forward(*arguments)
    return layer


def built():
    layer = Dense(2)
    layer.build(4, np.random.default_rng(0), "float64")
    return layer


def assign(layer, name, value):
    setattr(layer, name, value)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


# What holds no real numbers, for every argument that is an array.
NUMBERS = "must be an array of integers, float16, float32 or float64, got"
