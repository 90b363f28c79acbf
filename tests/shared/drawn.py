"""Arrays for examples: numbers, probabilities, labels, drawn for a dtype.

Numbers are drawn evenly, by default from -2 to 2, with seeds of their own: the same in each call.
"""

import numpy as np

N, D, M = 21, 37, 29  # rows, features and outputs: no multiples of a vector of any width


def numbers(*shape, low=-2.0, high=2.0, seed=0):
    """Return a function of the dtype that draws an array."""
    return lambda dtype: np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def probabilities(*shape, seed=0):
    return numbers(*shape, low=0.05, high=0.95, seed=seed)


def labels(n, classes, seed=9):
    return lambda dtype: np.random.default_rng(seed).integers(0, classes, n)


def signs(*shape, seed=9):
    return lambda dtype: np.where(numbers(*shape, seed=seed)(dtype) > 0, 1, -1).astype(dtype)


def yes_or_no(*shape, seed=9):
    return lambda dtype: (numbers(*shape, seed=seed)(dtype) > 0).astype(dtype)
