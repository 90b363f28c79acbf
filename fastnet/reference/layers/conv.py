"""Convolutions by their number of filters, channels last, a tap after the other."""

import math
from typing import Any

import numpy as np

from ..initializers import deviation
from .activations import Relu, Sigmoid, Tanh, _Identity
from .base import Layer


class Conv2D(Layer):
    """Convolution of images (N, H, W, C) and an activation; W and b come with ``build``.

    W is (rows, columns, C / groups, filters). padding is "valid", "same", or how many zeros stand
    before and behind each axis. activation is None, "identity", "sigmoid", "relu" or "tanh".
    """

    _axes = 2

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        padding: Any = "valid",
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        activation: str | None = None,
        use_bias: bool = True,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self.params, self.grads = [], []
        self.filters, self.groups, self.use_bias = filters, groups, use_bias
        self.activation, self.padding = activation, padding
        self.input_shape, self.weight_init_std = input_shape, weight_init_std
        self.kernel_size, self.strides, self.dilation = (
            size if isinstance(size, tuple) else (size,) * self._axes
            for size in (kernel_size, strides, dilation)
        )
        classes: dict = {"identity": _Identity, "sigmoid": Sigmoid, "relu": Relu, "tanh": Tanh}
        self._activation = classes[activation or "identity"]()

    W = property(lambda self: self.params[0], lambda self, W: self._set(0, W))
    b = property(lambda self: self.params[1], lambda self, b: self._set(1, b))
    dW = property(lambda self: self.grads[0])
    db = property(lambda self: self.grads[1])

    def build(self, input_shape: tuple[int, ...], rng: np.random.Generator, dtype: Any) -> None:
        """Draw W from rng, a numpy.random.Generator; b is zeros."""
        shape = (*self.kernel_size, input_shape[-1] // self.groups, self.filters)
        std = self.weight_init_std
        if std is None:
            std = "he" if self.activation == "relu" else "xavier"
        if isinstance(std, str):
            fan_out = math.prod(self.kernel_size) * self.filters
            std = deviation(std, math.prod(shape[:-1]), fan_out)
        W = (rng.standard_normal(shape) * std).astype(dtype)
        self.params = [W, np.zeros(self.filters, dtype)][: 1 + self.use_bias]
        self.grads = [np.zeros_like(param) for param in self.params]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return activation(the convolution of x with W, plus b)."""
        zeros = self._zeros(x.shape[1:-1])
        source = self._source = np.pad(x, ((0, 0), *zeros, (0, 0)))
        out = np.zeros((len(x), *self._counts(source.shape[1:-1]), self.filters), x.dtype)
        for place, seen in self._taps(source, out.shape[1:-1]):
            for channels, filters in self._groups(x.shape[-1]):
                out[..., filters] += seen[..., channels] @ self.W[place][..., filters]
        return self._activation.forward(out + self.b if self.use_bias else out)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx in the shape of x; write dW and db, all through the activation."""
        dout = self._activation.backward(dout)
        source, dsource = self._source, np.zeros_like(self._source)
        axes = [*range(dout.ndim - 1)]
        seen_by_tap = self._taps(source, dout.shape[1:-1])
        changed_by_tap = self._taps(dsource, dout.shape[1:-1])
        for (place, seen), (_, changed) in zip(seen_by_tap, changed_by_tap, strict=True):
            for channels, filters in self._groups(source.shape[-1]):
                part = dout[..., filters]
                self.grads[0][place][..., filters] = np.tensordot(
                    seen[..., channels], part, (axes, axes)
                )
                changed[..., channels] += part @ self.W[place][..., filters].T
        if self.use_bias:
            self.grads[1][...] = dout.sum(axis=tuple(axes))
        spans = [
            slice(before, size - behind)
            for (before, behind), size in zip(self._before, source.shape[1:-1], strict=True)
        ]
        return dsource[(slice(None), *spans)]

    def _zeros(self, image: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return the zeros before and behind each axis, and remember them."""
        zeros: Any = self.padding
        if zeros == "valid":
            zeros = [(0, 0)] * self._axes
        elif zeros == "same":
            zeros = []
            for n, k, s, d in zip(
                image, self.kernel_size, self.strides, self.dilation, strict=True
            ):
                whole = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
                zeros.append((whole // 2, whole - whole // 2))
        elif isinstance(zeros, int):
            zeros = [(zeros, zeros)] * self._axes
        else:
            zeros = [pair if isinstance(pair, tuple) else (pair, pair) for pair in zeros]
        self._before = zeros
        return zeros

    def _counts(self, source: tuple[int, ...]) -> list[int]:
        """Return how many windows lie along each axis."""
        moves = zip(source, self.kernel_size, self.strides, self.dilation, strict=True)
        return [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in moves]

    def _taps(self, source: np.ndarray, counts: tuple[int, ...]) -> Any:
        """Yield the place of each tap in W, and a view of what it sees of all windows."""
        for place in np.ndindex(*self.kernel_size):
            spans = [
                slice(i * d, i * d + (count - 1) * s + 1, s)
                for i, d, s, count in zip(place, self.dilation, self.strides, counts, strict=True)
            ]
            yield place, source[(slice(None), *spans)]

    def _groups(self, channels: int) -> Any:
        """Yield the channels and the filters of each group."""
        c, m = channels // self.groups, self.filters // self.groups
        for g in range(self.groups):
            yield slice(g * c, (g + 1) * c), slice(g * m, (g + 1) * m)

    def _set(self, i: int, array: np.ndarray) -> None:
        self.params[i], self.grads[i] = array, np.zeros_like(array)


class Conv1D(Conv2D):
    """The same of sequences (N, steps, features); W is (kernel_size, features / groups, M)."""

    _axes = 1
