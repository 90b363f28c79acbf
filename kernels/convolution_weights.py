"""The gradient of a convolution with respect to its weights, in parts by rows of W.

A product's rows are taps, its terms the pixels of some images, its columns the filters: what the
windows of a tap see is never copied. The sum of 256 pixels or less, 128 of float64, is made in
registers and added to those before, so that its parts do not depend on who makes which rows.

Where images have zeros around them and a tap has as many channels as a tile has rows, each tap is a
product of its own, of the pixels whose window has it inside the image. Else the images are copied
with their zeros.
"""

from ._compile import helper, jit, shared, vector
from .convolution import images, numbers
from .depthwise import depthwise_weights, is_depthwise
from .gathered import gathered_product, strip_width
from .geometry import LANES_32, PIXELS, behind, geometry_at, offsets, place_image, table_at
from .packing import pack_strips
from .simd import lanes, offset, pointer, scalar
from .sliding import Axis, windows_inside
from .sweep import copy, put_all, put_scaled
from .windows import read, write

CHANNELS = 8  # of a tap from which it is a product of its own
PACK_TAPS = 64  # taps from which a copy of dout in strips pays, where there are several


@helper
def weights_parts(g):
    """Elements of the scratch: sums, zeros, the tables, padded images, a part of dout."""
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
        PIXELS * (g.filters + LANES_32) + 4 * LANES_32,
    )


@helper
def _sum_column(count, m, rows, total, j, used):
    """`_sum_pixels` of a vector of filters from the j-th on; of a whole one where used is None."""
    whole, sums = count // 4 * 4, read(total, j, used)
    for i in range(0, whole, 4):
        at = i * m + j
        a, b = read(rows, at, used), read(rows, at + m, used)
        c, d = read(rows, at + 2 * m, used), read(rows, at + 3 * m, used)
        sums = sums + ((a + b) + (c + d))
    for i in range(whole, count):
        sums = sums + read(rows, i * m + j, used)
    write(total, j, sums, used)


@helper
def _sum_pixels(count, m, rows, total):
    """total += the sum of `count` rows of m numbers, four at a time."""
    step = lanes(total)
    whole = m // step * step
    for j in range(0, whole, step):
        _sum_column(count, m, rows, total, j, None)
    if whole < m:
        _sum_column(count, m, rows, total, whole, m - whole)


@helper
def _terms(part, count, down, across, ky, kx, apart):
    """What of a part of dout a tap is multiplied with, as `gathered_product` takes it.

    The part is `count` images, or so many rows and columns of one.
    """
    y, x, rows, columns = part
    top, bottom, left, right = y, y + rows, x, x + columns
    if apart:
        first, stop = windows_inside(down, ky)
        top, bottom = max(top, first), min(bottom, stop)
        first, stop = windows_inside(across, kx)
        left, right = max(left, first), min(right, stop)
    width, height = across.windows, max(0, bottom - top)
    run = max(0, right - left)
    gap, first = (down.windows - height) * width, (top - y) * width + left - x
    if run == width:  # one behind the other
        run, height = run * height, 1
        if gap == 0:
            run, count = run * count, 1
        return 0, first, count, gap, 1, run, 0
    return 0, first, count, gap, height, run, width - run


@shared
def backward_weights(g, n, x, dout, factor, add, own, first, stop, dW, db, has_bias):
    """Overwrite rows first : stop of dW (taps, M) with `factor` times the gradient, or add it.

    With row 0 goes db. dW and db point to the first rows of all.
    """
    m, c, step = g.filters, g.channels, lanes(x)
    channels, filters, rows = c // g.groups, m // g.groups, stop - first
    pixels, most = g.out_height * g.out_width, PIXELS * step // LANES_32
    at_a_time = max(1, most // pixels)
    apart = g.padded != 0 and channels >= CHANNELS
    copies = g.padded != 0 and not apart
    packs = g.kernel_height * g.kernel_width * channels >= PACK_TAPS
    packs = packs and filters > strip_width(filters, step)
    sizes = weights_parts(g)
    start = behind(own, sizes[0])
    row_part = behind(start, sizes[1])
    place_part = behind(row_part, sizes[2])
    col_part = behind(place_part, sizes[3])
    image = behind(col_part, sizes[4])
    part = behind(image, sizes[5])
    row, places, col = table_at(row_part), table_at(place_part), table_at(col_part)
    pitch = (m + LANES_32 - 1) // LANES_32 * LANES_32
    bias = offset(own, rows * pitch)
    has_bias = has_bias and first == 0
    put_all(own, (rows + 1) * pitch, scalar(x, 0.0))
    put_all(start, sizes[1], scalar(x, 0.0))
    size, top, left = g.height * g.width * c, g.top, g.left
    source, line = size, g.width * c
    if copies:
        source, line = g.source_height * g.source_width * c, g.source_width * c
        top, left = 0, 0
    down = Axis(g.out_height, g.row_stride, g.kernel_height, g.row_dilation, top, g.height)
    across = Axis(g.out_width, g.column_stride, g.kernel_width, g.column_dilation, left, g.width)
    offsets(
        (g.kernel_height, g.kernel_width, channels),
        (g.row_dilation * line, g.column_dilation * c, 1), row,
    )  # fmt: skip
    offsets((1, 1, rows), (0, 0, pitch), places)
    offsets(
        (at_a_time, g.out_height, g.out_width), (source, g.row_stride * line, g.column_stride * c),
        col,
    )  # fmt: skip
    lines, wide = max(1, most // g.out_width), min(g.out_width, most)
    for i in range(0, n, at_a_time):
        count = min(at_a_time, n - i)
        at = offset(x, i * size - top * line - left * c)
        if copies:
            for k in range(count):
                place_image(
                    g.height, g.width, c, offset(x, (i + k) * size), g.top, g.left,
                    g.source_height, g.source_width, offset(image, k * source),
                )  # fmt: skip
            at = image
        for y in range(0, g.out_height, lines):
            height = min(lines, g.out_height - y)
            for k in range(0, g.out_width, wide):
                width = min(wide, g.out_width - k)
                span = (count - 1) * pixels + (height - 1) * g.out_width + width
                done = i * pixels + y * g.out_width + k
                upstream = offset(dout, done * m)
                # Whole vectors are read of each row.
                if not packs and (n * pixels - done - span) * m < 4 * LANES_32:
                    copy(upstream, part, span * m)
                    upstream = part
                for group in range(g.groups):
                    b = offset(upstream, group * filters)
                    if packs:
                        pack_strips(span, filters, strip_width(filters, step), b, m, part, 0)
                        b = part
                    r = first
                    while r < stop:
                        tap, end = r // channels, stop
                        if apart:
                            end = min(stop, (tap + 1) * channels)
                        terms = _terms(
                            (y, k, height, width), count, down, across, tap // g.kernel_width,
                            tap % g.kernel_width, apart,
                        )  # fmt: skip
                        if terms[4] * terms[5] > 0:
                            gathered_product(
                                end - r, filters, (span, *terms[1:]),
                                offset(at, group * channels), offset(row, r),
                                offset(col, y * g.out_width + k), b, m, packs, start, False, True,
                                offset(own, group * filters), offset(places, r - first),
                            )  # fmt: skip
                        r = end
                if has_bias:  # behind the products, which waited less for dout: 0.85 to 0.95
                    _sum_pixels(span, m, upstream, bias)
    for r in range(rows):
        put_scaled(m, offset(own, r * pitch), factor, add, offset(dW, (first + r) * m))
    if has_bias:
        put_scaled(m, bias, factor, add, db)


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
    if is_depthwise(g):
        sums = pointer(work)
        depthwise_weights(
            g, x.shape[0], p, pointer(dout), scalar(p, 1.0), False, sums,
            behind(sums, weights_parts(g)[0]), 0, taps, pointer(dW), pointer(db), True,
        )  # fmt: skip
        return
    backward_weights(
        g, x.shape[0], p, pointer(dout), scalar(p, 1.0), False, pointer(work), 0, taps,
        pointer(dW), pointer(db), True,
    )  # fmt: skip
