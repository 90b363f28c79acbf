"""Nodes of a computational graph along an axis: Repeat and Sum, each other's gradient."""

from __future__ import annotations

import math
from typing import Any

from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.nodes import repeat_backward, repeat_forward, sum_backward, sum_forward
from fastnet.layers.base import Layer

__all__ = ["Repeat", "Sum"]


class Repeat(Layer):
    """Each entry along an axis `times` times, as np.repeat has it; dx is the sum over the copies.

    Parameters
    ----------
    times : int
        At least 1.
    axis : int
        May be negative, to count from the last.

    Raises
    ------
    TypeError, ValueError
        An argument is no whole number, or times is below 1.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Repeat
    >>> node = Repeat(3)
    >>> node.forward(np.array([[1.0, 2.0]]))
    array([[1., 2.],
           [1., 2.],
           [1., 2.]])
    >>> node.backward(np.ones((3, 2)))
    array([[3., 3.]])
    """

    unstacked = "Add one of these layers."

    def __init__(self, times: int, axis: int = 0) -> None:
        super().__init__()
        self.times = checks.count("Repeat", "times", times)
        self.axis = checks.axis("Repeat", axis)

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return np.repeat(x, times, axis).

        Parameters
        ----------
        x : array of at least one dimension

        Returns
        -------
        array with `times` times as many entries along the axis

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x does not have that axis.
        """
        where = "Repeat.forward"
        x = checks.array(where, "x", x)
        axis = checks.axis(where, self.axis, x.shape)
        times = checks.count(where, "times", self.times)
        dtype = checks.result_dtype(x)
        shape = x.shape
        after = math.prod(shape[axis + 1 :])
        before = math.prod(shape[: axis + 1])
        x = checks.contiguous(x, dtype)
        out = empty((before, times, after), x.dtype)
        repeat_forward(x.reshape(before, after), out)
        larger = (*shape[:axis], shape[axis] * times, *shape[axis + 1 :])
        self._shapes = shape, larger, (before, times, after)
        result: NDArray[Any] = checks.returned(out.reshape(larger), dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx, the sums of dout over the copies.

        dout and the errors are those of `Sum.backward`.
        """
        where = "Repeat.backward"
        shape, larger, parts = checks.remembered(where, self, "_shapes")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, larger)
        dtype = checks.result_dtype(dout)
        dout = checks.contiguous(dout, dtype)
        dx = empty((parts[0], parts[2]), dout.dtype)
        repeat_backward(dout.reshape(parts), dx)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result

    def __repr__(self) -> str:
        return f"Repeat({self.times}, axis={self.axis})"


class Sum(Layer):
    """Sum along an axis, which stays with length 1; dx is dout, repeated.

    Parameters
    ----------
    axis : int
        May be negative, to count from the last.

    Raises
    ------
    TypeError
        axis is no whole number.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Sum
    >>> node = Sum()
    >>> node.forward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[4., 6.]])
    >>> node.backward(np.array([[1.0, 10.0]]))
    array([[ 1., 10.],
           [ 1., 10.]])
    """

    unstacked = "Add one of these layers."

    def __init__(self, axis: int = 0) -> None:
        super().__init__()
        self.axis = checks.axis("Sum", axis)

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return x.sum(axis, keepdims=True).

        Parameters
        ----------
        x : array of at least one dimension

        Returns
        -------
        array with length 1 along the axis

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x does not have that axis, or has no entry along it.
        """
        where = "Sum.forward"
        x = checks.array(where, "x", x)
        axis = checks.axis(where, self.axis, x.shape)
        checks.summed(where, x.shape, axis)
        dtype = checks.result_dtype(x)
        shape = x.shape
        parts = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
        x = checks.contiguous(x, dtype)
        out = empty((parts[0], parts[2]), x.dtype)
        sum_forward(x.reshape(parts), out)
        smaller = (*shape[:axis], 1, *shape[axis + 1 :])
        self._shapes = shape, smaller, parts
        result: NDArray[Any] = checks.returned(out.reshape(smaller), dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx, dout repeated along the axis.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        array of the shape of x

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = "Sum.backward"
        shape, smaller, parts = checks.remembered(where, self, "_shapes")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, smaller)
        dtype = checks.result_dtype(dout)
        dout = checks.contiguous(dout, dtype)
        dx = empty(parts, dout.dtype)
        sum_backward(dout.reshape(parts[0], parts[2]), dx)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result

    def __repr__(self) -> str:
        return f"Sum(axis={self.axis})"
