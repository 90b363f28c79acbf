"""The orders of a fit's epochs: those that scikit-learn draws with the same random state."""

from __future__ import annotations

from numbers import Integral
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.kernels.shuffling import CLASSES, WORDS, shuffle_forward
from fastnet.sklearn.epochs import Epochs

# Samples of ten epochs from which a kernel shuffles: to hand over the generator takes 65 us, and
# without an improvement ten epochs are the fewest that a fit has, but for max_iter.
MANY, FEWEST = 10_000, 10


class Orders:
    """Orders in which epochs visit the samples. At the end the generator is as NumPy leaves it."""

    def __init__(self, estimator: Any, epochs: Epochs, max_iter: int) -> None:
        self.shuffles, self.generator = estimator.shuffle, estimator._random_state
        self.order, self.batch_size = np.arange(epochs.n, dtype=np.int64), epochs.batch_size
        self.state: Any = None
        self.labels, skips = epochs.targets[0][:0], epochs.steps.record["sparse_forward"] != 0
        if skips and epochs.steps.network.outputs <= CLASSES:
            self.labels = epochs.targets[0]
        # Nobody else draws from a generator that the fit has made for itself.
        own = isinstance(estimator.random_state, Integral)
        if self.shuffles and own and epochs.n * min(max_iter, FEWEST) >= MANY:
            self.name, words, used, *self.others = self.generator.get_state()
            self.state = np.empty(WORDS + 1, np.int64)
            self.state[:-1], self.state[-1] = words, used
            self.draw(np.empty((0, epochs.n), np.int64))  # loads the kernel before the first Ctrl-C

    def __enter__(self) -> Orders:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: Any, __: TracebackType | None) -> None:
        if self.state is not None:
            words, used = self.state[:-1].astype(np.uint32), int(self.state[-1])
            self.generator.set_state((self.name, words, used, *self.others))

    def draw(self, orders: NDArray[np.int64]) -> None:
        """Write the next orders (E, n)."""
        if self.state is not None:
            shuffle_forward(self.state, self.order, self.labels, self.batch_size, orders)
            return
        for order in orders:
            if self.shuffles:  # numbers themselves: what taking them by shuffled ones gives
                self.generator.shuffle(self.order)
            order[:] = self.order
