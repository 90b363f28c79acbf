"""Softmax, alone and with the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.activations import apply_backward
from fastnet.functions.classes import class_targets
from fastnet.functions.errors import mean_cross_entropy
from fastnet.functions.logits import logits_of, softmax_loss_gradient, softmax_of_logits
from fastnet.functions.weights import row_factors, smoothed, without_ignored
from fastnet.kernels.checked import one_hot_labels, softmax_with_loss_forward
from fastnet.kernels.softmax import softmax_backward, softmax_gradient_in_loop, softmax_in_loop
from fastnet.layers.base import Layer
from fastnet.layers.told import LoopLayer, Outputs

__all__ = ["Softmax", "SoftmaxWithLoss"]

INT64 = checks.INT64


class Softmax(Layer):
    """Softmax over the last axis, out = exp(x) / sum(exp(x)).

    Its gradient is dx = out * (dout - sum(out * dout)).

    As the last layer of a `Sequential` whose loss takes probabilities of classes it is computed
    with the loss as one, exact and as fast as "softmax_cross_entropy".

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

    out: NDArray[Any]

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: 0..1, and those of a sample add up to 1."""
        return Outputs(0.0, 1.0, adds_up=True)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of its output for one sample: the same.

        Raises ValueError for one feature, whose softmax is 1 whatever it is.
        """
        if input_shape[-1] == 1:
            raise ValueError(
                "Softmax: the layer before it must give 2 numbers or more, got 1, and the softmax "
                "of one number is 1. Give that layer a unit a class, or end with Sigmoid()."
            )
        return input_shape

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return its step in the compiled loop; input_shape is that of `Layer.in_loop`."""
        kernels = softmax_in_loop, softmax_gradient_in_loop
        return [LoopLayer(input_shape, (), kernels, numbers=(self.width_in(input_shape),))]

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
        out = softmax_of_logits(*logits_of("Softmax.forward", x, single=True))
        self.out = out
        return out

    def _logits(self, x: ArrayLike) -> ArrayLike:
        """Return what it would take, where the loss takes the softmax along."""
        return x

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx = out * (dout - sum(out * dout)), of the shape of dout and x.

        Raises RuntimeError where forward was not called, TypeError or ValueError where dout holds
        no real numbers or has another shape.
        """
        where = "Softmax.backward"
        out = checks.remembered(where, self, "out")
        dx: NDArray[Any] = apply_backward(softmax_backward, where, out, dout, rows=True)
        return dx


class SoftmaxWithLoss(Layer):
    """The textbook's last layer: softmax, then the mean of -log(y + 1e-7).

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1
        s: the share of each target that is spread over all classes, t becomes (1 - s) t + s / C.
    ignore_index : int, optional
        Samples with this label have no loss and do not count: the mean is that of the others, 0
        where there are none.

    Attributes
    ----------
    y : (N, C)
        Probabilities of the last forward.
    t : (N,) int64, or (N, C) of the dtype of y
        Its labels, a one-hot t too; or its probabilities, smoothed.
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
    t: NDArray[Any]
    loss: Any
    _labels: tuple[NDArray[Any], tuple[int, ...], NDArray[Any] | None]
    label_smoothing: Any = checks.Checked(lambda layer, *value: checks.share(*value))
    ignore_index: Any = checks.Checked(lambda layer, *value: checks.ignored(*value))

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None) -> None:
        super().__init__()
        self.label_smoothing, self.ignore_index = label_smoothing, ignore_index

    def forward(self, x: ArrayLike, t: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        x : (N, C)
            Logits.
        t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype, or probabilities (N, C)
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
            x is not (N, C), or empty; t does not match it, or has rows that do not add up to 1.
        IndexError
            A label is negative or too large.
        """
        where = "SoftmaxWithLoss.forward"
        y: Any
        labels: Any
        done = False
        if sample_weight is not None or self.label_smoothing or self.ignore_index is not None:
            return self._weighted(where, x, t, sample_weight)
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
            logits, dtype = logits_of(where, x)
            labels = class_targets(where, t, logits.shape[0], logits.shape[1], "x")
            y = softmax_of_logits(logits, dtype)
            if labels.ndim == 2:
                labels = np.array(labels, y.dtype, order="C")
            loss, copied = mean_cross_entropy(y, labels), labels.copy()
        # t is a copy, to be read: a bad label written into it reaches no kernel.
        self.y, self.t, self.loss, self._labels = y, copied, loss, (labels, y.shape, None)
        return loss

    def _weighted(self, where: str, x: Any, t: Any, sample_weight: Any) -> Any:
        """Return what `forward` does, of samples that weigh, count or are smoothed as it says."""
        logits, dtype = logits_of(where, x)
        (n, classes), weights = logits.shape, None
        found = class_targets(where, t, n, classes, "x", self.ignore_index)
        if sample_weight is not None:
            weights = checks.sample_weights(where, sample_weight, n, logits.dtype)
        if found.ndim == 1:
            found, weights = without_ignored(found, self.ignore_index, weights, logits.dtype)
        y = softmax_of_logits(logits, logits.dtype)
        rows = smoothed(found, self.label_smoothing, classes, logits.dtype)
        factors = row_factors(weights)
        if factors is None:
            loss = mean_cross_entropy(y, rows)
        else:  # that of the rows times n / count, whose mean it is
            loss = mean_cross_entropy(y, rows * factors)
        loss, y = dtype.type(loss), checks.returned(y, dtype)
        given = rows if self.label_smoothing or found.ndim == 2 else found
        self.y, self.t, self.loss = y, given.copy(), loss
        self._labels = given, y.shape, factors
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
            dout overflows in the dtype of y.
        """
        where = "SoftmaxWithLoss.backward"
        y = checks.remembered(where, self, "y")
        return softmax_loss_gradient(where, y, *self._labels, dout)
