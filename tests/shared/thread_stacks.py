"""Networks that are trained with any number of threads, and what of them is compared."""

import os
import sys

import children
import numpy as np
from numpy.testing import assert_array_equal

from fastnet.layers import Dense, Relu, Tanh
from fastnet.models import Sequential
from fastnet.optimizer import SGD

# Inputs, then layers: whole vectors and odd tails, one input, one output, wide and flat, layers
# without weights.
STACKS = {
    "784-50-10": (784, lambda: [Dense(50, activation="relu"), Dense(10)]),
    "70-33-17-1": (70, lambda: [Dense(33, activation="tanh"), Dense(17), Relu(), Dense(1)]),
    "300-128-128-7": (300, lambda: [Dense(128, activation="sigmoid"), Dense(128), Dense(7)]),
    "20-600-3": (20, lambda: [Tanh(), Dense(600, activation="relu"), Dense(3), Tanh()]),
    "1-40-2": (1, lambda: [Dense(40, activation="tanh"), Dense(2)]),
    "2-7-1-3": (2, lambda: [Dense(7, activation="tanh"), Dense(1, activation="tanh"), Dense(3)]),
}


def network(stack, dtype="float32", loss="softmax_cross_entropy"):
    n_in, layers = STACKS[stack]
    model = Sequential(layers(), loss=loss, dtype=dtype, seed=0)
    model.build(n_in)
    return model


def results(stack, dtype="float32", loss="softmax_cross_entropy", batch_size=100, epochs=3):
    """Train a network; return all that it computes."""
    model = network(stack, dtype, loss)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((230, STACKS[stack][0])).astype(dtype)
    outputs = model.predict(x[:1]).shape[1]
    t = rng.integers(outputs, size=230)
    if loss == "mean_squared_error":
        t = rng.standard_normal((230, outputs))
    seen = model.fit(x, t, epochs, batch_size, SGD(lr=0.05), validation_data=(x, t), verbose=0)
    return [
        model.parameter_vector.copy(),
        np.array([column for name, column in seen.to_dict().items() if name != "seconds"]),
        model.predict(x),
    ]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        assert_array_equal(one, other)


def run(program, **environment):
    done = children.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        env={**os.environ, **environment},
    )
    assert done.returncode == 0 and not done.stderr, f"{done.returncode}\n{done.stderr}"
    return done.stdout
