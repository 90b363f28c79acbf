"""Layers of images, and those that give samples another shape."""

from typing import Any

import numpy as np

from ..kernels import (
    average_pooling_backward,
    average_pooling_forward,
    global_average_pooling_backward,
    global_average_pooling_forward,
    max_pooling_backward,
    max_pooling_forward,
)
from .base import Layer


class Pooling(Layer):
    """The textbook's max pooling of images (N, C, H, W), with zeros around them."""

    def __init__(self, pool_h: int, pool_w: int, stride: int = 2, pad: int = 0) -> None:
        super().__init__()
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad

    @property
    def arg_max(self) -> np.ndarray:
        """Which pixel of each window won."""
        return self._code.ravel()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the largest pixels (N, C, OH, OW)."""
        self.x = x
        n, c, h, w = x.shape
        out_h = (h + 2 * self.pad - self.pool_h) // self.stride + 1
        out_w = (w + 2 * self.pad - self.pool_w) // self.stride + 1
        out = np.empty((n, out_h, out_w, c), x.dtype)
        self._code = np.empty(out.shape, np.int64)
        self._geometry = self.pool_h, self.pool_w, self.stride, self.stride, self.pad, self.pad
        max_pooling_forward(x.transpose(0, 2, 3, 1), *self._geometry, True, out, self._code)
        return out.transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx (N, C, H, W)."""
        dx = np.empty(self.x.transpose(0, 2, 3, 1).shape, dout.dtype)
        max_pooling_backward(dout.transpose(0, 2, 3, 1), self._code, *self._geometry, dx)
        return dx.transpose(0, 3, 1, 2)


class _Windowed(Layer):
    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: Any = "valid",
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.input_shape = input_shape
        self.pool_size = (pool_size, pool_size) if isinstance(pool_size, int) else pool_size
        self.strides = strides or self.pool_size
        if isinstance(self.strides, int):
            self.strides = self.strides, self.strides
        self.padding = padding

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (rows, columns, channels)."""
        *_, counts = self._geometry(input_shape)
        return (*counts, input_shape[2])

    def _geometry(self, shape: tuple[int, ...]) -> tuple:
        before, counts = [], []
        for axis in range(2):
            size, pool, stride = shape[axis], self.pool_size[axis], self.strides[axis]
            if self.padding == "same":
                count = -(-size // stride)
                missing = max((count - 1) * stride + pool - size, 0)
                start, end = missing // 2, missing - missing // 2
            elif self.padding == "valid":
                start = end = 0
            else:
                start, end = self.padding[axis]
            before.append(start)
            counts.append((size + start + end - pool) // stride + 1)
        return (*self.pool_size, *self.strides, *before), counts


class MaxPooling2D(_Windowed):
    """The largest pixel of each window of images (N, H, W, C)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the largest pixels (N, OH, OW, C)."""
        self._windows, counts = self._geometry(x.shape[1:])
        out = np.empty((len(x), *counts, x.shape[3]), x.dtype)
        self._shape, self._code = x.shape, np.empty(out.shape, np.int64)
        max_pooling_forward(x, *self._windows, False, out, self._code)
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx (N, H, W, C)."""
        dx = np.empty(self._shape, dout.dtype)
        max_pooling_backward(dout, self._code, *self._windows, dx)
        return dx


class AveragePooling2D(_Windowed):
    """The mean pixel of each window of images (N, H, W, C)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the mean pixels (N, OH, OW, C)."""
        self._windows, counts = self._geometry(x.shape[1:])
        self._shape, out = x.shape, np.empty((len(x), *counts, x.shape[3]), x.dtype)
        average_pooling_forward(x, *self._windows, out)
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx (N, H, W, C)."""
        dx = np.empty(self._shape, dout.dtype)
        average_pooling_backward(dout, *self._windows, dx)
        return dx


class GlobalAveragePooling2D(Layer):
    """The mean pixel of each image (N, H, W, C)."""

    def __init__(self, input_shape: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.input_shape = input_shape

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the mean pixels (N, C)."""
        self._shape = n, h, w, c = x.shape
        out = np.empty((n, c), x.dtype)
        global_average_pooling_forward(x.reshape(n, h * w, c), out)
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx (N, H, W, C)."""
        n, h, w, c = self._shape
        dx = np.empty((n, h * w, c), dout.dtype)
        global_average_pooling_backward(dout, dx)
        return dx.reshape(self._shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (channels,)."""
        return input_shape[2:]


class Reshape(Layer):
    """Samples in another shape."""

    def __init__(
        self, target_shape: tuple[int, ...], input_shape: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.target_shape, self.input_shape = target_shape, input_shape

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x in the new shape."""
        self._shape = x.shape
        return x.reshape(len(x), *self.target_shape)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dout in the shape of x."""
        return dout.reshape(self._shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return target_shape."""
        return np.empty(input_shape, bool).reshape(self.target_shape).shape


class Flatten(Reshape):
    """Samples as rows."""

    def __init__(self, input_shape: tuple[int, ...] | None = None) -> None:
        super().__init__((-1,), input_shape)
