"""Losses on kernels: of outputs and targets, and of outputs and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.classes import class_labels
from fastnet.functions.logits import logits_of
from fastnet.functions.weights import weighted_loss_and_gradient, without_ignored
from fastnet.kernels.checked import all_between
from fastnet.losses.base import LoopLoss, Loss
from fastnet.metrics.named import OF_CLASSES, OF_NUMBERS

__all__: list[str] = []


class _KernelLoss(Loss):
    """A loss of fastnet's: two kernels, and a function that the loop calls, or knows."""

    _kernels: ClassVar[tuple[Any, Any]]  # forward and backward
    _function: ClassVar[Any]  # of LoopLoss
    _number_names: ClassVar[tuple[str, ...]] = ()  # arguments that the kernels take, too

    def in_loop(self) -> LoopLoss:
        """Return what the loss is to the compiled loop."""
        numbers = tuple([float(getattr(self, name)) for name in self._number_names])
        return LoopLoss(self._function, numbers)


class TargetLoss(_KernelLoss):
    """A loss of outputs y (N, C) and targets t (N, C), of one dtype.

    After forward, y, t and loss hold the outputs, the targets and the loss. The arrays are not
    copies where they fit the kernel, so changing them in place before backward changes the
    gradient, as in NumPy code.
    """

    metrics = OF_NUMBERS
    _smooths: ClassVar[bool] = False  # has a label_smoothing, which the loop goes by, too

    def _numbers(self, where: str, computed: np.dtype[Any], dtype: np.dtype[Any]) -> Sequence[Any]:
        """Return the loss's own numbers as the kernels take them."""
        if not self._number_names:  # 0.2 us less than an empty list
            return ()
        return [
            checks.scalar(where, name, getattr(self, name), computed, dtype)
            for name in self._number_names
        ]

    def forward(self, x: ArrayLike, t: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        x : (N, C)
            Outputs of a network: y in the equation.
        t : (N, C), or (N,) where C is 1
            Targets.
        sample_weight : (N,), optional
            At least 0: each sample's loss is multiplied by its weight. The mean is over all.

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
        where = self._forward_name
        y: Any = x
        target: Any = t
        dtype = checks.common_dtype(y, target)
        if dtype is None:
            y, target = checks.array(where, "x", y), checks.array(where, "t", target)
            dtype = checks.result_dtype(y, target)
            y, target = checks.contiguous(y, dtype), checks.contiguous(target, dtype)
        if y.ndim != 2 or not y.size or target.shape != y.shape:
            checks.table(where, "x", y)
            target = checks.targets(where, target, y.shape)
        self.check_targets(where, target)
        if self._smooths:
            target = self._smoothed(target)
        weights = None
        if sample_weight is None:
            total = empty(1, y.dtype)
            self._kernels[0](y, target, *self._numbers(where, y.dtype, dtype), total)
        else:
            weights = checks.sample_weights(where, sample_weight, len(y), y.dtype)
            total = weighted_loss_and_gradient(self.in_loop(), y, target, weights)[0]
        loss = checks.returned(total, dtype)[0]
        self.y, self.t, self.loss, self._given = y, target, loss, (y.shape, dtype, weights)
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
        where = self._backward_name
        y, t = checks.remembered(where, self, "y"), self.t
        shape, dtype, weights = self._given
        if checks.common_dtype(y, t) is not dtype:  # float16, or arrays of the caller's
            y = checks.contiguous(checks.array(where, "y", y), dtype)
            t = checks.contiguous(checks.array(where, "t", t), dtype)
        if not y.shape == t.shape == shape:
            checks.unchanged(where, "y", y, shape)
            checks.unchanged(where, "t", t, shape)
        dx = empty(shape, y.dtype)
        dout = checks.scalar(where, "dout", dout, y.dtype, dtype)
        if weights is None:
            self._kernels[1](y, t, *self._numbers(where, y.dtype, dtype), dout, dx)
        else:
            np.multiply(weighted_loss_and_gradient(self.in_loop(), y, t, weights)[1], dout, out=dx)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result


class ProbabilityLoss(TargetLoss):
    """A loss of probabilities of classes, whose targets lie in 0..1."""

    metrics, default_metrics = OF_CLASSES, ("accuracy",)

    def check_targets(self, where: str, t: NDArray[Any]) -> None:
        """Raise ValueError unless all of t lie in 0..1."""
        if not all_between(t, 0.0, 1.0):
            checks.between(where, t, 0, 1)

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return the class of each sample, and how many there are."""
        if targets.shape[1] > 1:
            return super().classes_of(where, labels, targets)
        return (targets[:, 0] > 0.5).astype(np.int64), 2


class SmoothedLoss(ProbabilityLoss):
    """A loss of probabilities whose targets can be smoothed."""

    _smooths = True
    argument_names = ("label_smoothing",)
    label_smoothing: Any = checks.Checked(lambda loss, *value: checks.share(*value))

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def _smoothed(self, t: NDArray[Any]) -> NDArray[Any]:
        # Of yes and no, two classes however many outputs there are.
        share = self.label_smoothing
        return (t * (1 - share) + share / 2).astype(t.dtype) if share else t


class LabelLoss(_KernelLoss):
    """A loss of outputs y (N, C) and class labels.

    After forward, y holds the outputs, not a copy where they fit the kernel, t (N,) int64 the
    labels, and loss the loss.
    """

    takes_labels = True
    metrics, default_metrics = OF_CLASSES, ("accuracy",)
    argument_names = ("ignore_index",)
    ignore_index: Any = checks.Checked(lambda loss, *value: checks.ignored(*value))

    def __init__(self, ignore_index: int | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return the class of each sample, and None: the outputs say how many classes there are."""
        return labels, None

    def forward(self, x: ArrayLike, t: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        x : (N, C)
            Outputs of a network: y in the equation.
        t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype
        sample_weight : (N,), optional
            At least 0: each sample's loss is multiplied by its weight, and the mean is still over
            the samples that count.

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
        where = self._forward_name
        y, dtype = logits_of(where, x)
        shape = y.shape
        labels, weights = class_labels(where, t, shape[0], shape[1], "x", self.ignore_index), None
        if sample_weight is not None:
            weights = checks.sample_weights(where, sample_weight, shape[0], y.dtype)
        if self.ignore_index is not None:
            labels, weights = without_ignored(labels, self.ignore_index, weights, y.dtype)
        if weights is None:
            total = empty(1, y.dtype)
            self._kernels[0](y, labels, total)
        else:
            total = weighted_loss_and_gradient(self.in_loop(), y, labels, weights)[0]
        loss = checks.returned(total, dtype)[0]
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.y, self.t, self.loss = y, labels.copy(), loss
        self._given = labels, shape, dtype, weights
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
        where = self._backward_name
        y = checks.remembered(where, self, "y")
        labels, shape, dtype, weights = self._given
        if checks.common_dtype(y) is not dtype:  # float16, or an array of the caller's
            y = checks.contiguous(checks.array(where, "y", y), dtype)
        checks.unchanged(where, "y", y, shape)
        dx = empty(shape, y.dtype)
        dout = checks.scalar(where, "dout", dout, y.dtype, dtype)
        if weights is None:
            self._kernels[1](y, labels, dout, dx)
        else:
            np.multiply(
                weighted_loss_and_gradient(self.in_loop(), y, labels, weights)[1], dout, out=dx
            )
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result
