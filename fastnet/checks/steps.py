"""Checks of arrays of several axes: samples of steps, and labels of steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import INT64, array, same_shape

__all__ = ["beside", "dimensions", "step_labels"]


def dimensions(
    where: str, name: str, value: ArrayLike, letters: str = "N, T, D", last: int | None = None
) -> NDArray[Any]:
    """Return an array of as many dimensions as there are letters, none of them empty.

    Where `last` is given, its last axis has so many entries.
    """
    found, count = array(where, name, value), letters.count(",") + 1
    if found.ndim != count or not found.size:
        raise ValueError(
            f"{where}: {name} must be ({letters}) with at least one entry, got "
            f"{name}.shape={found.shape}. Give an array ({letters})."
        )
    if last is not None and found.shape[-1] != last:
        wanted = f"({letters.rpartition(',')[0]}, {last})"
        raise ValueError(
            f"{where}: {name} must have {last} features a step to match W, got "
            f"{name}.shape={found.shape}. Give an array {wanted}."
        )
    return found


def beside(
    where: str, name: str, value: ArrayLike, other: str, shape: tuple[int, ...], wanted: Any
) -> NDArray[Any]:
    """Return an array whose shape follows from another's; a None in `wanted` is any number."""
    found = array(where, name, value)
    fits = found.ndim == len(wanted) and found.size > 0
    if not fits or any(w not in (None, k) for k, w in zip(found.shape, wanted, strict=True)):
        text = ", ".join("S" if w is None else str(w) for w in wanted)
        raise ValueError(
            f"{where}: {name} must have shape ({text}) to match {other} {shape}, got "
            f"{name}.shape={found.shape}. Give arrays of the same samples."
        )
    return found


def step_labels(
    where: str, ts: ArrayLike, shape: tuple[int, ...], ignored: int
) -> NDArray[np.int64]:
    """Return labels (N * T,) for scores (N, T, V), fresh: from (N, T) integers or one-hot rows.

    Those that are `ignored` become -1.
    """
    found = array(where, "ts", ts)
    if found.shape == shape:
        return found.argmax(axis=2).reshape(-1)
    same_shape(where, "ts", found, shape[:2])
    if found.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: ts must be integer labels or one-hot rows, got dtype {found.dtype}. "
            "Give numpy.asarray(ts, int)."
        )
    labels = found.astype(INT64, "C").reshape(-1)
    out = labels == ignored
    bad = np.flatnonzero(((labels < 0) | (labels >= shape[2])) & ~out)
    if bad.size:
        n, t = divmod(int(bad[0]), shape[1])
        raise IndexError(
            f"{where}: ts must be in 0..{shape[2] - 1}, or {ignored} where a step does not count, "
            f"for xs.shape={shape}, got ts[{n}, {t}]={found[n, t]}. Count classes from 0."
        )
    labels[out] = -1
    return labels
