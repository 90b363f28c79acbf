"""Errors of numbers: squared, absolute, and the share of the variance that is explained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.metrics.arrays import numbers
from fastnet.metrics.ways import Way, judged, ratio

__all__ = [
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "r2",
    "rmse",
    "root_mean_squared_error",
]

# Sums of errors y - t (N, C) and of deviations, of t from its mean over all samples: for each
# output, so that those of parts of the samples can be added.


def _squares(deviation: NDArray[Any], error: NDArray[Any]) -> NDArray[np.float64]:
    count = np.full(error.shape[1], len(error), np.float64)
    return np.array([(error * error).sum(axis=0), count])


def _sizes(deviation: NDArray[Any], error: NDArray[Any]) -> NDArray[np.float64]:
    count = np.full(error.shape[1], len(error), np.float64)
    return np.array([np.abs(error).sum(axis=0), count])


def _both_squares(deviation: NDArray[Any], error: NDArray[Any]) -> NDArray[np.float64]:
    return np.vstack([_squares(deviation, error), (deviation * deviation).sum(axis=0)])


def _mean(sums: NDArray[np.float64]) -> float:
    return float((sums[0] / sums[1]).mean())


def _root(sums: NDArray[np.float64]) -> float:
    return float(np.sqrt(sums[0] / sums[1]).mean())


def _explained(sums: NDArray[np.float64]) -> float:
    squares, count, total = sums
    if count[0] < 2:
        return float("nan")
    lost = np.where(total > 0, ratio(squares, total), squares > 0)
    return float((1 - lost).mean())


SQUARED, ROOT = Way(_squares, _mean), Way(_squares, _root)
ABSOLUTE, EXPLAINED = Way(_sizes, _mean), Way(_both_squares, _explained)


def center(t: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of each column, of one that is constant exactly: ten times 0.1 has 0.1."""
    constant = t.min(axis=0) == t.max(axis=0)
    found: NDArray[np.float64] = np.where(constant, t[0], t.mean(axis=0, dtype=np.float64))
    return found


def _of(way: Way, where: str, t: ArrayLike, y: ArrayLike) -> float:
    wanted, found = numbers(where, t, y)
    return judged(way, wanted - center(wanted), found - wanted)


def mean_squared_error(t: ArrayLike, y: ArrayLike) -> float:
    """Return mean((y - t)**2), over samples and outputs; `mse` is the same.

    Parameters
    ----------
    t, y : (N,) or (N, C)
        (N, 1) is the same as (N,).

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        t or y is something else; they do not match.

    Notes
    -----
    sklearn.metrics.mean_squared_error. The loss of that name is half of it for one output.

    Examples
    --------
    >>> from fastnet.metrics import mean_squared_error
    >>> mean_squared_error([1.0, 2.0], [[1.0], [4.0]])
    2.0
    """
    return _of(SQUARED, "mean_squared_error", t, y)


def root_mean_squared_error(t: ArrayLike, y: ArrayLike) -> float:
    """Return sqrt(mean((y - t)**2)), the mean over the outputs; `rmse` is the same.

    Parameters
    ----------
    t, y : (N,) or (N, C)
        (N, 1) is the same as (N,).

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        t or y is something else; they do not match.

    Notes
    -----
    sklearn.metrics.root_mean_squared_error: a root for each output.

    Examples
    --------
    >>> from fastnet.metrics import root_mean_squared_error
    >>> root_mean_squared_error([1.0, 2.0], [3.0, 4.0])
    2.0
    """
    return _of(ROOT, "root_mean_squared_error", t, y)


def mean_absolute_error(t: ArrayLike, y: ArrayLike) -> float:
    """Return mean(|y - t|), over samples and outputs; `mae` is the same.

    Parameters
    ----------
    t, y : (N,) or (N, C)
        (N, 1) is the same as (N,).

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        t or y is something else; they do not match.

    Notes
    -----
    sklearn.metrics.mean_absolute_error.

    Examples
    --------
    >>> from fastnet.metrics import mean_absolute_error
    >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return _of(ABSOLUTE, "mean_absolute_error", t, y)


def r2(t: ArrayLike, y: ArrayLike) -> float:
    """Return the coefficient of determination, the mean over the outputs.

        1 - sum((y - t)**2) / sum((t - mean(t))**2)

    1 at best, 0 for the mean of t, and no lower bound. Where t is constant, 1 if y is right, else
    0; NaN of a single sample.

    Parameters
    ----------
    t, y : (N,) or (N, C)
        (N, 1) is the same as (N,).

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        t or y is something else; they do not match.

    Notes
    -----
    sklearn.metrics.r2_score.

    Examples
    --------
    >>> from fastnet.metrics import r2
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    return _of(EXPLAINED, "r2", t, y)


mse, rmse, mae = mean_squared_error, root_mean_squared_error, mean_absolute_error
