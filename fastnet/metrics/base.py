"""What a metric of a user's own is that is added up over parts of the data."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.metrics.ways import ratio

__all__ = ["Metric"]

WORDS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"  # where one ends: right_of, my_auc


class Metric:
    """A metric that is counted batch by batch: derive from it, and define `sums`.

    `sums` counts in some samples what can be added up, and `value` computes the number from the
    sums over all of them. So `fit` and `evaluate` never keep the outputs of all samples, as they do
    for a function f(t, y), and batches, epochs and heads have no state in common. An object of the
    class goes into `metrics=[...]`; History, the logs of callbacks and their files have its number
    by its name, and `metric(t, y)` returns that of arrays.

    Attributes
    ----------
    name : str
        What the number is called: the name of the class in lower case, its words joined by "_",
        unless the class or the object has one. With a `mode` "min" or "max" of its own, such a
        name may be the `monitor` of a callback.

    Notes
    -----
    Where an output is NaN, so is the number. All samples count alike, whatever they weigh. Keras'
    `update_state` and `result` are `sums` and `value`; there is nothing to reset.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> from fastnet.metrics import Metric
    >>> from fastnet.models import Sequential
    >>> class RightOf(Metric):
    ...     def __init__(self, label):
    ...         self.label, self.name = label, f"right_of_{label}"
    ...     def sums(self, t, y):
    ...         own = t == self.label
    ...         return [(y[own].argmax(axis=1) == self.label).sum(), own.sum()]
    >>> RightOf(1)([0, 1, 1], [[0.2, 0.8], [0.1, 0.9], [0.7, 0.3]])
    0.5
    >>> model = Sequential([Dense(2)], seed=0)
    >>> history = model.fit(np.eye(4), [0, 1, 0, 1], 2, metrics=[RightOf(1)], verbose=0)
    >>> len(history.right_of_1)
    2
    """

    name: str = "metric"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = re.sub(WORDS, "_", cls.__name__).lower()

    def sums(self, t: NDArray[Any], y: NDArray[Any]) -> Any:
        """Return a number, or an array of one shape, that may be added to that of other samples.

        Parameters
        ----------
        t : (N,) or (N, C)
            Targets: labels (N,) where the loss takes labels.
        y : (N,) or (N, C)
            What `predict` returns for these samples; overwritten afterwards. Each step of a
            sequence is a sample of its own.
        """
        raise NotImplementedError(
            f"{type(self).__name__}.sums: the class must define it. Return what adds up over "
            "samples, such as [how many are right, how many there are]."
        )

    def value(self, sums: NDArray[np.float64]) -> float:
        """Return the number from the sums over all samples: sums[0] / sums[1], and 0 for 0 / 0."""
        if np.shape(sums) != (2,):
            raise ValueError(
                f"{type(self).__name__}.value: sums must be two numbers, got shape "
                f"{np.shape(sums)}. Return two from sums, or define value."
            )
        part, whole = sums
        return float(ratio(part, whole))

    def __call__(self, t: Any, y: Any) -> float:
        """Return the number of targets and outputs, arrays or lists."""
        t, y = np.asarray(t), np.asarray(y)
        if np.isnan(y).any():
            return float("nan")
        return float(self.value(np.asarray(self.sums(t, y), np.float64)))
