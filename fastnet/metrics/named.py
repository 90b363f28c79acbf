"""Metrics by name, as models are asked for them."""

from __future__ import annotations

from typing import NamedTuple

from fastnet.metrics import answers, averages, errors, ranks
from fastnet.metrics.ways import Way

__all__ = ["NAMES"]


class Meaning(NamedTuple):
    """What a name means for each kind of answer; None where it means nothing."""

    classes: Way | None = None
    labels: Way | None = None
    numbers: Way | None = None


# How many classes the largest scores name.
TOP = {"top_k_accuracy": 5, **{f"top_{k}_accuracy": k for k in (2, 3, 5, 10)}}

METRICS: dict[str, Meaning] = {
    "accuracy": Meaning(answers.OF_CLASSES, answers.OF_LABELS),
    **{name: Meaning(answers.of_top(k)) for name, k in TOP.items()},
    "binary_accuracy": Meaning(labels=answers.OF_LABELS),
    "exact_match": Meaning(labels=answers.OF_ROWS),
    **{
        f"{name}{suffix}": Meaning(
            averages.of_classes(name, average), averages.of_labels(name, average)
        )
        for name in averages.SCORES
        for suffix, average in (("", "macro"), ("_macro", "macro"), ("_micro", "micro"))
    },
    "auc": Meaning(ranks.OF_CLASSES, ranks.OF_LABELS),
    "mean_squared_error": Meaning(numbers=errors.SQUARED),
    "mse": Meaning(numbers=errors.SQUARED),
    "root_mean_squared_error": Meaning(numbers=errors.ROOT),
    "rmse": Meaning(numbers=errors.ROOT),
    "mean_absolute_error": Meaning(numbers=errors.ABSOLUTE),
    "mae": Meaning(numbers=errors.ABSOLUTE),
    "r2": Meaning(numbers=errors.EXPLAINED),
}

NAMES = tuple(METRICS)
OF_CLASSES = tuple(name for name in NAMES if METRICS[name].classes is not None)
OF_LABELS = tuple(name for name in NAMES if METRICS[name].labels is not None)
OF_NUMBERS = tuple(name for name in NAMES if METRICS[name].numbers is not None)
