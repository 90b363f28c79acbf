"""The samples of a call, checked: as the compiled loop reads them, and as they were given."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.weights import number_that_count
from fastnet.layers.in_a_row import shapes_of
from fastnet.losses import Loss
from fastnet.models.head_losses import HeadLoss
from fastnet.models.layer_list import (
    answers_in,
    check_outputs,
    head_losses,
    output_shape,
    take_shape,
)
from fastnet.models.network import Network
from fastnet.models.records import changed_meanwhile
from fastnet.models.rows import Rows, rows_of
from fastnet.models.stack import Stack
from fastnet.models.targets import Targets, targets_of, weighed

__all__ = ["Checked", "Samples"]


class Head(NamedTuple):
    """One output of several, and what it is compared with."""

    name: str
    loss: Loss
    share: float  # of the loss of all; these add up to 1
    columns: slice  # of the outputs of all heads, flattened and side by side
    samples: Samples  # with its own targets, weights and shapes

    def of(self, network: Network) -> Network:
        """Return the network with this output alone, for what is judged by predictions."""
        own = self.samples
        return network._replace(
            loss=self.loss, fused=None, columns=self.columns, outputs=own.outputs, steps=own.steps
        )


class Samples(NamedTuple):
    """Samples, checked against the layers and the loss of a model."""

    rows: Rows
    targets: Targets
    weights: NDArray[Any] | None  # below 0 where an answer does not count; None: all are 1
    t: ArrayLike  # as it was given
    output_shape: tuple[int, ...]
    outputs: int  # of an answer
    steps: int  # answers of a sample that is a sequence of them; 0: it has one, and is none
    heads: tuple[Head, ...] = ()  # of several outputs, with what is compared with each

    @property
    def n(self) -> int:
        """How many they are."""
        return len(self.rows.array)

    @property
    def answers(self) -> int:
        """How many answers they have."""
        return self.n * max(1, self.steps)

    def all_count(self) -> bool:
        """Tell whether every answer counts; of several outputs each has a count of its own."""
        if self.weights is None:
            return not self.heads
        return number_that_count(self.weights, self.answers) == self.answers

    def in_float64(self) -> Samples:
        """Return them with targets and weights as a network for float64 takes them."""
        labels, targets = self.targets
        weights = None if self.weights is None else self.weights.astype(checks.FLOAT64)
        heads = [head._replace(samples=head.samples.in_float64()) for head in self.heads]
        given = labels, targets.astype(checks.FLOAT64)
        return self._replace(targets=given, weights=weights, heads=tuple(heads))

    def counted(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many answers of each row (E, n) of an order count."""
        if self.weights is None:
            return np.full(len(order), order.shape[1] * max(1, self.steps))
        of_samples = np.count_nonzero(self.weights.reshape(self.n, -1) >= 0, axis=1)
        found: NDArray[np.int64] = of_samples[order].sum(axis=1)
        return found


class Checked(Stack):
    """What a Sequential checks of samples before anything changes."""

    def _samples(
        self,
        where: str,
        layers: list[Any],
        x: ArrayLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
        like: Samples | None = None,
    ) -> Samples:
        """Return samples that the layers take, with targets that the loss takes.

        `like` are some that the same layers were found to take: those of one shape make outputs of
        one shape, which is a third of the checks of a small batch.
        """
        rows = self._rows(where, x)
        if like is None or rows.shape != like.rows.shape:
            shape, outputs, steps = self._outputs(where, layers, rows.shape)
        else:
            shape, outputs, steps = like.output_shape, like.outputs, like.steps
        losses = head_losses(where, self._loss, layers)
        if losses:
            none: Targets = np.empty(0, np.int64), np.empty((0, 0), self._dtype)
            whole = Samples(rows, none, None, t, shape, outputs, 0)
            taken = shapes_of(layers, rows.shape)[-1][1]
            shapes = layers[-1].output_shapes(taken)
            return self._with_heads(where, whole, losses, shapes, sample_weight, class_weight)
        targets = self._targets(where, t, len(rows.array), outputs, steps=steps)
        targets, weights = weighed(
            where, self._loss, self._dtype, targets, outputs, sample_weight, class_weight, steps
        )
        return Samples(rows, targets, weights, t, shape, outputs, steps)

    def _held_out(
        self, where: str, given: Any, samples: Samples, name: str = "validation_data"
    ) -> Samples:
        """Return the samples of validation_data, which must be of the kind that training has."""
        rows = samples.rows
        checks.pair(where, name, given)
        x, t, weight = (*given, None)[:3]
        found = self._rows(where, x, f"{name}[0]")
        if len(rows.shape) > 1:
            whole = len(found.array), *found.shape
            checks.shaped_samples(where, f"{name}[0]", whole, rows.shape)
        else:
            checks.features(where, f"{name}[0]", found.array.shape[1], rows.shape[0])
        if found.vocabulary != rows.vocabulary:
            raise changed_meanwhile(where)
        if samples.heads:
            losses = [HeadLoss(*head[:3]) for head in samples.heads]
            shapes = [head.samples.output_shape for head in samples.heads]
            there = samples._replace(rows=found, t=t)
            return self._with_heads(f"{where}: {name}[1]", there, losses, shapes, weight)
        n, outputs, steps = len(found.array), samples.outputs, samples.steps
        where = f"{where}: {name}[1]"
        targets = self._targets(where, t, n, outputs, f"predict({name}[0])", steps)
        targets, weights = weighed(
            where, self._loss, self._dtype, targets, outputs, weight, steps=steps
        )
        return samples._replace(rows=found, targets=targets, weights=weights, t=t)

    def _with_heads(
        self,
        where: str,
        whole: Samples,
        losses: list[HeadLoss],
        shapes: list[tuple[int, ...]],
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> Samples:
        """Return samples with the targets of each head, of outputs of these shapes."""
        names, rows = tuple(each.name for each in losses), whole.rows
        n, start, heads = len(rows.array), 0, []
        targets = checks.each_head(where, "t", whole.t, names)
        weights = checks.each_weight(where, sample_weight, names)
        of_classes: list[Any] = [None] * len(names)
        if class_weight is not None:
            of_classes = checks.each_head(where, "class_weight", class_weight, names, True)
        for (name, loss, share), shape, t, weight, of_class in zip(
            losses, shapes, targets, weights, of_classes, strict=True
        ):
            outputs, steps = answers_in(shape)
            at = f"{where}: t of {name}"
            found = targets_of(at, loss, self._dtype, t, n, outputs, "predict(x)", steps)
            found, own = weighed(at, loss, self._dtype, found, outputs, weight, of_class, steps)
            columns = slice(start, start := start + math.prod(shape))
            samples = Samples(rows, found, own, t, shape, outputs, steps)
            heads.append(Head(name, loss, share, columns, samples))
        return whole._replace(heads=tuple(heads))

    def _outputs(
        self, where: str, layers: list[Any], shape: tuple[int, ...]
    ) -> tuple[tuple[int, ...], int, int]:
        """Return the shape of the outputs, the numbers of an answer, and the answers in them.

        They must be such as the loss takes.
        """
        check_outputs(where, self._loss, layers)
        found = output_shape(where, layers, shape)
        return found, *answers_in(found)

    def _rows(self, where: str, x: ArrayLike, name: str = "x") -> Rows:
        first = self.layers[0] if self.layers else None
        table = first.table_shape() if first is not None and first.takes_row_numbers else None
        shape, in_shape = self._input_shape(), take_shape(self.layers)
        if in_shape and shape is None:
            checks.channels_come_last(where, name, np.shape(x))
        return rows_of(where, name, x, shape, self._dtype, table, in_shape)

    def _targets(
        self,
        where: str,
        t: ArrayLike,
        n: int,
        outputs: int,
        scores: str = "predict(x)",
        steps: int = 0,
    ) -> Targets:
        """Return labels and targets, as `targets_of` does."""
        return targets_of(where, self._loss, self._dtype, t, n, outputs, scores, steps)
