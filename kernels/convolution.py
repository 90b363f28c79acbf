"""Convolution of images (N, H, W, C), directly: no window is ever copied.

    out[n, y, x, m] = act(b[m] + sum over ky, kx, c of
                          source[n, y * stride + ky * dilation, x * stride + kx * dilation, c]
                          * W[ky, kx, c, m])

`source` is the image with its padding, made for few terms alone. A product's rows are pixels of the
output, its terms the taps of the kernel, its columns the filters: see sliding.py, gathered.py.
"""

from numba import int64

from ._compile import helper, jit, real, shared, vector
from .activations import RELU, activate
from .blocking import BITS
from .depthwise import depthwise, is_depthwise
from .gathered import strip_width
from .geometry import LANES_32, TOGETHER, behind, geometry_at, place_image, table_at
from .packing import pack_strips
from .simd import lanes, offset, pointer, scalar
from .sliding import Axis, slide, tables
from .sweep import copy, put_all

FEW_TERMS = 64

images, numbers = real[:, :, :, ::1], int64[::1]


@helper
def forward_parts(g):
    """Elements of the forward pass's scratch: W in strips, b, and the tables."""
    filters = g.filters // g.groups
    taps = g.kernel_height * g.kernel_width * (g.channels // g.groups)
    pixels = g.out_height * g.out_width
    at_a_time = max(1, TOGETHER // pixels)
    return (
        g.groups * taps * (filters + LANES_32),
        g.filters + 4 * LANES_32,
        2 * at_a_time * pixels,
        2 * at_a_time * pixels,
        2 * taps,
        at_a_time * g.source_height * g.source_width * g.channels * g.padded,
    )


@shared
def convolve(g, n, x, W, b, has_bias, activation, own, out):
    """`convolution_forward` on pointers."""
    step, m, c = lanes(x), g.filters, g.channels
    filters, channels = m // g.groups, c // g.groups
    depth, size = g.kernel_height * g.kernel_width * channels, g.height * g.width * c
    columns = (filters + step - 1) // step * step
    pixels = g.out_height * g.out_width
    at_a_time = max(1, min(n, TOGETHER // pixels))
    sizes = forward_parts(g)
    start = behind(own, sizes[0])
    row_part = behind(start, sizes[1])
    place_part = behind(row_part, sizes[2])
    col_part = behind(place_part, sizes[3])
    padded = behind(col_part, sizes[4])
    row, place, col = table_at(row_part), table_at(place_part), table_at(col_part)
    for group in range(g.groups):
        pack_strips(
            depth, filters, strip_width(filters, step), offset(W, group * filters), m,
            offset(own, group * depth * columns), 0,
        )  # fmt: skip
    put_all(start, sizes[1], scalar(x, 0.0))
    if has_bias:
        copy(b, start, m)
    # Few terms are sooner added up with zeros than apart: 0.6 of the time at 1 x 28 x 28 -> 16.
    copies = g.padded != 0 and depth <= FEW_TERMS
    height, width, top, left = g.height, g.width, g.top, g.left
    if copies:
        height, width, top, left = g.source_height, g.source_width, 0, 0
    down = Axis(g.out_height, g.row_stride, g.kernel_height, g.row_dilation, top, height)
    across = Axis(g.out_width, g.column_stride, g.kernel_width, g.column_dilation, left, width)
    source, line = height * width * c, width * c
    # Pixels that are written in several pieces, of strips or of an image's edges, come in order
    # first: 0.87 to 0.96 of the time of 32 and 64 filters over 8 x 8 and 14 x 14 pixels. With 27
    # terms that took 1.2 times as long on AVX2, with a cache line a pixel 1.03.
    pieces = g.padded != 0 and not copies and filters * (BITS // 8) >= 128 * step
    pieces = (pieces or filters > strip_width(filters, step)) and depth > FEW_TERMS
    tables(at_a_time, down, across, source, line, c, m, channels, row, place, col)
    for i in range(0, n, at_a_time):
        count, results = min(at_a_time, n - i), offset(out, i * pixels * m)
        seen = offset(x, i * size)
        if pieces:
            put_all(results, count * pixels * m, scalar(x, 0.0))
        if copies:
            for k in range(count):
                place_image(
                    g.height, g.width, c, offset(seen, k * size), g.top, g.left, height, width,
                    offset(padded, k * source),
                )  # fmt: skip
            seen = padded
        for group in range(g.groups):
            slide(
                count, at_a_time, down, across, channels, offset(seen, group * channels), row,
                place, col, filters, offset(own, group * depth * columns),
                offset(start, group * filters), activation == RELU,
                offset(results, group * filters),
            )  # fmt: skip
        if activation != RELU:
            activate(activation, results, count * pixels * m, 1, count * pixels * m)


@jit(images, images, vector, numbers, int64, vector, images)
def convolution_forward(x, W, b, geometry, activation, work, out):
    """Convolution with bias and activation.

        out = activation(b + sum over the windows of x * W)

    Parameters
    ----------
    x : (N, H, W, C) float32 or float64, C-contiguous
    W : (kernel rows, kernel columns, C / groups, M), same dtype, C-contiguous
    b : (M,), same dtype
    geometry : (18,) int64
        `fastnet.kernels.geometry.Geometry`.
    activation : int64
        IDENTITY, SIGMOID, RELU or TANH.
    work : (S,), same dtype
        Scratch, as much as `fastnet.kernels.convolution_in_loop.scratch_size` says.
    out : (N, rows, columns, M), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.2; PyTorch, Keras.
    """
    g, n, p, w = geometry_at(pointer(geometry)), x.shape[0], pointer(x), pointer(W)
    if is_depthwise(g):
        depthwise(g, n, p, w, pointer(b), True, activation, pointer(out))
    else:
        convolve(g, n, p, w, pointer(b), True, activation, pointer(work), pointer(out))
