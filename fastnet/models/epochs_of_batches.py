"""The epochs of samples that come in batches: one call a batch, with the bits of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.models import heads, measures
from fastnet.models.batches import Batches
from fastnet.models.epochs import Epochs
from fastnet.models.layer_list import least_samples, leaves
from fastnet.models.measuring import Measuring
from fastnet.models.network import Network
from fastnet.models.samples import Samples
from fastnet.models.targets import of_samples
from fastnet.models.zeros import LOOKS_PAY, skipping_zeros

__all__ = ["EpochsOfBatches"]


class EpochsOfBatches(Epochs):
    """The epochs of samples that come in batches."""

    def __init__(self, given: Batches, *others: Any) -> None:
        self.given = given
        super().__init__(*others)
        self.many, self.largest = 1, 0

    def _steps(self) -> int | None:
        return self.plan.steps or (
            len(self.given.given) if hasattr(self.given.given, "__len__") else None
        )

    def _network(self, learning: Network) -> Network:
        samples = self.samples
        # Looked at once, until a callback changes them: a batch of 64-32-10 takes 32 us, not 55.
        self.layers = [layer for layer, _ in self.known.stack]
        self.own = leaves(self.layers)
        self.least, _ = least_samples(self.layers, samples.rows.shape)
        self.is_stateful = any(getattr(layer, "stateful", False) for layer in self.own)
        self.like: Samples | None = None
        self.learning = skipping_zeros(learning, samples.rows, LOOKS_PAY, samples.n)
        network, self.targets = of_samples(self.learning, samples)
        return network

    def _trained(self, count: int) -> NDArray[np.float64]:
        plan, steps = self.plan, self._steps()
        width = 3 + 2 * len(self.samples.heads)
        totals, counts, order = np.zeros(width), np.zeros(width), np.empty((1, 0), np.int64)
        self.measuring = Measuring(plan.where, plan.asked, self.known) if self.later else None
        for batch, given in enumerate(self.given.of_epoch(self.epoch)):
            samples = self._taken(batch, given)
            if samples is None:
                continue
            self.samples = samples
            if self.measuring is not None:
                self.measuring.add(samples)
            network, self.targets = of_samples(self.learning, samples)
            self.steps.go_on_with(network)
            if order.shape[1] != samples.n:
                order = np.arange(samples.n, dtype=np.int64)[None]
            # A sample behind larger batches trains as the last batch of arrays does.
            self.largest = max(self.largest, samples.n)
            some, self.trouble = self.steps.train(samples.rows, self.targets, order, self.largest)
            if self.trouble:
                return np.empty((0, width))
            sums, counted = heads.sums(self.known.loss, samples, some)
            totals, counts = totals + sums, counts + counted
            if plan.callbacks.of_batches:
                self._batch_ended(batch, totals / np.maximum(counts, 1))
            if self.bar is not None and steps and batch + 1 < steps:
                self.bar.update(self.epoch + (batch + 1) / steps - self.bar.n)
            if self.model.stop_training:
                break
        if not counts.any():
            raise ValueError(
                f"{plan.where}: epoch {self.epoch}: x must give a batch of at least 2 samples for "
                "BatchNormalization to learn, got none. Give larger batches."
            )
        if not self.model.stop_training:
            self.over = self.given.over(plan.epochs.stop - self.epoch - 1)
        return (totals / np.maximum(counts, 1))[None]

    def _taken(self, batch: int, given: Any) -> Samples | None:
        """Return a batch, checked; None where it is too small for a BatchNormalization to learn."""
        model, (x, t, weight) = self.model, given
        where = f"{self.plan.where}: batch {batch} of epoch {self.epoch}"
        samples = self.like = model._samples(
            where, self.layers, x, t, weight, self.plan.class_weight, self.like
        )
        measures.check_all(where, self.plan.asked, model._loss, samples)
        if self.is_stateful:
            checks.batches_of_states(where, self.own, samples.n)
        if samples.rows.shape != self.known.input_shape:
            raise ValueError(
                f"{where}: x must have samples of the shape {self.known.input_shape}, got "
                f"{samples.rows.shape}. Give batches of the same kind."
            )
        return None if samples.n < self.least else samples

    def _measured(self) -> dict[str, float]:
        assert self.measuring is not None
        return self.measuring.found()
