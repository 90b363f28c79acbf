"""Windows that slide over images, as gathered products: pixels are rows, taps are terms.

No tap outside an image is ever read, so that images need no zeros around them: pixels that see the
same taps are one product. Of a 3 x 3 kernel over an image with one row of zeros around it those are
nine: the inside, four edges, four corners.
"""

from typing import NamedTuple

from ._compile import helper, shared
from .gathered import gathered_product
from .geometry import offsets
from .simd import offset, put


class Axis(NamedTuple):
    """How windows slide along an axis."""

    windows: int
    stride: int
    taps: int
    dilation: int
    before: int  # pixels that the first window begins before the image
    size: int  # of the image


@helper
def taps_inside(axis, i):
    """The first tap of window i that lies inside the image, and the one behind the last."""
    start = i * axis.stride - axis.before
    first = max(0, (axis.dilation - 1 - start) // axis.dilation)
    stop = min(axis.taps, (axis.size - start + axis.dilation - 1) // axis.dilation)
    return min(first, axis.taps), max(min(first, axis.taps), stop)


@helper
def windows_inside(axis, tap):
    """The first window whose tap lies inside the image, and the one behind the last."""
    start = tap * axis.dilation - axis.before
    first = max(0, (axis.stride - 1 - start) // axis.stride)
    stop = min(axis.windows, (axis.size - start + axis.stride - 1) // axis.stride)
    return first, stop


@helper
def alike(axis, i):
    """The first window behind i that sees other taps than i."""
    taps, j = taps_inside(axis, i), i + 1
    while j < axis.windows:
        other = taps_inside(axis, j)
        if other[0] != taps[0] or other[1] != taps[1]:
            break
        j += 1
    return j


@shared
def tables(images, rows, columns, image, line, channels, out_channels, run, row, place, col):
    """Where each pixel of some images begins in the images and in the output, and each tap.

    Pixels that see the same taps stand together, image by image. `run` channels of a tap are terms.
    """
    at, y = 0, 0
    while y < rows.windows:
        below, x = alike(rows, y), 0
        while x < columns.windows:
            right = alike(columns, x)
            for i in range(images):
                for p in range(y, below):
                    for q in range(x, right):
                        up, before = p * rows.stride - rows.before, q * columns.stride
                        before -= columns.before
                        put(row, at, i * image + up * line + before * channels)
                        pixel = (i * rows.windows + p) * columns.windows + q
                        put(place, at, pixel * out_channels)
                        at += 1
            x = right
        y = below
    steps = rows.dilation * line, columns.dilation * channels, 1
    offsets((rows.taps, columns.taps, run), steps, col)


@shared
def slide(
    count, images, rows, columns, run, x, row, place, col, filters, strips, start, rectified, out
):
    """The products of `count` images, with tables made for `images`; all but numbers on pointers.

    Parameters
    ----------
    run : int64
        Terms of a tap.
    filters, strips, start : int64, pointers
        Columns, and `gathered_product`'s b and start.
    """
    depth, y = rows.taps * columns.taps * run, 0
    while y < rows.windows:
        below, x_ = alike(rows, y), 0
        up, down = taps_inside(rows, y)
        while x_ < columns.windows:
            right = alike(columns, x_)
            left, end = taps_inside(columns, x_)
            taps, whole = (end - left) * run, columns.taps * run
            pixels = (below - y) * (right - x_)
            terms = depth, up * whole + left * run, 1, 0, down - up, taps, whole - taps
            if taps == whole:  # one run
                terms = depth, up * whole, 1, 0, 1, (down - up) * whole, 0
            gathered_product(
                count * pixels, filters, terms, x, row, col, strips, 0, True, start, rectified,
                False, out, place,
            )  # fmt: skip
            row, place = offset(row, images * pixels), offset(place, images * pixels)
            x_ = right
        y = below
