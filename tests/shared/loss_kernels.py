"""Losses as kernels, with arguments that suit each."""

import numpy as np
from numpy.testing import assert_array_equal

from fastnet.kernels import (
    cross_entropy,
    hinge,
    losses,
)

SENTINEL = -7.25


def pair(dtype, shape, whole=False, seed=0):
    rng = np.random.default_rng(seed)
    draw = (lambda: rng.integers(-9, 10, shape)) if whole else (lambda: rng.standard_normal(shape))
    return draw().astype(dtype), draw().astype(dtype)


def numbers(rng, shape):
    return 2 * rng.standard_normal(shape), 2 * rng.standard_normal(shape)


def sizes(rng, shape):
    return rng.uniform(0, 3, shape), rng.uniform(0, 3, shape)


def probabilities(rng, shape):
    y, t = rng.uniform(0.001, 0.999, shape), rng.uniform(0, 1, shape)
    t[rng.random(shape) < 0.2] = 0
    return y, t


def logits(rng, shape):
    return 4 * rng.standard_normal(shape), rng.integers(0, 2, shape)


def signs(rng, shape):
    return 2 * rng.standard_normal(shape), rng.choice([-1, 1], shape)


def scores(rng, shape):
    return 2 * rng.standard_normal(shape), rng.integers(0, shape[1], shape[0])


def likelihoods(rng, shape):
    return rng.uniform(0.001, 1, shape), rng.integers(0, shape[1], shape[0])


def kernels_of(*modules):
    names = [name for module in modules for name in vars(module) if name.endswith("_forward")]
    return [name.removesuffix("_forward") for name in names if not name.startswith("sigmoid_with")]


# Name -> what to draw, and whether the reference has the bits of the gradient.
KERNELS = {name: (numbers, False) for name in kernels_of(losses, hinge, cross_entropy)} | {
    "mean_squared_error": (numbers, True),
    "elementwise_mean_squared_error": (numbers, True),
    "mean_absolute_error": (numbers, True),
    "mean_absolute_percentage_error": (numbers, True),
    "mean_squared_logarithmic_error": (sizes, False),
    "huber": (numbers, True),
    "poisson": (sizes, True),
    "hinge": (signs, True),
    "squared_hinge": (signs, True),
    "categorical_hinge": (scores, True),
    "categorical_cross_entropy": (probabilities, True),
    "cross_entropy": (likelihoods, True),
    "binary_cross_entropy": (probabilities, True),
    "sigmoid_cross_entropy": (logits, False),
    "kullback_leibler_divergence": (probabilities, True),
}


def draw(name, dtype, shape, seed=0):
    y, t = KERNELS[name][0](np.random.default_rng(seed), shape)
    return y.astype(dtype), t if t.ndim == 1 else t.astype(dtype)


def deltas(name, dtype):
    return (dtype(0.75),) if name == "huber" else ()


def value(package, name, y, t):
    loss = np.full(3, SENTINEL, y.dtype)
    getattr(package, f"{name}_forward")(y, t, *deltas(name, y.dtype.type), loss[1:2])
    assert_array_equal(loss[[0, 2]], SENTINEL)
    return loss[1]
