"""How a metric is computed: from sums over samples, so that parts of the data can be added up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Way(NamedTuple):
    """A metric of one kind of answer.

    `sums` makes an array of t and y, which may be added to that of other samples, and `value` the
    number of the sum. Where there are no sums, `value` takes t and y of all samples.
    """

    sums: Callable[[Any, Any], NDArray[np.float64]] | None
    value: Callable[..., float]


def judged(way: Way, t: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the metric of all samples at once; NaN where an output is."""
    if np.isnan(y).any():
        return float("nan")
    return way.value(t, y) if way.sums is None else way.value(way.sums(t, y))


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return part / whole, 0 where the whole is 0, as scikit-learn has it."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.not_equal(whole, 0))


def share(sums: NDArray[np.float64]) -> float:
    """Return how many of all are right, from both."""
    right, count = sums.tolist()
    return float(right / count)
