"""MatMul: a product."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.gemm import matmul_backward, matmul_forward
from fastnet.layers.base import Layer
from fastnet.layers.told import ANYWHERE, LoopLayer, Outputs, along

__all__ = ["MatMul"]

FLOAT32, FLOAT64 = checks.FLOAT32, checks.FLOAT64


class MatMul(Layer):
    """Product, out = x @ W.

    Parameters
    ----------
    W : (D, M) float32 or float64
        Kept by reference, strided views too, so an optimizer that writes into it changes the
        layer. Lists and integers become a float64 array, float16 becomes float32.

    Attributes
    ----------
    x : (N, D)
        The rows that forward was given last: not a copy where they fit the kernel, so changing
        them in place before backward changes dW, as in NumPy code.

    Raises
    ------
    TypeError
        W is complex, object, string or wider than float64.
    ValueError
        W is not (D, M), or empty.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.5.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import MatMul
    >>> layer = MatMul(np.array([[1.0], [10.0]]))
    >>> layer.forward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[21.],
           [43.]])
    >>> layer.backward(np.array([[1.0], [0.0]]))
    array([[ 1., 10.],
           [ 0.,  0.]])
    >>> layer.dW
    array([[1.],
           [2.]])
    """

    x: NDArray[Any]
    array_names: ClassVar[tuple[str, ...]] = ("W",)
    decays = 1

    def __init__(self, W: ArrayLike) -> None:
        super().__init__()
        self._keep(checks.parameter(type(self).__name__, "W", W, 2))

    @property
    def W(self) -> NDArray[Any]:
        """Weights (D, M): `params[0]`."""
        checks.built(self._name("W"), self.params)
        return self.params[0]

    @W.setter
    def W(self, W: ArrayLike) -> None:
        """Use another W from the next call on; dW is remade where its shape or dtype changes."""
        checks.built(self._name("W"), self.params)
        self._rebind(0, checks.parameter(self._name("W"), "W", W, 2))

    @property
    def dW(self) -> NDArray[Any]:
        """Gradient of the weights (D, M): `grads[0]`, overwritten by backward."""
        checks.built(self._name("dW"), self.params)
        return self.grads[0]

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return x @ W.

        Parameters
        ----------
        x : (N, D), (D,) or (N, ...)
            Rows, one row, or rows that are flattened to D features.

        Returns
        -------
        (N, M), or (M,) for one row

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x does not have D features, or has no row.
        """
        shape, rows, W, out = self._before_forward("MatMul.forward", x)
        matmul_forward(rows, W, out)
        self.x, self._x_shape = rows, shape
        return out[0] if len(shape) == 1 else out

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx = dout @ W.T in the shape of x; write dW = x.T @ dout.

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
        wanted, x, W, dout, dx, dW = self._before_backward("MatMul.backward", dout)
        matmul_backward(x, W, dout, dx, dW)
        return dx if wanted is None else self._after_backward(*wanted, dx, dW)

    def features(self) -> int | None:
        """Return D, the number of features."""
        return int(self.params[0].shape[0]) if self.params else None

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: any numbers."""
        return ANYWHERE

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (M,), or for Steps (steps, M)."""
        return along(input_shape, int(self.params[0].shape[1]))

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the product as a step of the compiled loop."""
        output_shape, steps = self.output_shape(input_shape), self.rows_in(input_shape)
        shapes = (self.width_in(input_shape), output_shape[-1]), output_shape[-1:]
        return [LoopLayer(output_shape, shapes[: len(self.array_names)], steps=steps)]

    @classmethod
    def _saved_shapes(
        cls,
        input_shape: tuple[int, ...],
        arguments: dict[str, Any],
        shapes: list[tuple[int, ...]],
    ) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        units = arguments.get("units", shapes[0][-1] if shapes[0] else 0)
        wanted = [(cls.width_in(input_shape), units), (units,)]
        return wanted[: len(shapes)], along(input_shape, units)

    def _check_shapes(self, where: str) -> None:
        if len(params := self.params) == 2:
            checks.bias(where, params[1], params[0])

    def _check_arrays(self, where: str, params: list[Any], grads: list[Any]) -> None:
        checks.gradients(where, tuple(params), tuple(grads), len(self.array_names))

    def _keep(self, array: NDArray[Any]) -> None:
        """Append a parameter and zeros for its gradient."""
        self.params.append(array)
        self.grads.append(np.zeros(array.shape, checks.result_dtype(array)))

    # In what follows, nothing of the layer is written before the kernel has returned, and nothing
    # of it is read twice: the kernel leaves other threads time to call the layer.

    def _before_forward(self, where: str, x: Any) -> tuple[Any, ...]:
        """Return the shape of x; its rows, the parameters and room for out, as a kernel's."""
        params = tuple(self.params)
        if len(params) != len(self.array_names):
            checks.lengths(where, "params", params, len(self.array_names))
        dtype_of_all, sizes = checks.common_dtype(x, *params), params[0].shape
        if dtype_of_all is not None:
            shape = x.shape
            if len(shape) == 2 and shape[1] == sizes[0] and shape[0]:
                return shape, x, *params, empty((shape[0], sizes[1]), dtype_of_all)
        x = checks.array(where, "x", x)
        rows = checks.rows(where, "x", x, params[0])
        dtype = checks.result_dtype(x, *params)
        # A strided W (an embedding's transpose) is copied anew in each call, because an optimizer
        # may have written into it since.
        canonical = [checks.contiguous(array, dtype) for array in (rows, *params)]
        return x.shape, *canonical, empty((rows.shape[0], sizes[1]), dtype)

    def _before_backward(self, where: str, dout: Any) -> tuple[Any, ...]:
        """Return x, W, dout and room for dx and the gradients, as a kernel's.

        First the shape and the dtype of dx; None where the kernel itself writes all as they are.
        """
        x, shape = checks.remembered(where, self, "x"), self._x_shape
        params, grads = tuple(self.params), tuple(self.grads)
        checks.gradients(where, params, grads, len(self.array_names))
        W = params[0]
        dtype_of_all, sizes = checks.common_dtype(x, W, dout, *grads), W.shape
        if dtype_of_all is not None and len(shape) == 2:
            if x.shape == shape and dout.shape == (shape[0], sizes[1]) and shape[1] == sizes[0]:
                return None, x, W, dout, empty(shape, dtype_of_all), *grads
        x, dout = checks.array(where, "x", x), checks.array(where, "dout", dout)
        n = 1 if len(shape) == 1 else shape[0]
        checks.unchanged(where, "x", x, (n, math.prod(shape) // n))
        checks.rows(where, "x", x, W)  # W may be another one than forward's
        m = sizes[1]
        checks.same_shape(where, "dout", dout, (n, m) if len(shape) != 1 else (m,))
        dtype = checks.result_dtype(x, W, dout)
        dx_dtype = dtype if dout.dtype is dtype else checks.result_dtype(W, dout)
        arrays = [
            checks.contiguous(x, dtype),
            checks.contiguous(W, dtype),
            checks.contiguous(dout, dtype).reshape(n, m),
            empty(x.shape, dtype),
            *[checks.written_by_kernel(grad, dtype) for grad in grads],
        ]
        return (shape, dx_dtype, grads), *arrays

    def _after_backward(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        grads: tuple[NDArray[Any], ...],
        dx: NDArray[Any],
        *written: NDArray[Any],
    ) -> NDArray[Any]:
        """Return dx as NumPy would; write what a kernel wrote elsewhere into the gradients."""
        checks.copy_back(grads, written)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result

    def __repr__(self) -> str:
        sizes = self.params[0].shape if self.params else ()
        return f"{type(self).__name__}({', '.join(map(str, sizes))})"
