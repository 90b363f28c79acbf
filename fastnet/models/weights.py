"""What each sample of a call weighs, and whether it counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _counted
from fastnet.losses import Loss

__all__ = ["weighed"]

Targets = tuple[NDArray[np.int64], NDArray[Any]]


def weighed(
    where: str,
    loss: Loss,
    dtype: np.dtype[Any],
    targets: Targets,
    outputs: int,
    sample_weight: ArrayLike | None = None,
    class_weight: dict[int, float] | None = None,
) -> tuple[Targets, NDArray[Any] | None]:
    """Return the targets as the loop takes them, and what each sample weighs, if not all 1.

    Below 0 a sample does not count, and its label is another, at which nobody looks.
    """
    labels, found = targets
    n, weights = len(labels) or len(found), None
    if sample_weight is not None:
        weights = checks.sample_weights(where, sample_weight, n, dtype)
    if class_weight is not None:
        classes, count = loss.classes_of(where, labels, found)
        of_class = checks.class_weights(where, class_weight, count or outputs)
        own = of_class[np.clip(classes, 0, len(of_class) - 1)].astype(dtype)
        weights = own if weights is None else weights * own
    ignored = getattr(loss, "ignore_index", None)
    labels, weights = _counted(labels, ignored, weights, dtype)
    if weights is not None and not (weights >= 0).any():
        raise ValueError(
            f"{where}: t must have a label other than ignore_index={ignored}, got no "
            "other. Give samples that count."
        )
    return (labels, found), weights
