"""Data in batches from iterables and functions, and a small model for them."""

from fastnet.layers import Dense
from fastnet.models import Sequential

N, SIZE = 20, 8


def cut(*arrays, size=SIZE):
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, N, size)]


def net(*layers, **named):
    return Sequential([Dense(7, activation="tanh"), *layers, Dense(3)], seed=0, **named)
