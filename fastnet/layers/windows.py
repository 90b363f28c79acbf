"""Windows over images (N, H, W, C): what layers that pool share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels.pooling import (
    max_pooling_2x2_backward,
    max_pooling_2x2_forward,
    max_pooling_backward,
    max_pooling_forward,
)
from fastnet.layers.base import Layer
from fastnet.layers.told import Outputs

BYTE = 256  # pixels of a window whose numbers a byte holds
TWO = (2, 2), (2, 2), (0, 0)  # window, stride, and pixels before the image


def largest(
    x: NDArray[Any],
    window: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
    counts: tuple[int, int],
    zeros: bool,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the largest pixels of windows of x (N, H, W, C) and which they are."""
    shape = (len(x), *counts, x.shape[3])
    small = window[0] * window[1] <= BYTE
    out, code = empty(shape, x.dtype), empty(shape, np.uint8 if small else x.dtype)
    if (window, stride, before) == TWO and fits_two(x.shape[1:3], counts):
        max_pooling_2x2_forward(x, out, code)
    else:
        max_pooling_forward(x, *window, *stride, *before, zeros, out, code)
    return out, code


def largest_gradient(
    dout: NDArray[Any],
    code: NDArray[Any],
    shape: tuple[int, ...],
    window: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> NDArray[Any]:
    """Return the gradient of `largest` at x of that shape."""
    dtype = checks.result_dtype(dout)
    # Before dout is copied, where it must be: what is made next then takes the copy's place.
    dx = empty(shape, checks.FLOAT32 if dtype.itemsize == 2 else dtype)
    dout = checks.contiguous(dout, dtype)
    if (window, stride, before) == TWO and fits_two(shape[1:3], dout.shape[1:3]):
        max_pooling_2x2_backward(dout, code, dx)
    else:
        # What forward of another dtype kept in numbers of its own.
        code = code if code.dtype == np.uint8 else checks.contiguous(code, dout.dtype)
        max_pooling_backward(dout, code, *window, *stride, *before, dx)
    return dx


def fits_two(shape: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    """Tell whether windows of 2 x 2 side by side are all inside: none reaches over the end."""
    return (shape[0] // 2, shape[1] // 2) == counts


class Windowed(Layer):
    """What layers that pool in windows share: their arguments, and what shapes they make."""

    takes_shape = True
    argument_names = "pool_size", "strides", "padding"
    pool_size: Any = checks.Checked(
        lambda layer, where, name, value: checks.axis_sizes(where, name, value, 2)
    )
    strides: Any = checks.Checked(
        lambda layer, where, name, value: checks.axis_sizes(where, name, value, 2)
    )
    padding: Any = checks.Checked(lambda layer, where, name, value: checks.padding(where, value, 2))

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        strides: int | tuple[int, int] | None = None,
        padding: Any = "valid",
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.input_shape = checks.input_shape(type(self).__name__, input_shape)
        self.pool_size = pool_size
        self.strides = self.pool_size if strides is None else strides
        self.padding = padding

    def _geometry(
        self, where: str, shape: tuple[int, ...]
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return what windows reach over before an image, and how many they are."""
        window, padding = self.pool_size, self.padding
        if not isinstance(padding, str) and any(
            side >= length for ends, length in zip(padding, window, strict=True) for side in ends
        ):
            raise ValueError(
                f"{where}: padding must be less than pool_size {window}, got {padding}. Else a "
                "window would lie outside the image."
            )
        return checks.windows_in(where, "pool_size", shape[:2], window, self.strides, padding)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (rows, columns, channels) of an image.

        Raises ValueError where it is none, or smaller than a window.
        """
        where = type(self).__name__
        shape = checks.image(where, input_shape)
        return (*self._geometry(where, shape)[1], shape[2])

    def _numbers(self, input_shape: tuple[int, ...]) -> tuple[float, ...]:
        """Return the geometry as `fastnet.kernels.pooling.geometry_at` reads it."""
        before, counts = self._geometry(type(self).__name__, input_shape)
        numbers = *input_shape, *self.pool_size, *self.strides, *before, *counts
        return tuple(map(float, numbers))

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of its inputs."""
        return None if inputs is None else Outputs(inputs.low, inputs.high)

    def __repr__(self) -> str:
        strides = "" if self.strides == self.pool_size else f", strides={self.strides}"
        padding = "" if self.padding == "valid" else f", padding={self.padding!r}"
        return f"{type(self).__name__}({self.pool_size}{strides}{padding})"
