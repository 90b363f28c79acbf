"""Epochs of a fit with solver "sgd" or "adam": which samples go into which compiled call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.models import progress
from fastnet.models.zeros import skipping_zeros
from fastnet.sklearn.samples import rows_of
from fastnet.sklearn.stepping import Steps

# What an update takes: 2 million parameters and their two states of Adam 4 to 7 ms. Of a sparse X
# all are updated, and few multiplied.
FLOPS_A_PARAMETER = 100.0


class Epochs:
    """The training samples of one fit, and how epochs of them are run."""

    def __init__(
        self, steps: Steps, X: Any, targets: Any, batch_size: int, sample_weight: Any
    ) -> None:
        self.steps, self.targets, self.batch_size = steps, targets, batch_size
        n = X.shape[0]
        self.n, self.starts = n, np.arange(0, n, batch_size)
        self.sizes = np.minimum(batch_size, n - self.starts).astype(float)
        network = steps.network
        cost = progress.FLOPS_A_BATCH + FLOPS_A_PARAMETER * network.params.size
        cost += batch_size * (progress.FLOPS_A_SAMPLE + 6.0 * network.products)
        # How many epochs are one call, few enough that Ctrl-C is heard; a long epoch is cut.
        self.a_call = max(1, int(progress.FLOPS_A_CALL / (cost * len(self.starts))))
        self.whole = cost * len(self.starts) <= 2 * progress.FLOPS_A_CALL
        self.part = max(1, int(progress.FLOPS_A_CALL / cost)) * batch_size
        if sample_weight is not None:
            self.a_call = 1
        self.sample_weight = sample_weight
        self.rows = rows_of(X, steps.network.params.dtype)
        skipping = skipping_zeros(steps.network, self.rows, 16 * n, batch_size)
        for name in ("sparse_forward", "sparse_backward"):
            steps.record[name] = skipping.program[0][name]
        # An epoch of no samples: what it loads or compiles is loaded before the first Ctrl-C.
        none = np.empty((1, 0), np.int64)
        steps.run(self.rows, targets, none, batch_size, np.ones(0), [steps.rate()])

    def run(self, orders: NDArray[np.int64], lrs: list[float]) -> list[Any]:
        """Run epochs, each in its order; return the loss of each, NaN from where none is finite."""
        sizes, of_samples = self.sizes, None
        if self.sample_weight is not None:
            order = orders[0]
            sizes = np.add.reduceat(self.sample_weight[order], self.starts, dtype=float)
            if not sizes.all():
                raise ZeroDivisionError("Weights sum to zero, can't be normalized")
            of_samples = np.empty(self.n, self.steps.network.params.dtype)
            shares = np.repeat(self.sizes / sizes, self.sizes.astype(int))
            of_samples[order] = self.sample_weight[order] * shares
        if self.whole:
            totals = self._run(orders, sizes, lrs, of_samples)
        else:
            totals = sum(
                self._part(orders[:, part], part, sizes, lrs, of_samples) for part in self._parts()
            )
        broken = totals[:, 2] != len(self.starts)
        losses = totals[:, 0] / self.n
        if broken.any():
            losses[np.argmax(broken) :] = np.nan
            self.steps.network.params[:] = np.nan  # as the update of that batch would leave them
        return list(losses)

    def _parts(self) -> Iterator[slice]:
        return (slice(i, min(self.n, i + self.part)) for i in range(0, self.n, self.part))

    def _part(self, orders: Any, part: slice, sizes: Any, lrs: Any, of_samples: Any) -> Any:
        """Run a part of one epoch: some of its batches."""
        own = sizes[part.start // self.batch_size : -(-part.stop // self.batch_size)]
        return self._run(orders, own, lrs, of_samples)

    def _run(self, orders: Any, sizes: Any, lrs: Any, of_samples: Any) -> Any:
        orders = np.ascontiguousarray(orders)
        return self.steps.run(
            self.rows, self.targets, orders, self.batch_size, sizes, lrs, of_samples
        )
