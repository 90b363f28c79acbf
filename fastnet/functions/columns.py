"""The textbook's im2col and col2im."""

from __future__ import annotations

from typing import Any

from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.columns import col2im_forward, im2col_forward


def im2col(
    input_data: ArrayLike, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0
) -> NDArray[Any]:
    """Return the windows of images as the rows of a matrix.

    Parameters
    ----------
    input_data : (N, C, H, W)
        float16 stays float16; integers become float64.
    filter_h, filter_w : int
        Rows and columns of a window.
    stride : int
        By how many pixels windows move.
    pad : int
        Rows and columns of zeros around an image.

    Returns
    -------
    (N * OH * OW, C * filter_h * filter_w)
        Fresh, of the dtype of input_data. OH = (H + 2 * pad - filter_h) // stride + 1, OW alike.

    Raises
    ------
    TypeError
        input_data is complex, object, string or wider than float64; a number is no int.
    ValueError
        input_data is not (N, C, H, W), smaller than a window, or a number is out of range.

    Notes
    -----
    `fastnet.layers.Convolution` needs no such matrix.
    Source: Saitoh, Deep Learning from Scratch, section 7.4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import im2col
    >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2, 2)
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    where = "im2col"
    x = checks.array(where, "input_data", input_data)
    checks.four_axes(where, "input_data", x.shape)
    sizes = _sizes(where, filter_h, filter_w, stride, pad)
    down, right = _windows(where, "input_data", x.shape, sizes)
    dtype = checks.result_dtype(x)
    x = checks.contiguous(x, dtype)
    out = empty((x.shape[0] * down * right, x.shape[1] * sizes[0] * sizes[1]), x.dtype)
    im2col_forward(x, *sizes, out)
    result: NDArray[Any] = checks.returned(out, dtype)
    return result


def col2im(
    col: ArrayLike,
    input_shape: tuple[int, ...],
    filter_h: int,
    filter_w: int,
    stride: int = 1,
    pad: int = 0,
) -> NDArray[Any]:
    """Add windows up to images, each where `im2col` took it: the gradient of `im2col`.

    Parameters
    ----------
    col : (N * OH * OW, C * filter_h * filter_w)
        As `im2col` returns it for images of that shape.
    input_shape : (N, C, H, W)
    filter_h, filter_w, stride, pad : int
        As for `im2col`.

    Returns
    -------
    (N, C, H, W)
        Fresh, of the dtype of col.

    Raises
    ------
    TypeError, ValueError
        As for `im2col`; col has another shape.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import col2im
    >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2)
    array([[[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]]])
    """
    where = "col2im"
    shape = tuple(input_shape)
    checks.four_axes(where, "input_shape", shape)
    sizes = _sizes(where, filter_h, filter_w, stride, pad)
    down, right = _windows(where, "input_shape", shape, sizes)
    x = checks.array(where, "col", col)
    checks.of_shape(where, "col", x, (shape[0] * down * right, shape[1] * sizes[0] * sizes[1]))
    dtype = checks.result_dtype(x)
    x = checks.contiguous(x, dtype)
    out = empty(shape, x.dtype)
    col2im_forward(x, *sizes, out)
    result: NDArray[Any] = checks.returned(out, dtype)
    return result


def _sizes(where: str, rows: Any, columns: Any, stride: Any, pad: Any) -> tuple[int, ...]:
    """Return the four numbers, which are checked."""
    return (
        checks.count(where, "filter_h", rows),
        checks.count(where, "filter_w", columns),
        checks.count(where, "stride", stride),
        checks.count(where, "pad", pad, 0),
    )


def _windows(
    where: str, name: str, shape: tuple[int, ...], sizes: tuple[int, ...]
) -> tuple[int, ...]:
    """Return how many windows lie along each axis."""
    rows, columns, stride, pad = sizes
    zeros = ((pad, pad), (pad, pad))
    return checks.windows(where, name, shape[2:], (rows, columns), (stride, stride), (1, 1), zeros)
