"""The samples of a call, checked: as the compiled loop reads them, and as they were given."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _count
from fastnet.models.assembly import changed_meanwhile
from fastnet.models.layer_list import answers_in, check_outputs, output_shape, take_shape
from fastnet.models.rows import Rows, rows_of
from fastnet.models.stack import Stack
from fastnet.models.targets import Targets, targets_of, weighed

__all__ = ["Checked", "Samples"]


class Samples(NamedTuple):
    """Samples, checked against the layers and the loss of a model."""

    rows: Rows
    targets: Targets
    weights: NDArray[Any] | None  # below 0 where an answer does not count; None: all are 1
    t: ArrayLike  # as it was given
    output_shape: tuple[int, ...]
    outputs: int  # of an answer
    steps: int  # answers of a sample that is a sequence of them; 0: it has one, and is none

    @property
    def n(self) -> int:
        """How many they are."""
        return len(self.rows.array)

    @property
    def answers(self) -> int:
        """How many answers they have."""
        return self.n * max(1, self.steps)

    def all_count(self) -> bool:
        """Tell whether every answer counts."""
        return self.weights is None or _count(self.weights, self.answers) == self.answers


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
    ) -> Samples:
        """Return samples that the layers take, with targets that the loss takes."""
        rows = self._rows(where, x)
        shape, outputs, steps = self._outputs(where, layers, rows.shape)
        targets = self._targets(where, t, len(rows.array), outputs, steps=steps)
        targets, weights = weighed(
            where, self._loss, self._dtype, targets, outputs, sample_weight, class_weight, steps
        )
        return Samples(rows, targets, weights, t, shape, outputs, steps)

    def _held_out(self, where: str, given: Any, samples: Samples) -> Samples:
        """Return the samples of validation_data, which must be of the kind that training has."""
        name, rows = "validation_data", samples.rows
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
        n, outputs, steps = len(found.array), samples.outputs, samples.steps
        where = f"{where}: {name}[1]"
        targets = self._targets(where, t, n, outputs, f"predict({name}[0])", steps)
        targets, weights = weighed(
            where, self._loss, self._dtype, targets, outputs, weight, steps=steps
        )
        return samples._replace(rows=found, targets=targets, weights=weights, t=t)

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
