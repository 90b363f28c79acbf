"""Checks of what arrays hold: row numbers, the values of targets, what samples weigh."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import INT64, LARGEST, UINT64, array
from fastnet.checks.foreign import _kind
from fastnet.checks.numbers import number

__all__ = [
    "between",
    "finite",
    "indices",
    "not_nan",
    "of_steps",
    "sample_weights",
    "two_values",
]


def not_nan(where: str, name: str, value: Any) -> float:
    """Return a number as a float, to compare with: nothing is better than NaN, nor worse."""
    found = number(where, name, value)
    if found != found:
        raise ValueError(f"{where}: {name} must be a number, got nan. Give one such as 0.")
    return found


def of_steps(where: str, t: ArrayLike, n: int, steps: int) -> NDArray[Any]:
    """Return the targets of n samples with so many steps each, a step a row."""
    found = array(where, "t", t)
    if found.shape[:2] != (n, steps):
        raise ValueError(
            f"{where}: t must have shape ({n}, {steps}) or ({n}, {steps}, C), a label or targets "
            f"for each step, got t.shape={found.shape}. Give -1 for a step that does not count."
        )
    return found.reshape(n * steps, *found.shape[2:])


def sample_weights(where: str, value: ArrayLike, n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the weights of n samples in a dtype: finite, and not negative."""
    found = array(where, "sample_weight", value)
    if found.shape != (n,):
        raise ValueError(
            f"{where}: sample_weight must have shape ({n},), got sample_weight.shape="
            f"{found.shape}. Give one number a sample."
        )
    with np.errstate(over="ignore"):
        made = np.array(found, dtype, order="C")
    good = (found >= 0) & np.isfinite(made)
    if not good.all():
        i = int(np.flatnonzero(~good)[0])
        raise ValueError(
            f"{where}: sample_weight must be finite and not negative, got "
            f"sample_weight[{i}]={found[i]}. Give 0 to leave a sample out."
        )
    return made


def _whole(name: str, found: NDArray[Any]) -> str:
    """Say how real numbers become row numbers or labels."""
    if np.isfinite(found).all() and (found == np.floor(found)).all():
        return f"Give numpy.asarray({name}, int)"
    if name == "t":
        return "Give the numbers of classes; for real targets take a loss of regression"
    return "Give whole numbers"


def indices(
    where: str, value: ArrayLike, W: tuple[int, ...], name: str = "idx"
) -> NDArray[np.int64]:
    """Return row numbers of W (V, H), or of V words, as a fresh int64 array of any shape."""
    found = array(where, name, value)
    if found.dtype.kind not in "iu" and found.size:
        raise TypeError(
            f"{where}: {name} must be integers, got {_kind(value, found)}. {_whole(name, found)}."
        )
    result = found.astype(INT64, "C")
    bad = result.view(UINT64) >= W[0]  # negative ones are huge
    if bad.any():
        i = tuple(int(k) for k in np.argwhere(bad)[0])
        table, things = (f"W {W}", "rows") if len(W) > 1 else (f"{W[0]} words", "words")
        raise IndexError(
            f"{where}: {name} must be in 0..{W[0] - 1} for {table}, got "
            f"{name}[{', '.join(map(str, i)) or '()'}]={found[i]}. Count {things} from 0."
        )
    return result


def finite(where: str, name: str, array: NDArray[Any], dtype: np.dtype[Any]) -> None:
    """Check that an array (N, D) has no NaN, nor numbers that are infinite in dtype."""
    good = np.abs(array) <= LARGEST[dtype.itemsize]  # of NaN, False
    if not good.all():
        row, column = map(int, np.argwhere(~good)[0])
        raise ValueError(
            f"{where}: {name} must be finite in {dtype.name}, got {name}[{row}, {column}]="
            f"{array[row, column]}, the first of {np.count_nonzero(~good)}. Fill it in, or leave "
            f"out row {row}."
        )


def between(where: str, t: NDArray[Any], low: float, high: float) -> None:
    """Check that no target lies outside low..high, and none is NaN; high may be infinity."""
    if not (t.min() >= low and t.max() <= high):
        rule = f"be at least {low:g}" if high == math.inf else f"lie in {low:g}..{high:g}"
        advice = "Give counts or sizes" if high == math.inf else "Give probabilities"
        _target(where, t, (t >= low) & (t <= high), rule, advice)


def two_values(where: str, t: NDArray[Any], low: float, high: float, advice: str) -> None:
    """Check that every target is one of two numbers."""
    good = (t == low) | (t == high)
    if not good.all():
        _target(where, t, good, f"be {low:g} or {high:g}", advice)


def _target(where: str, t: NDArray[Any], good: NDArray[Any], rule: str, advice: str) -> None:
    """Word what is wrong with the first target that is not good."""
    i = tuple(map(int, np.argwhere(~good)[0]))
    raise ValueError(f"{where}: t must {rule}, got t[{', '.join(map(str, i))}]={t[i]}. {advice}.")
