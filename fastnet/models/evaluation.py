"""The evaluation of a Sequential: its loss, and what judges the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.weights import number_that_count
from fastnet.models import heads, measures
from fastnet.models.batches import Batches, batches_of, gives_once
from fastnet.models.by_hand import ByHand
from fastnet.models.measuring import Measuring
from fastnet.models.network import Network
from fastnet.models.samples import Samples
from fastnet.models.targets import of_samples
from fastnet.models.zeros import skipping_zeros

__all__ = ["Evaluated"]

EVALUATED_ROWS = 256  # at a time: their activations stay in the L2 cache


class Evaluated(ByHand):
    """The evaluation of a Sequential."""

    @checks.keywords_of("Sequential.evaluate")
    def evaluate(
        self,
        x: ArrayLike,
        t: ArrayLike | None = None,
        metrics: Sequence[Any] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> dict[str, float]:
        """Return the mean loss and what judges the answers.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            Without t an iterable of batches (x, t) or (x, t, sample_weight), as for `fit`.
        t : targets, as the class describes them
        metrics : list of names or functions, optional
            Names in `fastnet.metrics.NAMES` that suit the loss, objects of classes that derive
            from `fastnet.metrics.Metric`, and functions f(t, y) of targets (labels (N,) where the
            loss takes labels) and what `predict` gives, that return a number; each step of a
            sequence is a sample. By default what the loss has unasked: "accuracy" of classes and
            of answers yes or no, nothing for numbers.
        sample_weight : (N,), optional
            At least 0: the loss is sum(sample_weight * losses) / N, of the N that count. Metrics
            count all of these alike.

        Returns
        -------
        {"loss": float, "accuracy": float, ...}
            NaN where an output is; accuracy where the loss is.

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit the model; a metric is not known, or does not suit the loss.

        Notes
        -----
        "accuracy" is the share of right answers. Of classes the answer is the largest output. With
        "binary_cross_entropy", "sigmoid_cross_entropy" and the hinge losses of -1 and 1 each output
        is an answer by itself, yes above 0.5 or, for logits and hinges, 0; "exact_match" counts the
        samples whose answers are all right. For logits of a softmax "auc" goes by probabilities.

        Squared errors take the metrics of classes, too, where targets are one-hot, or 0 and 1.
        Accuracy is counted in the compiled loop; all others are computed from predictions, of some
        rows at a time: only "auc" and functions keep those of all.
        """
        where = "Sequential.evaluate"
        layers, batches = self.layers[:], None
        if t is None or gives_once(x):
            batches = batches_of(where, x, t, None, sample_weight=sample_weight)
            x, t, sample_weight = batches.first(0)
        samples = self._samples(where, layers, x, t, sample_weight)
        asked = measures.asked_of(where, metrics, self._loss, samples)
        penalties, rows = self._penalties(where), samples.rows
        network = self._ready(where, rows.shape, samples.output_shape, layers, rows.vocabulary)
        if batches is None:
            return self._evaluate(where, network, samples, penalties, asked)
        given = self._checked_batches(batches, samples, asked)
        return self._evaluate(where, network, given, penalties, asked)

    def _evaluate(
        self,
        where: str,
        network: Network,
        given: Any,
        penalties: tuple[float, float],
        asked: list[measures.Measure],
    ) -> dict[str, float]:
        """Evaluate samples, or batches of them."""
        network.check_in_loop()
        totals: Any = 0.0
        counts: Any = 0.0
        several = not isinstance(given, Samples)
        later = measures.are_later(asked)
        measuring = Measuring(where, asked, network, several) if later else None
        for samples in given if several else [given]:
            n = samples.n
            looping, answers = of_samples(network, samples)
            order, size = np.arange(n, dtype=np.int64).reshape(1, n), min(n, EVALUATED_ROWS)
            looping = skipping_zeros(looping, samples.rows, n, size)
            some = looping.run(samples.rows, answers, order, size)
            if not several and not samples.heads:
                found = self._of_one(network, samples, some, penalties, asked)
                return found if measuring is None else found | measuring.of(samples)
            sums, counted = heads.sums(self._loss, samples, some)
            totals, counts = totals + sums, counts + counted
            if measuring is not None:
                measuring.add(samples)
        row = totals / np.maximum(counts, 1)
        row[0] += network.penalty(*penalties)
        if not samples.heads and row[0] != row[0]:
            row[1] = row[0]
        columns = heads.columns(samples, asked)
        found = {name: float(row[column]) for name, column in columns.items() if column is not None}
        if measuring is not None:
            found |= measuring.found()
        return {name: found[name] for name in columns}

    def _of_one(
        self,
        network: Network,
        samples: Samples,
        totals: NDArray[np.float64],
        penalties: tuple[float, float],
        asked: list[measures.Measure],
    ) -> dict[str, float]:
        """Return the loss, and what is counted, of one output and one call: 5 us less."""
        loss, right, _ = totals[0].tolist()
        counted = number_that_count(samples.weights, samples.answers)
        found = {"loss": loss / counted + network.penalty(*penalties)}
        # NaN among the outputs is no answer that could be right or wrong.
        share = right / measures.answer_count(self._loss, counted, network.outputs)
        share = loss if loss != loss else share
        for measure in asked:
            found[measure.name] = share
        return found

    def _checked_batches(
        self, given: Batches, first: Samples, asked: list[measures.Measure], network: Any = None
    ) -> Iterator[Samples]:
        """Yield the batches of an evaluation, checked against the kind that training has."""
        for i, batch in enumerate(given.of_epoch(0)):
            name = f"{given.name}, batch {i}"
            samples = self._held_out(given.where, batch, first, name)
            measures.check_all(given.where, asked, self._loss, samples, f"{name}[1]")
            yield samples
