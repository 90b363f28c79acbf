"""The geometry of a convolution as data, its tables of offsets, and images with their padding."""

from typing import NamedTuple

from ._compile import helper, shared
from .blocking import BITS
from .loop.calls import address_in
from .simd import get, offset, pointer_at, put, scalar
from .sweep import copy, put_all

LANES_32 = BITS // 32  # of float32: no vector holds more
# Pixels that a product of a gradient of W has at most, half as many of float64, of several images
# where one has less: half took 1.03 to 1.05 times as long for 16 to 64 channels.
PIXELS = 256
# Pixels of the other products at least, of several images where one has less, as an image's edges
# are products of their own, of few pixels: with 128, 64 x 7 x 7 by 5 x 5 took 1.4 times as long
# with AVX-512, 16 x 14 x 14 by 5 x 5 1.1 times.
TOGETHER = 1024
ALIGNED = 16  # elements: each part of the scratch starts on a cache line of its own


class Geometry(NamedTuple):
    """What a convolution of images (height, width, channels) goes by."""

    height: int
    width: int
    channels: int
    kernel_height: int
    kernel_width: int
    filters: int
    row_stride: int
    column_stride: int
    row_dilation: int
    column_dilation: int
    top: int  # rows and columns of zeros before the image
    left: int
    out_height: int
    out_width: int
    groups: int
    source_height: int  # of the images that the windows move over: larger where they are padded
    source_width: int
    padded: int  # 1: they are another than the image


def geometry_of(image, kernel, strides, dilation, before, out, groups):
    """Return the Geometry of (height, width, channels) and (rows, columns, filters)."""
    needed = [
        (o - 1) * s + (k - 1) * d + 1
        for o, s, k, d in zip(out, strides, kernel[:2], dilation, strict=True)
    ]
    padded = any(before) or any(n > size for n, size in zip(needed, image[:2], strict=True))
    source = needed if padded else image[:2]
    return Geometry(
        *image, *kernel, *strides, *dilation, *before, *out, groups, *source, int(padded)
    )


@helper
def geometry_at(numbers):
    """The geometry whose numbers lie at a pointer, in Geometry's order."""
    return Geometry(
        int(get(numbers, 0)), int(get(numbers, 1)), int(get(numbers, 2)), int(get(numbers, 3)),
        int(get(numbers, 4)), int(get(numbers, 5)), int(get(numbers, 6)), int(get(numbers, 7)),
        int(get(numbers, 8)), int(get(numbers, 9)), int(get(numbers, 10)), int(get(numbers, 11)),
        int(get(numbers, 12)), int(get(numbers, 13)), int(get(numbers, 14)),
        int(get(numbers, 15)), int(get(numbers, 16)), int(get(numbers, 17)),
    )  # fmt: skip


@helper
def behind(p, size):
    """The next part of a scratch, behind one of `size` elements."""
    return offset(p, (size + ALIGNED - 1) // ALIGNED * ALIGNED)


@helper
def table_at(p):
    """The int64 at a pointer of another dtype."""
    return pointer_at(address_in(p, 0), 0)


@helper
def offsets(counts, steps, table):
    """table = i * steps[0] + j * steps[1] + k * steps[2], for all i, j, k in order."""
    at = 0
    for i in range(counts[0]):
        for j in range(counts[1]):
            start = i * steps[0] + j * steps[1]
            for k in range(counts[2]):
                put(table, at, start + k * steps[2])
                at += 1


@shared
def place_image(height, width, channels, x, top, left, rows, columns, out):
    """The image (rows, columns, channels) of x, moved down and right, with zeros around.

    Where top or left is below 0, as many rows or columns of x are left out.
    """
    zero = scalar(x, 0.0)
    size, start, skipped = columns * channels, max(left, 0), max(-left, 0)
    start = min(start, columns)
    count = max(0, min(width - skipped, columns - start)) * channels
    start, skipped = start * channels, skipped * channels
    for y in range(rows):
        target = offset(out, y * size)
        if top <= y < top + height and count > 0:
            put_all(target, start, zero)
            copy(offset(x, (y - top) * width * channels + skipped), offset(target, start), count)
            put_all(offset(target, start + count), size - start - count, zero)
        else:
            put_all(target, size, zero)
