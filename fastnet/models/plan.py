"""What a fit was asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastnet.callbacks.listed import Listed
from fastnet.models import measures
from fastnet.models.samples import Samples

__all__ = ["Plan"]


class Plan(NamedTuple):
    """What a fit was asked for, checked."""

    where: str
    epochs: range
    batch_size: int
    visited: int  # samples of an epoch
    shuffle: bool
    verbose: int
    asked: list[measures.Measure]
    samples: Samples  # of the first batch, where they come in batches
    held_out: Any  # samples, or Batches of them, or None
    callbacks: Listed
    names: dict[str, int | None]  # of the history: in which column of the totals, if in one
    steps: int | None = None  # batches of an epoch, where that is not all
    class_weight: Any = None  # of those that come in batches
