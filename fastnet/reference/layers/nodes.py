"""The nodes of a graph of arrays."""

import numpy as np

from .base import Layer


class Add(Layer):
    """Sum of two arrays, which may broadcast."""

    def forward(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return x + y."""
        self._shapes = np.shape(x), np.shape(y)
        return np.add(x, y)

    def backward(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dx and dy: dout, summed over the axes along which x or y was spread."""
        x, y = self._shapes
        return _summed_to(dout, x), _summed_to(dout, y)


class Multiply(Layer):
    """Product of two arrays, which may broadcast."""

    def forward(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return x * y and keep both."""
        self.x, self.y = x, y
        return np.multiply(x, y)

    def backward(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dx = dout * y and dy = dout * x, summed as in Add."""
        dx, dy = np.multiply(dout, self.y), np.multiply(dout, self.x)
        return _summed_to(dx, np.shape(self.x)), _summed_to(dy, np.shape(self.y))


class Repeat(Layer):
    """Each entry along an axis ``times`` times."""

    def __init__(self, times: int, axis: int = 0) -> None:
        super().__init__()
        self.times, self.axis = times, axis

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return np.repeat(x, times, axis)."""
        self._shape = x.shape
        return np.repeat(x, self.times, self.axis)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx, the sums of dout over the copies."""
        axis = self.axis % len(self._shape)
        parts = (*self._shape[: axis + 1], self.times, *self._shape[axis + 1 :])
        return dout.reshape(parts).sum(axis=axis + 1)


class Sum(Layer):
    """Sum along an axis, which stays with length 1."""

    def __init__(self, axis: int = 0) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x.sum(axis, keepdims=True)."""
        self._shape = x.shape
        return x.sum(axis=self.axis, keepdims=True)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx, dout repeated along the axis."""
        return np.repeat(dout, self._shape[self.axis], axis=self.axis)


def _summed_to(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum over the axes along which an array of that shape was spread."""
    grad = np.asarray(grad)
    extra = grad.ndim - len(shape)
    grown = (1,) * extra + shape
    axes = tuple(i for i in range(grad.ndim) if grown[i] != grad.shape[i])
    return grad.sum(axis=axes, keepdims=True).reshape(shape)
