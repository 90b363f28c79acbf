"""Softmax, and the loss of its logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.classes import as_rows, class_targets
from fastnet.functions.errors import mean_cross_entropy
from fastnet.kernels.soft_cross_entropy import soft_cross_entropy_backward
from fastnet.kernels.softmax import softmax_cross_entropy_backward, softmax_forward


def softmax(x: ArrayLike) -> NDArray[Any]:
    """Softmax over the last axis, exp(x) / sum(exp(x)).

    Parameters
    ----------
    x : (C,), (N, C) or (N, ..., C)
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
        x is empty, or has no dimension.

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
    where = "softmax"
    if type(x) is not np.ndarray:
        x = checks.array(where, "x", x)
    if x.ndim < 3:
        return softmax_of_logits(*logits_of(where, x, single=True))
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return softmax_of_logits(*logits_of(where, rows)).reshape(x.shape)


def softmax_loss(x: ArrayLike, t: ArrayLike) -> Any:
    """Cross entropy error of the softmax of x, the textbook's form with 1e-7 in the logarithm.

    Parameters
    ----------
    x : (N, C) or (C,)
        Logits. float16 is computed in float32; integers become float64.
    t : (N,) integers in 0..C-1, or one-hot (N, C) of any dtype, or probabilities (N, C)
        For x (C,): one label, or one row (C,).

    Returns
    -------
    scalar of the dtype of x
        Mean over rows of -log(softmax(x)[n, t[n]] + 1e-7), at most about 16.1; of probabilities
        that of -sum(t[n] log(softmax(x)[n] + 1e-7)).

    Raises
    ------
    TypeError
        x or t has a dtype that holds no real numbers; t holds labels that are not integers.
    ValueError
        x is empty, or of another shape; t does not match it, or has rows that do not add up to 1.
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
    x, dtype = logits_of(where, x, single=True)
    x, t = as_rows(where, x, t)
    classes = class_targets(where, t, x.shape[0], x.shape[1], "x")
    y = empty(x.shape, x.dtype)
    softmax_forward(x, y)
    return dtype.type(mean_cross_entropy(y, classes))


def logits_of(where: str, x: Any, *, single: bool = False) -> tuple[NDArray[Any], np.dtype[Any]]:
    """Return x (N, C), or (C,) too where single is True, for a kernel, and NumPy's result dtype."""
    dtype = checks.common_dtype(x)
    if dtype is not None:
        return checks.table(where, "x", x, single=single), dtype
    x = checks.table(where, "x", checks.array(where, "x", x), single=single)
    dtype = checks.result_dtype(x)
    return checks.contiguous(x, dtype), dtype


def softmax_of_logits(x: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Softmax of what `logits_of` returned."""
    y = empty(x.shape, x.dtype)
    if x.ndim == 2:
        softmax_forward(x, y)
    else:
        softmax_forward(x.reshape(1, -1), y.reshape(1, -1))
    result: NDArray[Any] = checks.returned(y, dtype)
    return result


def softmax_loss_gradient(
    where: str,
    y: Any,
    t: NDArray[Any],
    shape: tuple[int, ...],
    factors: NDArray[Any] | None,
    dout: Any,
) -> NDArray[Any]:
    """Gradient of a softmax loss with respect to the logits, (y - onehot(t)) * dout / N.

    The labels t, or probabilities (N, C), were checked for a y of that shape; y itself may be an
    array of the caller's. Its rows are multiplied by factors (N, 1), if there are some.
    """
    dtype = checks.common_dtype(y)
    if dtype is None:
        y = checks.array(where, "y", y)
        dtype = checks.result_dtype(y)
        y = checks.contiguous(y, dtype)
    checks.unchanged(where, "y", y, shape)
    dx = empty(shape, y.dtype)
    dout = checks.scalar(where, "dout", dout, y.dtype, dtype)
    if t.ndim == 1:
        softmax_cross_entropy_backward(y, t, dout, dx)
    else:
        soft_cross_entropy_backward(y, checks.contiguous(t, y.dtype), dout, dx)
    if factors is not None:
        dx *= factors
    result: NDArray[Any] = checks.returned(dx, dtype)
    return result
