"""What is computed from predictions: metrics that the compiled loop does not count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.functions import softmax
from fastnet.losses import Loss
from fastnet.metrics.errors import EXPLAINED, center
from fastnet.metrics.ways import judged
from fastnet.models.measures import Measure, is_flat
from fastnet.models.network import Network
from fastnet.models.samples import Samples
from fastnet.models.zeros import skipping_zeros

__all__ = ["Measuring"]

PREDICTED = 2**18  # outputs at a time, 1 MB of float32, and a few times that for what is made of it


class Measuring:
    """Metrics that the loop does not count, computed from predictions of a few rows at a time.

    All outputs are kept only for what cannot be added up: AUC, functions of the user's own, and of
    several batches r2, for which the mean of all targets is needed.
    """

    def __init__(
        self, where: str, measures: list[Measure], network: Network, several: bool = True
    ) -> None:
        self.where, self.network = where, network
        self.measures = [measure for measure in measures if measure.kind != "counted"]
        self.added = [
            measure
            for measure in self.measures
            if measure.way.sums is not None and not (several and measure.way is EXPLAINED)
        ]
        self.totals: dict[str, Any] = dict.fromkeys([measure.name for measure in self.added], 0)
        self.with_nan = False
        self.kept: list[tuple[NDArray[Any], _Answers]] = []
        self.several = several
        self.of_heads: dict[int, Measuring] = {}

    def of(self, samples: Samples) -> dict[str, float]:
        """Return all measures of samples, by name."""
        self.add(samples)
        return self.found()

    def add(self, samples: Samples) -> None:
        """Predict samples, and take their answers in."""
        if samples.heads:
            return self._add_heads(samples)
        rows, targets, weights, t = samples[:4]
        network, outputs = self.network, self.network.outputs
        order, counts, steps = np.arange(len(rows.array), dtype=np.int64), None, network.answers
        if weights is not None and (weights < 0).any():  # answers that do not count
            counts = weights >= 0
            if steps == 1:
                order, counts = np.flatnonzero(counts), None
                targets = targets[0][order], targets[1]
        n = len(order)
        answers = _Answers(network.loss, targets, t, self.measures)
        width, dtype = steps * outputs, network.params.dtype
        keeps = len(self.added) < len(self.measures)
        kept = np.empty((n, width), dtype) if keeps else None
        size = min(n, max(1, PREDICTED // width))
        few = np.empty((size, width), dtype)
        network = skipping_zeros(network, rows, n, size)
        for start in range(0, n, size):
            part = slice(start, min(start + size, n))
            y = few[: part.stop - start] if kept is None else kept[part]
            network.predict(rows, order[part], y)
            self.with_nan = self.with_nan or bool(np.isnan(y).any())
            y, of_part = y.reshape(-1, outputs), slice(part.start * steps, part.stop * steps)
            chosen: Any = of_part
            if counts is not None:
                chosen, y = of_part.start + np.flatnonzero(counts[of_part]), y[counts[of_part]]
            for measure in self.added:
                assert measure.way.sums is not None
                found = measure.way.sums(*answers.of(measure.kind, chosen, y))
                if measure.kind == "own":
                    found = _numbers(self.where, measure, found, self.totals[measure.name])
                self.totals[measure.name] += found
        if kept is not None:
            kept = kept.reshape(-1, outputs)
            if counts is not None:
                kept = kept[counts]
                targets = targets[0][counts], targets[1]
                answers = _Answers(network.loss, targets, t, self.measures)
            self.kept.append((kept, answers))

    def _add_heads(self, samples: Samples) -> None:
        for j, head in enumerate(samples.heads):
            own = [measure for measure in self.measures if measure.head == j]
            if own and j not in self.of_heads:
                network = head.of(self.network)
                self.of_heads[j] = Measuring(self.where, own, network, self.several)
            if own:
                self.of_heads[j].add(head.samples)

    def found(self) -> dict[str, float]:
        """Return all measures by name."""
        found: dict[str, float] = {}
        for measuring in self.of_heads.values():
            found |= measuring.found()
        if found:
            return found
        if self.kept:
            kept = np.concatenate([y for y, _ in self.kept]) if self.kept[1:] else self.kept[0][0]
            answers = _joined([answers for _, answers in self.kept])
        for measure in self.measures:
            if measure in self.added:
                nan = self.with_nan
                value = float("nan") if nan else measure.way.value(self.totals[measure.name])
                if measure.kind == "own":
                    value = _number(self.where, measure, value)
            elif measure.kind == "function":
                value = measure.way.value(*answers.of(measure.kind, slice(None), kept))
                value = _number(self.where, measure, value)
            else:
                wanted, y = answers.of(measure.kind, slice(None), kept, scores=True)
                value = judged(measure.way, wanted, y)
            found[measure.name] = value
        return found


class _Answers:
    """Targets, and outputs, as each kind of metric takes them."""

    def __init__(
        self,
        loss: Loss,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        t: ArrayLike,
        measures: list[Measure],
    ) -> None:
        self.t = t
        self.numbers: NDArray[Any] = np.empty(0)
        self.loss, (self.labels, self.targets) = loss, targets
        self.middles = loss.yes_above or (0.5, 0.5)
        if any(measure.kind == "numbers" for measure in measures):
            # The user's own: in a model of float32 the targets are rounded.
            self.numbers = np.asarray(t).reshape(len(self.targets), -1)
            self.center = center(self.numbers)

    def of(self, kind: str, part: Any, y: Any, scores: bool = False) -> tuple[Any, Any]:
        """Return the targets of some samples, and what their outputs y say; or their scores."""
        if kind in ("own", "function"):
            given: Any = (self.labels if self.labels.size else self.targets)[part]
            flat = is_flat(self.loss, self.t, y.shape[1])
            return (given.reshape(-1), y.reshape(-1)) if flat else (given, y)
        if kind == "numbers":
            t = self.numbers[part].astype(np.float64)
            return t - self.center, y - t
        if kind == "labels":
            yes = self.targets[part] > self.middles[1]
            return yes, y if scores else y > self.middles[0]
        wanted: Any = self.labels[part] if self.labels.size else self.targets[part].argmax(1)
        if scores and self.loss.name == "softmax_cross_entropy":
            y = softmax(y)  # logits of a class compare within a sample alone
        return wanted, y


def _joined(parts: list[_Answers]) -> _Answers:
    """Return the answers of several batches as those of one."""
    first = parts[0]
    if parts[1:]:
        first.labels = np.concatenate([part.labels for part in parts])
        first.targets = np.concatenate([part.targets for part in parts])
        if first.numbers.size:
            first.numbers = np.concatenate([part.numbers for part in parts])
            first.center = center(first.numbers)
    return first


def _numbers(where: str, measure: Measure, found: Any, total: Any) -> NDArray[np.float64]:
    """Return the sums of a metric of the user's own, checked; total is 0 before the first."""
    sums = np.asarray(found)
    if sums.dtype.kind not in "biuf":
        raise TypeError(
            f"{where}: metrics must return numbers from sums, got {type(found).__name__} from "
            f"{measure.name}. Return a number, or an array of some."
        )
    if type(total) is not int and sums.shape != total.shape:  # they may broadcast
        raise ValueError(
            f"{where}: metrics must return sums of one shape, got {sums.shape} after {total.shape} "
            f"from {measure.name}. Return as many for any samples: np.bincount(..., minlength=C)."
        )
    return sums.astype(np.float64)


def _number(where: str, measure: Measure, found: Any) -> float:
    """Return what a metric of the user's own makes of targets and predictions, checked."""
    if np.ndim(found) != 0 or np.asarray(found).dtype.kind not in "biuf":
        raise TypeError(
            f"{where}: metrics must return a number, got {type(found).__name__} from "
            f"{measure.name}. Return a float."
        )
    return float(found)
