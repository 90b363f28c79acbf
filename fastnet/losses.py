"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _label_array, _logits, _softmax_loss_gradient
from fastnet.kernels import (
    mean_squared_error_backward,
    mean_squared_error_forward,
    softmax_cross_entropy_forward,
)

__all__ = ["MeanSquaredError", "SoftmaxCrossEntropy"]


class SoftmaxCrossEntropy:
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

    y: NDArray[Any]
    t: NDArray[np.int64]
    loss: Any

    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

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
        softmax_cross_entropy_forward(logits, labels, y, total)
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

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class MeanSquaredError:
    """Half the squared error, summed over the outputs, mean over the batch (the delta rule's).

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    y, t : (N, C)
        Outputs and targets of the last forward: not copies where they fit the kernel, so changing
        them in place before backward changes the gradient, as in NumPy code.
    loss : scalar

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

    y: NDArray[Any]
    t: NDArray[Any]
    loss: Any

    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return sum((x - t)**2) / 2 / N.

        Parameters
        ----------
        x : (N, C)
            Outputs of a network.
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
            x is not (N, C), or empty; t has another shape.
        """
        where = "MeanSquaredError.forward"
        y: Any = x
        dtype = checks.usual(y, t)
        if dtype is None:
            y, t = checks.array(where, "x", y), checks.array(where, "t", t)
            dtype = checks.result_dtype(y, t)
            y, t = checks.contiguous(y, dtype), checks.contiguous(t, dtype)
        checks.table(where, "x", y)
        t = checks.targets(where, t, y.shape)  # type: ignore[arg-type]  # an array by now
        total = empty(1, y.dtype)
        mean_squared_error_forward(y, t, total)
        loss = checks.returned(total, dtype)[0]
        self.y, self.t, self.loss, self._given = y, t, loss, (y.shape, dtype)
        return loss

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Return dx = (y - t) * dout / N.

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
        where = "MeanSquaredError.backward"
        y, t = checks.remembered(where, self, "y"), self.t
        shape, dtype = self._given
        if checks.usual(y, t) is not dtype:  # float16, or arrays of the caller's
            y = checks.contiguous(checks.array(where, "y", y), dtype)
            t = checks.contiguous(checks.array(where, "t", t), dtype)
        if not y.shape == t.shape == shape:
            checks.unchanged(where, "y", y, shape)
            checks.unchanged(where, "t", t, shape)
        dx = empty(shape, y.dtype)
        mean_squared_error_backward(y, t, checks.scalar(where, "dout", dout, y.dtype, dtype), dx)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
