"""Convolution: the textbook's layer, and what all convolutions have in common."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.affine import affine_backward, affine_backward_params, affine_forward
from fastnet.kernels.convolution import convolution_forward
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.convolution_input import convolution_backward_input
from fastnet.kernels.convolution_weights import convolution_backward_params
from fastnet.kernels.geometry import Geometry, geometry_of
from fastnet.layers import few_filters
from fastnet.layers.base import Layer
from fastnet.layers.told import ANYWHERE, Outputs

__all__ = ["Convolution"]


def is_product(g: Geometry) -> bool:
    """Tell whether windows are pixels, so that a convolution is a product of all of them with W.

    That takes 0.6 to 1.0 of the convolution's time.
    """
    ones = g.kernel_height, g.kernel_width, g.row_stride, g.column_stride, g.groups
    return set(ones) == {1} and not g.padded


def convolved(
    g: Geometry, x: NDArray[Any], W: NDArray[Any], b: NDArray[Any], code: int = IDENTITY
) -> NDArray[Any]:
    """Return the convolution of x (N, H, W, C), of which all arrays are a kernel's."""
    if few_filters.has_few_filters(g, x.dtype):
        return few_filters.convolved(g, x, W, b, code)
    out = empty((len(x), g.out_height, g.out_width, g.filters), x.dtype)
    if is_product(g):
        affine_forward(_rows(x), _rows(W), b, code, _rows(out))
        return out
    convolution_forward(x, W, b, _numbers(g), code, empty(scratch_size(g), x.dtype), out)
    return out


def gradients(
    g: Geometry, x: NDArray[Any], W: NDArray[Any], dout: NDArray[Any], wants_dx: bool = True
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return dx, dW and db of a convolution, of which all arrays are a kernel's.

    Where nobody wants dx, it is not computed, and an array without images.
    """
    dW, db = empty(W.shape, x.dtype), empty(g.filters, x.dtype)
    dx = empty((len(x) * wants_dx, *x.shape[1:]), x.dtype)
    if is_product(g):
        if wants_dx:
            affine_backward(_rows(x), _rows(W), _rows(dout), _rows(dx), _rows(dW), db)
        else:
            affine_backward_params(_rows(x), _rows(dout), _rows(dW), db)
        return dx, dW, db
    work, numbers = empty(scratch_size(g), x.dtype), _numbers(g)
    if wants_dx:
        convolution_backward_input(dout, W, numbers, work, dx)
    if few_filters.has_few_filters(g, x.dtype):
        dW, db = few_filters.weight_gradients(g, x, dout)
        # Its border of zeros meets pixels that no window has there, and 0 times infinity is NaN.
        if np.isfinite(dW).all():
            return dx, dW, db
    convolution_backward_params(x, dout, numbers, work, dW, db)
    return dx, dW, db


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return pixels, or taps, as the rows of a matrix."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _numbers(g: Geometry) -> NDArray[np.int64]:
    return np.array(g, np.int64)


class Convolution(Layer):
    """Convolution of images (N, C, H, W), as the textbook has it.

        out[n, m, y, x] = b[m] + sum of x[n, c, y * stride + i, x * stride + j] * W[m, c, i, j]

    Channels are the second axis of x and of out, but stand last in memory: out is a view, as the
    textbook's is, and such views are read without a copy. `Conv2D` is the one for `Sequential`.

    Parameters
    ----------
    W : (FN, C, FH, FW) float32 or float64
        FN filters; kept by reference, as the W of `MatMul`.
    b : (FN,)
    stride : int
        By how many pixels windows move, at least 1.
    pad : int
        Rows and columns of zeros around an image, at least 0.

    Attributes
    ----------
    x : (N, C, H, W)
        The images that forward was given last: not a copy where they fit the kernel.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, shape, or out of range.

    Notes
    -----
    The windows are never copied: the textbook's `col` and `col_W` do not exist.
    Source: Saitoh, Deep Learning from Scratch, section 7.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Convolution
    >>> layer = Convolution(np.ones((1, 1, 2, 2)), np.array([0.5]))
    >>> layer.forward(np.arange(9.0).reshape(1, 1, 3, 3))
    array([[[[ 8.5, 12.5],
             [20.5, 24.5]]]])
    >>> layer.backward(np.ones((1, 1, 2, 2)))
    array([[[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]]])
    >>> layer.dW, layer.db
    (array([[[[ 8., 12.],
             [20., 24.]]]]), array([4.]))
    """

    x: NDArray[Any]
    stride: Any = checks.Checked(lambda layer, where, name, value: checks.count(where, name, value))
    pad: Any = checks.Checked(lambda layer, where, name, value: checks.count(where, name, value, 0))
    array_names: ClassVar[tuple[str, ...]] = ("W", "b")
    argument_names: ClassVar[tuple[str, ...]] = ("stride", "pad")
    unstacked = "Add Conv2D, which takes images (height, width, channels)."

    def __init__(self, W: ArrayLike, b: ArrayLike, stride: int = 1, pad: int = 0) -> None:
        super().__init__()
        W = checks.parameter("Convolution", "W", W, 4)
        b = checks.parameter("Convolution", "b", b, 1)
        checks.bias("Convolution", b, W[..., 0, 0].T)
        self.stride, self.pad = stride, pad
        self.params += [W, b]
        self.grads += [np.zeros(p.shape, checks.result_dtype(p)) for p in (W, b)]

    @property
    def W(self) -> NDArray[Any]:
        """Filters (FN, C, FH, FW): `params[0]`."""
        return self.params[0]

    @W.setter
    def W(self, W: ArrayLike) -> None:
        """Use another W from the next call on; dW is remade where its shape or dtype changes."""
        self._rebind(0, checks.parameter("Convolution.W", "W", W, 4))

    @property
    def b(self) -> NDArray[Any]:
        """Bias (FN,): `params[1]`."""
        return self.params[1]

    @b.setter
    def b(self, b: ArrayLike) -> None:
        """Use another b from the next call on; db is remade where its shape or dtype changes."""
        self._rebind(1, checks.parameter("Convolution.b", "b", b, 1))

    @property
    def dW(self) -> NDArray[Any]:
        """Gradient of the filters: `grads[0]`, overwritten by backward."""
        return self.grads[0]

    @property
    def db(self) -> NDArray[Any]:
        """Gradient of the bias: `grads[1]`, overwritten by backward."""
        return self.grads[1]

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: any numbers."""
        return ANYWHERE

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the convolution of x with W, plus b.

        Parameters
        ----------
        x : (N, C, H, W)

        Returns
        -------
        (N, FN, 1 + (H + 2 pad - FH) // stride, 1 + (W + 2 pad - FW) // stride)

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x has other dimensions, not C channels, or is smaller than W with its padding.
        """
        where = "Convolution.forward"
        x = checks.array(where, "x", x)
        checks.lengths(where, "params", self.params, 2)
        W, b = self.params
        checks.images(where, "x", x, W.shape[1], 1, "N, C, H, W", W.shape)
        checks.bias(where, b, W[..., 0, 0].T)
        g = self._geometry(where, x.shape, W.shape)
        dtype = checks.result_dtype(x, W, b)
        images = checks.contiguous(x.transpose(0, 2, 3, 1), dtype)
        kernel = checks.contiguous(W.transpose(2, 3, 1, 0), dtype)
        out = convolved(g, images, kernel, checks.contiguous(b, dtype))
        self.x, self._remembered = images.transpose(0, 3, 1, 2), (x.shape, g)
        result: NDArray[Any] = checks.returned(out, dtype).transpose(0, 3, 1, 2)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx in the shape of x; write dW and db.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        (N, C, H, W)

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        return self._gradients(dout, True)

    def _backward_params(self, dout: ArrayLike) -> None:
        """Do what backward does but for dx, which the first layer of a model need not give."""
        self._gradients(dout, False)

    def _gradients(self, dout: ArrayLike, wants_dx: bool) -> NDArray[Any]:
        where = "Convolution.backward"
        x = checks.array(where, "x", checks.remembered(where, self, "x"))
        shape, g = self._remembered
        checks.lengths(where, "params", self.params, 2)
        W, b = self.params
        grads = tuple(self.grads)
        checks.lengths(where, "grads", grads, 2)
        checks.gradient_shapes(where, (W, b), grads)
        checks.unchanged(where, "x", x, shape)
        checks.unchanged(where, "W", W, (g.filters, g.channels, g.kernel_height, g.kernel_width))
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, (shape[0], g.filters, g.out_height, g.out_width))
        dtype = checks.result_dtype(x, W, dout)
        images, upstream = (
            checks.contiguous(array.transpose(0, 2, 3, 1), dtype) for array in (x, dout)
        )
        kernel = checks.contiguous(W.transpose(2, 3, 1, 0), dtype)
        dx, dW, db = gradients(g, images, kernel, upstream, wants_dx)
        grads[0][...], grads[1][...] = dW.transpose(3, 2, 0, 1), db
        result: NDArray[Any] = checks.returned(dx, checks.result_dtype(W, dout))
        return result.transpose(0, 3, 1, 2)

    def _geometry(self, where: str, x: tuple[int, ...], W: tuple[int, ...]) -> Geometry:
        strides, before = (self.stride,) * 2, (self.pad,) * 2
        zeros = ((self.pad, self.pad),) * 2
        out = checks.windows(where, "x", x[2:], W[2:], strides, (1, 1), zeros)
        return geometry_of((*x[2:], x[1]), (*W[2:], W[0]), strides, (1, 1), before, out, 1)

    def __repr__(self) -> str:
        sizes = ", ".join(map(str, self.params[0].shape))
        return f"Convolution({sizes}, stride={self.stride}, pad={self.pad})"
