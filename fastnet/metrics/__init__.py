"""Metrics: numbers that judge outputs y against targets t, in plain NumPy.

Each function takes (t, y) and returns a float, computed in float64. Where an output is NaN, so is
the number. They agree with scikit-learn's functions, and `Sequential.fit` and `evaluate` take them
by their names in `NAMES`, as far as they suit the loss.

Three kinds of answers are judged:

classes
    t are labels (N,) or one-hot (N, C); y are scores (N, C), of which the largest is the answer,
    or labels (N,), the answers themselves.
yes or no
    t are 0 and 1, or -1 and 1; y are scores of the same shape, (N,) or (N, C), of which each is an
    answer by itself: yes where it is above a threshold.
numbers
    t and y are of the same shape, (N,) or (N, C).

An array (N, 1) is the same as one (N,). `Metric` is the base class of those of your own that are
counted batch by batch.
"""

from fastnet.metrics.answers import accuracy, binary_accuracy, exact_match, top_k_accuracy
from fastnet.metrics.averages import f1, precision, recall
from fastnet.metrics.base import Metric
from fastnet.metrics.errors import (
    mae,
    mean_absolute_error,
    mean_squared_error,
    mse,
    r2,
    rmse,
    root_mean_squared_error,
)
from fastnet.metrics.named import NAMES
from fastnet.metrics.ranks import auc

__all__ = [
    "NAMES",
    "Metric",
    "accuracy",
    "auc",
    "binary_accuracy",
    "exact_match",
    "f1",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "precision",
    "r2",
    "recall",
    "rmse",
    "root_mean_squared_error",
    "top_k_accuracy",
]

for _name in __all__:
    if _name != "NAMES":
        globals()[_name].__module__ = __name__  # as messages have them
