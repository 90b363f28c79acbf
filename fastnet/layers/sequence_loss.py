"""The second book's last layers of sequences: a loss of every step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.checked import all_either
from fastnet.kernels.cross_entropy import sigmoid_with_loss_forward
from fastnet.kernels.sequence_loss import sequence_loss_backward, sequence_loss_forward
from fastnet.layers.base import Layer

__all__ = ["TimeSigmoidWithLoss", "TimeSoftmaxWithLoss"]


class TimeSoftmaxWithLoss(Layer):
    """Softmax and the mean cross entropy of the steps of sequences that count.

    A step whose label is `ignore_label` does not: its gradient is 0.

    Attributes
    ----------
    ignore_label : int
        -1.
    y : (N, T, V)
        Probabilities of the last forward.
    t : (N, T) int64
        Its labels, -1 where a step does not count.
    loss : scalar of the dtype of y

    Notes
    -----
    The mean over the steps that count, 0 where none does. Source: Saitoh, Deep Learning from
    Scratch 2, section 5.4.2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeSoftmaxWithLoss
    >>> layer = TimeSoftmaxWithLoss()
    >>> round(float(layer.forward(np.zeros((1, 3, 2)), [[0, 1, -1]])), 4)
    0.6931
    >>> layer.backward()
    array([[[-0.25,  0.25],
            [ 0.25, -0.25],
            [ 0.  ,  0.  ]]])
    """

    unstacked = 'Leave it out: loss="softmax_cross_entropy" takes labels of steps, too.'
    y: NDArray[Any]
    t: NDArray[np.int64]
    loss: Any

    def __init__(self) -> None:
        super().__init__()
        self.ignore_label = -1

    def forward(self, xs: ArrayLike, ts: ArrayLike) -> Any:
        """Return the loss of logits xs (N, T, V).

        ts are labels (N, T), integers in 0..V-1 or `ignore_label`, or one-hot rows (N, T, V).
        Raises TypeError where xs holds no real numbers or ts no integers, ValueError where xs is
        not (N, T, V), or empty, or ts of another shape, IndexError for a label out of range.
        """
        where = self._name("forward")
        xs = checks.dimensions(where, "xs", xs, "N, T, V")
        labels = checks.step_labels(where, ts, xs.shape, self.ignore_label)
        dtype = checks.result_dtype(xs)
        rows = checks.contiguous(xs, dtype).reshape(-1, xs.shape[2])
        y, total = empty(rows.shape, rows.dtype), empty(1, rows.dtype)
        sequence_loss_forward(rows, labels, y, total)
        self.y, self.loss = y.reshape(xs.shape), checks.returned(total, dtype)[0]
        self.t, self._given = labels.reshape(xs.shape[:2]), (labels.copy(), xs.shape, dtype)
        return self.loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return dx = (y - onehot(t)) * dout / steps that count, (N, T, V).

        Raises RuntimeError where forward was not called, TypeError where dout is not a number,
        ValueError where it overflows in the dtype of y.
        """
        where = self._name("backward")
        y = checks.remembered(where, self, "y")
        labels, shape, dtype = self._given
        checks.unchanged(where, "y", y, shape)
        y = checks.contiguous(checks.array(where, "y", y), dtype).reshape(-1, shape[2])
        dx = empty(y.shape, y.dtype)
        sequence_loss_backward(y, labels, checks.scalar(where, "dout", dout, y.dtype, dtype), dx)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result


class TimeSigmoidWithLoss(Layer):
    """Sigmoid and -log(p + 1e-7) for a yes or no at each step, mean over all steps.

    Attributes
    ----------
    y : (N, T)
        Probabilities of the last forward.
    t : (N, T), of the dtype of y
        Its targets.
    loss : scalar of the dtype of y

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/time_layers.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeSigmoidWithLoss
    >>> layer = TimeSigmoidWithLoss()
    >>> round(float(layer.forward(np.zeros((2, 2)), np.eye(2))), 4)
    0.6931
    >>> layer.backward()
    array([[-0.125,  0.125],
           [ 0.125, -0.125]])
    """

    unstacked = 'Leave it out: loss="sigmoid_cross_entropy" is the same without the 1e-7.'
    y: NDArray[Any]
    t: NDArray[Any]
    loss: Any

    def forward(self, xs: ArrayLike, ts: ArrayLike) -> Any:
        """Return the loss of logits xs (N, T), with ts (N, T) of 0 and 1.

        Raises TypeError where either holds no real numbers, ValueError where xs is not (N, T), or
        empty, or ts has another shape, or other values.
        """
        where = self._name("forward")
        xs, ts = checks.dimensions(where, "xs", xs, "N, T"), checks.array(where, "ts", ts)
        checks.same_shape(where, "ts", ts, xs.shape)
        dtype = checks.result_dtype(xs)
        xs = checks.contiguous(xs, dtype)
        t = np.array(ts, xs.dtype, order="C")  # the layer's own
        if not all_either(t, 0.0, 1.0):
            checks.two_values(where, ts, 0, 1, "Give 1 for yes and 0 for no")
        y, total = empty(xs.shape, xs.dtype), empty(1, xs.dtype)
        sigmoid_with_loss_forward(xs, t, y, total)
        total /= xs.shape[1]
        self.y, self.t, self._dtype = y, t, dtype
        self.loss = checks.returned(total, dtype)[0]
        return self.loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return dx = (y - t) * dout / (N T), (N, T).

        Raises RuntimeError where forward was not called, TypeError where dout is not a number,
        ValueError where it overflows in the dtype of y.
        """
        where = self._name("backward")
        y = checks.remembered(where, self, "y")
        factor = y.dtype.type(checks.scalar(where, "dout", dout, y.dtype, self._dtype))
        result: NDArray[Any] = checks.returned((y - self.t) * (factor / y.size), self._dtype)
        return result
