"""What a network is trained with where the options say nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Recipe(NamedTuple):
    """What a network is trained with where the options say nothing else."""

    hidden: str
    optimizer: str
    lr: float
    batch_size: int
    epochs: int


RECIPES = {
    "dense": Recipe("50", "sgd", 0.2, 32, 30),
    "simple-conv": Recipe("100", "adam", 0.001, 100, 20),  # the textbook's, section 7.5
}
TABLE = Recipe("64,32", "adam", 0.002, 32, 100)
