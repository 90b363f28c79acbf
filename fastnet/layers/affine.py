"""Affine: a product with a bias."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from numpy import empty, ndarray
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.affine import affine_backward, affine_backward_params, affine_forward
from fastnet.kernels.checked import affine_layer_backward, affine_layer_forward
from fastnet.layers.matmul import MatMul

__all__ = ["Affine"]

FLOAT32, FLOAT64 = checks.FLOAT32, checks.FLOAT64
LARGE = 2**18  # bytes of x from which two copies of it are not kept at a time


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
        self._rebind(1, checks.parameter(self._name("b"), "b", b, 1))

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
                if x.nbytes > LARGE:
                    self._let_go(x, W, b)
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

    def _let_go(self, x: NDArray[Any], W: NDArray[Any], b: NDArray[Any]) -> None:
        """Forget the last x before one of its shape is copied: 2 MB of SimpleConvNet's 20.

        Only where this x will do: a call that is refused leaves the last one to backward.
        """
        kept = self.__dict__.get("x")
        if (
            kept is not None
            and self._x_shape == x.shape
            and kept.shape[1:] == W.shape[:1]
            and b.shape == W.shape[1:]
            and x.dtype.kind in "biuf"
            and x.itemsize <= 8
        ):
            self.__dict__.pop("x", None)

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
