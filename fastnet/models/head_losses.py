"""The losses of a model with several outputs: one for each head, averaged with weights."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from fastnet import checks
from fastnet.kernels.loop.branches import branches_loss_in_loop
from fastnet.losses import LoopLoss, Loss, WeightedLosses
from fastnet.losses.names import named_loss

__all__ = ["HeadLosses", "loss_of"]


class HeadLoss(NamedTuple):
    """What one head of a model is trained with."""

    name: str
    loss: Loss
    share: float  # of all heads' these add up to 1


class HeadLosses(Loss):
    """The losses of heads: sum(weight * loss) / sum(weight)."""

    def __init__(self, losses: dict[str, Loss] | list[Loss], weights: Any) -> None:
        super().__init__()
        self.keys = tuple(losses) if isinstance(losses, dict) else None
        self.parts = list(losses.values()) if isinstance(losses, dict) else list(losses)
        self.weights: list[float] = weights
        self.name = "+".join(loss.name for loss in self.parts)  # type: ignore[misc]

    def of(self, where: str, names: tuple[str, ...]) -> list[HeadLoss]:
        """Return those of heads of these names, in their order."""
        total = sum(self.weights)
        shares = [weight / total for weight in self.weights]
        if self.keys is None:
            return list(map(HeadLoss, names, self.parts, shares))
        found = dict(zip(self.keys, zip(self.parts, shares, strict=True), strict=True))
        ordered = checks.each_head(where, "loss", found, names)
        return [HeadLoss(name, *pair) for name, pair in zip(names, ordered, strict=True)]

    def in_loop(self) -> LoopLoss:
        """Return what they are to the compiled loop; the numbers are filled in for each call."""
        return LoopLoss(branches_loss_in_loop)


def loss_of(where: str, loss: Any, weights: Any) -> Loss:
    """Return the loss of a model from what its constructor was given."""
    if isinstance(loss, WeightedLosses):
        if weights is not None:
            raise TypeError(
                f"{where}: loss_weights must be None beside WeightedLosses, which has weights, got "
                f"{weights!r}. Leave it out."
            )
        loss, weights = list(loss.losses), list(loss.weights)
    if isinstance(loss, (list, tuple, dict)):
        if not loss:
            raise ValueError(f"{where}: loss must name one for each head, got none. Give names.")
        if isinstance(weights, dict):
            keys = tuple(loss) if isinstance(loss, dict) else ()
            weights = checks.each_head(where, "loss_weights", weights, keys)
        found = checks.loss_weights(where, weights, len(loss))
        if isinstance(loss, dict):
            return HeadLosses({key: _one(where, each) for key, each in loss.items()}, found)
        return HeadLosses([_one(where, each) for each in loss], found)
    if weights is not None:
        raise TypeError(
            f"{where}: loss_weights must be None for one loss, got {weights!r}. Give loss=[...]."
        )
    return _one(where, loss)


def _one(where: str, loss: Any) -> Loss:
    """Return one loss of a name or an object, which is copied."""
    return copy.copy(loss) if isinstance(loss, Loss) else named_loss(where, loss)
