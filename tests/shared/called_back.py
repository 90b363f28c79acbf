"""A small model with its data, and a callback that notes its calls."""

import numpy as np

from fastnet.callbacks import (
    Callback,
)
from fastnet.layers import Dense
from fastnet.models import Sequential


def data(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 5)).astype(np.float32), rng.integers(0, 3, n)


def small(*layers):
    return Sequential([Dense(7, activation="tanh"), *layers, Dense(3)], seed=0)


def state(model):
    return [model.parameter_vector.tobytes(), model._rng.bit_generator.state]


class Notes(Callback):
    """Notes what is called."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, logs):
        self.seen.append(("train begin", dict(logs)))

    def on_train_end(self, logs):
        self.seen.append(("train end", sorted(logs)))

    def on_epoch_begin(self, epoch, logs):
        self.seen.append(("begin", epoch, dict(logs)))

    def on_epoch_end(self, epoch, logs):
        self.seen.append(("end", epoch, sorted(logs)))

    def on_batch_end(self, batch, logs):
        self.seen.append(("batch", batch, sorted(logs)))
