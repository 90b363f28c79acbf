"""Functions of arrays: the activations, softmax and the textbook's errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import empty, ndarray
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels import (
    cross_entropy_forward,
    mean_squared_error_forward,
    relu_forward,
    sigmoid_forward,
    softmax_cross_entropy_backward,
    softmax_forward,
)
from fastnet.kernels.checked import copy_labels, one_hot_labels

__all__ = [
    "cross_entropy_error",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_loss",
    "sum_squared_error",
]

FLOAT32, FLOAT64, INT64 = checks.FLOAT32, checks.FLOAT64, checks.INT64


def sigmoid(x: ArrayLike) -> Any:
    """Logistic function, 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : array of any shape, or a number
        float16 is computed in float32; integers become float64.

    Returns
    -------
    array of x.shape, or a scalar for a number
        Fresh, of the dtype of x. 0 where it would be below the smallest normal number.

    Raises
    ------
    TypeError
        x is complex, object, string or wider than float64.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import sigmoid
    >>> sigmoid(np.array([0.0, 1e3, -1e3]))
    array([0.5, 1. , 0. ])
    """
    return _map(sigmoid_forward, "sigmoid", x)


def relu(x: ArrayLike) -> Any:
    """Rectified linear unit, 0 where x <= 0, else x; NaN stays NaN.

    Parameters
    ----------
    x : array of any shape, or a number
        Integers become float64.

    Returns
    -------
    array of x.shape, or a scalar for a number
        Fresh, of the dtype of x.

    Raises
    ------
    TypeError
        x is complex, object, string or wider than float64.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.2.7.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import relu
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return _map(relu_forward, "relu", x)


def softmax(x: ArrayLike) -> NDArray[Any]:
    """Softmax over the last axis, exp(x) / sum(exp(x)).

    Parameters
    ----------
    x : (C,) or (N, C)
        float16 is computed in float32; integers become float64.

    Returns
    -------
    array of x.shape
        Fresh, of the dtype of x; each row sums to 1.

    Raises
    ------
    TypeError
        x is complex, object, string or wider than float64.
    ValueError
        x is empty, or has no or more than two dimensions.

    Notes
    -----
    The largest entry of a row is subtracted first, which keeps exp from overflowing.
    Source: Saitoh, Deep Learning from Scratch, section 3.5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import softmax
    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return _softmax(*_logits("softmax", x, single=True))


def cross_entropy_error(y: ArrayLike, t: ArrayLike) -> Any:
    """Mean over rows of -log(y[n, t[n]] + 1e-7), the textbook's form.

    Parameters
    ----------
    y : (N, C) or (C,)
        Probabilities. float16 is computed in float32; integers become float64.
    t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype
        For y (C,): one label, or one one-hot row (C,).

    Returns
    -------
    scalar of the dtype of y
        The 1e-7 keeps log(0) away, so the least value is about -1e-7.

    Raises
    ------
    TypeError
        y or t has a dtype that holds no real numbers; t holds labels that are not integers.
    ValueError
        y is empty, or of another shape; t does not match it, or is not one-hot.
    IndexError
        A label is negative or too large.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import cross_entropy_error
    >>> round(float(cross_entropy_error(np.array([[0.1, 0.6, 0.3]]), [1])), 4)
    0.5108
    """
    where = "cross_entropy_error"
    y, t = _as_rows(where, checks.table(where, "y", checks.array(where, "y", y), single=True), t)
    return _cross_entropy(y, _label_array(where, t, *y.shape))


def softmax_loss(x: ArrayLike, t: ArrayLike) -> Any:
    """Cross entropy error of the softmax of x, the textbook's form with 1e-7 in the logarithm.

    Parameters
    ----------
    x : (N, C) or (C,)
        Logits. float16 is computed in float32; integers become float64.
    t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype
        For x (C,): one label, or one one-hot row (C,).

    Returns
    -------
    scalar of the dtype of x
        Mean over rows of -log(softmax(x)[n, t[n]] + 1e-7): at most about 16.1.

    Raises
    ------
    TypeError
        x or t has a dtype that holds no real numbers; t holds labels that are not integers.
    ValueError
        x is empty, or of another shape; t does not match it, or is not one-hot.
    IndexError
        A label is negative or too large.

    See Also
    --------
    fastnet.losses.SoftmaxCrossEntropy : without the 1e-7, exact for any logits, with a gradient.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, common/functions.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import softmax_loss
    >>> round(float(softmax_loss(np.zeros((2, 3)), [0, 2])), 4)
    1.0986
    """
    where = "softmax_loss"
    x, dtype = _logits(where, x, single=True)
    x, t = _as_rows(where, x, t)
    labels = _label_array(where, t, x.shape[0], x.shape[1], "x")
    y, loss = empty(x.shape, x.dtype), empty(1, x.dtype)
    softmax_forward(x, y)
    cross_entropy_forward(y, labels, loss)
    return checks.returned(loss, dtype)[0]


def sum_squared_error(y: ArrayLike, t: ArrayLike) -> Any:
    """Half the sum of squared errors, 0.5 * sum((y - t)**2), the textbook's form.

    A sum over the whole batch: `losses.MeanSquaredError` divides it by N.

    Parameters
    ----------
    y : array of any shape, or a number
        Outputs of a network.
    t : array of y.shape
        Targets.

    Returns
    -------
    scalar of the dtype that NumPy gives y - t
        Integers give float64.

    Raises
    ------
    TypeError
        y or t is complex, object, string or wider than float64.
    ValueError
        t has another shape than y.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import sum_squared_error
    >>> float(sum_squared_error(np.array([0.0, 3.0]), np.array([1.0, 1.0])))
    2.5
    """
    where = "sum_squared_error"
    dtype = checks.usual(y, t)
    if dtype is None:
        y, t = checks.array(where, "y", y), checks.array(where, "t", t)
        dtype = checks.result_dtype(y, t)
        y, t = checks.contiguous(y, dtype), checks.contiguous(t, dtype)
    checks.same_shape(where, "t", t, y.shape)  # type: ignore[union-attr,arg-type]  # arrays by now
    loss = empty(1, y.dtype)  # type: ignore[union-attr]
    # As one sample, whose loss is not divided.
    mean_squared_error_forward(y.reshape(1, -1), t.reshape(1, -1), loss)  # type: ignore[union-attr]
    return checks.returned(loss, dtype)[0]


# What layers and losses share. `where` is the name that an error would give.


# A kernel is compiled once a dtype, not once a number of dimensions: all get matrices. Most arrays
# are that, and a view takes 0.06 us, by reshape 0.1.


def _row(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as one row, in a view."""
    return array[None] if array.ndim == 1 else array.reshape(1, -1)


def _map(kernel: Callable[..., None], where: str, x: Any) -> Any:
    """Apply an elementwise kernel to an array of any shape."""
    if (  # `usual` in line, which takes 0.15 us of 0.8
        type(x) is ndarray
        and ((dtype := x.dtype) is FLOAT64 or dtype is FLOAT32)
        and x.flags.carray
    ):
        out = empty(x.shape, dtype)
        if x.ndim == 2:
            kernel(x, out)
            return out
        kernel(_row(x), _row(out))
        return out if out.ndim else out[()]
    x = checks.array(where, "x", x)
    dtype = checks.result_dtype(x)
    x = checks.contiguous(x, dtype)
    out = empty(x.shape, x.dtype)
    kernel(x.reshape(1, -1), out.reshape(1, -1))
    return checks.returned(out, dtype)


def _gradient(
    kernel: Callable[..., None], where: str, out: NDArray[Any], dout: Any, rows: bool = False
) -> Any:
    """Apply a backward kernel to the output of forward and to dout, as one row or as rows."""
    if (  # as in `_map`
        type(out) is type(dout) is ndarray
        and ((dtype := out.dtype) is FLOAT64 or dtype is FLOAT32)
        and dout.dtype is dtype
        and (shape := out.shape) == dout.shape
        and out.flags.carray
        and dout.flags.carray
    ):
        dx: Any = empty(shape, dtype)
        if len(shape) == 2:
            kernel(out, dout, dx)
            return dx
        if shape and not rows:
            kernel(_row(out), _row(dout), _row(dx))
            return dx
    out, dout = checks.array(where, "out", out), checks.array(where, "dout", dout)
    checks.same_shape(where, "dout", dout, out.shape)
    dtype = checks.result_dtype(out, dout)
    out, dout = checks.contiguous(out, dtype), checks.contiguous(dout, dtype)
    dx = empty(out.shape, out.dtype)
    table = (-1, out.shape[-1]) if rows else (1, -1)
    kernel(out.reshape(table), dout.reshape(table), dx.reshape(table))
    return checks.returned(dx, dtype)


def _label_array(where: str, t: Any, n: int, classes: int, scores: str = "y") -> NDArray[np.int64]:
    """Return n labels as a fresh int64 array: a caller's may be changed before backward."""
    labels: Any
    if type(t) is np.ndarray:
        # 0.3 us, where `checks.labels` takes 0.8, and 5 for one-hot rows.
        if t.dtype is INT64 and t.ndim == 1:
            labels = empty(n, INT64)
            if copy_labels(t, classes, labels):
                return labels
        elif t.dtype in checks.COMPUTED and t.shape == (n, classes):
            labels = empty(n, INT64)
            if one_hot_labels(t, labels):
                return labels
    return checks.labels(where, t, n, classes, scores)


def _as_rows(where: str, y: NDArray[Any], t: Any) -> tuple[NDArray[Any], Any]:
    """Return y (N, C) and its labels; of y (C,), one row and its label or one-hot row."""
    if y.ndim == 1:
        y, t = y.reshape(1, -1), checks.array(where, "t", t)
        if t.ndim < 2:
            t = t.reshape(1, -1)
    return y, t


def _logits(where: str, x: Any, *, single: bool = False) -> tuple[NDArray[Any], np.dtype[Any]]:
    """Return x (N, C), or (C,) too where single is True, for a kernel, and NumPy's result dtype."""
    dtype = checks.usual(x)
    if dtype is not None:
        return checks.table(where, "x", x, single=single), dtype
    x = checks.table(where, "x", checks.array(where, "x", x), single=single)
    dtype = checks.result_dtype(x)
    return checks.contiguous(x, dtype), dtype


def _softmax(x: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Softmax of what `_logits` returned."""
    y = empty(x.shape, x.dtype)
    if x.ndim == 2:
        softmax_forward(x, y)
    else:
        softmax_forward(x.reshape(1, -1), y.reshape(1, -1))
    result: NDArray[Any] = checks.returned(y, dtype)
    return result


def _cross_entropy(y: NDArray[Any], t: NDArray[np.int64]) -> Any:
    """Mean cross entropy of checked y (N, C) and labels."""
    dtype = checks.usual(y)
    if dtype is None:
        dtype = checks.result_dtype(y)
        y = checks.contiguous(y, dtype)
    loss = empty(1, y.dtype)
    cross_entropy_forward(y, t, loss)
    return checks.returned(loss, dtype)[0]


def _softmax_loss_gradient(
    where: str, y: Any, t: NDArray[np.int64], shape: tuple[int, ...], dout: Any
) -> NDArray[Any]:
    """Gradient of a softmax loss with respect to the logits, (y - onehot(t)) * dout / N.

    The labels t were checked for a y of that shape; y itself may be an array of the caller's.
    """
    dtype = checks.usual(y)
    if dtype is None:
        y = checks.array(where, "y", y)
        dtype = checks.result_dtype(y)
        y = checks.contiguous(y, dtype)
    checks.unchanged(where, "y", y, shape)
    dx = empty(shape, y.dtype)
    dout = checks.scalar(where, "dout", dout, y.dtype, dtype)
    softmax_cross_entropy_backward(y, t, dout, dx)
    result: NDArray[Any] = checks.returned(dx, dtype)
    return result
