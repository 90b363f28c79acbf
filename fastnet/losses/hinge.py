"""Hinge losses: of targets -1 and 1, and of class labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import hinge
from fastnet.kernels.checked import all_either
from fastnet.losses.on_kernels import LabelLoss, TargetLoss
from fastnet.losses.outputs import SCORES
from fastnet.metrics.named import OF_LABELS

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


class SignLoss(TargetLoss):
    """A loss whose targets are -1 and 1: each output says yes above 0."""

    metrics, default_metrics, yes_above = OF_LABELS, ("accuracy",), (0.0, 0.0)

    outputs = SCORES

    def check_targets(self, where: str, t: NDArray[Any]) -> None:
        """Raise ValueError unless all of t are -1 or 1."""
        if not all_either(t, -1.0, 1.0):
            checks.two_values(where, t, -1, 1, "Give 2 * t - 1 for targets 0 and 1")

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return class 1 for a target of 1 and class 0 for -1; and 2, the number of classes."""
        if targets.shape[1] > 1:
            return super().classes_of(where, labels, targets)
        return (targets[:, 0] > 0).astype(np.int64), 2


class Hinge(SignLoss):
    """Hinge loss of outputs with targets -1 and 1, mean over the outputs and the batch.

        loss = mean(max(0, 1 - t y))
        dx = (-t where 1 - t y > 0, else 0) * dout / (N C)

    Notes
    -----
    Source: keras.losses.Hinge, which takes targets 0 and 1, too.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import Hinge
    >>> loss = Hinge()
    >>> float(loss.forward(np.array([[0.5], [0.25]]), np.array([[1.0], [-1.0]])))
    0.875
    """

    _kernels = hinge.hinge_forward, hinge.hinge_backward
    _function = hinge.hinge_in_loop


class SquaredHinge(SignLoss):
    """Squared hinge loss with targets -1 and 1, mean over the outputs and the batch.

        loss = mean(max(0, 1 - t y)**2)
        dx = -2 t max(0, 1 - t y) * dout / (N C)

    Notes
    -----
    Source: keras.losses.SquaredHinge, which takes targets 0 and 1, too.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SquaredHinge
    >>> loss = SquaredHinge()
    >>> float(loss.forward(np.array([[0.5], [0.5]]), np.array([[1.0], [-1.0]])))
    1.25
    """

    _kernels = hinge.squared_hinge_forward, hinge.squared_hinge_backward
    _function = hinge.squared_hinge_in_loop


class CategoricalHinge(LabelLoss):
    """Hinge loss of class scores with labels, one number a sample, mean over the batch.

        loss = mean over n of max(0, 1 + rival[n] - y[n, t[n]])
        rival[n] = max(0, largest of y[n, c] with c != t[n])
        dx[n, c] = ([c is the rival] - [c = t[n]]) * dout / N where n has a loss, else 0

    Of equal scores the first is the rival; where none is above 0, no class is. t may be one-hot.

    Parameters
    ----------
    ignore_index : int, optional
        Samples with this label have no loss and do not count: the mean is that of the others, 0
        where there are none.

    Notes
    -----
    Source: keras.losses.CategoricalHinge.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import CategoricalHinge
    >>> loss = CategoricalHinge()
    >>> float(loss.forward(np.array([[3.0, 1.0], [2.0, 1.5]]), [0, 0]))
    0.25
    """

    _kernels = hinge.categorical_hinge_forward, hinge.categorical_hinge_backward
    _function = hinge.categorical_hinge_in_loop
