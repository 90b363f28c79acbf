"""Layers with weights: a product, and one with a bias and an activation."""

import numpy as np

from .base import Layer


class MatMul(Layer):
    """Product out = x @ W, with W (D, M).

    x is (N, D), a single row (D,), or (N, ...) whose rows are flattened to D.
    """

    def __init__(self, W: np.ndarray) -> None:
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    W = property(lambda self: self.params[0], lambda self, W: self._set(0, W))
    dW = property(lambda self: self.grads[0])

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x @ W, (N, M), or (M,) for a single row."""
        self.x_shape = x.shape
        self.x = _rows(x)
        out = np.dot(self.x, self.W)
        return out[0] if x.ndim == 1 else out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout @ W.T in the shape of x; write dW = x.T @ dout."""
        dout = self._backward_params(dout)
        return np.dot(dout, self.W.T).reshape(self.x_shape)

    def _backward_params(self, dout: np.ndarray) -> np.ndarray:
        # Apart from backward, because the first layer of a model needs no dx.
        dout = _rows(dout)
        np.matmul(self.x.T, dout, out=self.grads[0])
        return dout

    def _set(self, i: int, array: np.ndarray) -> None:
        self.params[i] = array
        if self.grads[i].shape != array.shape or self.grads[i].dtype != array.dtype:
            self.grads[i] = np.zeros_like(array)


class Affine(MatMul):
    """Product and bias, out = x @ W + b, with W (D, M) and b (M,)."""

    def __init__(self, W: np.ndarray, b: np.ndarray) -> None:
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]

    b = property(lambda self: self.params[1], lambda self, b: self._set(1, b))
    db = property(lambda self: self.grads[1])

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x @ W + b, (N, M), or (M,) for a single row."""
        return super().forward(x) + self.b

    def _backward_params(self, dout: np.ndarray) -> np.ndarray:
        dout = super()._backward_params(dout)
        self.grads[1][...] = dout.sum(axis=0)
        return dout


def _rows(x: np.ndarray) -> np.ndarray:
    """View x as a matrix of rows: (D,) is one row, (N, ...) is N flattened rows."""
    if x.ndim == 2:
        return x
    return x.reshape(1, -1) if x.ndim == 1 else x.reshape(len(x), -1)
