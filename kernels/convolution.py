"""Convolution of images (N, H, W, C), directly: no window is ever copied.

    out[n, y, x, m] = act(b[m] + sum over ky, kx, c of
                          source[n, y * stride + ky * dilation, x * stride + kx * dilation, c]
                          * W[ky, kx, c, m])

`source` is the image with its padding. A product's rows are pixels of the output, its terms the
taps of the kernel, its columns the filters: see gathered.py.
"""

from numba import int64

from ._compile import helper, jit, real, vector
from .activations import RELU, activate
from .gathered import gathered_product, strip_width
from .geometry import LANES_32, PIXELS, behind, geometry_at, offsets, place, table_at
from .packing import pack_strips
from .simd import lanes, offset, pointer, scalar
from .sweep import copy, put_all

images, numbers = real[:, :, :, ::1], int64[::1]


@helper
def forward_parts(g):
    """Elements of the forward pass's scratch: W in strips, b, the tables, padded images."""
    filters = g.filters // g.groups
    taps = g.kernel_height * g.kernel_width * (g.channels // g.groups)
    pixels, source = g.out_height * g.out_width, g.source_height * g.source_width * g.channels
    at_a_time = max(1, PIXELS // pixels)
    return (
        g.groups * taps * (filters + LANES_32),
        g.filters + 4 * LANES_32,
        2 * at_a_time * pixels,
        2 * taps,
        at_a_time * source * g.padded + LANES_32,
    )


@helper
def convolve(g, n, x, W, b, has_bias, activation, own, out):
    """`convolution_forward` on pointers."""
    step, m, c = lanes(x), g.filters, g.channels
    filters, depth = m // g.groups, g.kernel_height * g.kernel_width * (c // g.groups)
    columns = (filters + step - 1) // step * step
    pixels, source = g.out_height * g.out_width, g.source_height * g.source_width * c
    at_a_time = max(1, min(n, PIXELS // pixels))
    sizes = forward_parts(g)
    start = behind(own, sizes[0])
    row_part = behind(start, sizes[1])
    col_part = behind(row_part, sizes[2])
    image = behind(col_part, sizes[3])
    row, col = table_at(row_part), table_at(col_part)
    for group in range(g.groups):
        pack_strips(
            depth, filters, strip_width(filters, step), offset(W, group * filters), m,
            offset(own, group * depth * columns), 0,
        )  # fmt: skip
    put_all(start, sizes[1], scalar(x, 0.0))
    if has_bias:
        copy(b, start, m)
    line = g.source_width * c
    offsets(
        (at_a_time, g.out_height, g.out_width), (source, g.row_stride * line, g.column_stride * c),
        row,
    )  # fmt: skip
    offsets(
        (g.kernel_height, g.kernel_width, c // g.groups),
        (g.row_dilation * line, g.column_dilation * c, 1), col,
    )  # fmt: skip
    size = g.height * g.width * c
    for i in range(0, n, at_a_time):
        count = min(at_a_time, n - i)
        at, results = offset(x, i * size), offset(out, i * pixels * m)
        if g.padded:
            for k in range(count):
                place(
                    g.height, g.width, c, offset(at, k * size), g.top, g.left, g.source_height,
                    g.source_width, offset(image, k * source),
                )  # fmt: skip
            at = image
        for group in range(g.groups):
            gathered_product(
                count * pixels, filters, depth, offset(at, group * (c // g.groups)), row, col,
                offset(own, group * depth * columns), 0, True, offset(start, group * filters),
                activation == RELU, False, offset(results, group * filters), m,
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
    convolve(
        geometry_at(pointer(geometry)), x.shape[0], pointer(x), pointer(W), pointer(b), True,
        activation, pointer(work), pointer(out),
    )  # fmt: skip
