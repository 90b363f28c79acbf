"""The epochs of samples in arrays: orders, cut into calls of some 0.05 s."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.models import heads, measures
from fastnet.models.epochs import Epochs
from fastnet.models.network import Network
from fastnet.models.targets import of_samples
from fastnet.models.zeros import skipping_zeros

__all__ = ["EpochsOfArrays"]


class EpochsOfArrays(Epochs):
    """The epochs of samples in arrays."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.left = np.empty((1, 0), np.int64)  # of an order that an epoch has begun
        rows, size = self.samples.rows, self.plan.batch_size
        if rows.reads is not None:
            self.many, self.a_call = 1, min(self.a_call, max(1, rows.part // size) * size)
        self.all_count = self.samples.all_count()
        self.counts = self._counts(self.plan.visited)

    def _network(self, learning: Network) -> Network:
        plan, samples = self.plan, self.plan.samples
        network, self.targets = of_samples(learning, samples)
        n = len(plan.epochs) * samples.n
        return skipping_zeros(network, samples.rows, n, plan.batch_size)

    def _order(self, count: int) -> NDArray[np.int64]:
        """Return the samples of some epochs, (count, visited), in the order of their visit."""
        n, rng = self.plan.samples.n, self.model._rng
        order = np.empty((count, n), np.int64)
        order[:] = np.arange(n)  # 1.5 us, where np.tile takes 6
        if self.plan.shuffle and n < 64:
            rng.permuted(order, axis=1, out=order)
        elif self.plan.shuffle:  # the same orders: 8 ns a row, where `permuted` takes 15
            for row in order:
                rng.shuffle(row)
        return order[:, : self.plan.visited]

    def _pieces(self, count: int) -> list[NDArray[np.int64]]:
        """Return the same, cut where an order of all samples ends."""
        if self.plan.steps is None:
            return [self._order(count)]
        pieces, batches, size = [], self.plan.steps, self.plan.batch_size
        while batches:
            if not self.left.size:
                self.left = self._order(1)
            piece, self.left = np.split(self.left, [batches * size], axis=1)
            batches -= -(-piece.shape[1] // size)
            pieces.append(piece)
        return pieces

    def _trained(self, count: int) -> NDArray[np.float64]:
        pieces = self._pieces(count)
        order = np.concatenate(pieces, axis=1) if len(pieces) > 1 else pieces[0]
        visited, done, ended = order.shape[1], 0, False
        totals = np.zeros((count, 3 + 2 * len(self.samples.heads)))
        for piece in pieces:
            size = self.a_call if count == 1 else piece.shape[1]
            for first in range(0, piece.shape[1], size):
                part = piece[:, first : first + size]
                some, self.trouble = self.steps.train(
                    self.samples.rows, self.targets, part, self.plan.batch_size
                )
                totals += some
                if self.trouble:  # leaves the epochs before it
                    totals = totals[totals[:, 2] == self.batches]
                    return self._means(totals, order[: len(totals)])
                done += part.shape[1]
                if self.plan.callbacks.of_batches:
                    seen = self._means(totals, order[:, :done])
                    self._batch_ended(int(totals[0, 2]) - 1, seen[0])
                if self.bar is not None and done < visited:
                    self.bar.update(self.epoch + done / visited - self.bar.n)
                if ended := self.model.stop_training:
                    break
            if ended:
                break
        return self._means(totals, order[:, :done])

    def _counts(self, visited: int) -> NDArray[np.float64]:
        """Return what the totals of epochs of so many samples are divided by, where all count."""
        answers = visited * max(1, self.plan.samples.steps)
        right = measures.answer_count(self.known.loss, answers, self.plan.samples.outputs)
        return np.array([answers, right, 1.0])

    def _means(self, totals: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the means of epochs, the totals of what they visited, and how many batches."""
        if not self.all_count:
            return heads.divided(self.samples, totals, order)
        visited = order.shape[1]
        return totals / (self.counts if visited == self.plan.visited else self._counts(visited))
