"""The textbook's errors."""

from __future__ import annotations

from typing import Any

from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.classes import as_rows, class_targets
from fastnet.kernels.cross_entropy import categorical_cross_entropy_forward
from fastnet.kernels.losses import mean_squared_error_forward
from fastnet.kernels.softmax import cross_entropy_forward


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
    y, t = as_rows(where, checks.table(where, "y", checks.array(where, "y", y), single=True), t)
    return mean_cross_entropy(y, class_targets(where, t, *y.shape))


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


def mean_cross_entropy(y: NDArray[Any], t: NDArray[Any]) -> Any:
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
