"""Losses of numbers: squared, absolute, relative errors, counts, directions."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import losses
from fastnet.kernels.checked import all_between
from fastnet.kernels.loop.record import MEAN_SQUARED_ERROR
from fastnet.losses.on_kernels import TargetLoss
from fastnet.losses.outputs import RATES
from fastnet.metrics.named import NAMES

__all__ = [
    "CosineProximity",
    "ElementwiseMeanSquaredError",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
]


class MeanSquaredError(TargetLoss):
    """Half the squared error, summed over the outputs, mean over the batch (the delta rule's).

        loss = sum((y - t)**2) / 2 / N
        dx = (y - t) * dout / N

    The textbook's form, whose gradient for one sample is the error y - t. That of PyTorch and Keras
    is `ElementwiseMeanSquaredError`, 2 / C times this one. By default `fit` gives no metric.
    Of classes, which the textbook trains with it, too, metrics=["accuracy"] counts right answers.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import MeanSquaredError
    >>> loss = MeanSquaredError()
    >>> float(loss.forward(np.array([[1.0], [2.0]]), np.array([[0.0], [4.0]])))
    1.25
    >>> loss.backward()
    array([[ 0.5],
           [-1. ]])
    """

    metrics = NAMES
    _kernels = losses.mean_squared_error_forward, losses.mean_squared_error_backward
    _function = MEAN_SQUARED_ERROR


class ElementwiseMeanSquaredError(TargetLoss):
    """Squared error, mean over the outputs and the batch (PyTorch's and Keras').

        loss = mean((y - t)**2)
        dx = 2 (y - t) * dout / (N C)

    The textbook's form, half the sum over the outputs, is `MeanSquaredError`: C / 2 times this one.

    Notes
    -----
    Source: torch.nn.MSELoss, keras.losses.MeanSquaredError.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import ElementwiseMeanSquaredError
    >>> loss = ElementwiseMeanSquaredError()
    >>> float(loss.forward(np.array([[1.0], [2.0]]), np.array([[0.0], [4.0]])))
    2.5
    """

    metrics = NAMES
    _kernels = (
        losses.elementwise_mean_squared_error_forward,
        losses.elementwise_mean_squared_error_backward,
    )
    _function = losses.elementwise_mean_squared_error_in_loop


class MeanAbsoluteError(TargetLoss):
    """Absolute error, mean over the outputs and the batch.

        loss = mean(|y - t|)
        dx = sign(y - t) * dout / (N C), 0 where y = t

    Notes
    -----
    Source: torch.nn.L1Loss, keras.losses.MeanAbsoluteError.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import MeanAbsoluteError
    >>> loss = MeanAbsoluteError()
    >>> float(loss.forward(np.array([[1.0], [2.0]]), np.array([[0.0], [4.0]])))
    1.5
    """

    _kernels = losses.mean_absolute_error_forward, losses.mean_absolute_error_backward
    _function = losses.mean_absolute_error_in_loop


class MeanAbsolutePercentageError(TargetLoss):
    """Absolute error in per cent of the target, mean over the outputs and the batch.

        loss = 100 mean(|y - t| / max(|t|, 1e-7))
        dx = 100 sign(y - t) / max(|t|, 1e-7) * dout / (N C), 0 where y = t

    Notes
    -----
    Source: keras.losses.MeanAbsolutePercentageError.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import MeanAbsolutePercentageError
    >>> loss = MeanAbsolutePercentageError()
    >>> float(loss.forward(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]])))
    37.5
    """

    _kernels = (
        losses.mean_absolute_percentage_error_forward,
        losses.mean_absolute_percentage_error_backward,
    )
    _function = losses.mean_absolute_percentage_error_in_loop


class NonnegativeLoss(TargetLoss):
    """A loss whose targets are at least 0."""

    def check_targets(self, where: str, t: NDArray[Any]) -> None:
        """Raise ValueError unless all of t are at least 0."""
        if not all_between(t, 0.0, math.inf):
            checks.between(where, t, 0, math.inf)


class MeanSquaredLogarithmicError(NonnegativeLoss):
    """Squared difference of logarithms, mean over the outputs and the batch.

        loss = mean((log(1 + y) - log(1 + t))**2)
        dx = 2 (log(1 + y) - log(1 + t)) / (1 + y) * dout / (N C), 0 where y < 1e-7

    Targets must be at least 0. Targets and outputs below 1e-7 count as that.

    Notes
    -----
    Source: keras.losses.MeanSquaredLogarithmicError.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import MeanSquaredLogarithmicError
    >>> loss = MeanSquaredLogarithmicError()
    >>> round(float(loss.forward(np.array([[np.e - 1]]), np.array([[0.0]]))), 4)
    1.0
    """

    _kernels = (
        losses.mean_squared_logarithmic_error_forward,
        losses.mean_squared_logarithmic_error_backward,
    )
    _function = losses.mean_squared_logarithmic_error_in_loop


class Huber(TargetLoss):
    """Huber loss: squared for small errors, absolute for large; mean over outputs and batch.

        loss = mean(e**2 / 2 where |e| <= delta, else delta (|e| - delta / 2)), e = y - t
        dx = min(max(e, -delta), delta) * dout / (N C)

    Parameters
    ----------
    delta : float, positive
        The largest error that is squared. An attribute, too.

    Raises
    ------
    TypeError
        delta is not a number.
    ValueError
        delta is not finite and positive.

    Notes
    -----
    Source: Huber, Robust estimation of a location parameter, 1964; torch.nn.HuberLoss and
    keras.losses.Huber.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import Huber
    >>> loss = Huber(delta=1.0)
    >>> float(loss.forward(np.array([[0.5], [4.0]]), np.array([[0.0], [0.0]])))
    1.8125
    >>> loss.backward()
    array([[0.25],
           [0.5 ]])
    """

    _kernels = losses.huber_forward, losses.huber_backward
    _function = losses.huber_in_loop
    argument_names = _number_names = ("delta",)

    delta: Any = checks.Checked(lambda loss, *value: checks.finite_positive(*value))

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = delta


class LogCosh(TargetLoss):
    """Logarithm of the hyperbolic cosine of the error, mean over the outputs and the batch.

        loss = mean(log(cosh(y - t)))
        dx = tanh(y - t) * dout / (N C)

    Half the squared error where that is small, the absolute error less log(2) where it is large.
    Finite for any finite outputs and targets.

    Notes
    -----
    Source: keras.losses.LogCosh.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import LogCosh
    >>> loss = LogCosh()
    >>> round(float(loss.forward(np.array([[1.0], [-1000.0]]), np.array([[1.0], [0.0]]))), 4)
    499.6534
    >>> loss.backward()
    array([[ 0. ],
           [-0.5]])
    """

    _kernels = losses.log_cosh_forward, losses.log_cosh_backward
    _function = losses.log_cosh_in_loop


class Poisson(NonnegativeLoss):
    """Poisson loss of rates y and counts t, mean over the outputs and the batch.

        loss = mean(y - t log(y + 1e-7))
        dx = (1 - t / (y + 1e-7)) * dout / (N C)

    Targets must be at least 0. A negative output gives NaN.

    Notes
    -----
    Source: keras.losses.Poisson; torch.nn.PoissonNLLLoss(log_input=False, eps=1e-7).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import Poisson
    >>> loss = Poisson()
    >>> round(float(loss.forward(np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]))), 4)
    0.4603
    """

    outputs = RATES
    _kernels = losses.poisson_forward, losses.poisson_backward
    _function = losses.poisson_in_loop


class CosineProximity(TargetLoss):
    """Negative cosine of the angle between a sample's outputs and targets, mean over the batch.

        loss = -mean over n of cosine[n], cosine[n] = y[n] . t[n] / (|y[n]| |t[n]|)
        dx[n] = (cosine[n] y[n] / |y[n]| - t[n] / |t[n]|) / |y[n]| * dout / N

    Between -1, the same direction, and 1. A length below 1e-7 counts as that.

    Notes
    -----
    Source: keras.losses.CosineSimilarity; -1 times torch.nn.CosineSimilarity.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import CosineProximity
    >>> loss = CosineProximity()
    >>> round(float(loss.forward(np.array([[3.0, 4.0]]), np.array([[0.0, 1.0]]))), 4)
    -0.8
    """

    _kernels = losses.cosine_proximity_forward, losses.cosine_proximity_backward
    _function = losses.cosine_proximity_in_loop
