"""The area under the ROC curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.metrics.arrays import classes, yes_or_no
from fastnet.metrics.averages import AVERAGES
from fastnet.metrics.ways import Way, judged

__all__ = ["auc"]


def _area(yes: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """Return how often a yes has the larger score of a yes and a no; equal ones count a half."""
    count = int(np.count_nonzero(yes))
    pairs = count * (yes.size - count)
    if pairs == 0:
        return float("nan")
    order = np.argsort(scores)
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sizes = np.diff(starts, append=yes.size)
    # Twice the mean rank of a group of equal scores is whole, and so is the sum: no rounding.
    of_yes = np.add.reduceat(yes[order].astype(np.int64), starts)
    twice = int(np.dot(of_yes, 2 * starts + sizes + 1)) - count * (count + 1)
    return twice / (2 * pairs)


def _of_classes(t: NDArray[Any], y: NDArray[Any]) -> float:
    return float(np.mean([_area(t == c, y[:, c]) for c in range(y.shape[1])]))


def _of_labels(t: NDArray[Any], y: NDArray[Any]) -> float:
    return float(np.mean([_area(t[:, c], y[:, c]) for c in range(y.shape[1])]))


OF_CLASSES, OF_LABELS = Way(None, _of_classes), Way(None, _of_labels)


def auc(t: ArrayLike, y: ArrayLike, average: str = "macro") -> float:
    """Return the area under the ROC curve.

    It is how often, of two samples one of which is of a class, that one has the larger score; equal
    scores count a half.

    Parameters
    ----------
    t : (N,) labels, or one-hot (N, C), of scores y (N, C); or answers yes or no, 0 and 1 or -1 and
        1, of the shape of y
    y : (N,) or (N, C)
        Scores. They are compared from sample to sample: of classes give probabilities, not logits.
    average : "macro" or "micro"
        The mean over the columns, each class against all others; or the area of all together.

    Returns
    -------
    float
        NaN where an output is, or where a column has no yes or no no.

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is something else; t and y do not match.

    Notes
    -----
    sklearn.metrics.roc_auc_score, of classes with multi_class="ovr".

    Examples
    --------
    >>> from fastnet.metrics import auc
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    where = "auc"
    checks.choice(where, "average", average, AVERAGES)
    if np.ndim(y) == 2 and np.shape(y)[1] > 1 and np.shape(t) != np.shape(y):
        labels, scores = classes(where, t, y)
        if average == "macro":
            return judged(OF_CLASSES, labels, scores)
        yes = labels[:, None] == np.arange(scores.shape[1])
    else:
        yes, scores = yes_or_no(where, t, y)
    if average == "micro":
        yes, scores = yes.reshape(-1, 1), scores.reshape(-1, 1)
    return judged(OF_LABELS, yes, scores)
