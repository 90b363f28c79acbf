"""The first book's layers of images, whose `im2col` makes float64 of whatever it is given.

A class of a script's whose `im2col` keeps the dtype is answered by images_as_given.py. Both go by
the functions here, which are told the dtype of the results.

Images and what is computed of them have their channels together in memory, (N, H, W, C), behind a
view (N, C, H, W), as the book's results. `col` and `arg_max`, which are larger than all the rest,
are made where somebody looks at them: the script's own backward, say.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from fastnet import checks, functions
from fastnet.dropin.deferred import Deferred, settled
from fastnet.dropin.first import Own
from fastnet.kernels.geometry import geometry_of
from fastnet.layers.convolution import convolved, gradients
from fastnet.layers.windows import largest, largest_gradient

FLOAT64 = checks.FLOAT64
INTS = int, np.int32, np.int64


class Convolution(Own):
    """Convolution with W (FN, C, FH, FW), which is read at every call."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, FN, OH, OW), a view; keep x by reference."""
        x = settled(x)
        dtype = FLOAT64 if can_become(x, FLOAT64) else None
        return convolve(self, x, dtype, own)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; dW and db are fresh arrays."""
        return convolve_back(self, settled(dout), own)


class Pooling(Own):
    """The largest pixel of each window, without padding: the book's own cannot pad."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, C, OH, OW), a view; keep x by reference."""
        x = settled(x)
        dtype = FLOAT64 if can_become(x, FLOAT64) else None
        return pool(self, x, dtype, own)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx."""
        return pool_back(self, settled(dout), FLOAT64, own)


def im2col(
    input_data: Any, filter_h: Any, filter_w: Any, stride: Any = 1, pad: Any = 0, *, own: Any
) -> Any:
    """Return the windows as rows, in float64."""
    x = settled(input_data)
    sizes = filter_h, filter_w, stride, pad
    if not can_become(x, FLOAT64) or not are_sizes(x.shape, *sizes):
        return own(input_data, *sizes)
    return functions.im2col(checks.contiguous(x, FLOAT64), *sizes)


def col2im(
    col: Any,
    input_shape: Any,
    filter_h: Any,
    filter_w: Any,
    stride: Any = 1,
    pad: Any = 0,
    *,
    own: Any,
) -> Any:
    """Return the sums of windows, in float64."""
    x, sizes = settled(col), (filter_h, filter_w, stride, pad)
    if type(x) is not ndarray or x.dtype.kind not in "biuf" or not x.ndim:
        return own(col, input_shape, *sizes)
    if type(input_shape) is not tuple or not are_sizes(input_shape, *sizes):
        return own(col, input_shape, *sizes)
    columns = input_shape[1] * filter_h * filter_w
    if not x.size or x.size % columns:
        return own(col, input_shape, *sizes)
    rows = checks.contiguous(x, FLOAT64).reshape(-1, columns)
    return functions.col2im(rows, input_shape, *sizes)


def are_sizes(shape: tuple[Any, ...], *sizes: Any) -> bool:
    """Tell whether windows of such sizes lie in images of a shape, with their padding."""
    if len(shape) != 4 or any(type(n) not in INTS for n in (*shape, *sizes)):
        return False
    rows, columns, stride, pad = sizes
    fits = shape[2] + 2 * pad >= rows > 0 and shape[3] + 2 * pad >= columns > 0
    return bool(fits and stride > 0 and pad >= 0 and min(shape) > 0)


def can_become(x: Any, dtype: np.dtype[Any]) -> bool:
    """Tell whether x holds images of numbers that NumPy makes that dtype of beside one of it."""
    return (
        type(x) is ndarray
        and x.ndim == 4
        and x.dtype.kind in "biuf"
        and np.result_type(x.dtype, dtype) == dtype
    )


def convolve(layer: Any, x: Any, dtype: np.dtype[Any] | None, own: Any) -> Any:
    """Forward, with results of that dtype; None where they have another."""
    W, b, stride, pad = layer.W, layer.b, layer.stride, layer.pad
    if dtype is None or not (can_become(W, dtype) and type(stride) in INTS and type(pad) in INTS):
        return own(layer, x)
    (n, c, h, w), (m, channels, rows, columns) = x.shape, W.shape
    b = np.full(m, b, dtype) if np.ndim(b) == 0 else b  # apply_filter.py gives 0
    if type(b) is not ndarray or b.shape != (m,) or b.dtype.kind not in "biuf" or stride < 1:
        return own(layer, x)
    out_h, out_w = ((size + 2 * pad - k) // stride + 1 for size, k in ((h, rows), (w, columns)))
    if channels != c or pad < 0 or min(n, c, m, out_h, out_w) < 1:
        return own(layer, x)
    strides, one = (stride, stride), (1, 1)
    sizes = (h, w, c), (rows, columns, m)
    g = geometry_of(*sizes, strides, one, (pad, pad), (out_h, out_w), 1)
    images = checks.contiguous(checks.channels_last(x), dtype)
    kernel = checks.contiguous(W.transpose(2, 3, 1, 0), dtype)
    out = convolved(g, images, kernel, checks.contiguous(b, dtype))

    def windows() -> NDArray[Any]:
        return functions.im2col(checks.channels_first(images), rows, columns, stride, pad)

    layer.x, layer.col, layer.col_W = x, Deferred(windows), W.reshape(m, -1).T
    layer._convolved = layer.col, g, images, kernel
    return checks.channels_first(out)


def convolve_back(layer: Any, dout: Any, own: Any) -> Any:
    """Backward of what `convolve` answered last."""
    col, g, images, kernel = layer.__dict__.get("_convolved", (None,) * 4)
    if col is None or layer.__dict__.get("col") is not col or type(dout) is not ndarray:
        return own(layer, dout)
    shape = len(images), g.filters, g.out_height, g.out_width
    if dout.shape != shape or not can_become(dout, images.dtype):
        return own(layer, dout)
    upstream = checks.contiguous(checks.channels_last(dout), images.dtype)
    dx, dW, db = gradients(g, images, kernel, upstream)
    if dout.dtype != images.dtype:  # whose sum NumPy does not make one of the layer's dtype
        db = dout.sum((0, 2, 3))
    layer.dW, layer.db = np.ascontiguousarray(dW.transpose(3, 2, 0, 1)), db
    return checks.channels_first(dx)


def pool(layer: Any, x: Any, dtype: np.dtype[Any] | None, own: Any) -> Any:
    """Forward, with results of that dtype; None where they have another."""
    window, stride = (layer.pool_h, layer.pool_w), layer.stride
    sizes = *window, stride, layer.pad
    if dtype is None or any(type(size) not in INTS for size in sizes) or layer.pad != 0:
        return own(layer, x)
    if min(*window, stride) < 1 or x.shape[2] < window[0] or x.shape[3] < window[1] or not x.size:
        return own(layer, x)
    images = checks.contiguous(checks.channels_last(x), dtype)
    counts = (x.shape[2] - window[0]) // stride + 1, (x.shape[3] - window[1]) // stride + 1
    out, code = largest(images, window, (stride, stride), (0, 0), counts, False)
    layer.x, layer.arg_max = x, Deferred(lambda: code.reshape(-1).astype(np.int64))
    layer._pooled = layer.arg_max, code, images.shape, window, (stride, stride), (0, 0)
    return checks.channels_first(out)


def pool_back(layer: Any, dout: Any, dtype: np.dtype[Any], own: Any) -> Any:
    """Backward of what `pool` answered last, with results of that dtype."""
    kept, *known = layer.__dict__.get("_pooled", (None,))
    if kept is None or layer.__dict__.get("arg_max") is not kept or not can_become(dout, dtype):
        return own(layer, dout)
    upstream = checks.contiguous(checks.channels_last(dout), dtype)
    if upstream.shape != known[0].shape:
        return own(layer, dout)
    return checks.channels_first(largest_gradient(upstream, *known))
