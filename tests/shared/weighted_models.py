"""Losses with the layers that suit them, targets and weights for each."""

import numpy as np

import fastnet
import fastnet.models
import fastnet.reference
from fastnet.losses import (
    LOSSES,
)

N, C, BATCH = 23, 4, 5
LAST = {
    "binary_cross_entropy": "sigmoid",
    "categorical_cross_entropy": "softmax",
    "kullback_leibler_divergence": "softmax",
    "mean_squared_logarithmic_error": "sigmoid",
    "poisson": "softplus",
    "sparse_categorical_cross_entropy": "softmax",
}


def targets(name, n=N, seed=0):
    rng = np.random.default_rng(seed)
    if LOSSES[name].takes_labels:
        return rng.integers(0, C, n)
    t = np.eye(C)[rng.integers(0, C, n)]
    if name in ("hinge", "squared_hinge"):
        t = 2 * t - 1
    return t + 0.5 if name == "mean_absolute_percentage_error" else t


def outputs(name, dtype):
    y = np.random.default_rng(1).dirichlet(np.ones(C), N)
    return (y if name in LAST else 4 * y - 1).astype(dtype)


def drawn_weights(dtype="float64"):
    weights = np.random.default_rng(2).uniform(0, 3, N).astype(dtype)
    weights[[0, 7]] = 0
    return weights


def model(loss, last=None, dtype="float64", package=fastnet, hidden=()):
    kind = package.layers.Dense
    end = [kind(C, last)]
    return package.models.Sequential([kind(6, "tanh"), *hidden, *end], loss, dtype, seed=0)


def rows(dtype="float64"):
    return np.random.default_rng(3).standard_normal((N, 5)).astype(dtype)


def by_hand(net, x, t, weights, optimizer, epochs):
    seen = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, N, BATCH):
            part = slice(start, start + BATCH)
            total += float(net.forward(x[part], t[part], weights[part])) * len(x[part])
            net.backward()
            optimizer.update(net.params, net.grads)
        seen.append(total / N)
    return seen


def with_ignored(index=-1):
    t = targets("softmax_cross_entropy")
    t[[1, 2, 9, 22]] = index
    return t, t != index
