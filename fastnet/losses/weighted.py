"""Losses of several outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks

__all__ = [
    "WeightedLosses",
]


class WeightedLosses:
    """Losses of several outputs, averaged by weights into one scalar.

        loss = sum over k of weights[k] losses[k] / sum over k of weights[k]

    Parameters
    ----------
    losses : list of loss objects
        One for each output: anything with forward(x, t) and backward(dout).
    weights : list of numbers, or None
        At least 0, and not all 0; None weighs all alike.

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    losses, weights : list
    loss : scalar

    Raises
    ------
    TypeError
        losses is no list of loss objects; a weight is no number.
    ValueError
        One object is given twice; weights are not as many, negative, or all 0.

    Notes
    -----
    Keras' loss_weights give the sum, which is this average times the sum of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import MeanAbsoluteError, MeanSquaredError, WeightedLosses
    >>> loss = WeightedLosses([MeanSquaredError(), MeanAbsoluteError()], weights=[3, 1])
    >>> x, t = np.array([[2.0]]), np.array([[0.0]])
    >>> float(loss.forward([x, x], [t, t]))
    2.0
    >>> loss.backward()
    [array([[1.5]]), array([[0.25]])]
    """

    loss: Any

    def __init__(self, losses: list[Any], weights: list[float] | None = None) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []
        self.losses = checks.loss_objects("WeightedLosses", losses)
        self.weights = checks.loss_weights("WeightedLosses", weights, len(self.losses))

    def forward(self, xs: list[Any], ts: list[Any]) -> Any:
        """Return the weighted average of the losses.

        Parameters
        ----------
        xs : list of arrays
            The outputs, one array for each loss.
        ts : list of arrays
            The targets of each.

        Returns
        -------
        scalar of the dtype that NumPy gives the losses together

        Raises
        ------
        ValueError
            xs or ts are not as many as the losses; and what the losses raise.
        """
        where = "WeightedLosses.forward"
        shares = self._shares(where)
        checks.entries(where, "xs", xs, len(shares))
        checks.entries(where, "ts", ts, len(shares))
        # One that refuses leaves those before it a batch ahead: no backward of two batches then.
        vars(self).pop("loss", None)
        found = [loss.forward(x, t) for loss, x, t in zip(self.losses, xs, ts, strict=True)]
        total = sum(share * float(loss) for share, loss in zip(shares, found, strict=True))
        self.loss = np.result_type(*[np.asarray(loss).dtype for loss in found]).type(total)
        return self.loss

    def backward(self, dout: float = 1) -> list[NDArray[Any]]:
        """Return the gradients of the average with respect to each x.

        Parameters
        ----------
        dout : number
            Multiplies the gradients.

        Returns
        -------
        list of arrays

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError
            dout is not a number.
        """
        where = "WeightedLosses.backward"
        checks.remembered(where, self, "loss")
        dout = checks.number(where, "dout", dout)
        shares = self._shares(where)
        return [
            loss.backward(dout * share) for loss, share in zip(self.losses, shares, strict=True)
        ]

    def _shares(self, where: str) -> list[float]:
        """Return the weights, which add up to 1."""
        weights = checks.loss_weights(where, self.weights, len(self.losses))
        total = sum(weights)
        return [weight / total for weight in weights]

    def __repr__(self) -> str:
        return f"WeightedLosses({self.losses!r}, weights={self.weights!r})"
