"""Shares of right answers: classes, the first k classes, yes or no, whole rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.metrics.arrays import classes, yes_or_no
from fastnet.metrics.ways import Way, judged, share

__all__ = ["accuracy", "binary_accuracy", "exact_match", "top_k_accuracy"]


def predicted_classes(y: NDArray[Any]) -> NDArray[Any]:
    """Return the classes that scores (N, C) say, the first of the largest; (N,) are classes."""
    return y.argmax(axis=1) if y.ndim == 2 else y


def _right(good: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([np.count_nonzero(good), good.size], np.float64)


def _right_classes(t: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return _right(predicted_classes(y) == t)


def _in_top(t: NDArray[Any], y: NDArray[Any], k: int) -> NDArray[np.float64]:
    """Count the labels among the k largest; of equal scores that of the later class is larger."""
    score = np.take_along_axis(y, t[:, None], axis=1)
    later = np.arange(y.shape[1]) > t[:, None]
    above = (y > score) | ((y == score) & later)
    return _right(np.count_nonzero(above, axis=1) < k)


def _right_labels(t: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return _right(t == y)


def _right_rows(t: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return _right((t == y).all(axis=1))


OF_CLASSES = Way(_right_classes, share)
OF_LABELS = Way(_right_labels, share)
OF_ROWS = Way(_right_rows, share)


def of_top(k: int) -> Way:
    """Return the metric of labels among the k largest scores."""
    return Way(partial(_in_top, k=k), share)


def accuracy(t: ArrayLike, y: ArrayLike) -> float:
    """Return the share of samples whose class is right.

    Parameters
    ----------
    t : (N,) labels, or one-hot (N, C)
    y : (N, C) scores, of which the largest, the first of equal ones, is the answer; or (N,) labels

    Returns
    -------
    float
        NaN where an output is.

    Raises
    ------
    TypeError, ValueError, IndexError
        t or y is something else; they do not match.

    Notes
    -----
    sklearn.metrics.accuracy_score of labels.

    Examples
    --------
    >>> from fastnet.metrics import accuracy
    >>> accuracy([0, 1, 1], [[2.0, 1.0], [0.5, 3.0], [1.0, 0.0]])
    0.6666666666666666
    """
    return judged(OF_CLASSES, *classes("accuracy", t, y))


def top_k_accuracy(t: ArrayLike, y: ArrayLike, k: int = 5) -> float:
    """Return the share of samples whose class is among those of the k largest scores.

    Parameters
    ----------
    t : (N,) labels, or one-hot (N, C)
    y : (N, C) scores
        Of equal scores that of the later class counts as the larger, as in scikit-learn.
    k : int

    Returns
    -------
    float
        NaN where an output is; 1 where k is C or more.

    Raises
    ------
    TypeError, ValueError, IndexError
        t, y or k is something else; t and y do not match.

    Notes
    -----
    sklearn.metrics.top_k_accuracy_score.

    Examples
    --------
    >>> from fastnet.metrics import top_k_accuracy
    >>> top_k_accuracy([0, 1], [[0.2, 0.3, 0.5], [0.1, 0.4, 0.5]], k=2)
    0.5
    """
    where = "top_k_accuracy"
    k = checks.count(where, "k", k)
    labels, scores = classes(where, t, y)
    if scores.ndim == 1:
        raise ValueError(
            f"{where}: y must be scores (N, C), got y.shape={scores.shape}. "
            "Give the outputs before argmax."
        )
    return judged(of_top(k), labels, scores)


def binary_accuracy(t: ArrayLike, y: ArrayLike, threshold: float = 0.5) -> float:
    """Return the share of answers yes or no that are right, each output for itself.

    Parameters
    ----------
    t : (N,) or (N, C)
        0 and 1, or -1 and 1.
    y : the same shape
        Scores.
    threshold : float
        A score above it says yes: 0.5 for probabilities, 0 for logits and for hinge losses.

    Returns
    -------
    float
        NaN where an output is.

    Raises
    ------
    TypeError, ValueError
        t, y or threshold is something else; t and y do not match.

    Notes
    -----
    1 - sklearn.metrics.hamming_loss. keras.metrics.BinaryAccuracy.

    Examples
    --------
    >>> from fastnet.metrics import binary_accuracy
    >>> binary_accuracy([[1, 0], [0, 1]], [[0.9, 0.6], [0.1, 0.8]])
    0.75
    """
    return _of_yes_or_no(OF_LABELS, "binary_accuracy", t, y, threshold)


def exact_match(t: ArrayLike, y: ArrayLike, threshold: float = 0.5) -> float:
    """Return the share of samples of which every answer yes or no is right.

    Parameters
    ----------
    t, y, threshold
        As for `binary_accuracy`.

    Returns
    -------
    float
        NaN where an output is.

    Raises
    ------
    TypeError, ValueError
        t, y or threshold is something else; t and y do not match.

    Notes
    -----
    sklearn.metrics.accuracy_score of several labels a sample.

    Examples
    --------
    >>> from fastnet.metrics import exact_match
    >>> exact_match([[1, 0], [0, 1]], [[0.9, 0.6], [0.1, 0.8]])
    0.5
    """
    return _of_yes_or_no(OF_ROWS, "exact_match", t, y, threshold)


def _of_yes_or_no(way: Way, where: str, t: ArrayLike, y: ArrayLike, threshold: float) -> float:
    threshold = checks.number(where, "threshold", threshold)
    yes, scores = yes_or_no(where, t, y)
    return float("nan") if np.isnan(scores).any() else judged(way, yes, scores > threshold)
