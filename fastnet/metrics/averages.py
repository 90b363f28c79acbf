"""Precision, recall and F1, of classes or of answers yes or no."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.metrics.answers import predicted_classes
from fastnet.metrics.arrays import classes, yes_or_no
from fastnet.metrics.ways import Way, judged, ratio

__all__ = ["f1", "precision", "recall"]

AVERAGES = ("macro", "micro")


def _counted(t: NDArray[Any], found: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Count, for each class, the samples that are right, said, and wanted to be of it."""
    counts = [np.bincount(of, minlength=size) for of in (t[found == t], found, t)]
    return np.array(counts, np.float64)


def _counts_of_classes(t: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return _counted(t, predicted_classes(y), y.shape[1])


def _counts_of_labels(t: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return np.array([(t & y).sum(axis=0), y.sum(axis=0), t.sum(axis=0)], np.float64)


def _precision(right: Any, found: Any, wanted: Any) -> NDArray[np.float64]:
    return ratio(right, found)


def _recall(right: Any, found: Any, wanted: Any) -> NDArray[np.float64]:
    return ratio(right, wanted)


def _f1(right: Any, found: Any, wanted: Any) -> NDArray[np.float64]:
    return ratio(2 * right, found + wanted)


def _averaged(
    counts: NDArray[np.float64], score: Callable[..., Any], average: str, every: bool
) -> float:
    """Return the mean of the scores, or the score of the sums; a class that nobody names is none.

    Of labels `every` one counts.
    """
    if average == "micro":
        return float(score(*counts.sum(axis=1)))
    if not every:
        counts = counts[:, counts[1] + counts[2] > 0]
    return float(score(*counts).mean())


SCORES = {"precision": _precision, "recall": _recall, "f1": _f1}


def of_classes(name: str, average: str) -> Way:
    """Return a metric of classes by its name."""
    value = partial(_averaged, score=SCORES[name], average=average, every=False)
    return Way(_counts_of_classes, value)


def of_labels(name: str, average: str) -> Way:
    """Return a metric of answers yes or no by its name."""
    value = partial(_averaged, score=SCORES[name], average=average, every=True)
    return Way(_counts_of_labels, value)


def precision(
    t: ArrayLike, y: ArrayLike, average: str = "macro", threshold: float | None = None
) -> float:
    """Return the precision: the share of the samples said to be of a class that are of it.

        right / said, 0 where nothing is said

    Parameters
    ----------
    t : (N,) labels, or one-hot (N, C); with a threshold 0 and 1, or -1 and 1, (N,) or (N, C)
    y : (N, C) scores, of which the largest is the answer, or (N,) labels; with a threshold scores
        of the shape of t
    average : "macro" or "micro"
        The mean over the classes that are in t or in the answers; or one number of all answers
        counted together.
    threshold : float, optional
        Each output is then an answer by itself, yes above it, and a class of its own; with one
        output the number is that of the answers yes.

    Returns
    -------
    float
        NaN where an output is.

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is something else; t and y do not match.

    Notes
    -----
    sklearn.metrics.precision_score; of one output with a threshold its average="binary".

    Examples
    --------
    >>> from fastnet.metrics import precision
    >>> precision([0, 1, 1], [0, 0, 1])
    0.75
    >>> precision([0, 1, 1], [0.6, 0.7, 0.4], threshold=0.5)
    0.5
    """
    return _judged("precision", t, y, average, threshold)


def recall(
    t: ArrayLike, y: ArrayLike, average: str = "macro", threshold: float | None = None
) -> float:
    """Return the recall: the share of the samples of a class that are said to be of it.

        right / wanted, 0 where nothing is wanted

    Parameters
    ----------
    t, y, average, threshold
        As for `precision`.

    Returns
    -------
    float
        NaN where an output is.

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is something else; t and y do not match.

    Notes
    -----
    sklearn.metrics.recall_score; of one output with a threshold its average="binary".

    Examples
    --------
    >>> from fastnet.metrics import recall
    >>> recall([0, 1, 1], [0, 0, 1])
    0.75
    """
    return _judged("recall", t, y, average, threshold)


def f1(t: ArrayLike, y: ArrayLike, average: str = "macro", threshold: float | None = None) -> float:
    """Return F1, the harmonic mean of precision and recall.

        2 right / (said + wanted), 0 where nothing is

    Parameters
    ----------
    t, y, average, threshold
        As for `precision`.

    Returns
    -------
    float
        NaN where an output is.

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is something else; t and y do not match.

    Notes
    -----
    sklearn.metrics.f1_score; of one output with a threshold its average="binary".

    Examples
    --------
    >>> from fastnet.metrics import f1
    >>> f1([0, 1, 1], [0, 0, 1])
    0.6666666666666666
    """
    return _judged("f1", t, y, average, threshold)


def _judged(where: str, t: ArrayLike, y: ArrayLike, average: str, threshold: float | None) -> float:
    checks.choice(where, "average", average, AVERAGES)
    if threshold is not None:
        threshold = checks.number(where, "threshold", threshold)
        yes, scores = yes_or_no(where, t, y)
        if np.isnan(scores).any():
            return float("nan")
        return judged(of_labels(where, average), yes, scores > threshold)
    labels, found = classes(where, t, y)
    way = of_classes(where, average)
    if found.ndim == 2:
        return judged(way, labels, found)
    # Any integers become their places in the sorted list of all.
    known, places = np.unique(np.concatenate([labels, found]), return_inverse=True)
    labels, found = np.split(places.ravel(), 2)
    return way.value(_counted(labels, found, len(known)))
