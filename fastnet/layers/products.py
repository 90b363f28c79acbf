"""Products: MatMul, and Affine, which adds a bias."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy import empty, ndarray
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels import (
    IDENTITY,
    affine_backward,
    affine_backward_params,
    affine_forward,
    matmul_backward,
    matmul_forward,
)
from fastnet.kernels.checked import affine_layer_backward, affine_layer_forward
from fastnet.layers.base import Layer, LoopLayer

__all__ = ["Affine", "MatMul"]

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
    decays = True

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
        self._assign(0, checks.parameter(self._name("W"), "W", W, 2))

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
            x has not D features, or no row.
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
        """Return D."""
        return int(self.params[0].shape[0]) if self.params else None

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (M,)."""
        return (int(self.params[0].shape[1]),)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the product."""
        output_shape = self.output_shape(input_shape)
        shapes = ((math.prod(input_shape), *output_shape), output_shape)
        return [LoopLayer(output_shape, shapes[: len(self.array_names)])]

    @classmethod
    def _saved_shapes(
        cls, n_in: int, arguments: dict[str, Any], shapes: list[tuple[int, ...]]
    ) -> tuple[list[tuple[int, ...]], int]:
        units = arguments.get("units", shapes[0][-1] if shapes[0] else 0)
        return [(n_in, units), (units,)][: len(shapes)], units

    def _check_shapes(self, where: str) -> None:
        if len(params := self.params) == 2:
            checks.bias(where, params[1], params[0])

    def _check_arrays(self, where: str, params: list[Any], grads: list[Any]) -> None:
        checks.gradients(where, tuple(params), tuple(grads), len(self.array_names))

    def _keep(self, array: NDArray[Any]) -> None:
        """Append a parameter and zeros for its gradient."""
        self.params.append(array)
        self.grads.append(np.zeros(array.shape, checks.result_dtype(array)))

    def _assign(self, i: int, array: NDArray[Any]) -> None:
        """Rebind a parameter; its gradient keeps its identity where it still fits."""
        self.params[i] = array
        dtype = checks.result_dtype(array)
        if self.grads[i].shape != array.shape or self.grads[i].dtype != dtype:
            self.grads[i] = np.zeros(array.shape, dtype)

    # In what follows, nothing of the layer is written before the kernel has returned, and nothing
    # of it is read twice: the kernel leaves other threads time to call the layer.

    def _before_forward(self, where: str, x: Any) -> tuple[Any, ...]:
        """Return the shape of x; its rows, the parameters and room for out, as a kernel's."""
        params = tuple(self.params)
        if len(params) != len(self.array_names):
            checks.lengths(where, "params", params, len(self.array_names))
        usual, sizes = checks.usual(x, *params), params[0].shape
        if usual is not None:
            shape = x.shape
            if len(shape) == 2 and shape[1] == sizes[0] and shape[0]:
                return shape, x, *params, empty((shape[0], sizes[1]), usual)
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
        usual, sizes = checks.usual(x, W, dout, *grads), W.shape
        if usual is not None and len(shape) == 2:
            if x.shape == shape and dout.shape == (shape[0], sizes[1]) and shape[1] == sizes[0]:
                return None, x, W, dout, empty(shape, usual), *grads
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
            *[g if checks.fits(g, dtype) else empty(g.shape, dtype) for g in grads],
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
        for grad, found in zip(grads, written, strict=True):
            if grad is not found:
                grad[...] = found
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result

    def __repr__(self) -> str:
        sizes = self.params[0].shape if self.params else ()
        return f"{type(self).__name__}({', '.join(map(str, sizes))})"


class Affine(MatMul):
    """Product and bias, out = x @ W + b.

    Parameters
    ----------
    W : (D, M) float32 or float64
    b : (M,)
        Both kept by reference, as in `MatMul`.

    Raises
    ------
    TypeError
        W or b is complex, object, string or wider than float64.
    ValueError
        W is not (D, M), b is not (M,), or one is empty.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Affine
    >>> layer = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0]))
    >>> layer.forward(np.array([[1.0, 2.0], [0.0, 1.0]]))
    array([[17., 30.],
           [13., 24.]])
    >>> layer.backward(np.array([[1.0, 0.0], [0.0, 2.0]]))
    array([[1., 3.],
           [4., 8.]])
    >>> layer.dW
    array([[1., 0.],
           [2., 2.]])
    >>> layer.db
    array([1., 2.])
    """

    array_names: ClassVar[tuple[str, ...]] = ("W", "b")

    def __init__(self, W: ArrayLike, b: ArrayLike) -> None:
        super().__init__(W)
        b = checks.parameter(type(self).__name__, "b", b, 1)
        checks.bias(type(self).__name__, b, self.params[0])
        self._keep(b)

    @property
    def b(self) -> NDArray[Any]:
        """Bias (M,): `params[1]`."""
        checks.built(self._name("b"), self.params)
        return self.params[1]

    @b.setter
    def b(self, b: ArrayLike) -> None:
        """Use another b from the next call on; db is remade where its shape or dtype changes."""
        checks.built(self._name("b"), self.params)
        self._assign(1, checks.parameter(self._name("b"), "b", b, 1))

    @property
    def db(self) -> NDArray[Any]:
        """Gradient of the bias (M,): `grads[1]`, overwritten by backward."""
        checks.built(self._name("db"), self.params)
        return self.grads[1]

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return x @ W + b, (N, M), or (M,) for one row.

        x and the errors are those of `MatMul.forward`; also ValueError where b does not match W.
        """
        out, shape = self._activated("Affine.forward", x, IDENTITY)
        return out[0] if len(shape) == 1 else out

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx = dout @ W.T in the shape of x; write dW = x.T @ dout and db = dout.sum(0).

        dout and the errors are those of `MatMul.backward`.
        """
        found = self._backward_at_once(dout)
        if found is not None:
            return found
        wanted, x, W, dout, dx, dW, db = self._before_backward("Affine.backward", dout)
        affine_backward(x, W, dout, dx, dW, db)
        return dx if wanted is None else self._after_backward(*wanted, dx, dW, db)

    def _activated(self, where: str, x: Any, code: int) -> tuple[NDArray[Any], tuple[int, ...]]:
        """Return activation(x @ W + b) of the rows of x, and the shape of x; keep both of x.

        A kernel looks at shapes faster than Python: 1.2 us for a row and 4 x 64 weights, not 1.85.
        """
        try:
            W, b = self.params
        except ValueError:
            W = b = None  # type: ignore[assignment]  # words the error below
        if (
            type(x) is type(W) is type(b) is ndarray
            and ((dtype := W.dtype) is FLOAT64 or dtype is FLOAT32)
            and b.dtype is dtype
            and W.ndim == 2
        ):
            rows: Any = x
            weights, bias = W, b
            if not (x.dtype is dtype and x.flags.carray):
                rows = checks.promoted(x, dtype)
                if rows is None and (rows := checks.promoted(x, FLOAT64)) is not None:
                    dtype = FLOAT64  # of float32 weights and float64 rows, or int64
                    weights, bias = W.astype(dtype, "C"), b.astype(dtype)
            if rows is not None:
                shape = x.shape
                if len(shape) != 2:
                    rows = rows[None] if len(shape) < 2 else rows.reshape(len(x) or 1, -1)
                if not weights.flags.carray:
                    # An embedding's transpose is copied anew in each call, because an optimizer may
                    # have written into it since.
                    weights = weights.astype(dtype, "C")
                out = empty((len(rows), b.size), dtype)
                if affine_layer_forward(rows, weights, bias, code, out):
                    self.x, self._x_shape = rows, shape
                    return out, shape
        shape, rows, W, b, out = self._before_forward(where, x)
        checks.bias(where, b, W)
        affine_forward(rows, W, b, code, out)
        self.x, self._x_shape = rows, shape
        return out, shape

    def _backward_at_once(self, dout: Any) -> NDArray[Any] | None:
        """Do what backward does where a kernel takes all as it is; else None, and do nothing.

        1.7 us for one row and 4 x 64 weights, not 2.45.
        """
        try:
            x, shape = self.x, self._x_shape
            (W, b), (dW, db) = self.params, self.grads
        except (AttributeError, ValueError):
            return None
        if (
            type(x) is type(W) is type(b) is type(dout) is type(dW) is type(db) is ndarray
            and ((dtype := dout.dtype) is FLOAT64 or dtype is FLOAT32)
            and x.dtype is dtype
            and ((held := W.dtype) is dtype or held is FLOAT32)  # which gives dtype, too
            and dW.dtype is db.dtype is held
            and dout.flags.carray
            and b.shape == db.shape
            and x.ndim == W.ndim == 2
        ):
            weights, dweights, dbias = W, dW, db
            if held is not dtype:
                dweights, dbias = empty(dW.shape, dtype), empty(db.shape, dtype)
                weights = W.astype(dtype, "C")
            elif not W.flags.carray:
                weights = W.astype(dtype, "C")
            dx = empty(x.shape, dtype)
            if dx.shape != shape:
                if dx.shape == (1, *shape):
                    dout = dout[None]
                elif len(shape) < 3 or dx.shape != (shape[0], math.prod(shape[1:])):
                    return None
            if dout.ndim == 2 and affine_layer_backward(x, weights, dout, dx, dweights, dbias):
                if held is not dtype:
                    dW[...], db[...] = dweights, dbias
                return dx if dx.shape == shape else dx.reshape(shape)
        return None

    def _backward_params(self, dout: ArrayLike) -> None:
        """Do what backward does but for dx, which the first layer of a model need not give."""
        wanted, x, _, dout, dx, dW, db = self._before_backward("Affine.backward", dout)
        affine_backward_params(x, dout, dW, db)
        if wanted is not None:
            self._after_backward(*wanted, dx, dW, db)
