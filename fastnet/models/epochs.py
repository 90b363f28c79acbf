"""The epochs of a fit: cut into calls, so that Ctrl-C is heard, and what is seen of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnet.models import measures, progress
from fastnet.models.domain import outside
from fastnet.models.history import History, columns_of
from fastnet.models.network import Network
from fastnet.models.progress import interrupts_later, progress_bar
from fastnet.models.samples import Samples
from fastnet.models.steps import Steps
from fastnet.models.targets import Targets

if TYPE_CHECKING:
    from fastnet.models.training import Trained

__all__ = ["Epochs", "Plan"]


class Plan(NamedTuple):
    """What a fit was asked for, checked."""

    where: str
    epochs: int
    batch_size: int
    visited: int  # samples of an epoch
    shuffle: bool
    verbose: int
    asked: list[measures.Measure]
    penalties: tuple[float, float]
    samples: Samples
    held_out: Samples | None


class Epochs:
    """The epochs of a fit, and what was seen of them."""

    def __init__(
        self, model: Trained, plan: Plan, known: Network, steps: Steps, targets: Targets
    ) -> None:
        self.model, self.plan, self.known, self.steps = model, plan, known, steps
        self.rows, self.targets = plan.samples.rows, targets
        self.batches = -(-plan.visited // plan.batch_size)
        cost = progress.FLOPS_A_BATCH + plan.batch_size * (
            progress.FLOPS_A_SAMPLE + 6.0 * steps.network.products
        )
        batches_a_call = max(1, int(progress.FLOPS_A_CALL / cost))
        self.a_call = batches_a_call * plan.batch_size  # samples
        self.later = measures.are_later(plan.asked)
        each = plan.held_out is not None or self.later or plan.verbose == 2
        self.many = 1 if each else max(1, batches_a_call // self.batches)  # epochs of a call
        self.all_count = plan.samples.all_count()
        self.counts = self._counts()
        self.names = ["loss", *[measure.name for measure in plan.asked]]
        if plan.held_out is not None:
            self.names += [f"val_{name}" for name in self.names]
        # Of some epochs, or of one what is not counted, too; appended in one step: Ctrl-C leaves no
        # half of one.
        self.seen: list[tuple[NDArray[np.float64], dict[str, float]]] = []
        self.completed = 0
        self.trouble = ""
        self.bar: Any = None

    def _counts(self) -> NDArray[np.float64]:
        """Return what the totals of an epoch are divided by: samples, answers, 1."""
        if not self.all_count:  # each epoch is divided by its own
            return np.ones(3)
        samples = self.plan.samples
        of_epoch = self.plan.visited * max(1, samples.steps)
        answers = measures.answer_count(self.known.loss, of_epoch, samples.outputs)
        return np.array([of_epoch, answers, 1.0])

    def run(self) -> History:
        """Train; return what was seen."""
        plan, interrupted = self.plan, False
        try:
            # An epoch of no samples: what it loads or compiles is no part of the seconds, and what
            # it may say about that stands above the bar.
            none = np.empty((1, 0), np.int64)
            with interrupts_later():
                self.steps.run(self.rows, self.targets, none, plan.batch_size)
            in_parts = self.a_call < self.batches * plan.batch_size
            self.bar = progress_bar(plan.epochs, "epoch", plan.verbose, in_parts)
            while self.completed < plan.epochs and not self.trouble:
                self._some(min(self.many, plan.epochs - self.completed))
        except KeyboardInterrupt:
            if progress.is_second():
                raise
            interrupted = True
        finally:
            if self.steps.seed:
                self.model._masks = self.steps.masks
            if self.bar is not None:
                self.bar.close()
        history = History(columns_of(self.seen, self.names, self.counts))
        if interrupted:
            history.interrupted = True
        if self.trouble:
            error = FloatingPointError(self._said())
            error.history = history  # type: ignore[attr-defined]  # the epochs before it
            raise error
        return history

    def _some(self, count: int) -> None:
        """Train for some epochs in one call, or for one in some; note what is seen of them."""
        start = time.perf_counter()
        order = self._order(count)
        totals = self._trained(order)
        seconds = (time.perf_counter() - start) / max(1, len(totals))
        if len(totals) == 0:
            return
        if not self.all_count:
            totals[:, :2] /= self._counted(order[: len(totals)])[:, None]
        found = self._judged()
        totals[:, 2] = seconds
        self.seen.append((totals, found))
        self.completed += len(totals)
        if self.bar is not None:
            last = columns_of(self.seen[-1:], self.names, self.counts)
            del last["seconds"]
            self.bar.set_postfix({name: f"{last[name][-1]:.4f}" for name in last}, False)
            self.bar.update(self.completed - self.bar.n)

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

    def _trained(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the totals of the epochs that were completed, and note what was not finite."""
        batch_size, visited = self.plan.batch_size, self.plan.visited
        totals = np.zeros((len(order), 3))
        size = self.a_call if len(order) == 1 else visited
        for first in range(0, visited, size):
            part = order[:, first : first + size]
            some, self.trouble = self.steps.train(self.rows, self.targets, part, batch_size)
            totals += some
            if self.trouble:
                return totals[totals[:, 2] == self.batches]  # the epochs before it
            if self.bar is not None and first + self.a_call < visited:
                self.bar.update(self.completed + (first + self.a_call) / visited - self.bar.n)
        return totals

    def _counted(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many answers of each epoch count."""
        assert self.plan.samples.weights is not None
        weights = self.plan.samples.weights.reshape(self.plan.samples.n, -1)
        of_samples = np.count_nonzero(weights >= 0, axis=1)
        return np.maximum(of_samples[order].sum(axis=1), 1)

    def _judged(self) -> dict[str, float]:
        """Return what is computed after an epoch: metrics of predictions, and validation."""
        plan, found = self.plan, {}
        if self.later:
            found = measures.measured(plan.where, plan.asked, self.known, plan.samples)
        if plan.held_out is not None:
            there = self.model._evaluate(
                plan.where, self.known, plan.held_out, plan.penalties, plan.asked
            )
            found |= {f"val_{name}": value for name, value in there.items()}
        return found

    def _said(self) -> str:
        """Return what is said of training that met what is not finite."""
        steps, where = self.steps, self.plan.where
        return outside(
            where, steps.network, self.rows, self.plan.samples.targets[1], steps.stopped_at
        ) or (
            f"{where}: loss must stay finite, got {self.trouble} that overflowed or NaN in the "
            f"data at lr={steps.rate(0):g}. The model keeps its last finite weights. Lower the "
            "learning rate, or look for NaN and large numbers in x and t."
        )
