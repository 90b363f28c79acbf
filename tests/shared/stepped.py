"""Models that answer each step of a sequence, and sequences with labels for them."""

import numpy as np

from fastnet.layers import (
    Dense,
    Layer,
    LoopLayer,
    Steps,
)
from fastnet.models import Sequential


class Sequence(Layer):
    """Says that a sample is a sequence, each step of which is answered."""

    takes_shape = True
    argument_names = ("input_shape",)

    def __init__(self, input_shape=None):
        super().__init__()
        self.input_shape = input_shape

    def output_shape(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(f"Sequence: input must be (steps, features), got {input_shape}.")
        return Steps(input_shape)

    def forward(self, x):
        assert x.ndim == 3
        return x

    def backward(self, dout):
        assert dout.ndim == 3
        return dout

    def in_loop(self, input_shape):
        return [LoopLayer(self.output_shape(input_shape))]


def sequences(n=40, steps=3, features=5, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, steps, features)), rng.integers(0, classes, (n, steps))


def of_steps(dtype="float64", **options):
    layers = [Sequence(), Dense(6, "tanh"), Dense(4)]
    return Sequential(layers, dtype=dtype, seed=1, **options)
