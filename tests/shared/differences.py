"""Central differences, and gradients that are compared with them."""

import numpy as np
from numpy.testing import assert_allclose

from fastnet.reference.functions import softmax


def central_difference(f, x, h=1e-5, at=None):
    """Gradient of f(), which reads x; error about h**2 + 1e-16 / h, or 1e-10.

    Of the indices `at` alone, where they are given.
    """
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape) if at is None else at:
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        below = f()
        x[i] = kept
        grad[i] = (above - below) / (2 * h)
    return grad


def assert_gradient(actual, f, x):
    expected = central_difference(f, x)
    assert np.abs(expected).max() > 1e-3  # a gradient of zeros would prove nothing
    assert_allclose(actual, expected, rtol=1e-7, atol=1e-9)


def away_from_zero(x):
    """Keep relu's kink out of reach of the difference."""
    return x + 0.01 * np.sign(x)


def peaked_logits(rng, n=6, c=5):
    x = 5 * rng.standard_normal((n, c))
    assert softmax(x).max() > 0.9  # logits near 0 would make every softmax alike
    return x


# The compiled loop's twin against Sequential

ALL = ["identity", "sigmoid", "relu", "tanh"]
