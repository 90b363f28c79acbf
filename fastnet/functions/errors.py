"""The textbook's errors, and the labels that they and the losses take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels import (
    categorical_cross_entropy_forward,
    cross_entropy_forward,
    mean_squared_error_forward,
)
from fastnet.kernels.checked import copy_labels, one_hot_labels

INT64 = checks.INT64


def cross_entropy_error(y: ArrayLike, t: ArrayLike) -> Any:
    """Mean over rows of -sum(t log(y + 1e-7)), for labels -log(y[t] + 1e-7): the textbook's form.

    Parameters
    ----------
    y : (N, C) or (C,)
        Probabilities. float16 is computed in float32; integers become float64.
    t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype, or probabilities (N, C)
        For y (C,): one label, or one row (C,).

    Returns
    -------
    scalar of the dtype of y
        The 1e-7 keeps log(0) away, so the least value is about -1e-7.

    Raises
    ------
    TypeError
        y or t has a dtype that holds no real numbers; t holds labels that are not integers.
    ValueError
        y is empty, or of another shape; t does not match it, or has rows that do not add up to 1.
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
    return _cross_entropy(y, _class_array(where, t, *y.shape))


def sum_squared_error(y: ArrayLike, t: ArrayLike) -> Any:
    """Half the sum of squared errors, 0.5 * sum((y - t)**2), the textbook's form.

    It is the sum over the whole batch, which `losses.MeanSquaredError` divides by N.

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
    dtype = checks.common_dtype(y, t)
    if dtype is None:
        y, t = checks.array(where, "y", y), checks.array(where, "t", t)
        dtype = checks.result_dtype(y, t)
        y, t = checks.contiguous(y, dtype), checks.contiguous(t, dtype)
    checks.same_shape(where, "t", t, y.shape)  # type: ignore[union-attr,arg-type]  # arrays by now
    loss = empty(1, y.dtype)  # type: ignore[union-attr]
    # As one sample, whose loss is not divided.
    mean_squared_error_forward(y.reshape(1, -1), t.reshape(1, -1), loss)  # type: ignore[union-attr]
    return checks.returned(loss, dtype)[0]


def _label_array(
    where: str, t: Any, n: int, classes: int, scores: str = "y", ignored: int | None = None
) -> NDArray[np.int64]:
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
    return checks.labels(where, t, n, classes, scores, ignored)


def _class_array(
    where: str, t: Any, n: int, classes: int, scores: str = "y", ignored: int | None = None
) -> NDArray[Any]:
    """Return n labels as `_label_array` does; or, of another dimension, rows of probabilities.

    Those may be the caller's own array.
    """
    if type(t) is not np.ndarray or t.ndim != 1:
        found = checks.shares(where, t, n, classes)
        if found is not None:
            return found
    return _label_array(where, t, n, classes, scores, ignored)


def _as_rows(where: str, y: NDArray[Any], t: Any) -> tuple[NDArray[Any], Any]:
    """Return y (N, C) and its labels; of y (C,), one row and its label or one-hot row."""
    if y.ndim == 1:
        y, t = y.reshape(1, -1), checks.array(where, "t", t)
        if t.ndim < 2:
            t = t.reshape(1, -1)
    return y, t


def _cross_entropy(y: NDArray[Any], t: NDArray[Any]) -> Any:
    """Mean cross entropy of checked y (N, C) and labels, or probabilities (N, C)."""
    dtype = checks.common_dtype(y)
    if dtype is None:
        dtype = checks.result_dtype(y)
        y = checks.contiguous(y, dtype)
    loss = empty(1, y.dtype)
    if t.ndim == 1:
        cross_entropy_forward(y, t, loss)
    else:
        categorical_cross_entropy_forward(y, checks.contiguous(t, y.dtype), loss)
    return checks.returned(loss, dtype)[0]
