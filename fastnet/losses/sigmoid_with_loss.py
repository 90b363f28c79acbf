"""The second book's sigmoid with its loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels import cross_entropy, losses
from fastnet.kernels.checked import all_either
from fastnet.losses.base import Loss
from fastnet.metrics.named import OF_LABELS

__all__ = ["SigmoidWithLoss"]


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

    metrics, default_metrics, yes_above = OF_LABELS, ("accuracy",), (0.0, 0.5)

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
        cross_entropy.sigmoid_with_loss_forward(x, t, y, total)
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
        losses.mean_squared_error_backward(y, t, dout, table)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result
