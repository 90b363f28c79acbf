"""The gradient of a convolution with respect to its weights, in parts by rows of W.

A product's rows are taps, its terms the pixels of some images, its columns the filters: what the
windows of a tap see is never copied. The sum of 128 pixels or more is made in registers and added
to those before, so that the parts of a sum do not depend on who makes which rows.
"""

from ._compile import helper, jit, vector
from .convolution import images, numbers
from .gathered import gathered_product
from .geometry import LANES_32, PIXELS, behind, geometry_at, offsets, place_image, table_at
from .simd import offset, pointer, scalar
from .sweep import copy, put_all, sweep


@helper
def weights_parts(g):
    """Elements of the scratch: sums, zeros, the tables, padded images, the end of dout."""
    taps = g.kernel_height * g.kernel_width * (g.channels // g.groups)
    pixels, source = g.out_height * g.out_width, g.source_height * g.source_width * g.channels
    at_a_time = max(1, PIXELS // pixels)
    return (
        (taps + 1) * (g.filters + LANES_32) + 4 * LANES_32,
        g.filters + 4 * LANES_32,
        2 * taps,
        2 * taps,
        2 * at_a_time * pixels,
        at_a_time * source * g.padded + LANES_32,
        min(at_a_time * pixels, 2 * PIXELS) * g.filters + 4 * LANES_32,
    )


@helper
def _sum_four(total, a, b, c, d):
    return total + ((a + b) + (c + d))


@helper
def _sum_two(total, a):
    return total + a


@helper
def _sum_pixels(count, m, rows, total):
    """total += the sum of `count` rows of m numbers, four at a time."""
    whole = count // 4 * 4
    for i in range(0, whole, 4):
        q = offset(rows, i * m)
        four = q, offset(q, m), offset(q, 2 * m), offset(q, 3 * m)
        sweep(_sum_four, (total,), (total, *four), 0, m, ())
    for i in range(whole, count):
        sweep(_sum_two, (total,), (total, offset(rows, i * m)), 0, m, ())


@helper
def _scaled(x, factor):
    return x * factor


@helper
def _scaled_and_added(target, x, factor):
    return target + x * factor


@helper
def _finish(size, sums, factor, add, target):
    """target = factor * sums, or that added to it."""
    if add:
        sweep(_scaled_and_added, (target,), (target, sums), 0, size, (factor,))
    else:
        sweep(_scaled, (target,), (sums,), 0, size, (factor,))


@helper
def backward_weights(g, n, x, dout, factor, add, own, first, stop, dW, db, has_bias):
    """Overwrite rows first : stop of dW (taps, M) with `factor` times the gradient, or add it.

    With row 0 goes db. dW and db point to the first rows of all.
    """
    m, c = g.filters, g.channels
    channels, filters, rows = c // g.groups, m // g.groups, stop - first
    pixels, source = g.out_height * g.out_width, g.source_height * g.source_width * c
    at_a_time = max(1, PIXELS // pixels)
    sizes = weights_parts(g)
    start = behind(own, sizes[0])
    row_part = behind(start, sizes[1])
    place_part = behind(row_part, sizes[2])
    col_part = behind(place_part, sizes[3])
    image = behind(col_part, sizes[4])
    end = behind(image, sizes[5])
    row, places, col = table_at(row_part), table_at(place_part), table_at(col_part)
    pitch = (m + LANES_32 - 1) // LANES_32 * LANES_32
    bias = offset(own, rows * pitch)
    has_bias = has_bias and first == 0
    put_all(own, (rows + 1) * pitch, scalar(x, 0.0))
    put_all(start, sizes[1], scalar(x, 0.0))
    line, size = g.source_width * c, g.height * g.width * c
    offsets(
        (g.kernel_height, g.kernel_width, channels),
        (g.row_dilation * line, g.column_dilation * c, 1), row,
    )  # fmt: skip
    offsets((1, 1, rows), (0, 0, pitch), places)
    offsets(
        (at_a_time, g.out_height, g.out_width), (source, g.row_stride * line, g.column_stride * c),
        col,
    )  # fmt: skip
    for i in range(0, n, at_a_time):
        count = min(at_a_time, n - i)
        at = offset(x, i * size)
        if g.padded:
            for k in range(count):
                place_image(
                    g.height, g.width, c, offset(at, k * size), g.top, g.left, g.source_height,
                    g.source_width, offset(image, k * source),
                )  # fmt: skip
            at = image
        k = 0
        while k < count * pixels:
            terms = min(PIXELS, count * pixels - k)
            upstream = offset(dout, (i * pixels + k) * m)
            if has_bias:
                _sum_pixels(terms, m, upstream, bias)
            left = (n - i) * pixels - k - terms
            if left * m < 4 * LANES_32:  # whole vectors are read of each row
                copy(upstream, end, terms * m)
                upstream = end
            for group in range(g.groups):
                gathered_product(
                    rows, filters, (terms, 0, 1, terms, 0), offset(at, group * channels),
                    offset(row, first), offset(col, k), offset(upstream, group * filters), m,
                    False, start, False, True, offset(own, group * filters), places,
                )  # fmt: skip
            k += terms
    for r in range(rows):
        _finish(m, offset(own, r * pitch), factor, add, offset(dW, (first + r) * m))
    if has_bias:
        _finish(m, bias, factor, add, db)


@jit(images, images, numbers, vector, images, vector)
def convolution_backward_params(x, dout, geometry, work, dW, db):
    """Gradient of a convolution with respect to its weights.

        dW[ky, kx, c, m] = sum of source[n, y * stride + ky * dilation, ..., c] * dout[n, y, x, m]
        db = sum of dout over images and pixels

    Parameters
    ----------
    x : (N, H, W, C) float32 or float64, C-contiguous
    dout : (N, rows, columns, M), same dtype, C-contiguous
    geometry : (18,) int64
        `fastnet.kernels.geometry.Geometry`.
    work : (S,), same dtype
        Scratch, as much as `fastnet.kernels.convolution_in_loop.scratch_size` says.
    dW : (kernel rows, kernel columns, C / groups, M), same dtype, C-contiguous
        Overwritten, like db. Outputs must not overlap an input.
    db : (M,), same dtype

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.
    """
    g = geometry_at(pointer(geometry))
    taps, p = g.kernel_height * g.kernel_width * (g.channels // g.groups), pointer(x)
    backward_weights(
        g, x.shape[0], p, pointer(dout), scalar(p, 1.0), False, pointer(work), 0, taps,
        pointer(dW), pointer(db), True,
    )  # fmt: skip
