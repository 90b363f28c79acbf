"""Matrix product: a register tile inside a blocked loop, with free strides and epilogues.

`gemm` works on pointers, so that one function serves the three products of a dense layer
without copying a whole operand:

    out = x @ W          a = x     b = W       a's rows D apart, b's rows M apart
    dW  = x.T @ dout     a = x.T   b = dout    a's rows 1 apart, its columns D apart
    dx  = dout @ W.T     a = dout  b = W.T     b's columns M apart: transposed a panel at a time

The output is cut into strips of at most three vectors of columns, and each strip into tiles of
rows whose accumulators fill the registers.
"""

from ._jit import jit
from .activations import IDENTITY, activate, differentiate
from .simd import (
    BITS,
    REGISTERS,
    add_to_tile,
    lanes,
    load,
    load_first,
    offset,
    pointer,
    rank_one_update,
    scalar,
    scale_tile,
    stack_buffer,
    store,
    store_tile,
    tile_rows,
    tile_shape,
    transpose_block,
    zero_tile,
)

# What a product does with its output.
OVERWRITE, ADD_BIAS, ACCUMULATE = range(3)

# Rows of the tallest tile for strips of 1, 2 and 3 vectors: rows * vectors accumulators, a row
# of b and one broadcast must fit the registers.
TALL_1, TALL_2, TALL_3 = (8, 8, 8) if REGISTERS == 32 else (8, 6, 4)

DEPTH = 256  # terms of the sum that a panel of b holds
PANEL_BYTES = DEPTH * 3 * BITS // 8  # 48 KB with AVX-512, 24 KB with AVX2
ROWS = 256  # rows of a that one panel is used for before the next one is packed
PACK_ROWS = 64  # rows from which copying a panel of b pays


@jit
def _tile(shape, depth, a, a_row, a_depth, b, b_depth, c, c_row, columns, mode, factor, bias):
    tile = zero_tile(c, shape)
    for k in range(depth):
        tile = rank_one_update(tile, offset(a, k * a_depth), a_row, offset(b, k * b_depth), columns)
    if mode == ACCUMULATE:
        tile = add_to_tile(scale_tile(tile, factor), c, c_row, columns)
    elif mode == ADD_BIAS:
        tile = add_to_tile(tile, bias, 0, columns)
    store_tile(c, c_row, tile, columns)


@jit
def _strip(
    tall, four, two, one, m, depth, a, a_row, a_depth, b, b_depth, c, c_row, columns, mode,
    factor, bias,
):  # fmt: skip
    """All rows of one strip, in tiles of the heights of the four given shapes."""
    i = 0
    while m - i >= tile_rows(tall):
        _tile(
            tall, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, mode, factor, bias,
        )  # fmt: skip
        i += tile_rows(tall)
    while m - i >= 4:
        _tile(
            four, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, mode, factor, bias,
        )  # fmt: skip
        i += 4
    if m - i >= 2:
        _tile(
            two, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, mode, factor, bias,
        )  # fmt: skip
        i += 2
    if m - i >= 1:
        _tile(
            one, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, mode, factor, bias,
        )  # fmt: skip


@jit
def _pack(depth, columns, width, b, b_depth, b_col, panel):
    """panel[k, j] = b[k, j] for j < columns; `width` elements a row, those past columns unused."""
    step = lanes(b)
    if b_col == 1:
        for k in range(depth):
            row, target = offset(b, k * b_depth), offset(panel, k * width)
            for j in range(0, columns, step):
                if columns - j >= step:
                    store(target, j, load(row, j))
                else:
                    store(target, j, load_first(row, j, columns - j))
        return
    for k in range(0, depth, step):
        for j in range(0, columns, step):
            transpose_block(
                offset(b, k * b_depth + j * b_col), b_col, columns - j, depth - k,
                offset(panel, k * width + j), width,
            )  # fmt: skip


@jit
def gemm(
    m, n, depth, a, a_row, a_depth, b, b_depth, b_col, c, mode, factor, bias,
    activation, derivative, y,
):  # fmt: skip
    """c = a @ b on pointers, with an epilogue.

        OVERWRITE    c = a @ b
        ADD_BIAS     c = a @ b + bias
        ACCUMULATE   c += factor * (a @ b)

    then c = activation(c), then c *= derivative'(y): codes of `activations`, IDENTITY for none.

    Parameters
    ----------
    m, n, depth : int64
        c is (m, n), the sum has `depth` terms; any may be 0.
    a, a_row, a_depth : pointer, strides in elements of its rows and columns
    b, b_depth, b_col : pointer, strides of its rows and columns; b_col or b_depth is 1
    c : pointer to (m, n), C-contiguous
        Overwritten. Must not overlap a or b.
    factor : scalar of the dtype
    bias : pointer to (n,), read where mode is ADD_BIAS
    activation, derivative : int64
    y : pointer to (m, n), C-contiguous, read where derivative is not IDENTITY
        Output of the activation whose derivative is taken.

    Notes
    -----
    Sums are in blocks of DEPTH terms: the result depends on no other operand's size.
    """
    step = lanes(a)
    panel = stack_buffer(a, PANEL_BYTES)
    vectors = (n + step - 1) // step
    strips = (vectors + 2) // 3
    k = 0
    while True:
        block = min(DEPTH, depth - k)
        last = k + block == depth
        for i in range(0, m, ROWS):
            rows = min(ROWS, m - i)
            a_block = offset(a, i * a_row + k * a_depth)
            start = 0
            for strip in range(strips):
                # Strips as equal as whole vectors allow: 4 vectors are 2 + 2, not 3 + 1.
                end = (strip + 1) * vectors // strips
                j = start * step
                width = (end - start) * step
                columns = min(width, n - j)
                b_block, b_stride = offset(b, k * b_depth + j * b_col), b_depth
                if b_col != 1 or (rows >= PACK_ROWS and n > width):
                    _pack(block, columns, width, b_block, b_depth, b_col, panel)
                    b_block, b_stride = panel, width
                c_block = offset(c, i * n + j)
                if end - start == 1:
                    _strip(
                        tile_shape(TALL_1, 1), tile_shape(4, 1), tile_shape(2, 1),
                        tile_shape(1, 1), rows, block, a_block, a_row, a_depth, b_block,
                        b_stride, c_block, n, columns, mode, factor, offset(bias, j),
                    )  # fmt: skip
                elif end - start == 2:
                    _strip(
                        tile_shape(TALL_2, 2), tile_shape(4, 2), tile_shape(2, 2),
                        tile_shape(1, 2), rows, block, a_block, a_row, a_depth, b_block,
                        b_stride, c_block, n, columns, mode, factor, offset(bias, j),
                    )  # fmt: skip
                else:
                    _strip(
                        tile_shape(TALL_3, 3), tile_shape(4, 3), tile_shape(2, 3),
                        tile_shape(1, 3), rows, block, a_block, a_row, a_depth, b_block,
                        b_stride, c_block, n, columns, mode, factor, offset(bias, j),
                    )  # fmt: skip
                if last:
                    activate(activation, c_block, n, rows, columns)
                    differentiate(derivative, offset(y, i * n + j), c_block, n, rows, columns)
                start = end
        if last:
            return
        k += block
        if mode != ACCUMULATE:
            mode, factor = ACCUMULATE, scalar(a, 1.0)


@jit
def matmul_forward(x, W, out):
    """Matrix product.

        out = x @ W

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    W : (D, M), same dtype, C-contiguous
    out : (N, M), same dtype, C-contiguous
        Overwritten. Must not overlap x or W.
    """
    (n, d), m = x.shape, W.shape[1]
    a, c = pointer(x), pointer(out)
    gemm(
        n, m, d, a, d, 1, pointer(W), m, 1, c,
        OVERWRITE, scalar(a, 1.0), c, IDENTITY, IDENTITY, c,
    )  # fmt: skip


@jit
def matmul_backward(x, W, dout, dx, dW):
    """Gradient of the matrix product.

        dx = dout @ W.T
        dW = x.T @ dout

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    W : (D, M), same dtype, C-contiguous
    dout : (N, M), same dtype, C-contiguous
    dx : (N, D), same dtype, C-contiguous
        Overwritten. Must not overlap an input.
    dW : (D, M), same dtype, C-contiguous
        Overwritten. Must not overlap an input.
    """
    (n, d), m = x.shape, W.shape[1]
    a, g = pointer(x), pointer(dout)
    one = scalar(a, 1.0)
    gemm(n, d, m, g, m, 1, pointer(W), 1, m, pointer(dx), OVERWRITE, one, g, IDENTITY, IDENTITY, g)
    gemm(d, m, n, a, 1, d, g, m, 1, pointer(dW), OVERWRITE, one, g, IDENTITY, IDENTITY, g)
