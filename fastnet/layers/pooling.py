"""Max pooling: the largest pixel of each window of an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.convolution_pooling import (
    convolution_pooling_gradient_in_loop,
    convolution_pooling_in_loop,
    convolution_pooling_weights_in_loop,
    own_size,
)
from fastnet.kernels.geometry import Geometry
from fastnet.kernels.pooling import (
    max_pooling_2x2_gradient_in_loop,
    max_pooling_2x2_in_loop,
    max_pooling_gradient_in_loop,
    max_pooling_in_loop,
    wide_max_pooling_gradient_in_loop,
    wide_max_pooling_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.conv import CONVOLUTION
from fastnet.layers.told import LoopLayer
from fastnet.layers.windows import BYTE, TWO, Windowed, fits_two, largest, largest_gradient

__all__ = ["MaxPooling2D", "Pooling"]


class Pooling(Layer):
    """The textbook's max pooling, channels first: the largest pixel of each window.

    out[n, c, y, k] = max over i < pool_h, j < pool_w of x[n, c, stride * y + i, stride * k + j]

    Parameters
    ----------
    pool_h, pool_w : int
        Rows and columns of a window.
    stride : int
        How far it is from one window to the next, in both directions. (1 in older editions of the
        book.)
    pad : int
        Rows and columns of zeros around the image, which count: negative pixels lose to them.

    Attributes
    ----------
    pool_h, pool_w, stride, pad : int
        May be changed: the next forward goes by them.
    arg_max : (N * OH * OW * C,) int64
        Which pixel of each window won, row by row from 0; made when it is read.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Of equal pixels the first wins, and of NaN, as with numpy.argmax. For the gradient a byte a
    window is kept, where the book keeps x, too. Memory is the book's: out is a view (N, C, OH, OW)
    of an array whose channels lie together, (N, OH, OW, C), and so is dx. An x or dout that is such
    a view is read as it is; any other is copied. The book's own cannot pad where that makes more
    windows.

    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Pooling
    >>> layer = Pooling(2, 2, stride=2)
    >>> x = np.array([[[[1.0, 2.0, 0.0, 1.0], [3.0, 0.0, 1.0, 1.0]]]])
    >>> layer.forward(x)
    array([[[[3., 1.]]]])
    >>> layer.backward(np.array([[[[5.0, 7.0]]]]))
    array([[[[0., 0., 0., 7.],
             [5., 0., 0., 0.]]]])
    """

    unstacked = "In a Sequential images have their channels last: add MaxPooling2D."

    pool_h: Any = checks.Checked(lambda layer, *value: checks.count(*value))
    pool_w: Any = checks.Checked(lambda layer, *value: checks.count(*value))
    stride: Any = checks.Checked(lambda layer, *value: checks.count(*value))
    pad: Any = checks.Checked(lambda layer, where, name, value: checks.count(where, name, value, 0))

    def __init__(self, pool_h: int, pool_w: int, stride: int = 2, pad: int = 0) -> None:
        super().__init__()
        self.pool_h, self.pool_w = pool_h, pool_w
        self.stride, self.pad = stride, pad

    @property
    def arg_max(self) -> NDArray[np.int64]:
        """Which pixel of each window won (N * OH * OW * C,); RuntimeError before forward."""
        code: NDArray[Any] = checks.remembered("Pooling.arg_max", self, "_code")
        return code.reshape(-1).astype(np.int64)

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the largest pixels.

        Parameters
        ----------
        x : (N, C, H, W)

        Returns
        -------
        (N, C, OH, OW)
            OH = (H + 2 * pad - pool_h) // stride + 1, and OW likewise.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x does not have four axes, or has no pixel; or a window is larger than the image.
        """
        where, pad = "Pooling.forward", self.pad
        x = checks.image_axes(where, "x", checks.array(where, "x", x), "(N, C, H, W)")
        window, stride, pads = (self.pool_h, self.pool_w), (self.stride,) * 2, ((pad, pad),) * 2
        before, counts = checks.windows_in(where, "pool", x.shape[2:], window, stride, pads)
        dtype = checks.result_dtype(x)
        pixels = checks.contiguous(checks.channels_last(x), dtype)
        out, self._code = largest(pixels, window, stride, before, counts, True)
        self._geometry = pixels.shape, window, stride, before
        return checks.channels_first(checks.returned(out, dtype))

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx: each window's gradient where its largest pixel was, and 0 elsewhere.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        array of the shape of x
            A pixel that won several windows gets the sum.

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = "Pooling.backward"
        code = checks.remembered(where, self, "_code")
        dout = checks.array(where, "dout", dout)
        n, h, w, c = code.shape
        checks.same_shape(where, "dout", dout, (n, c, h, w))
        dtype = checks.result_dtype(dout)
        dx = largest_gradient(checks.channels_last(dout), code, *self._geometry)
        return checks.channels_first(checks.returned(dx, dtype))

    def __repr__(self) -> str:
        pad = f", pad={self.pad}" if self.pad else ""
        return f"Pooling({self.pool_h}, {self.pool_w}, stride={self.stride}{pad})"


class MaxPooling2D(Windowed):
    """The largest pixel of each window of images (height, width, channels), channel by channel.

    Parameters
    ----------
    pool_size : int, or (rows, columns)
        The size of a window.
    strides : int, or (rows, columns), optional
        How far it is from one window to the next. Default: pool_size.
    padding : "valid", "same", int, (rows, columns) or ((top, bottom), (left, right))
        How many pixels windows reach over the image. "valid": none. "same": as many as give
        ceil(size / stride) windows, half of them, rounded down, before the image. Numbers must be
        less than pool_size. What is outside does not count.
    input_shape : tuple of int, optional
        Shape of one sample, for the first layer of a model that is built before it sees data.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Of equal pixels the first wins, and of NaN, as with numpy.argmax: backward gives its gradient to
    that one alone. Source: Keras, MaxPooling2D; Saitoh, Deep Learning from Scratch, section 7.4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import MaxPooling2D
    >>> layer = MaxPooling2D(2)
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> layer.forward(x)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    >>> layer.output_shape((28, 28, 16))
    (14, 14, 16)
    """

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the largest pixels.

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
        where = "MaxPooling2D.forward"
        x = checks.image_axes(where, "x", checks.array(where, "x", x))
        before, counts = self._geometry(where, x.shape[1:])
        dtype = checks.result_dtype(x)
        pixels, window, stride = checks.contiguous(x, dtype), self.pool_size, self.strides
        out, self._code = largest(pixels, window, stride, before, counts, False)
        self._forwarded = pixels.shape, window, stride, before  # they may be others in backward
        result: NDArray[Any] = checks.returned(out, dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx: each window's gradient where its largest pixel was, and 0 elsewhere.

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
        where = "MaxPooling2D.backward"
        code = checks.remembered(where, self, "_code")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, code.shape)
        dtype = checks.result_dtype(dout)
        dx = largest_gradient(dout, code, *self._forwarded)
        result: NDArray[Any] = checks.returned(dx, dtype)
        return result

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return its step in the compiled loop, which keeps in scratch which pixels won."""
        shape = self.output_shape(input_shape)
        size, window = math.prod(shape), self.pool_size
        kernels: tuple[Any, Any] = max_pooling_in_loop, max_pooling_gradient_in_loop
        before = self._geometry("MaxPooling2D", input_shape)[0]
        if (window, self.strides, before) == TWO and fits_two(input_shape[:2], shape[:2]):
            kernels = max_pooling_2x2_in_loop, max_pooling_2x2_gradient_in_loop
        elif window[0] * window[1] > BYTE:
            kernels = wide_max_pooling_in_loop, wide_max_pooling_gradient_in_loop
            size *= 4
        scratch = (size + 3) // 4  # bytes, in words of float32
        numbers = self._numbers(input_shape)
        joins = _with_convolution if kernels[0] is max_pooling_2x2_in_loop else None
        return [LoopLayer(shape, (), kernels, numbers=numbers, row_scratch=scratch, joins=joins)]


def _with_convolution(before: LoopLayer) -> LoopLayer | None:
    """Return what a convolution and windows of 2 x 2 on it are as one."""
    if before.kernels != CONVOLUTION:
        return None
    rows, columns, filters = before.output_shape
    shape = rows // 2, columns // 2, filters
    geometry = Geometry(*map(int, before.numbers[: len(Geometry._fields)]))
    return before._replace(
        output_shape=shape,
        kernels=(
            convolution_pooling_in_loop,
            convolution_pooling_gradient_in_loop,
            convolution_pooling_weights_in_loop,
        ),
        row_scratch=(math.prod(shape) + 3) // 4,  # bytes, in words of float32
        own=own_size(geometry),
        activated=None,  # behind the windows it is another step
    )
