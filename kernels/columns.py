"""The windows of images (N, C, H, W) as rows of a matrix, and back: the textbook's im2col."""

from numba import int64

from ._compile import helper, jit, matrix, real
from .simd import get, offset, pointer, put, scalar
from .sweep import put_all

images = real[:, :, :, ::1]


@helper
def _inside(start, count, size):
    """From which of `count` numbers on, beginning at `start`, they are in 0..size, and to which."""
    first = max(0, -start)
    return first, max(first, min(count, size - start))


@helper
def _window(c, height, width, x, top, left, rows, columns, out):
    """The window of one image at (top, left), channel by channel, with zeros outside."""
    zero = scalar(x, 0.0)
    j, stop = _inside(left, columns, width)
    for i in range(c * rows):
        channel, row = i // rows, i % rows
        y = top + row
        if 0 <= y < height:
            source = offset(x, (channel * height + y) * width + left)
            for k in range(j):
                put(out, k, zero)
            for k in range(j, stop):
                put(out, k, get(source, k))
            for k in range(stop, columns):
                put(out, k, zero)
        else:
            for k in range(columns):
                put(out, k, zero)
        out = offset(out, columns)


@helper
def _add_window(c, height, width, part, top, left, rows, columns, x):
    """Add what `_window` reads to where it was read."""
    j, stop = _inside(left, columns, width)
    for i in range(c * rows):
        channel, row = i // rows, i % rows
        y = top + row
        if 0 <= y < height:
            target = offset(x, (channel * height + y) * width + left)
            for k in range(j, stop):
                put(target, k, get(target, k) + get(part, k))
        part = offset(part, columns)


@jit(images, int64, int64, int64, int64, matrix)
def im2col_forward(x, rows, columns, stride, pad, out):
    """Windows of images, one a row.

        out[(n, i, j), (c, y, z)] = x[n, c, i * stride + y - pad, j * stride + z - pad]

    Parameters
    ----------
    x : (N, C, H, W) float32 or float64, C-contiguous
        Zero outside.
    rows, columns, stride, pad : int64
        Of a window, by how many pixels windows move, and how many zeros stand around an image.
    out : (L, K), same dtype, C-contiguous
        Overwritten: a row for each of L windows, of C * rows * columns numbers.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.2.
    """
    n, c, height, width = x.shape
    down, right = (height + 2 * pad - rows) // stride + 1, (width + 2 * pad - columns) // stride + 1
    size = c * rows * columns
    for at in range(n * down * right):
        image, place = at // (down * right), at % (down * right)
        _window(
            c, height, width, offset(pointer(x), image * c * height * width),
            place // right * stride - pad, place % right * stride - pad, rows, columns,
            offset(pointer(out), at * size),
        )  # fmt: skip


@jit(matrix, int64, int64, int64, int64, images)
def col2im_forward(col, rows, columns, stride, pad, out):
    """Windows added up to images, each where `im2col_forward` took it: the gradient of that.

        out[n, c, i * stride + y - pad, j * stride + z - pad] += col[(n, i, j), (c, y, z)]

    Parameters
    ----------
    col : (L, K) float32 or float64, C-contiguous
        A row for each of L windows, of C * rows * columns numbers.
    rows, columns, stride, pad : int64
        As for `im2col_forward`.
    out : (N, C, H, W), same dtype, C-contiguous
        Overwritten. Must not overlap col.

    Notes
    -----
    A pixel's parts are added in the textbook's order, from the last window to the first.
    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.
    """
    n, c, height, width = out.shape
    down, right = (height + 2 * pad - rows) // stride + 1, (width + 2 * pad - columns) // stride + 1
    size, target = c * rows * columns, pointer(out)
    put_all(target, n * c * height * width, scalar(target, 0.0))
    for at in range(n * down * right - 1, -1, -1):
        image, place = at // (down * right), at % (down * right)
        _add_window(
            c, height, width, offset(pointer(col), at * size), place // right * stride - pad,
            place % right * stride - pad, rows, columns, offset(target, image * c * height * width),
        )  # fmt: skip
