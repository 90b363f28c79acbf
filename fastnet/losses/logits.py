"""Losses of logits, which take softmax or sigmoid along."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.classes import class_targets
from fastnet.functions.logits import logits_of, softmax_loss_gradient
from fastnet.functions.weights import (
    row_factors,
    smoothed,
    weighted_loss_and_gradient,
    without_ignored,
)
from fastnet.kernels import soft_cross_entropy, softmax
from fastnet.kernels.loop.record import SOFTMAX_CROSS_ENTROPY
from fastnet.kernels.soft_cross_entropy import (
    smooth_cross_entropy_in_loop,
    soft_cross_entropy_in_loop,
)
from fastnet.losses.base import LoopLoss, Loss
from fastnet.losses.outputs import CLASS_LOGITS
from fastnet.metrics.named import OF_CLASSES

__all__ = [
    "SoftmaxCrossEntropy",
]


class SoftmaxCrossEntropy(Loss):
    """Softmax and cross entropy in one: exact, and finite for any finite logits.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1
        s: the share of each target that is spread over all classes, t becomes (1 - s) t + s / C.
    ignore_index : int, optional
        Samples with this label have no loss and do not count: the mean is that of the others, 0
        where there are none, which a `Sequential` refuses.

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    y : (N, C)
        Probabilities of the last forward.
    t : (N,) int64, or (N, C) of the dtype of y
        Its labels, a one-hot t too; or its probabilities, smoothed.
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

    takes_labels = takes_shares = True
    outputs = CLASS_LOGITS
    metrics, default_metrics = OF_CLASSES, ("accuracy",)
    argument_names = "label_smoothing", "ignore_index"
    label_smoothing: Any = checks.Checked(lambda loss, *value: checks.share(*value))
    ignore_index: Any = checks.Checked(lambda loss, *value: checks.ignored(*value))

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None) -> None:
        super().__init__()
        self.label_smoothing, self.ignore_index = label_smoothing, ignore_index

    def in_loop(self) -> LoopLoss:
        """Return what the compiled loop calls for the loss."""
        if self.label_smoothing:
            return LoopLoss(smooth_cross_entropy_in_loop, (self.label_smoothing,))
        return LoopLoss(SOFTMAX_CROSS_ENTROPY)

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return the class of each sample, that of its largest probability."""
        return (labels, None) if labels.size else (targets.argmax(axis=1), targets.shape[1])

    def _smoothed(self, t: NDArray[Any]) -> NDArray[Any]:
        share = self.label_smoothing
        return smoothed(t, share, t.shape[1], t.dtype) if share else t

    def forward(self, x: ArrayLike, t: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Return the mean over the batch of logsumexp(x[n]) - x[n, t[n]], or - t[n] . x[n].

        Parameters
        ----------
        x : (N, C)
            Logits.
        t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype, or probabilities (N, C)
        sample_weight : (N,), optional
            At least 0: what each sample's loss is multiplied by; the mean is over those that count.

        Returns
        -------
        scalar of the dtype of x

        Raises
        ------
        TypeError
            x or t has a dtype that holds no real numbers; t holds labels that are not integers.
        ValueError
            x is not (N, C), or empty; t does not match it, or has rows that do not add up to 1.
        IndexError
            A label is negative or too large.
        """
        where = "SoftmaxCrossEntropy.forward"
        logits, dtype = logits_of(where, x)
        ignored, weights = self.ignore_index, None
        labels = class_targets(where, t, logits.shape[0], logits.shape[1], "x", ignored)
        if sample_weight is not None:
            weights = checks.sample_weights(where, sample_weight, len(logits), logits.dtype)
        if ignored is not None and labels.ndim == 1:
            labels, weights = without_ignored(labels, ignored, weights, logits.dtype)
        return self._of_checked(logits, dtype, labels, weights)

    def _of_checked(
        self,
        logits: NDArray[Any],
        dtype: np.dtype[Any],
        labels: NDArray[Any],
        weights: NDArray[Any] | None = None,
    ) -> Any:
        """Return what `forward` does, of targets and weights that need no more looks."""
        shape = logits.shape
        y, total = empty(shape, logits.dtype), empty(1, logits.dtype)
        if self.label_smoothing:
            labels = smoothed(labels, self.label_smoothing, shape[1], logits.dtype)
        if labels.ndim == 1:
            softmax.softmax_cross_entropy_forward(logits, labels, y, total)
        else:
            labels = np.array(labels, y.dtype, order="C")
            soft_cross_entropy.soft_cross_entropy_forward(logits, labels, y, total)
        if weights is not None:
            function = SOFTMAX_CROSS_ENTROPY
            if labels.ndim == 2:
                function = soft_cross_entropy_in_loop
            total = weighted_loss_and_gradient(LoopLoss(function), logits, labels, weights)[0]
        if y.dtype is not dtype:  # float16
            y, total = checks.returned(y, dtype), checks.returned(total, dtype)
        loss = total[0]
        self.y, self.loss = y, loss
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.t = labels.copy()
        self._labels = labels, shape, None if weights is None else row_factors(weights)
        return loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return dx = (y - onehot(t)) * dout / N, of probabilities (y - t) * dout / N.

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
        return softmax_loss_gradient(where, y, *self._labels, dout)
