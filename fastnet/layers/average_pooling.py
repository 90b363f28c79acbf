"""Average pooling: the mean pixel of each window of an image, or of all of it."""

from __future__ import annotations

from typing import Any

from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.average_pooling import (
    average_pooling_backward,
    average_pooling_forward,
    average_pooling_gradient_in_loop,
    average_pooling_in_loop,
    global_average_pooling_backward,
    global_average_pooling_forward,
    global_average_pooling_gradient_in_loop,
    global_average_pooling_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.told import LoopLayer, Outputs
from fastnet.layers.windows import Windowed

__all__ = ["AveragePooling2D", "GlobalAveragePooling2D"]


class AveragePooling2D(Windowed):
    """The mean pixel of each window of images (height, width, channels), channel by channel.

    Parameters
    ----------
    pool_size : int, or (rows, columns)
        The size of a window.
    strides : int, or (rows, columns), optional
        How far it is from one window to the next. Default: pool_size.
    padding : "valid", "same", int, (rows, columns) or ((top, bottom), (left, right))
        As for `MaxPooling2D`. What is outside the image does not count: a window that reaches over
        it is the mean of the pixels inside.
    input_shape : tuple of int, optional
        Shape of one sample, for the first layer of a model that is built before it sees data.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Keras, AveragePooling2D.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import AveragePooling2D
    >>> layer = AveragePooling2D((2, 4))
    >>> layer.forward(np.arange(16.0).reshape(1, 4, 4, 1)).ravel()
    array([ 3.5, 11.5])
    >>> layer.backward(np.array([8.0, 16.0]).reshape(1, 2, 1, 1))[0, :, :, 0]
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [2., 2., 2., 2.],
           [2., 2., 2., 2.]])
    """

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the mean pixels.

        Parameters
        ----------
        x : (N, H, W, C)

        Returns
        -------
        (N, OH, OW, C)
            `output_shape` says OH and OW.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x does not have four axes, or has no pixel; or a window is larger than the image.
        """
        where = "AveragePooling2D.forward"
        x = checks.image_axes(where, "x", checks.array(where, "x", x))
        before, counts = self._geometry(where, x.shape[1:])
        dtype = checks.result_dtype(x)
        pixels, geometry = checks.contiguous(x, dtype), (*self.pool_size, *self.strides, *before)
        out = empty((len(x), *counts, x.shape[3]), pixels.dtype)
        average_pooling_forward(pixels, *geometry, out)
        self._forwarded = x.shape, out.shape, geometry  # they may be others in backward
        result: NDArray[Any] = checks.returned(out, dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx: the gradient of each window, in equal parts for its pixels.

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
        where = "AveragePooling2D.backward"
        shape, made, geometry = checks.remembered(where, self, "_forwarded")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, made)
        dtype = checks.result_dtype(dout)
        upstream = checks.contiguous(dout, dtype)
        dx = empty(shape, upstream.dtype)
        average_pooling_backward(upstream, *geometry, dx)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the steps that it is in the compiled loop."""
        kernels = average_pooling_in_loop, average_pooling_gradient_in_loop
        shape, numbers = self.output_shape(input_shape), self._numbers(input_shape)
        return [LoopLayer(shape, (), kernels, numbers=numbers)]


class GlobalAveragePooling2D(Layer):
    """The mean pixel of each image (height, width, channels): its channels are left.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Shape of one sample, for the first layer of a model that is built before it sees data.

    Raises
    ------
    TypeError, ValueError
        input_shape is no tuple of positive whole numbers.

    Notes
    -----
    Source: Lin, Chen and Yan, Network in Network, 2013; Keras, GlobalAveragePooling2D.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import GlobalAveragePooling2D
    >>> layer = GlobalAveragePooling2D()
    >>> layer.forward(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 4.]])
    >>> layer.output_shape((7, 7, 64))
    (64,)
    """

    takes_shape = True

    def __init__(self, input_shape: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.input_shape = checks.input_shape("GlobalAveragePooling2D", input_shape)

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the mean pixels.

        Parameters
        ----------
        x : (N, H, W, C)

        Returns
        -------
        (N, C)

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x does not have four axes, or has no pixel.
        """
        where = "GlobalAveragePooling2D.forward"
        x = checks.image_axes(where, "x", checks.array(where, "x", x))
        n, h, w, c = x.shape
        dtype = checks.result_dtype(x)
        pixels = checks.contiguous(x, dtype)
        out = empty((n, c), pixels.dtype)
        global_average_pooling_forward(pixels.reshape(n, h * w, c), out)
        self._shape = x.shape
        result: NDArray[Any] = checks.returned(out, dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx: the gradient of each channel, in equal parts for its pixels.

        Parameters
        ----------
        dout : (N, C)

        Returns
        -------
        (N, H, W, C)

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = "GlobalAveragePooling2D.backward"
        shape = n, h, w, c = checks.remembered(where, self, "_shape")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, (n, c))
        dtype = checks.result_dtype(dout)
        upstream = checks.contiguous(dout, dtype)
        dx = empty((n, h * w, c), upstream.dtype)
        global_average_pooling_backward(upstream, dx)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (channels,) of an image; ValueError where it is none."""
        return checks.image("GlobalAveragePooling2D", input_shape)[2:]

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of its inputs."""
        return None if inputs is None else Outputs(inputs.low, inputs.high)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the steps that it is in the compiled loop."""
        kernels = global_average_pooling_in_loop, global_average_pooling_gradient_in_loop
        shape = self.output_shape(input_shape)
        return [LoopLayer(shape, (), kernels)]
