"""What metrics make of t and y: classes, answers yes or no, numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks

Labels = NDArray[np.int64]


def _column(where: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return (N,) or (N, C), with (N, 1) as (N,)."""
    found = checks.array(where, name, value)
    if found.ndim not in (1, 2) or found.size == 0:
        raise ValueError(
            f"{where}: {name} must be (N,) or (N, C) with at least one sample, got "
            f"{name}.shape={found.shape}. Give one answer or one row a sample."
        )
    return found.ravel() if found.ndim == 2 and found.shape[1] == 1 else found


def classes(where: str, t: ArrayLike, y: ArrayLike) -> tuple[Labels, NDArray[Any]]:
    """Return labels (N,), and scores (N, C) or, as labels, the answers (N,)."""
    answers = _column(where, "y", y)
    if answers.ndim == 2:
        return checks.labels(where, t, len(answers), answers.shape[1]), answers
    labels = _column(where, "t", t)
    for name, found in (("t", labels), ("y", answers)):
        if found.dtype.kind not in "biu":
            raise TypeError(
                f"{where}: {name} must be integer labels where y is (N,), got dtype {found.dtype}. "
                "Give scores y (N, C), or a threshold: binary_accuracy has one."
            )
    _same_shape(where, labels, answers)
    return labels.astype(np.int64), answers.astype(np.int64)


def yes_or_no(where: str, t: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Return what is yes (N, C), and scores (N, C)."""
    wanted, scores = _column(where, "t", t), _column(where, "y", y)
    _same_shape(where, wanted, scores)
    yes = wanted == 1
    no = wanted == (-1 if wanted.min() < 0 else 0)
    if not (yes | no).all():
        i = tuple(map(int, np.argwhere(~(yes | no))[0]))
        raise ValueError(
            f"{where}: t must be 0 or 1, or -1 or 1, got t[{', '.join(map(str, i))}]={wanted[i]}. "
            "Give 1 for yes; for labels, scores y (N, C)."
        )
    return yes.reshape(len(yes), -1), scores.reshape(len(scores), -1)


def numbers(
    where: str, t: ArrayLike, y: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return t and y as float64 (N, C)."""
    wanted, found = _column(where, "t", t), _column(where, "y", y)
    _same_shape(where, wanted, found)
    wide = np.float64
    return wanted.astype(wide).reshape(len(found), -1), found.astype(wide).reshape(len(found), -1)


def _same_shape(where: str, t: NDArray[Any], y: NDArray[Any]) -> None:
    if t.shape != y.shape:
        raise ValueError(
            f"{where}: t must have shape {y.shape} to match y, got t.shape={t.shape}. "
            "Give one target for each output."
        )
