"""Labels as scripts have them, and the softmax loss that takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty, ndarray
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels.checked import copy_labels, one_hot_labels, softmax_with_loss_forward
from fastnet.kernels.softmax import softmax_cross_entropy_backward

FLOAT64, INT64 = checks.FLOAT64, checks.INT64


def labels_of(t: Any, n: int, classes: int) -> NDArray[np.int64] | None:
    """Return t as n labels, fresh; None where a row is not one-hot or a label out of range."""
    if type(t) is not ndarray or t.dtype.kind not in "iuf":
        return None
    labels = empty(n, INT64)
    if t.shape == (n, classes):
        return labels if one_hot_labels(checks.contiguous(t, FLOAT64), labels) else None
    if t.shape == (n,) and t.dtype.kind != "f" and classes > 1:
        return labels if copy_labels(checks.contiguous(t, INT64), classes, labels) else None
    return None


def softmax_with_loss(x: Any, t: Any) -> tuple[NDArray[Any], Any, NDArray[np.int64]] | None:
    """Return y, the loss and the labels; None where no kernel does it."""
    dtype = checks.common_dtype(x)
    if dtype is None or x.ndim != 2 or not x.size:
        return None
    labels = labels_of(t, *x.shape)
    if labels is None:
        return None
    y, loss, copy = empty(x.shape, dtype), empty(1, dtype), empty(len(x), INT64)
    return (y, loss[0], labels) if softmax_with_loss_forward(x, labels, y, loss, copy) else None


def softmax_loss_gradient(y: Any, t: Any, dout: float) -> NDArray[Any] | None:
    """Return (y - onehot(t)) * dout / N of labels; None where no kernel does it.

    Of one-hot rows NumPy makes it in two passes, in half of the time that a look at them takes.
    """
    dtype = checks.common_dtype(y)
    if dtype is None or y.ndim != 2 or np.shape(t) != y.shape[:1]:
        return None
    labels = labels_of(t, *y.shape)  # checked anew: they index memory
    if labels is None:
        return None
    dx = empty(y.shape, dtype)
    softmax_cross_entropy_backward(y, labels, dtype.type(dout), dx)
    return dx
