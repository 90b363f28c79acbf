"""Losses of logits, which take softmax or sigmoid along."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, kernels
from fastnet.functions import (
    _class_array,
    _counted,
    _factors,
    _label_array,
    _logits,
    _smoothed,
    _softmax_loss_gradient,
    _weighted,
)
from fastnet.kernels.checked import all_either
from fastnet.kernels.soft_cross_entropy import (
    smooth_cross_entropy_in_loop,
    soft_cross_entropy_in_loop,
)
from fastnet.losses.base import LoopLoss, Loss
from fastnet.losses.outputs import CLASS_LOGITS

__all__ = [
    "SigmoidWithLoss",
    "SoftmaxCrossEntropy",
]


class SoftmaxCrossEntropy(Loss):
    """Softmax and cross entropy in one: exact, and finite for any finite logits.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1
        The share of each target that goes to all classes alike: of s, t becomes (1 - s) t + s / C.
    ignore_index : int, optional
        Samples with this label have no loss, and the mean is that of the others; 0 of none.

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
    argument_names = "label_smoothing", "ignore_index"
    label_smoothing: Any = checks.Checked(lambda loss, *value: checks.share(*value))
    ignore_index: Any = checks.Checked(lambda loss, *value: checks.ignored(*value))

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None) -> None:
        super().__init__()
        self.label_smoothing, self.ignore_index = label_smoothing, ignore_index

    def in_loop(self) -> LoopLoss:
        """Return what the loss is to the compiled loop."""
        if self.label_smoothing:
            return LoopLoss(smooth_cross_entropy_in_loop, (self.label_smoothing,))
        return LoopLoss(kernels.SOFTMAX_CROSS_ENTROPY)

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return the class of each sample, that of its largest probability."""
        return (labels, None) if labels.size else (targets.argmax(axis=1), targets.shape[1])

    def _smoothed(self, t: NDArray[Any]) -> NDArray[Any]:
        share = self.label_smoothing
        return _smoothed(t, share, t.shape[1], t.dtype) if share else t

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
        logits, dtype = _logits(where, x)
        ignored, weights = self.ignore_index, None
        read = _label_array if type(t) is np.ndarray and t.ndim == 1 else _class_array
        labels = read(where, t, logits.shape[0], logits.shape[1], "x", ignored)
        if sample_weight is not None:
            weights = checks.sample_weights(where, sample_weight, len(logits), logits.dtype)
        if ignored is not None and labels.ndim == 1:
            labels, weights = _counted(labels, ignored, weights, logits.dtype)
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
            labels = _smoothed(labels, self.label_smoothing, shape[1], logits.dtype)
        if labels.ndim == 1:
            kernels.softmax_cross_entropy_forward(logits, labels, y, total)
        else:
            labels = np.array(labels, y.dtype, order="C")
            kernels.soft_cross_entropy_forward(logits, labels, y, total)
        if weights is not None:
            function = kernels.SOFTMAX_CROSS_ENTROPY
            if labels.ndim == 2:
                function = soft_cross_entropy_in_loop
            total = _weighted(LoopLoss(function), logits, labels, weights)[0]
        if y.dtype is not dtype:  # float16
            y, total = checks.returned(y, dtype), checks.returned(total, dtype)
        loss = total[0]
        self.y, self.loss = y, loss
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.t = labels.copy()
        self._labels = labels, shape, None if weights is None else _factors(weights)
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
        return _softmax_loss_gradient(where, y, *self._labels, dout)


class SigmoidWithLoss(Loss):
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
