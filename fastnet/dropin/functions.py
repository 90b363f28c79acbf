"""Functions of both books' `common.functions`, by kernels; each is given the script's own.

Not here, as no kernel makes them sooner: identity_function, step_function and relu_grad are one or
two passes of NumPy, in `fastnet.functions` too; softmax_loss calls two functions of the module,
which are on kernels then; common.gradient.numerical_gradient calls a function of the script's for
each number, and that takes all of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty, ndarray

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import ONE_PASS, mapped
from fastnet.dropin.labels import labels_of
from fastnet.dropin.worth import is_little
from fastnet.kernels.activations import relu_forward, sigmoid_backward, sigmoid_forward
from fastnet.kernels.losses import mean_squared_error_forward
from fastnet.kernels.softmax import cross_entropy_forward, softmax_forward

__all__ = [
    "cross_entropy_error",
    "relu",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "sum_squared_error",
]


def sigmoid(x: Any, *, own: Any) -> Any:
    """1 / (1 + exp(-x)) of an array."""
    x = settled(x)
    if type(x) is ndarray and x.dtype in checks.COMPUTED and x.ndim:
        return mapped(sigmoid_forward, x)
    return own(x)


def relu(x: Any, *, own: Any) -> Any:
    """max(0, x) of an array."""
    x = settled(x)
    if type(x) is ndarray and x.dtype in checks.COMPUTED and x.ndim:
        if not is_little(x.size, ONE_PASS):
            return mapped(relu_forward, x)
    return own(x)


def softmax(x: Any, *, own: Any) -> Any:
    """Softmax over the last axis, of one row or of rows."""
    x = settled(x)
    if checks.common_dtype(x) is None or x.ndim not in (1, 2) or not x.size:
        return own(x)
    y = empty(x.shape, x.dtype)
    table = (-1, x.shape[-1])
    softmax_forward(x.reshape(table), y.reshape(table))
    return y


def cross_entropy_error(y: Any, t: Any, *, own: Any) -> Any:
    """Mean over rows of -log(y[n, t[n]] + 1e-7), t labels or one-hot."""
    y, dtype = settled(y), checks.common_dtype(y)
    labels = None
    if dtype is not None and y.ndim == 2 and y.size:
        labels = labels_of(t, *y.shape)
    if labels is None:
        return own(y, t)
    loss = empty(1, dtype)
    cross_entropy_forward(y, labels, loss)
    return loss[0]


def sigmoid_grad(x: Any, *, own: Any) -> Any:
    """(1 - sigmoid(x)) * sigmoid(x) of an array."""
    x = settled(x)
    if type(x) is not ndarray or x.dtype not in checks.COMPUTED or not x.ndim:
        return own(x)
    y = mapped(sigmoid_forward, x)
    dx = empty(y.shape, y.dtype)
    sigmoid_backward(y.reshape(1, -1), np.ones_like(y).reshape(1, -1), dx.reshape(1, -1))
    return dx


def sum_squared_error(y: Any, t: Any, *, own: Any) -> Any:
    """Half the sum of (y - t)**2."""
    y, t = settled(y), settled(t)
    dtype = checks.common_dtype(y, t)
    if dtype is None or y.shape != t.shape or not y.size:
        return own(y, t)
    loss = empty(1, dtype)
    mean_squared_error_forward(y.reshape(1, -1), t.reshape(1, -1), loss)  # of one long row
    return loss[0]
