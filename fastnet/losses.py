"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _softmax_loss_gradient
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
        x = checks.table(where, "x", checks.array(where, "x", x))
        self._t = checks.labels(where, t, x.shape[0], x.shape[1], "x")
        dtype = checks.result_dtype(x)
        canonical = checks.contiguous(x, dtype)
        y, loss = np.empty(x.shape, canonical.dtype), np.empty(1, canonical.dtype)
        softmax_cross_entropy_forward(canonical, self._t, y, loss)
        self.t = self._t.copy()  # to be read: a bad label written into it reaches no kernel
        self.y, self.loss = checks.returned(y, dtype), checks.returned(loss, dtype)[0]
        return self.loss

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
        """
        where = "SoftmaxCrossEntropy.backward"
        y = checks.remembered(where, self, "y")
        return _softmax_loss_gradient(where, y, self._t, dout)


class MeanSquaredError:
    """Half the squared error, summed over the outputs, mean over the batch (the delta rule's).

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    y, t : (N, C)
        Outputs and targets of the last forward.
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
        x = checks.table(where, "x", checks.array(where, "x", x))
        t = checks.targets(where, checks.array(where, "t", t), x.shape)
        self._dtype = checks.result_dtype(x, t)
        self.y, self.t = checks.contiguous(x, self._dtype), checks.contiguous(t, self._dtype)
        loss = np.empty(1, self.y.dtype)
        mean_squared_error_forward(self.y, self.t, loss)
        self.loss = checks.returned(loss, self._dtype)[0]
        return self.loss

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
        """
        where = "MeanSquaredError.backward"
        y = checks.remembered(where, self, "y")
        dx = np.empty_like(y)
        dout = y.dtype.type(checks.number(where, "dout", dout))
        mean_squared_error_backward(y, self.t, dout, dx)
        result: NDArray[Any] = checks.returned(dx, self._dtype)
        return result
