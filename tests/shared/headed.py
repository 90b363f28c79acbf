"""Models with several outputs, and their twins."""

import numpy as np
import pytest

from fastnet import layers
from fastnet.layers import (
    LSTM,
    BatchNormalization,
    Branches,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Relu,
    Rescaling,
)
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.models import Sequential

RNG = np.random.default_rng(3)
N = 53
X = RNG.standard_normal((N, 5))
KIND, SIZE = RNG.integers(0, 3, N), X[:, :2] * 2 - X[:, 1:3] ** 2
LOSSES = ["softmax_cross_entropy", "mean_squared_error"]


def stack(m):
    """A trunk and two heads, of the classes of fastnet.layers or of its reference."""
    heads = [m.Dense(3)], [m.Dense(6, activation="tanh"), m.Dense(2)]
    return [m.Dense(8, activation="relu"), m.Dense(7, activation="tanh"), m.Branches(*heads)]


def made(dtype="float64", **given):
    return Sequential(stack(layers), loss=LOSSES, dtype=dtype, seed=0, **given)


def numbers(n, *shape):
    return np.random.default_rng(8).standard_normal((n, *shape))


# Name -> layers, losses, x, targets: what a trunk and heads may be.
CASES = {
    "plain": (lambda: stack(layers), LOSSES, X, [KIND, SIZE]),
    "no trunk": (lambda: [Branches([Dense(3)], [Dense(1)])], LOSSES, X, [KIND, SIZE[:, :1]]),
    "one head": (lambda: [Dense(4, "relu"), Branches([Dense(2)])], ["huber"], X, [SIZE]),
    "activation first": (
        lambda: [Dense(6), Branches([Relu(), Dense(3)], [Dense(2), Relu()], [Relu()])],
        [*LOSSES, "mean_squared_error"],
        X,
        [KIND, SIZE, numbers(N, 6)],
    ),
    "in front of others": (
        lambda: [
            Rescaling(0.5),
            Branches([Dense(3, "tanh")], [Dense(2)], [Relu()]),
            Dense(4, "relu"),
            Branches([Dense(3)], [Dense(2)]),
        ],
        LOSSES,
        X,
        [KIND, SIZE],
    ),
    "normalized": (
        lambda: [
            BatchNormalization(),
            Dense(6),
            Branches([BatchNormalization(), Dense(3)], [Dense(4), BatchNormalization(), Dense(2)]),
        ],
        LOSSES,
        X,
        [KIND, SIZE],
    ),
    "images": (
        lambda: [
            Conv2D(3, 3, activation="relu"),
            Branches([Flatten(), Dense(3)], [Conv2D(2, 2), Flatten(), Dense(2)]),
        ],
        LOSSES,
        numbers(N, 6, 6, 1),
        [KIND, SIZE],
    ),
    "sequences": (
        lambda: [
            LSTM(6, return_sequences=True),
            Branches([Dense(3)], [LSTM(4), Dense(2)], [Dense(1)]),
        ],
        [*LOSSES, "mean_squared_error"],
        numbers(N, 4, 3),
        [np.random.default_rng(2).integers(-1, 3, (N, 4)), SIZE, numbers(N, 4, 1)],
    ),
    "words": (
        lambda: [
            Embedding(np.random.default_rng(0).standard_normal((9, 3)) * 0.1),
            Branches([Dense(3)], [Dense(2)]),
        ],
        LOSSES,
        np.random.default_rng(1).integers(0, 9, (N, 4)),
        [KIND, SIZE],
    ),
    "labels that do not count": (
        lambda: stack(layers),
        [SoftmaxCrossEntropy(ignore_index=-1), "mean_squared_error"],
        X,
        [np.where(np.arange(N) % 3 == 0, -1, KIND), SIZE],
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


def case(name, **given):
    make, losses, x, t = CASES[name]
    weights = list(range(1, len(losses) + 1))
    options = {"dtype": "float64", "seed": 0, "loss_weights": weights, **given}
    return Sequential(make(), loss=losses, **options), x, t
