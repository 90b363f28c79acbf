"""What samples weigh in a loss, and which do not count, as kernels and the loop take it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import NDArray

from fastnet.kernels.checked import weighted_loss
from fastnet.kernels.loop.record import PROGRAM

NO_LABELS = np.empty(0, np.int64)


def without_ignored(
    labels: NDArray[np.int64], ignored: int | None, weights: NDArray[Any] | None, dtype: Any
) -> tuple[NDArray[np.int64], NDArray[Any] | None]:
    """Return labels that a kernel can take, and weights, below 0 where a label is the ignored one.

    Without weights and without such a label: the labels themselves, and None. Weights, which are no
    caller's, are written to.
    """
    if ignored is None or not labels.size or not (out := labels == ignored).any():
        return labels, weights
    weights = np.ones(len(labels), dtype) if weights is None else weights
    weights[out] = -1
    return np.where(out, 0, labels), weights


def number_that_count(weights: NDArray[Any] | None, n: int) -> int:
    """Return how many of n samples count."""
    return n if weights is None else int(np.count_nonzero(weights >= 0))


def row_factors(weights: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return what the rows of the gradient of a plain mean are multiplied by, a column."""
    if weights is None:
        return None
    share = len(weights) / max(1, number_that_count(weights, len(weights)))
    factors: NDArray[Any] = np.maximum(weights, 0)[:, None] * weights.dtype.type(share)
    return factors


def smoothed(t: NDArray[Any], share: float, classes: int, dtype: Any) -> NDArray[Any]:
    """Return labels, or rows (N, C), as rows of which a share goes to all classes alike."""
    if t.ndim == 1:
        rows = np.zeros((len(t), classes), dtype)
        rows[np.arange(len(t)), t] = 1 - share
    else:
        rows = (t * (1 - share)).astype(dtype)
    rows += share / classes
    return rows


def weighted_loss_and_gradient(
    loop_loss: Any, y: NDArray[Any], t: NDArray[Any], weights: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the loss of a batch, (1,), and its gradient, as the compiled loop has them.

    loop_loss is a `LoopLoss`; y, t and the weights are checked, and t are labels or targets.
    """
    function, numbers = loop_loss
    own, program = np.array(numbers, np.float64), np.zeros(1, PROGRAM)
    record = program[0]
    record["loss"] = function if isinstance(function, int) else function.address(y.dtype)
    record["loss_numbers"], record["weights"] = own.ctypes.data, weights.ctypes.data
    labels, targets = (t, empty((0, 0), y.dtype)) if t.ndim == 1 else (NO_LABELS, t)
    dx, losses, total = empty(y.shape, y.dtype), empty(len(y), y.dtype), empty(1, y.dtype)
    weighted_loss(y, labels, targets, np.arange(len(y)), program, losses, dx, total)
    return total, dx
