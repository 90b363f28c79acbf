"""The evaluation of a Sequential: its loss, and what judges the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _count
from fastnet.models import heads, measures
from fastnet.models.by_hand import ByHand
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
        t: ArrayLike,
        metrics: Sequence[Any] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> dict[str, float]:
        """Return the mean loss and what judges the answers.

        Parameters
        ----------
        x : (N, D) or (N, ...)
        t : targets, as the class describes them
        metrics : list of names or functions, optional
            Names in `fastnet.metrics.NAMES` that suit the loss, and functions f(t, y) of targets
            (labels (N,) where the loss takes labels) and what `predict` gives, that return a
            number. By default what the loss has unasked: "accuracy" of classes and of answers yes
            or no, nothing for numbers.
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
            x or t does not fit; a metric is not known, or does not suit the loss.

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
        layers = self.layers[:]
        samples = self._samples(where, layers, x, t, sample_weight)
        asked = measures.asked_of(where, metrics, self._loss, samples)
        penalties, rows = self._penalties(where), samples.rows
        network = self._ready(where, rows.shape, samples.output_shape, layers, rows.vocabulary)
        return self._evaluate(where, network, samples, penalties, asked)

    def _evaluate(
        self,
        where: str,
        network: Network,
        samples: Samples,
        penalties: tuple[float, float],
        asked: list[measures.Measure],
    ) -> dict[str, float]:
        n = samples.n
        network.check_in_loop()
        looping, answers = of_samples(network, samples)
        order, size = np.arange(n, dtype=np.int64).reshape(1, n), min(n, EVALUATED_ROWS)
        looping = skipping_zeros(looping, samples.rows, n, size)
        totals = looping.run(samples.rows, answers, order, size)
        if samples.heads:
            return self._of_heads(where, network, samples, penalties, asked, totals)
        loss, right, _ = totals[0].tolist()
        counted = _count(samples.weights, samples.answers)
        found = {"loss": loss / counted + network.penalty(*penalties)}
        # NaN among the outputs is no answer that could be right or wrong.
        share = right / measures.answer_count(self._loss, counted, network.outputs)
        share = loss if loss != loss else share
        for measure in asked:
            found[measure.name] = share
        if measures.are_later(asked):
            found |= measures.measured(where, asked, network, samples)
        return found

    def _of_heads(
        self,
        where: str,
        network: Network,
        samples: Samples,
        penalties: tuple[float, float],
        asked: list[measures.Measure],
        totals: NDArray[np.float64],
    ) -> dict[str, float]:
        """Return what `evaluate` does, of several outputs."""
        order = np.arange(samples.n, dtype=np.int64).reshape(1, -1)
        row = heads.divided(samples, totals, order)[0]
        row[0] += network.penalty(*penalties)
        columns = heads.columns(samples, asked)
        found = {name: float(row[column]) for name, column in columns.items() if column is not None}
        if measures.are_later(asked):
            found |= measures.measured(where, asked, network, samples)
        return {name: found[name] for name in columns}
