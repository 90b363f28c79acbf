"""Answers and targets for metrics, and how two sides agree."""

import numpy as np


def random(seed):
    """A size, a number of classes, and a generator: a few of each kind are among 25."""
    rng = np.random.default_rng(seed)
    return rng, int(rng.integers(1, 90)), int(rng.integers(2, 12))


def scores(rng, *shape):
    """Half of the time among few values, so that many are equal; in both dtypes."""
    y = rng.standard_normal(shape)
    y = np.round(y, 1) if rng.random() < 0.5 else y
    return y.astype(rng.choice(["float32", "float64"]))


def classes(seed):
    """Labels, often of a few of the classes or of a single one, and scores."""
    rng, n, size = random(seed)
    used = rng.integers(1, size + 1)
    return rng.integers(0, used, n), scores(rng, n, size)
