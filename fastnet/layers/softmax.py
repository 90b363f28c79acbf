"""Softmax, alone and with the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import (
    _cross_entropy,
    _gradient,
    _label_array,
    _logits,
    _softmax,
    _softmax_loss_gradient,
)
from fastnet.kernels import softmax_backward
from fastnet.kernels.checked import one_hot_labels, softmax_with_loss_forward
from fastnet.layers.base import Layer

__all__ = ["Softmax", "SoftmaxWithLoss"]

INT64 = checks.INT64


class Softmax(Layer):
    """Softmax over the last axis, out = exp(x) / sum(exp(x)).

    Its gradient is dx = out * (dout - sum(out * dout)).

    Attributes
    ----------
    out : (N, C) or (C,)
        What forward returned last; backward needs it.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/layers.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Softmax
    >>> layer = Softmax()
    >>> layer.forward(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    >>> layer.backward(np.array([[1.0, 0.0]]))
    array([[ 0.25, -0.25]])
    """

    unstacked = 'Leave it out: loss="softmax_cross_entropy" includes the softmax.'
    out: NDArray[Any]

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return softmax(x), and keep it as ``out``.

        Parameters
        ----------
        x : (N, C) or (C,)

        Returns
        -------
        array of x.shape
            ``out`` itself.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x is empty, or has no or more than two dimensions.
        """
        out = _softmax(*_logits("Softmax.forward", x, single=True))
        self.out = out
        return out

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx = out * (dout - sum(out * dout)), of the shape of dout and x.

        Raises RuntimeError where forward was not called, TypeError or ValueError where dout holds
        no real numbers or has another shape.
        """
        where = "Softmax.backward"
        out = checks.remembered(where, self, "out")
        dx: NDArray[Any] = _gradient(softmax_backward, where, out, dout, rows=True)
        return dx


class SoftmaxWithLoss(Layer):
    """The textbook's last layer: softmax, then the mean of -log(y + 1e-7).

    Attributes
    ----------
    y : (N, C)
        Probabilities of the last forward.
    t : (N,) int64
        Its labels; a one-hot t has become labels.
    loss : scalar of the dtype of y

    See Also
    --------
    fastnet.losses.SoftmaxCrossEntropy : the same without the 1e-7, and faster.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import SoftmaxWithLoss
    >>> layer = SoftmaxWithLoss()
    >>> round(float(layer.forward(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))), 4)
    0.6931
    >>> layer.backward()
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    """

    unstacked = 'Leave it out: loss="softmax_cross_entropy" includes the softmax.'
    y: NDArray[Any]
    t: NDArray[np.int64]
    loss: Any

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the loss of a batch.

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
        where = "SoftmaxWithLoss.forward"
        y: Any
        labels: Any
        done = False
        if type(x) is type(t) is np.ndarray and (dtype := x.dtype) in checks.COMPUTED:
            given: Any = t
            if t.dtype is not INT64 and t.shape == x.shape and t.dtype in checks.COMPUTED:
                given = empty(len(x) if x.ndim else 1, INT64)
                if not one_hot_labels(t, given):
                    given = t
            if given.dtype is INT64:
                y, total, labels = empty(x.shape, dtype), empty(1, dtype), empty(given.size, INT64)
                done = softmax_with_loss_forward(x, given, y, total, labels)  # 1.4 us, not 2.7
                loss, copied = total[0], labels.copy() if given is t else given
        if not done:
            logits, dtype = _logits(where, x)
            labels = _label_array(where, t, logits.shape[0], logits.shape[1], "x")
            y = _softmax(logits, dtype)
            loss, copied = _cross_entropy(y, labels), labels.copy()
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.y, self.t, self.loss, self._labels = y, copied, loss, (labels, y.shape)
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
            dout overflows in the dtype of y.
        """
        where = "SoftmaxWithLoss.backward"
        y = checks.remembered(where, self, "y")
        return _softmax_loss_gradient(where, y, *self._labels, dout)
