"""Nodes of a computational graph: Add, Multiply, Repeat, Sum."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels import (
    add_backward,
    add_forward,
    multiply_backward,
    multiply_forward,
    repeat_backward,
    repeat_forward,
    sum_backward,
    sum_forward,
)
from fastnet.layers.base import Layer

__all__ = ["Add", "Multiply", "Repeat", "Sum"]


class _OfTwo(Layer):
    """A node of two inputs, which broadcast as in NumPy: each gradient has its input's shape."""

    unstacked = "Add one of these layers."
    _shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # of x, y and the output

    def _of_matrices(self, kernel: Callable[..., None], x: Any, y: Any) -> NDArray[Any] | None:
        """Return the kernel's output for matrices of one shape and dtype, else None.

        It spares them `_inputs` and `_spread`: 1.5 us for 100 x 50, not 3.6.
        """
        dtype = checks.usual(x, y)
        if dtype is None or x.ndim != 2 or (shape := x.shape) != y.shape:
            return None
        out = empty(shape, dtype)
        kernel(x, y, out)
        self._shapes = shape, shape, shape
        return out

    def _inputs(self, where: str, x: Any, y: Any) -> tuple[Any, ...]:
        x, y = checks.array(where, "x", x), checks.array(where, "y", y)
        shapes = x.shape, y.shape, checks.broadcast(where, x.shape, y.shape)
        return x, y, shapes, checks.result_dtype(x, y)

    def _upstream(self, where: str, dout: Any) -> tuple[NDArray[Any], Any]:
        shapes = checks.remembered(where, self, "_shapes")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, shapes[2])
        return dout, shapes


class Add(_OfTwo):
    """Sum of two arrays, out = x + y, which may broadcast; dx and dy are dout, or sums of it.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Add
    >>> node = Add()
    >>> node.forward(np.ones((2, 3)), np.array([1.0, 2.0, 3.0]))
    array([[2., 3., 4.],
           [2., 3., 4.]])
    >>> dx, dy = node.backward(np.ones((2, 3)))
    >>> dy
    array([2., 2., 2.])
    """

    def forward(self, x: ArrayLike, y: ArrayLike) -> Any:
        """Return x + y.

        Parameters
        ----------
        x, y : arrays, or numbers, that broadcast

        Returns
        -------
        array of the shape that they broadcast to

        Raises
        ------
        TypeError
            x or y is complex, object, string or wider than float64.
        ValueError
            Their shapes do not broadcast.
        """
        out = self._of_matrices(add_forward, x, y)
        if out is not None:
            return out
        one, other, shapes, dtype = self._inputs("Add.forward", x, y)
        one, other = _spread(one, shapes[2], dtype), _spread(other, shapes[2], dtype)
        out = empty(shapes[2], one.dtype)
        add_forward(_row(one), _row(other), _row(out))
        self._shapes = shapes
        return checks.returned(out, dtype)

    def backward(self, dout: ArrayLike) -> tuple[Any, Any]:
        """Return dx and dy, in the shapes of x and y: fresh arrays.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        dout, (x_shape, y_shape, shape) = self._upstream("Add.backward", dout)
        dtype = checks.result_dtype(dout)
        dout = checks.contiguous(dout, dtype)
        dx, dy = empty(shape, dout.dtype), empty(shape, dout.dtype)
        add_backward(_row(dout), _row(dx), _row(dy))
        found = _gathered(dx, x_shape), _gathered(dy, y_shape)
        return checks.returned(found[0], dtype), checks.returned(found[1], dtype)


class Multiply(_OfTwo):
    """Product of two arrays, out = x * y, which may broadcast; dx = dout * y, dy = dout * x.

    Attributes
    ----------
    x, y : arrays
        The inputs of the last forward: not copies.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.4.1.

    Examples
    --------
    >>> from fastnet.layers import Multiply
    >>> apples, tax = Multiply(), Multiply()
    >>> price = tax.forward(apples.forward(100, 2), 1.1)
    >>> round(float(price))
    220
    >>> dapples, dtax = tax.backward(1)
    >>> float(dtax), [float(d) for d in apples.backward(dapples)]
    (200.0, [2.2, 110.00000000000001])
    """

    x: NDArray[Any]
    y: NDArray[Any]

    def forward(self, x: ArrayLike, y: ArrayLike) -> Any:
        """Return x * y.

        x, y and the errors are those of `Add.forward`.
        """
        out = self._of_matrices(multiply_forward, x, y)
        if out is not None:
            self.x, self.y = np.asarray(x), np.asarray(y)
            return out
        kept, other_kept, shapes, dtype = self._inputs("Multiply.forward", x, y)
        one, other = (_spread(array, shapes[2], dtype) for array in (kept, other_kept))
        out = empty(shapes[2], one.dtype)
        multiply_forward(_row(one), _row(other), _row(out))
        self.x, self.y, self._shapes = kept, other_kept, shapes
        return checks.returned(out, dtype)

    def backward(self, dout: ArrayLike) -> tuple[Any, Any]:
        """Return dx = dout * y and dy = dout * x, in the shapes of x and y.

        dout and the errors are those of `Add.backward`.
        """
        where = "Multiply.backward"
        dout, (x_shape, y_shape, shape) = self._upstream(where, dout)
        x, y = checks.array(where, "x", self.x), checks.array(where, "y", self.y)
        checks.unchanged(where, "x", x, x_shape)
        checks.unchanged(where, "y", y, y_shape)
        dtype = checks.result_dtype(x, y, dout)
        one, other, upstream = (_spread(array, shape, dtype) for array in (x, y, dout))
        dx, dy = empty(shape, one.dtype), empty(shape, one.dtype)
        multiply_backward(*map(_row, (one, other, upstream, dx, dy)))
        dtypes = checks.result_dtype(y, dout), checks.result_dtype(x, dout)
        found = _gathered(dx, x_shape), _gathered(dy, y_shape)
        return checks.returned(found[0], dtypes[0]), checks.returned(found[1], dtypes[1])


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
            x has not that axis.
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
            x has not that axis, or no entry along it.
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


def _row(array: NDArray[Any]) -> NDArray[Any]:
    """One row: a kernel is compiled once a dtype, not once a number of dimensions."""
    return array if array.ndim == 2 else array.reshape(1, -1)


def _spread(array: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array in that shape, for a kernel."""
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    return checks.contiguous(array, dtype)


def _gathered(grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Sum a gradient over the axes along which its input was spread."""
    grown = (1,) * (grad.ndim - len(shape)) + shape
    for axis in range(grad.ndim):
        if grown[axis] != grad.shape[axis]:
            parts = (
                math.prod(grad.shape[:axis]),
                grad.shape[axis],
                math.prod(grad.shape[axis + 1 :]),
            )
            out = np.zeros((parts[0], parts[2]), grad.dtype)
            if parts[1]:
                sum_forward(grad.reshape(parts), out)
            grad = out.reshape(*grad.shape[:axis], 1, *grad.shape[axis + 1 :])
    return grad.reshape(shape)
