"""Metrics of targets t and outputs y, in float64.

Of classes t are labels (N,) and y scores (N, C); of answers yes or no, and of numbers, both have
one shape, (N,) or (N, C). An output that is NaN makes the number NaN.
"""

import numpy as np


def accuracy(t: np.ndarray, y: np.ndarray) -> float:
    """Return the share of samples whose largest score is at the label."""
    return _of(y, np.mean(y.argmax(axis=1) == t))


def top_k_accuracy(t: np.ndarray, y: np.ndarray, k: int = 5) -> float:
    """Return the share of labels among the k largest scores, later ones first among equals."""
    top = np.argsort(y, axis=1, kind="stable")[:, ::-1][:, :k]
    return _of(y, np.mean((top == t[:, None]).any(axis=1)))


def binary_accuracy(t: np.ndarray, y: np.ndarray, threshold: float = 0.5) -> float:
    """Return the share of answers that are right; t is 0 and 1, or -1 and 1."""
    return _of(y, np.mean((y > threshold) == (t > 0)))


def exact_match(t: np.ndarray, y: np.ndarray, threshold: float = 0.5) -> float:
    """Return the share of samples of which all answers are right."""
    right = (y > threshold) == (t > 0)
    return _of(y, np.mean(right.reshape(len(y), -1).all(axis=1)))


def precision(
    t: np.ndarray, y: np.ndarray, average: str = "macro", threshold: float | None = None
) -> float:
    """Return how many of those said to be of a class are."""
    right, said, _ = _counts(t, y, average, threshold)
    return _of(y, np.mean(_ratio(right, said)))


def recall(
    t: np.ndarray, y: np.ndarray, average: str = "macro", threshold: float | None = None
) -> float:
    """Return how many of a class are said to be of it."""
    right, _, wanted = _counts(t, y, average, threshold)
    return _of(y, np.mean(_ratio(right, wanted)))


def f1(
    t: np.ndarray, y: np.ndarray, average: str = "macro", threshold: float | None = None
) -> float:
    """Return the harmonic mean of precision and recall."""
    right, said, wanted = _counts(t, y, average, threshold)
    return _of(y, np.mean(_ratio(2 * right, said + wanted)))


def auc(t: np.ndarray, y: np.ndarray, average: str = "macro") -> float:
    """Return how often a yes has a larger score than a no, equal ones counted half."""
    if t.ndim < y.ndim:
        t = t[:, None] == np.arange(y.shape[1])
    shape = (-1, 1) if average == "micro" or y.ndim == 1 else y.shape
    areas = [_area(*column) for column in zip(t.reshape(shape).T, y.reshape(shape).T, strict=True)]
    return _of(y, float(np.mean(areas)))


def mean_squared_error(t: np.ndarray, y: np.ndarray) -> float:
    """Return mean((y - t)**2)."""
    return float(np.mean((y - np.reshape(t, y.shape)) ** 2))


def root_mean_squared_error(t: np.ndarray, y: np.ndarray) -> float:
    """Return sqrt(mean((y - t)**2)), the mean over the outputs."""
    return float(np.sqrt(((y - np.reshape(t, y.shape)) ** 2).mean(axis=0)).mean())


def mean_absolute_error(t: np.ndarray, y: np.ndarray) -> float:
    """Return mean(|y - t|)."""
    return float(np.mean(np.abs(y - np.reshape(t, y.shape))))


def r2(t: np.ndarray, y: np.ndarray) -> float:
    """Return 1 - sum((y - t)**2) / sum((t - mean(t))**2), the mean over the outputs.

    Of a constant t, 1 if y is right, else 0.
    """
    t = np.reshape(t, y.shape)
    lost, total = ((y - t) ** 2).sum(axis=0), ((t - t.mean(axis=0)) ** 2).sum(axis=0)
    return float(np.mean(1 - np.where(total > 0, lost / np.where(total > 0, total, 1), lost > 0)))


mse, rmse, mae = mean_squared_error, root_mean_squared_error, mean_absolute_error


def _of(y: np.ndarray, value: float) -> float:
    return float("nan") if np.isnan(y).any() else float(value)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), 0)


def _counts(t: np.ndarray, y: np.ndarray, average: str, threshold: float | None) -> np.ndarray:
    """Count, for each class or output, what is right, said and wanted."""
    if threshold is None:
        classes = np.arange(y.shape[1])
        said, wanted = y.argmax(axis=1)[:, None] == classes, t[:, None] == classes
        named = (said | wanted).any(axis=0)
        said, wanted = said[:, named], wanted[:, named]
    else:
        said, wanted = y.reshape(len(y), -1) > threshold, t.reshape(len(y), -1) > 0
    counts = np.array([(said & wanted).sum(axis=0), said.sum(axis=0), wanted.sum(axis=0)])
    return counts.sum(axis=1) if average == "micro" else counts


def _area(t: np.ndarray, y: np.ndarray) -> float:
    yes, no = y[t > 0][:, None], y[t <= 0]
    return np.mean((yes > no) + (yes == no) / 2) if yes.size and no.size else np.nan
