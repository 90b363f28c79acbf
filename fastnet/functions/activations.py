"""The activations, and how a kernel is applied element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy import empty, ndarray, ones_like
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.activations import relu_forward, sigmoid_backward, sigmoid_forward

FLOAT32, FLOAT64 = checks.FLOAT32, checks.FLOAT64


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
    return apply(sigmoid_forward, "sigmoid", x)


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
    return apply(relu_forward, "relu", x)


def sigmoid_grad(x: ArrayLike) -> Any:
    """Gradient of the logistic function, (1 - sigmoid(x)) * sigmoid(x).

    Parameters
    ----------
    x : array of any shape, or a number
        float16 is computed in float32; integers become float64.

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
    Source: Saitoh, Deep Learning from Scratch, common/functions.py. Where the sigmoid is at hand,
    `layers.Sigmoid.backward` needs no second one.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import sigmoid_grad
    >>> sigmoid_grad(np.array([0.0, 1e3]))
    array([0.25, 0.  ])
    """
    where = "sigmoid_grad"
    x = checks.array(where, "x", x)
    dtype = checks.result_dtype(x)
    out = apply(sigmoid_forward, where, checks.contiguous(x, dtype))
    return checks.returned(apply_backward(sigmoid_backward, where, out, ones_like(out)), dtype)


def relu_grad(x: ArrayLike) -> Any:
    """Gradient of the rectified linear unit, 1 where x >= 0, else 0, and 0 for NaN.

    Parameters
    ----------
    x : array of any shape, or a number
        Integers give float64.

    Returns
    -------
    array of x.shape, or a scalar for a number
        Fresh, of the dtype of x. At 0 it is 1, as in the book, where `layers.Relu` passes no
        gradient on.

    Raises
    ------
    TypeError
        x is complex, object, string or wider than float64.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, common/functions.py. One pass of NumPy, which no
    kernel makes sooner.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import relu_grad
    >>> relu_grad(np.array([-1.0, 0.0, 2.0]))
    array([0., 1., 1.])
    """
    x = checks.array("relu_grad", "x", x)
    return checks.returned(x >= 0, checks.result_dtype(x))


def step_function(x: ArrayLike) -> Any:
    """Step, 1 where x > 0, else 0, and 0 for NaN.

    Parameters
    ----------
    x : array of any shape, or a number

    Returns
    -------
    array of x.shape, or a scalar for a number
        Fresh, int64 as in the book; the layer `Step` keeps the dtype of x.

    Raises
    ------
    TypeError
        x is complex, object, string or wider than float64.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import step_function
    >>> step_function(np.array([-1.0, 0.0, 2.0]))
    array([0, 0, 1])
    """
    return checks.returned(checks.array("step_function", "x", x) > 0, checks.INT64)


def identity_function(x: ArrayLike) -> Any:
    """Identity, the activation of the output layer in a regression.

    Parameters
    ----------
    x : array of any shape, or a number

    Returns
    -------
    array of x.shape, or a scalar for a number
        An array itself, no copy, as in the book.

    Raises
    ------
    TypeError
        x is complex, object, string or wider than float64.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import identity_function
    >>> x = np.array([-1.0, 2.0])
    >>> identity_function(x) is x
    True
    """
    found = checks.array("identity_function", "x", x)
    return found if found.ndim else found[()]


# What layers share: `where` is the name that an error would give.
#
# A kernel is compiled once a dtype, not once a number of dimensions: all get matrices. Most arrays
# are that, and a view takes 0.06 us, by reshape 0.1.


def as_row(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as one row, in a view."""
    return array[None] if array.ndim == 1 else array.reshape(1, -1)


def apply(kernel: Callable[..., None], where: str, x: Any) -> Any:
    """Apply an elementwise kernel to an array of any shape."""
    if (  # `checks.common_dtype` in line: called, it takes 0.15 us of 0.8
        type(x) is ndarray
        and ((dtype := x.dtype) is FLOAT64 or dtype is FLOAT32)
        and x.flags.carray
    ):
        out = empty(x.shape, dtype)
        if x.ndim == 2:
            kernel(x, out)
            return out
        kernel(as_row(x), as_row(out))
        return out if out.ndim else out[()]
    x = checks.array(where, "x", x)
    if checks.lies_channels_last(x):
        return checks.channels_first(apply(kernel, where, checks.channels_last(x)))
    dtype = checks.result_dtype(x)
    x = checks.contiguous(x, dtype)
    out = empty(x.shape, x.dtype)
    kernel(x.reshape(1, -1), out.reshape(1, -1))
    return checks.returned(out, dtype)


def apply_backward(
    kernel: Callable[..., None], where: str, out: NDArray[Any], dout: Any, rows: bool = False
) -> Any:
    """Apply a backward kernel to the output of forward and to dout, as one row or as rows."""
    if (  # as in `apply`
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
            kernel(as_row(out), as_row(dout), as_row(dx))
            return dx
    out, dout = checks.array(where, "out", out), checks.array(where, "dout", dout)
    checks.same_shape(where, "dout", dout, out.shape)
    if not rows and checks.lies_channels_last(out):
        pair = checks.channels_last(out), checks.channels_last(dout)
        return checks.channels_first(apply_backward(kernel, where, *pair))
    dtype = checks.result_dtype(out, dout)
    out, dout = checks.contiguous(out, dtype), checks.contiguous(dout, dtype)
    dx = empty(out.shape, out.dtype)
    table = (-1, out.shape[-1]) if rows else (1, -1)
    kernel(out.reshape(table), dout.reshape(table), dx.reshape(table))
    return checks.returned(dx, dtype)
