"""Convolutions of fewer filters than fill a vector: channels lie along it instead.

Such a convolution is the gradient of another one with respect to its input, whose channels are the
filters and whose kernel is turned round. 64 x 64 x 64 by 3 x 3 to one filter takes 0.20 of the time
forward with AVX-512, its gradient 0.26; 0.25 and 0.31 with AVX2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import NDArray

from fastnet.kernels.activations import (
    RELU,
    SIGMOID,
    TANH,
    relu_forward,
    sigmoid_forward,
    tanh_forward,
)
from fastnet.kernels.blocking import BITS
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.convolution_input import convolution_backward_input
from fastnet.kernels.convolution_weights import convolution_backward_params
from fastnet.kernels.geometry import Geometry, geometry_of

ACTIVATE = {RELU: relu_forward, SIGMOID: sigmoid_forward, TANH: tanh_forward}


def has_few_filters(g: Geometry, dtype: np.dtype[Any]) -> bool:
    """Tell whether filters fill a quarter of a vector at most, channels more, and it can be turned.

    Windows must move by one pixel, and each must have one of the image inside.
    """
    lanes = BITS // (8 * dtype.itemsize)
    ones = g.row_stride, g.column_stride, g.row_dilation, g.column_dilation, g.groups
    inside = (
        0 <= g.top < g.kernel_height
        and 0 <= g.left < g.kernel_width
        and g.out_height <= g.height + g.top
        and g.out_width <= g.width + g.left
    )
    few = 4 * g.filters <= lanes <= g.channels and g.kernel_height * g.kernel_width > 1
    return few and inside and set(ones) == {1}


def _turned(g: Geometry) -> Geometry:
    """Return the convolution of the outputs' gradient, whose filters are the channels."""
    return geometry_of(
        (g.out_height, g.out_width, g.filters),
        (g.kernel_height, g.kernel_width, g.channels),
        (1, 1),
        (1, 1),
        (g.kernel_height - 1 - g.top, g.kernel_width - 1 - g.left),
        (g.height, g.width),
        1,
    )


def convolved(
    g: Geometry, x: NDArray[Any], W: NDArray[Any], b: NDArray[Any], code: int
) -> NDArray[Any]:
    """Return what `fastnet.layers.convolution.convolved` does."""
    other = _turned(g)
    out = empty((len(x), g.out_height, g.out_width, g.filters), x.dtype)
    kernel = np.ascontiguousarray(W[::-1, ::-1].transpose(0, 1, 3, 2))
    work = empty(scratch_size(other), x.dtype)
    convolution_backward_input(x, kernel, np.array(other, np.int64), work, out)
    with np.errstate(all="ignore"):  # kernels do not warn of infinity either
        out += b
    if (activate := ACTIVATE.get(code)) is not None:
        activate(out.reshape(1, -1), out.reshape(1, -1))
    return out


def weight_gradients(
    g: Geometry, x: NDArray[Any], dout: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return dW and db."""
    other = _turned(g)
    dW = empty((g.kernel_height, g.kernel_width, g.filters, g.channels), x.dtype)
    work, sums = empty(scratch_size(other), x.dtype), empty(g.channels, x.dtype)
    convolution_backward_params(dout, x, np.array(other, np.int64), work, dW, sums)
    with np.errstate(all="ignore"):
        db = dout.sum((0, 1, 2), dtype=np.float64).astype(x.dtype)
    return np.ascontiguousarray(dW[::-1, ::-1].transpose(0, 1, 3, 2)), db
