"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx.

Along the outputs of a sample some losses are sums and some are means, as their publications have
it; each class says which. `LOSSES` lists the classes by name.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, kernels
from fastnet.functions import _label_array, _logits, _softmax_loss_gradient
from fastnet.kernels.checked import all_between, all_either

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "CategoricalHinge",
    "CosineProximity",
    "ElementwiseMeanSquaredError",
    "Hinge",
    "Huber",
    "KullbackLeiblerDivergence",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SigmoidCrossEntropy",
    "SigmoidWithLoss",
    "SoftmaxCrossEntropy",
    "SparseCategoricalCrossEntropy",
    "SquaredHinge",
    "WeightedLosses",
]


class _Loss:
    """What all losses have."""

    y: Any
    t: Any
    loss: Any
    _of_labels = False  # else t is labels

    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _TargetLoss(_Loss):
    """A loss of outputs y (N, C) and targets t (N, C), of one dtype.

    After forward, y, t and loss hold the outputs, the targets and the loss. The arrays are not
    copies where they fit the kernel, so changing them in place before backward changes the
    gradient, as in NumPy code.
    """

    # Two: a kernel that stood in the class alone would become a method.
    _kernels: ClassVar[tuple[Any, Any]]

    def _check(self, where: str, t: NDArray[Any]) -> None:
        """Check the targets' values."""

    def _numbers(
        self, where: str, computed: np.dtype[Any], dtype: np.dtype[Any]
    ) -> tuple[Any, ...]:
        """Return what the kernels take beside arrays."""
        return ()

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        x : (N, C)
            Outputs of a network: y in the equation.
        t : (N, C), or (N,) where C is 1
            Targets.

        Returns
        -------
        scalar of the dtype that NumPy gives x - t

        Raises
        ------
        TypeError
            x or t is complex, object, string or wider than float64.
        ValueError
            x is not (N, C), or empty; t has another shape, or values that the loss cannot take.
        """
        where = f"{type(self).__name__}.forward"
        y: Any = x
        dtype = checks.usual(y, t)
        if dtype is None:
            y, t = checks.array(where, "x", y), checks.array(where, "t", t)
            dtype = checks.result_dtype(y, t)
            y, t = checks.contiguous(y, dtype), checks.contiguous(t, dtype)
        checks.table(where, "x", y)
        t = checks.targets(where, t, y.shape)  # type: ignore[arg-type]  # an array by now
        self._check(where, t)
        total = empty(1, y.dtype)
        self._kernels[0](y, t, *self._numbers(where, y.dtype, dtype), total)
        loss = checks.returned(total, dtype)[0]
        self.y, self.t, self.loss, self._given = y, t, loss, (y.shape, dtype)
        return loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return the gradient of the loss with respect to x, times dout.

        Parameters
        ----------
        dout : number
            Multiplies the gradient.

        Returns
        -------
        (N, C)

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError
            dout is not a number.
        ValueError
            dout overflows in the dtype of the loss.
        """
        where = f"{type(self).__name__}.backward"
        y, t = checks.remembered(where, self, "y"), self.t
        shape, dtype = self._given
        if checks.usual(y, t) is not dtype:  # float16, or arrays of the caller's
            y = checks.contiguous(checks.array(where, "y", y), dtype)
            t = checks.contiguous(checks.array(where, "t", t), dtype)
        if not y.shape == t.shape == shape:
            checks.unchanged(where, "y", y, shape)
            checks.unchanged(where, "t", t, shape)
        dx = empty(shape, y.dtype)
        dout = checks.scalar(where, "dout", dout, y.dtype, dtype)
        self._kernels[1](y, t, *self._numbers(where, y.dtype, dtype), dout, dx)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result


class _LabelLoss(_Loss):
    """A loss of outputs y (N, C) and class labels.

    After forward, y holds the outputs, not a copy where they fit the kernel, t (N,) int64 the
    labels, and loss the loss.
    """

    _of_labels = True
    _kernels: ClassVar[tuple[Any, Any]]

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        x : (N, C)
            Outputs of a network: y in the equation.
        t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype

        Returns
        -------
        scalar of the dtype of x

        Raises
        ------
        TypeError
            x or t has a dtype that holds no real numbers; t holds labels that are not integers.
        ValueError
            x is not (N, C), or empty; t does not match it, or is not one-hot.
        IndexError
            A label is negative or too large.
        """
        where = f"{type(self).__name__}.forward"
        y, dtype = _logits(where, x)
        shape = y.shape
        labels = _label_array(where, t, shape[0], shape[1], "x")
        total = empty(1, y.dtype)
        self._kernels[0](y, labels, total)
        loss = checks.returned(total, dtype)[0]
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.y, self.t, self.loss = y, labels.copy(), loss
        self._given = labels, shape, dtype
        return loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return the gradient of the loss with respect to x, times dout.

        Parameters
        ----------
        dout : number
            Multiplies the gradient.

        Returns
        -------
        (N, C)

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError
            dout is not a number.
        ValueError
            dout overflows in the dtype of the loss.
        """
        where = f"{type(self).__name__}.backward"
        y = checks.remembered(where, self, "y")
        labels, shape, dtype = self._given
        if checks.usual(y) is not dtype:  # float16, or an array of the caller's
            y = checks.contiguous(checks.array(where, "y", y), dtype)
        checks.unchanged(where, "y", y, shape)
        dx = empty(shape, y.dtype)
        self._kernels[1](y, labels, checks.scalar(where, "dout", dout, y.dtype, dtype), dx)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result


class SoftmaxCrossEntropy(_Loss):
    """Softmax and cross entropy in one: exact, and finite for any finite logits.

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    y : (N, C)
        Probabilities of the last forward.
    t : (N,) int64
        Its labels; a one-hot t has become labels.
    loss : scalar of the dtype of y

    See Also
    --------
    fastnet.layers.SoftmaxWithLoss : the textbook's, with 1e-7 inside the logarithm.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SoftmaxCrossEntropy
    >>> loss = SoftmaxCrossEntropy()
    >>> float(loss.forward(np.array([[0.0, 1000.0]]), np.array([0])))
    1000.0
    >>> loss.backward()
    array([[-1.,  1.]])
    """

    _of_labels = True

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the mean over the batch of logsumexp(x[n]) - x[n, t[n]].

        Parameters
        ----------
        x : (N, C)
            Logits.
        t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype

        Returns
        -------
        scalar of the dtype of x

        Raises
        ------
        TypeError
            x or t has a dtype that holds no real numbers; t holds labels that are not integers.
        ValueError
            x is not (N, C), or empty; t does not match it, or is not one-hot.
        IndexError
            A label is negative or too large.
        """
        where = "SoftmaxCrossEntropy.forward"
        logits, dtype = _logits(where, x)
        shape = logits.shape
        labels = _label_array(where, t, shape[0], shape[1], "x")
        y, total = empty(shape, logits.dtype), empty(1, logits.dtype)
        kernels.softmax_cross_entropy_forward(logits, labels, y, total)
        if y.dtype is not dtype:  # float16
            y, total = checks.returned(y, dtype), checks.returned(total, dtype)
        loss = total[0]
        self.y, self.loss = y, loss
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.t, self._labels = labels.copy(), (labels, shape)
        return loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return dx = (y - onehot(t)) * dout / N.

        Parameters
        ----------
        dout : number
            Multiplies the gradient.

        Returns
        -------
        (N, C)

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError
            dout is not a number.
        ValueError
            dout overflows in the dtype of the loss.
        """
        where = "SoftmaxCrossEntropy.backward"
        y = checks.remembered(where, self, "y")
        return _softmax_loss_gradient(where, y, *self._labels, dout)


class MeanSquaredError(_TargetLoss):
    """Half the squared error, summed over the outputs, mean over the batch (the delta rule's).

        loss = sum((y - t)**2) / 2 / N
        dx = (y - t) * dout / N

    The textbook's form, whose gradient for one sample is the error y - t. What PyTorch and Keras
    call mean squared error is `ElementwiseMeanSquaredError`: 2 / C times this one.

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

    _kernels = kernels.mean_squared_error_forward, kernels.mean_squared_error_backward


class ElementwiseMeanSquaredError(_TargetLoss):
    """Squared error, mean over the outputs and the batch (PyTorch's and Keras').

        loss = mean((y - t)**2)
        dx = 2 (y - t) * dout / (N C)

    The textbook's form, with a half and a sum over the outputs, is `MeanSquaredError`: C / 2 times
    this one.

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

    _kernels = (
        kernels.elementwise_mean_squared_error_forward,
        kernels.elementwise_mean_squared_error_backward,
    )


class MeanAbsoluteError(_TargetLoss):
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

    _kernels = kernels.mean_absolute_error_forward, kernels.mean_absolute_error_backward


class MeanAbsolutePercentageError(_TargetLoss):
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
        kernels.mean_absolute_percentage_error_forward,
        kernels.mean_absolute_percentage_error_backward,
    )


class MeanSquaredLogarithmicError(_TargetLoss):
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
        kernels.mean_squared_logarithmic_error_forward,
        kernels.mean_squared_logarithmic_error_backward,
    )

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_between(t, 0.0, math.inf):
            checks.between(where, t, 0, math.inf)


class Huber(_TargetLoss):
    """Huber loss: squared for small errors, absolute for large; mean over outputs and batch.

        loss = mean(e**2 / 2 where |e| <= delta, else delta (|e| - delta / 2)), e = y - t
        dx = (e, but within -delta and delta) * dout / (N C)

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

    _kernels = kernels.huber_forward, kernels.huber_backward

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = checks.finite_positive("Huber", "delta", delta)

    def _numbers(
        self, where: str, computed: np.dtype[Any], dtype: np.dtype[Any]
    ) -> tuple[Any, ...]:
        delta = checks.finite_positive(where, "delta", self.delta)
        return (checks.scalar(where, "delta", delta, computed, dtype),)

    def __repr__(self) -> str:
        return f"Huber(delta={self.delta!r})"


class Poisson(_TargetLoss):
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

    _kernels = kernels.poisson_forward, kernels.poisson_backward

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_between(t, 0.0, math.inf):
            checks.between(where, t, 0, math.inf)


class CosineProximity(_TargetLoss):
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

    _kernels = kernels.cosine_proximity_forward, kernels.cosine_proximity_backward


class Hinge(_TargetLoss):
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

    _kernels = kernels.hinge_forward, kernels.hinge_backward

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_either(t, -1.0, 1.0):
            checks.two_values(where, t, -1, 1, "Give 2 * t - 1 for targets 0 and 1")


class SquaredHinge(_TargetLoss):
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

    _kernels = kernels.squared_hinge_forward, kernels.squared_hinge_backward

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_either(t, -1.0, 1.0):
            checks.two_values(where, t, -1, 1, "Give 2 * t - 1 for targets 0 and 1")


class CategoricalHinge(_LabelLoss):
    """Hinge loss of class scores with labels, one number a sample, mean over the batch.

        loss = mean over n of max(0, 1 + rival[n] - y[n, t[n]])
        rival[n] = max(0, largest of y[n, c] with c != t[n])
        dx[n, c] = ([c is the rival] - [c = t[n]]) * dout / N where n has a loss, else 0

    Of equal scores the first is the rival; where none is above 0, no class is. t may be one-hot.

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

    _kernels = kernels.categorical_hinge_forward, kernels.categorical_hinge_backward


class CategoricalCrossEntropy(_TargetLoss):
    """Cross entropy of probabilities with one-hot targets; sum over classes, mean over the batch.

        loss = -sum(t log(y + 1e-7)) / N
        dx = -t / (y + 1e-7) * dout / N

    Targets may be probabilities, too. `SoftmaxCrossEntropy` takes logits, and is exact.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.2. keras.losses.CategoricalCrossentropy
    scales each row of y to the sum 1 first, and bounds y by 1e-7 in place of adding it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import CategoricalCrossEntropy
    >>> loss = CategoricalCrossEntropy()
    >>> round(float(loss.forward(np.array([[0.1, 0.9]]), np.array([[0.0, 1.0]]))), 4)
    0.1054
    """

    _kernels = kernels.categorical_cross_entropy_forward, kernels.categorical_cross_entropy_backward

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_between(t, 0.0, 1.0):
            checks.between(where, t, 0, 1)


class SparseCategoricalCrossEntropy(_LabelLoss):
    """Cross entropy of probabilities with labels, mean over the batch.

        loss = -mean over n of log(y[n, t[n]] + 1e-7)
        dx[n, c] = -[c = t[n]] / (y[n, c] + 1e-7) * dout / N

    t may be one-hot. `SoftmaxCrossEntropy` takes logits, and is exact.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.4, as `cross_entropy_error` has it.
    keras.losses.SparseCategoricalCrossentropy bounds y by 1e-7 in place of adding it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SparseCategoricalCrossEntropy
    >>> loss = SparseCategoricalCrossEntropy()
    >>> round(float(loss.forward(np.array([[0.1, 0.9]]), [1])), 4)
    0.1054
    """

    _kernels = kernels.cross_entropy_forward, kernels.cross_entropy_backward


class BinaryCrossEntropy(_TargetLoss):
    """Cross entropy of yes-or-no probabilities, mean over the outputs and the batch.

        loss = -mean(t log(y) + (1 - t) log(1 - y))
        dx = (y - t) / max(y (1 - y), 1e-12) * dout / (N C)

    Logarithms below -100 count as that. Targets may be probabilities, too. `SigmoidCrossEntropy`
    takes logits, and is exact. An output that is no probability gives NaN.

    Notes
    -----
    Source: torch.nn.BCELoss; keras.losses.BinaryCrossentropy bounds y by 1e-7 and 1 - 1e-7 instead.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import BinaryCrossEntropy
    >>> loss = BinaryCrossEntropy()
    >>> round(float(loss.forward(np.array([[0.1], [0.9]]), np.array([0.0, 1.0]))), 4)
    0.1054
    """

    _kernels = kernels.binary_cross_entropy_forward, kernels.binary_cross_entropy_backward

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_between(t, 0.0, 1.0):
            checks.between(where, t, 0, 1)


class SigmoidCrossEntropy(_TargetLoss):
    """Sigmoid and binary cross entropy in one; mean over the outputs and the batch.

        loss = mean(log(1 + exp(y)) - t y), of logits y
        dx = (sigmoid(y) - t) * dout / (N C)

    Finite for any finite logits. Targets may be probabilities, too.

    Notes
    -----
    Source: torch.nn.BCEWithLogitsLoss, keras.losses.BinaryCrossentropy(from_logits=True).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SigmoidCrossEntropy
    >>> loss = SigmoidCrossEntropy()
    >>> float(loss.forward(np.array([[-1000.0]]), np.array([1.0])))
    1000.0
    >>> loss.backward()
    array([[-1.]])
    """

    _kernels = kernels.sigmoid_cross_entropy_forward, kernels.sigmoid_cross_entropy_backward

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_between(t, 0.0, 1.0):
            checks.between(where, t, 0, 1)


class KullbackLeiblerDivergence(_TargetLoss):
    """Kullback-Leibler divergence of probabilities; sum over the classes, mean over the batch.

        loss = sum(t (log(t) - log(y))) / N
        dx = -t / max(y, 1e-12) * dout / N

    0 log(0) is 0; a log(y) below -100 counts as that.

    Notes
    -----
    Source: Kullback and Leibler, On information and sufficiency, 1951. torch.nn.KLDivLoss with
    reduction="batchmean" of log(y); keras.losses.KLDivergence bounds t and y by 1e-7.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import KullbackLeiblerDivergence
    >>> loss = KullbackLeiblerDivergence()
    >>> round(float(loss.forward(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]))), 4)
    0.6931
    """

    _kernels = (
        kernels.kullback_leibler_divergence_forward,
        kernels.kullback_leibler_divergence_backward,
    )

    def _check(self, where: str, t: NDArray[Any]) -> None:
        if not all_between(t, 0.0, 1.0):
            checks.between(where, t, 0, 1)


class SigmoidWithLoss(_Loss):
    """The textbook's last layer of yes-or-no scores: sigmoid, then -log(p + 1e-7).

        y = sigmoid(x), p = y where t is 1, 1 - y where it is 0
        loss = -sum(log(p + 1e-7)) / N
        dx = (y - t) * dout / N

    The sum over the outputs makes delta the error y - t, as the delta rule has it, however many
    outputs there are.

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    y : array of x.shape
        Probabilities of the last forward.
    t : array of x.shape, of the dtype of y
        Its targets.
    loss : scalar of the dtype of y

    See Also
    --------
    SigmoidCrossEntropy : without the 1e-7, and the mean over the outputs.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/layers.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SigmoidWithLoss
    >>> loss = SigmoidWithLoss()
    >>> round(float(loss.forward(np.zeros(2), np.array([1, 0]))), 4)
    0.6931
    >>> loss.backward()
    array([-0.25,  0.25])
    """

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        x : (N,) or (N, C)
            Logits.
        t : same shape, or (N,) where C is 1
            0 and 1, of any dtype.

        Returns
        -------
        scalar of the dtype of x

        Raises
        ------
        TypeError
            x or t is complex, object, string or wider than float64.
        ValueError
            x is not (N,) or (N, C), or empty; t has another shape, or values but 0 and 1.
        """
        where = "SigmoidWithLoss.forward"
        x, t = checks.array(where, "x", x), checks.array(where, "t", t)
        given, dtype = x.shape, checks.result_dtype(x)
        x = checks.table(where, "x", x.reshape(-1, 1) if x.ndim == 1 else x)
        t = checks.targets(where, t.reshape(-1, 1) if len(given) == t.ndim == 1 else t, x.shape)
        x = checks.contiguous(x, dtype)
        found, t = t, np.array(t, x.dtype, order="C")  # the layer's own
        if not all_either(t, 0.0, 1.0):
            checks.two_values(where, found, 0, 1, "Give 1 for yes and 0 for no")
        y, total = empty(x.shape, x.dtype), empty(1, x.dtype)
        kernels.sigmoid_with_loss_forward(x, t, y, total)
        loss = checks.returned(total, dtype)[0]
        y, t = checks.returned(y, dtype).reshape(given), checks.returned(t, dtype).reshape(given)
        self.y, self.t, self.loss, self._given = y, t, loss, (given, dtype)
        return loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return dx = (y - t) * dout / N.

        Parameters
        ----------
        dout : number
            Multiplies the gradient.

        Returns
        -------
        array of the shape of x

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError
            dout is not a number.
        ValueError
            dout overflows in the dtype of the loss.
        """
        where = "SigmoidWithLoss.backward"
        y, t = checks.remembered(where, self, "y"), self.t
        shape, dtype = self._given
        y = checks.contiguous(checks.array(where, "y", y), dtype)
        t = checks.contiguous(checks.array(where, "t", t), dtype)
        checks.unchanged(where, "y", y, shape)
        checks.unchanged(where, "t", t, shape)
        dx = empty(shape, y.dtype)
        dout = checks.scalar(where, "dout", dout, y.dtype, dtype)
        y, t, table = (array.reshape(shape[0], -1) for array in (y, t, dx))
        kernels.mean_squared_error_backward(y, t, dout, table)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result


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


LOSSES: dict[str, type[_Loss]] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy,
    "mean_squared_error": MeanSquaredError,
    "elementwise_mean_squared_error": ElementwiseMeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mean_absolute_percentage_error": MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
    "huber": Huber,
    "poisson": Poisson,
    "cosine_proximity": CosineProximity,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "categorical_hinge": CategoricalHinge,
    "categorical_cross_entropy": CategoricalCrossEntropy,
    "sparse_categorical_cross_entropy": SparseCategoricalCrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "sigmoid_cross_entropy": SigmoidCrossEntropy,
    "kullback_leibler_divergence": KullbackLeiblerDivergence,
}
