"""What the outputs of a network must be for a loss, and what to do where they are not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Taken"]


class Taken(NamedTuple):
    """What a loss takes for outputs.

    Parameters
    ----------
    rule : str
        What they must be, for an error.
    advice : str
        How to make them so, or which loss to take.
    suits : function of (low, high, adds_up)
        Whether outputs between low and high can make the loss small. adds_up: whether those of a
        sample add up to 1.
    low, high : float
        Where the loss has a value: outside of them it is NaN.
    """

    rule: str
    advice: str
    suits: Callable[[float, float, bool], bool]
    low: float = -math.inf
    high: float = math.inf


DISTRIBUTIONS = Taken(
    "probabilities of classes, which add up to 1",
    'Use loss="softmax_cross_entropy", or end with Softmax().',
    lambda low, high, adds_up: adds_up,
    0.0,
    1.0,
)
PROBABILITIES = Taken(
    "probabilities, numbers in 0..1",
    'Use loss="sigmoid_cross_entropy", or end with Sigmoid().',
    lambda low, high, adds_up: low >= 0 and high <= 1,
    0.0,
    1.0,
)
RATES = Taken(
    "numbers of at least 0",
    "End with Softplus() or Relu().",
    lambda low, high, adds_up: low >= 0,
    0.0,
)
# The softmax of logits between 0 and 1 is at most e / (e + C - 1), 0.23 for ten classes.
CLASS_LOGITS = Taken(
    "logits, of which it takes the softmax itself",
    'Leave that activation out, or end with Softmax() and use loss="categorical_cross_entropy" or '
    '"sparse_categorical_cross_entropy".',
    lambda low, high, adds_up: low < 0 or high > 1,
)
# The sigmoid of logits above 0 is at least 0.5: never a no.
LOGITS = Taken(
    "logits of either sign, of which it takes the sigmoid itself",
    'Leave that activation out, or end with Sigmoid() and use loss="binary_cross_entropy".',
    lambda low, high, adds_up: low < 0,
)
SCORES = Taken(
    "scores of either sign",
    "Leave that activation out, or end with Tanh().",
    lambda low, high, adds_up: low < 0,
)
