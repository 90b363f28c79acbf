"""Checks of targets that are classes: labels, one-hot rows, rows of probabilities, weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import INT64, UINT64, _shown, array
from fastnet.checks.foreign import _kind
from fastnet.checks.numbers import number
from fastnet.checks.values import _whole

__all__ = ["class_targets", "class_weights", "ignored", "labels", "largest_classes"]

MOST_CLASSES = 10**6  # larger numbers are those of something else
ROUNDED = 1e-3  # how far probabilities of a sample may be from a sum of 1


def labels(
    where: str,
    t: ArrayLike,
    n: int,
    classes: int,
    scores: str = "y",
    ignored: int | None = None,
    steps: int = 0,
) -> NDArray[np.int64]:
    """Return n labels as a fresh int64 array, from integers (N,) or one-hot rows (N, C).

    Fresh, because a kernel trusts them: a caller's array may be changed before backward.
    `scores` names the array (n, classes) that the labels belong to; the ignored label is let in.
    Those of sequences have been put in a row, so many steps a sample: an error names both.
    """
    found = t if type(t) is ndarray else array(where, "t", t)
    shape = found.shape
    if shape == (n, classes):
        return _from_one_hot(where, array(where, "t", found))
    if shape != (n,) and shape != (n, 1):
        advice = "Give one label or one one-hot row a sample"
        if len(shape) == 2 and shape[0] == n and shape[1] and scores.startswith("predict("):
            advice = _wider(scores, shape[1])
        raise ValueError(
            f"{where}: t must have shape ({n},) or ({n}, {classes}) to match "
            f"{scores}.shape=({n}, {classes}), got t.shape={shape}. {advice}."
        )
    if found.dtype.kind not in "biu":
        found = array(where, "t", t)  # which says what to do with names, for one
        raise TypeError(
            f"{where}: t must be integer labels or one-hot rows, got {_kind(t, found)} with "
            f"t.shape={found.shape}. {_whole('t', found)}."
        )
    result = found.astype(INT64, "C")
    if len(shape) != 1:
        result = result.ravel()
    # Negative labels are huge as unsigned numbers: one pass finds both kinds of bad ones. By
    # argmax, which takes 0.1 us for 32 labels where max takes 0.8.
    unsigned = result.view(UINT64)
    if unsigned.item(unsigned.argmax()) >= classes:
        bad = np.flatnonzero((unsigned >= classes) & (ignored is None or result != ignored))
        if not len(bad):
            return result
        i = int(bad[0])
        wide = f"{n // steps}, {steps}, {classes}" if steps else f"{n}, {classes}"
        place = f"{i // steps}, {i % steps}" if steps else str(i)
        raise IndexError(
            f"{where}: t must be in 0..{classes - 1} for {scores}.shape=({wide}), got "
            f"t[{place}]={found.reshape(-1)[i]}. {_numbered(found, classes, scores)}."
        )
    return result


def class_targets(
    where: str,
    t: ArrayLike,
    n: int,
    classes: int,
    scores: str = "y",
    ignored: int | None = None,
    steps: int = 0,
) -> NDArray[Any]:
    """Return n labels as `labels` does; or, of another dimension, rows of probabilities.

    Those may be the caller's own array.
    """
    found = _probabilities(where, t, n, classes)
    return labels(where, t, n, classes, scores, ignored, steps) if found is None else found


def largest_classes(
    where: str, t: ArrayLike, n: int, classes: int, scores: str
) -> NDArray[np.int64]:
    """Return n labels as `labels` does; of rows of probabilities that of the largest."""
    found = class_targets(where, t, n, classes, scores)
    return found if found.ndim == 1 else found.argmax(axis=1)


def _probabilities(where: str, t: ArrayLike, n: int, classes: int) -> NDArray[Any] | None:
    """Return rows of probabilities (n, classes); None for what `labels` takes, or refuses."""
    found = t if type(t) is ndarray else array(where, "t", t)
    if found.shape != (n, classes) or found.dtype.kind != "f":
        return None
    found = array(where, "t", found)
    largest = found.max(axis=1)
    if np.count_nonzero(found) == n and (largest == 1).all():
        return None
    # Rounded to three digits, rows of up to a hundred classes add up to that, and float16 does.
    good = (found.min(axis=1) >= 0) & (np.abs(found.sum(axis=1, dtype=float) - 1) <= ROUNDED)
    if not good.all():
        i = int(np.flatnonzero(~good)[0])
        shown = np.array2string(found[i], threshold=10, max_line_width=1000)
        raise ValueError(
            f"{where}: t must be one-hot, or rows of probabilities that add up to 1, got "
            f"t[{i}]={shown}. Give labels (N,), one-hot rows, or each row divided by its sum."
        )
    return found


def class_weights(where: str, value: Any, classes: int) -> NDArray[np.float64]:
    """Return the weight of each class, of a dict of class -> weight; of others it is 1."""
    if not isinstance(value, dict):
        raise TypeError(
            f"{where}: class_weight must be a dict of class -> weight, got {_shown(value)}. "
            "Give one such as {0: 1.0, 1: 5.0}."
        )
    found = np.ones(classes)
    for label, weight in value.items():
        if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
            raise TypeError(
                f"{where}: class_weight must have classes for keys, got {_shown(label)}. "
                "Give whole numbers."
            )
        if not 0 <= label < classes:
            raise ValueError(
                f"{where}: class_weight must have keys in 0..{classes - 1}, got {label}. "
                "Count classes from 0."
            )
        number_ = number(where, f"class_weight[{label}]", weight)
        if not 0 <= number_ < math.inf:
            raise ValueError(
                f"{where}: class_weight[{label}] must be finite and not negative, got {number_}. "
                "Give 0 to leave a class out."
            )
        found[label] = number_
    return found


def ignored(where: str, name: str, value: Any) -> int | None:
    """Return the label that does not count: a whole number, or None for none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{where}: {name} must be a whole number or None, got {_shown(value)}. Give a label "
            "such as -1."
        )
    return int(value)


def _numbered(t: NDArray[Any], classes: int, scores: str) -> str:
    """Say what to do about labels that are not in 0..classes-1."""
    low, high = int(t.min()), int(t.max())
    numbers = "numpy.unique(t, return_inverse=True)[1]"
    if low < 0 or high >= MOST_CLASSES:
        way = f"ount classes from 0, of all t at once: {numbers}"
        if low == -1:  # as padding is marked
            return f"Leave such samples out by SoftmaxCrossEntropy(ignore_index=-1), or c{way}"
        return f"C{way}"
    wider = _wider(scores, high + 1)
    if high == 1:  # of one output
        return f'{wider}; one output goes with loss="sigmoid_cross_entropy"'
    if low > 0 and high == classes:
        return f"Count classes from 0: t - 1; or g{wider[1:]}"
    return wider


def _wider(scores: str, classes: int) -> str:
    """Say how there come to be so many classes; a model's scores are those of its last layer."""
    if scores.startswith("predict("):
        return f"Give the last layer {classes} units, one for each class"
    return f"Give {scores} {classes} columns, one for each class"


def _from_one_hot(where: str, t: NDArray[Any]) -> NDArray[np.int64]:
    result = t.argmax(axis=1)
    # As many entries other than 0 as rows, and a largest entry of 1 in each: one 1 a row.
    good = t[np.arange(len(t)), result] == 1
    if np.count_nonzero(t) != len(t) or not good.all():
        i = int(np.flatnonzero(~good | (np.count_nonzero(t, axis=1) != 1))[0])
        shown = np.array2string(t[i], threshold=10, max_line_width=1000)
        raise ValueError(
            f"{where}: t must be one-hot, a single 1 and zeros in each row, got t[{i}]={shown}. "
            "Give labels (N,) or one-hot rows (N, C)."
        )
    return result.astype(np.int64, copy=False)
