"""Metrics of a model by name."""

import numpy as np

from .. import metrics
from ..functions import softmax

# What a loss gives unasked.
OF_CLASSES = "softmax_cross_entropy categorical_cross_entropy sparse_categorical_cross_entropy"
DEFAULTS: dict = {name: ["accuracy"] for name in [*OF_CLASSES.split(), "sigmoid_cross_entropy"]}
NUMBERS = ["mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "r2"]
NUMBERS += ["mse", "rmse", "mae"]


def measure(name: str, loss: str, t: np.ndarray, y: np.ndarray) -> float:
    """Return a metric of outputs y (N, C) and targets (N, C), or labels (N,), for a loss."""
    average = "micro" if name.endswith("_micro") else "macro"
    word = name.removesuffix("_micro").removesuffix("_macro")
    if word in NUMBERS:
        return getattr(metrics, word)(t, y)
    if _one_by_one(loss, y.shape[1]) or word in ("binary_accuracy", "exact_match"):
        return _of_labels(word, average, t > 0.5, y, 0 if loss == "sigmoid_cross_entropy" else 0.5)
    labels = t if t.ndim == 1 else t.argmax(axis=1)
    if word == "accuracy":
        return metrics.accuracy(labels, y)
    if word.startswith("top_"):
        k = word.split("_")[1]
        return metrics.top_k_accuracy(labels, y, 5 if k == "k" else int(k))
    if word == "auc":
        return metrics.auc(labels, softmax(y) if loss == "softmax_cross_entropy" else y)
    return getattr(metrics, word)(labels, y, average)


def is_counted(name: str, loss: str, outputs: int) -> bool:
    """Tell whether fit counts a metric in its batches, each before its update."""
    return name == "accuracy" or (name == "binary_accuracy" and _one_by_one(loss, outputs))


def _one_by_one(loss: str, outputs: int) -> bool:
    """Tell whether each output is an answer by itself."""
    return loss == "sigmoid_cross_entropy" or (loss == "mean_squared_error" and outputs == 1)


def _of_labels(word: str, average: str, yes: np.ndarray, y: np.ndarray, threshold: float) -> float:
    if word == "auc":
        return metrics.auc(yes, y)
    if word == "exact_match":
        return metrics.exact_match(yes, y, threshold)
    if word in ("accuracy", "binary_accuracy"):
        return metrics.binary_accuracy(yes, y, threshold)
    return getattr(metrics, word)(yes, y, average, threshold)
