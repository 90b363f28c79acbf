"""The gradient of a convolution with respect to its images.

Where windows move by one pixel it is a convolution of dout with the kernel turned round. Where the
images then have so few channels that they would not fill half a vector, pixels lie along it: what
all windows of some rows give to one of their pixels is a row of a product, which is added to the
image, moved. Where windows move further, each one's part is added where the window lay.
"""

from ._compile import helper, jit, shared, vector
from .convolution import images, numbers
from .depthwise import depthwise_input, is_depthwise
from .gathered import gathered_product, strip_width
from .geometry import (
    LANES_32,
    PIXELS,
    TOGETHER,
    behind,
    geometry_at,
    offsets,
    place_image,
    table_at,
)
from .packing import pack_transpose
from .simd import get, lanes, offset, pointer, put, scalar
from .sliding import Axis, slide, tables
from .sweep import put_all, read_in_order, sweep, sweep_row
from .tiles import AS_IT_IS, strip

WINDOWS = 4096  # elements of the windows' parts that are made at a time, and at least LEAST windows
LEAST = 8


@helper
def _rounded(count, step):
    return (count + step - 1) // step * step


@helper
def input_parts(g):
    """Elements of the scratch: W in strips, zeros, the tables, dx with a border, parts."""
    filters, channels = g.filters // g.groups, g.channels // g.groups
    taps, pixels = g.kernel_height * g.kernel_width, g.height * g.width
    at_a_time = max(1, TOGETHER // pixels)
    windows = max(LEAST, WINDOWS // (taps * channels))
    parts = windows * taps * channels
    if g.groups == 1 and 2 * channels < LANES_32:
        parts = max(parts, taps * channels * PIXELS)
    return (
        g.groups * filters * (taps * (channels + LANES_32) + 3 * LANES_32)
        + 4 * LANES_32 * LANES_32,
        max(channels, taps * channels) + 4 * LANES_32,
        2 * max(at_a_time * pixels, windows),
        2 * max(at_a_time * pixels, windows),
        2 * (taps * filters + taps),
        g.source_height * g.source_width * g.channels + LANES_32,
        parts,
    )


@helper
def _turned(g, n, W, own, dout, dx):
    """Where windows move by one: dx is a convolution of dout."""
    step, m, c = lanes(dout), g.filters, g.channels
    filters, channels = m // g.groups, c // g.groups
    taps, pixels = g.kernel_height * g.kernel_width, g.height * g.width
    depth, size = taps * filters, taps * filters * _rounded(channels, step)
    at_a_time = max(1, min(n, TOGETHER // pixels))
    sizes = input_parts(g)
    start = behind(own, sizes[0])
    row_part = behind(start, sizes[1])
    place_part = behind(row_part, sizes[2])
    row, place, col = (
        table_at(row_part), table_at(place_part), table_at(behind(place_part, sizes[3]))
    )  # fmt: skip
    put_all(start, sizes[1], scalar(dout, 0.0))
    width = strip_width(channels, step)
    for group in range(g.groups):
        strips = offset(own, group * size)
        for j in range(0, channels, width):
            columns = min(width, channels - j)
            for tap in range(taps):
                at = ((taps - 1 - tap) * channels + j) * m + group * filters
                pack_transpose(
                    filters, columns, offset(W, at), 1, m,
                    offset(strips, j * depth + tap * filters * _rounded(columns, step)), False,
                )  # fmt: skip
    down = Axis(
        g.height, 1, g.kernel_height, g.row_dilation,
        (g.kernel_height - 1) * g.row_dilation - g.top, g.out_height,
    )  # fmt: skip
    across = Axis(
        g.width, 1, g.kernel_width, g.column_dilation,
        (g.kernel_width - 1) * g.column_dilation - g.left, g.out_width,
    )  # fmt: skip
    made = g.out_height * g.out_width * m
    tables(at_a_time, down, across, made, g.out_width * m, m, c, filters, row, place, col)
    for i in range(0, n, at_a_time):
        count = min(at_a_time, n - i)
        if channels > width:  # several strips write a pixel: 0.9 to 0.95 of the time of 64 channels
            put_all(offset(dx, i * pixels * c), count * pixels * c, scalar(dout, 0.0))
        for group in range(g.groups):
            slide(
                count, at_a_time, down, across, filters, offset(dout, i * made + group * filters),
                row, place, col, channels, offset(own, group * size), start, False,
                offset(dx, i * pixels * c + group * channels),
            )  # fmt: skip


@helper
def _sum(x, y):
    return x + y


@helper
def _put_planes(g, planes, dx):
    """dx = the image whose channels lie apart, with its border."""
    height, width, c = g.source_height, g.source_width, g.channels
    if c == 1:
        place_image(height, width, 1, planes, -g.top, -g.left, g.height, g.width, dx)
        return
    for channel in range(c):
        for y in range(g.height):
            p = offset(planes, (channel * height + y + g.top) * width + g.left)
            q = offset(dx, y * g.width * c + channel)
            for x in range(g.width):
                put(q, x * c, get(p, x))


@helper
def _in_planes(g, n, W, own, dout, dx):
    """Where windows move by one and channels are few: pixels lie along vectors, not channels.

    0.5 to 0.75 of the time of `_scattered` at 28 x 28 x 1, 0.6 to 0.7 of that of `_turned` at
    32 x 32 x 3.
    """
    m, c, columns = g.filters, g.channels, g.out_width
    step, one = lanes(dout), scalar(dout, 1.0)
    taps, line = g.kernel_height * g.kernel_width, g.source_width
    sizes = input_parts(g)
    parts = own
    for size in sizes[:5]:
        parts = behind(parts, size)
    planes, parts = parts, behind(parts, sizes[5])
    lines, wide = max(1, PIXELS // columns), min(columns, PIXELS)
    for i in range(n):
        put_all(planes, c * g.source_height * line, scalar(dout, 0.0))
        for y in range(0, g.out_height, lines):
            rows = min(lines, g.out_height - y)
            for x in range(0, columns, wide):
                width = min(wide, columns - x)
                pixels = rows * width
                upstream = offset(dout, ((i * g.out_height + y) * columns + x) * m)
                read_in_order(upstream, pixels * m)  # 0.75 to 0.95 of the time
                strip_columns = strip_width(pixels, step)
                for j in range(0, pixels, strip_columns):
                    count, q = min(strip_columns, pixels - j), offset(parts, j)
                    pack_transpose(m, count, offset(upstream, j * m), 1, m, own, False)
                    strip(
                        taps * c, count, m, W, m, m, 1, own, _rounded(count, step), True, q, pixels,
                        one, q, 0, False, AS_IT_IS, q,
                    )  # fmt: skip
                # From the last tap on: a pixel's sum goes by its windows, in their order.
                for k in range(taps * c - 1, -1, -1):
                    tap, channel = k // c, k % c
                    down = y + tap // g.kernel_width * g.row_dilation
                    right = x + tap % g.kernel_width * g.column_dilation
                    q = offset(planes, (channel * g.source_height + down) * line + right)
                    p = offset(parts, k * pixels)
                    for row in range(rows):
                        target = offset(q, row * line)
                        sweep_row(_sum, (target,), (target, offset(p, row * width)), width, ())
        _put_planes(g, planes, offset(dx, i * g.height * g.width * c))


@helper
def _add_window(part, places, runs, run, target):
    """Add `runs` runs of `run` numbers, one behind the other, where each belongs."""
    for i in range(runs):
        q, p = offset(target, get(places, i)), offset(part, i * run)
        if run >= lanes(part):
            sweep(_sum, (q,), (q, p), 0, run, ())
        else:
            for k in range(run):
                put(q, k, get(q, k) + get(p, k))


@helper
def _scattered(g, n, W, own, dout, dx):
    """Any other: the parts of some windows at a time, which are added where each window lay."""
    step, m, c = lanes(dout), g.filters, g.channels
    filters, channels = m // g.groups, c // g.groups
    taps, pixels = g.kernel_height * g.kernel_width, g.out_height * g.out_width
    part = taps * channels
    windows = max(LEAST, WINDOWS // part)
    sizes = input_parts(g)
    start = behind(own, sizes[0])
    row_part = behind(start, sizes[1])
    place_part = behind(row_part, sizes[2])
    col_part = behind(place_part, sizes[3])
    image = behind(col_part, sizes[4])
    parts = behind(image, sizes[5])
    row, places, col = table_at(row_part), table_at(place_part), table_at(col_part)
    put_all(start, sizes[1], scalar(dout, 0.0))
    size, width = filters * _rounded(part, step), strip_width(part, step)
    for group in range(g.groups):
        for j in range(0, part, width):
            pack_transpose(
                filters, min(width, part - j), offset(W, j * m + group * filters), 1, m,
                offset(own, group * size + j * filters), False,
            )  # fmt: skip
    offsets((1, 1, windows), (0, 0, m), row)
    offsets((1, 1, windows), (0, 0, part), places)
    runs, run = g.kernel_height * g.kernel_width, channels
    line = g.source_width * c
    if g.groups == 1 and g.column_dilation == 1:
        runs, run = g.kernel_height, g.kernel_width * channels
    terms = offset(col, runs)
    offsets((1, 1, filters), (0, 0, 1), terms)
    offsets(
        (1, g.kernel_height, runs // g.kernel_height),
        (0, g.row_dilation * line, g.column_dilation * c),
        col,
    )
    for i in range(n):
        result = offset(dx, i * g.height * g.width * c)
        target = image if g.padded else result
        put_all(target, g.source_height * line, scalar(dout, 0.0))
        for first in range(0, pixels, windows):
            count = min(windows, pixels - first)
            for group in range(g.groups):
                at = (i * pixels + first) * m + group * filters
                gathered_product(
                    count, part, (filters, 0, 1, 0, 1, filters, 0), offset(dout, at), row, terms,
                    offset(own, group * size), 0, True, start, False, False, parts, places,
                )  # fmt: skip
                for k in range(count):
                    y, z = (first + k) // g.out_width, (first + k) % g.out_width
                    at = y * g.row_stride * line + z * g.column_stride * c + group * channels
                    _add_window(offset(parts, k * part), col, runs, run, offset(target, at))
        if g.padded:
            place_image(
                g.source_height, g.source_width, c, image, -g.top, -g.left, g.height, g.width,
                result,
            )  # fmt: skip


@shared
def backward_input(g, n, W, own, dout, dx):
    """`convolution_backward_input` on pointers."""
    channels, step = g.channels // g.groups, lanes(dout)
    by_one, several = g.row_stride * g.column_stride == 1, g.kernel_height * g.kernel_width > 1
    # Short rows gain nothing in planes: of 4 to 9 pixels they took 0.95 to 3.5 times as long.
    wide = g.groups == 1 and g.out_width >= 16
    if by_one and several and wide and 2 * channels < step:
        _in_planes(g, n, W, own, dout, dx)
    elif by_one and not (several and 4 * channels <= step):
        _turned(g, n, W, own, dout, dx)
    else:
        _scattered(g, n, W, own, dout, dx)


@jit(images, images, numbers, vector, images)
def convolution_backward_input(dout, W, geometry, work, dx):
    """Gradient of a convolution with respect to its input.

        dx[n, y, x, c] = sum of dout[n, i, j, m] * W[ky, kx, c, m] over the windows with this pixel

    Parameters
    ----------
    dout : (N, rows, columns, M) float32 or float64, C-contiguous
    W : (kernel rows, kernel columns, C / groups, M), same dtype, C-contiguous
    geometry : (18,) int64
        `fastnet.kernels.geometry.Geometry`.
    work : (S,), same dtype
        Scratch, as much as `fastnet.kernels.convolution_in_loop.scratch_size` says.
    dx : (N, H, W, C), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.
    """
    g, n = geometry_at(pointer(geometry)), dout.shape[0]
    if is_depthwise(g):
        depthwise_input(g, n, pointer(W), pointer(dout), pointer(dx))
    else:
        backward_input(g, n, pointer(W), pointer(work), pointer(dout), pointer(dx))
