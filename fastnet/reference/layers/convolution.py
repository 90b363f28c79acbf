"""The textbook's convolution: windows side by side in a matrix, and a product."""

import numpy as np

from .base import Layer


def _windows(x, rows, columns, stride, pad):
    """Return the windows (N, out rows, out columns, C, rows, columns) of x (N, C, H, W)."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = np.lib.stride_tricks.sliding_window_view(x, (rows, columns), axis=(2, 3))
    return seen[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)


class Convolution(Layer):
    """out[n, m, y, x] = b[m] + the window at (y, x) times W[m]; x is (N, C, H, W).

    W is (FN, C, FH, FW), b (FN,). A window's gradient is added where it lay.
    """

    def __init__(self, W: np.ndarray, b: np.ndarray, stride: int = 1, pad: int = 0) -> None:
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]
        self.stride, self.pad = stride, pad

    W = property(lambda self: self.params[0], lambda self, W: self._set(0, W))
    b = property(lambda self: self.params[1], lambda self, b: self._set(1, b))
    dW = property(lambda self: self.grads[0])
    db = property(lambda self: self.grads[1])

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the convolution of x with W, plus b."""
        self.x = x
        rows, columns = self.W.shape[2:]
        seen = _windows(x, rows, columns, self.stride, self.pad)
        return (np.tensordot(seen, self.W, ([3, 4, 5], [1, 2, 3])) + self.b).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx in the shape of x; write dW and db."""
        (rows, columns), pad = self.W.shape[2:], self.pad
        seen = _windows(self.x, rows, columns, self.stride, pad)
        self.grads[0][...] = np.tensordot(dout, seen, ([0, 2, 3], [0, 1, 2]))
        self.grads[1][...] = dout.sum(axis=(0, 2, 3))
        parts = np.tensordot(dout, self.W, ([1], [0]))  # (N, out rows, out columns, C, rows, ...)
        height, width = self.x.shape[2:]
        dx = np.zeros((*self.x.shape[:2], height + 2 * pad, width + 2 * pad), self.x.dtype)
        for i in range(rows):
            for j in range(columns):
                stop = i + self.stride * dout.shape[2], j + self.stride * dout.shape[3]
                part = parts[..., i, j].transpose(0, 3, 1, 2)
                dx[:, :, i : stop[0] : self.stride, j : stop[1] : self.stride] += part
        return dx[:, :, pad : pad + height, pad : pad + width]

    def _set(self, i: int, array: np.ndarray) -> None:
        self.params[i], self.grads[i] = array, np.zeros_like(array)
