"""Matrix product: a register tile inside a blocked loop, with free strides and epilogues.

`gemm` works on pointers, so that one function serves the three products of a dense layer
without copying a whole operand:

    out = x @ W          a = x     b = W       a's rows D apart, b's rows M apart
    dW  = x.T @ dout     a = x.T   b = dout    a's rows 1 apart, its columns D apart
    dx  = dout @ W.T     a = dout  b = W.T     b's columns M apart: transposed a panel at a time

The output is cut into strips of at most three vectors of columns, and each strip into tiles of
rows whose accumulators fill the registers. A single column, and the dx of few rows, would leave
most of each vector unused: there the vectors run along the sum.
"""

from ._jit import helper, jit
from .activations import IDENTITY, activate, differentiate
from .simd import (
    BITS,
    REGISTERS,
    dot_update,
    get,
    lanes,
    load,
    load_first,
    offset,
    opaque,
    pointer,
    put,
    rank_one_update,
    scalar,
    scale_and_add,
    stack_buffer,
    store,
    store_row_sums,
    store_tile,
    tile_rows,
    tile_shape,
    transpose_block,
    zero_tile,
)

# Rows of the tallest tile for strips of 1, 2 and 3 vectors: rows * vectors accumulators, a row
# of b and one broadcast must fit the registers.
TALL_1, TALL_2, TALL_3 = (8, 8, 8) if REGISTERS == 32 else (8, 6, 4)

DEPTH = 256  # terms of the sum that a panel of b holds
SHALLOW = 8  # the same for a single row: 1.2x at 4096-1 with batch 64 (4: 1.1x, 16: 1.1x)
PANEL_BYTES = DEPTH * 3 * BITS // 8  # 48 KB with AVX-512, 24 KB with AVX2
ROWS = 256  # rows of a that one panel is used for before the next one is packed
PACK_ROWS = 64  # rows from which copying a panel of b pays
SMALL = 512  # vectors of b that stay in L1 without a copy: 32 KB with AVX-512
SMALL_ROWS = 24  # rows of c written at a time then: a whole number of tiles of any height
DOTS = 8  # sums that a matrix-vector product works on at once: latency times ports
SUMS_BYTES = 8 * DOTS
DOT_ROWS = 4  # rows of dx up to which dot products beat transposing W: 2.9x at 1, 1.0x at 4


@helper
def _tile(shape, depth, a, a_row, a_depth, b, b_depth, c, c_row, columns, factor, z, z_row, add):
    tile = zero_tile(c, shape)
    a_third_row = opaque(3 * a_row)
    for k in range(depth):
        tile = rank_one_update(
            tile, offset(a, k * a_depth), a_row, a_third_row, offset(b, k * b_depth), columns
        )
    if add:
        tile = scale_and_add(tile, factor, z, z_row, columns)
    store_tile(c, c_row, tile, columns)


@helper
def _strip(
    tall, four, two, one, m, depth, a, a_row, a_depth, b, b_depth, c, c_row, columns,
    factor, z, z_row, add,
):  # fmt: skip
    """All rows of one strip, in tiles of the heights of the four given shapes."""
    i = 0
    while m - i >= tile_rows(tall):
        _tile(
            tall, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
        )  # fmt: skip
        i += tile_rows(tall)
    while m - i >= 4:
        _tile(
            four, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
        )  # fmt: skip
        i += 4
    if m - i >= 2:
        _tile(
            two, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
        )  # fmt: skip
        i += 2
    if m - i >= 1:
        _tile(
            one, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth,
            offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
        )  # fmt: skip


@helper
def _matrix_vector(m, depth, a, a_row, b, c, factor, z, z_step, add):
    """c[:m] = a @ b for rows and a vector without gaps: sums along them, a vector at a time."""
    step = lanes(a)
    full = depth - depth % step
    sums = stack_buffer(a, SUMS_BYTES)
    for i in range(0, m, DOTS):
        rows = min(DOTS, m - i)
        p = offset(a, i * a_row)
        tile = zero_tile(a, tile_shape(DOTS, 1))
        for k in range(0, full, step):
            tile = dot_update(tile, offset(p, k), a_row, rows, offset(b, k), step)
        if full < depth:
            tile = dot_update(tile, offset(p, full), a_row, rows, offset(b, full), depth - full)
        store_row_sums(sums, tile)
        for j in range(i, i + rows):
            value = get(sums, j - i)
            if add:
                value = factor * value + get(z, j * z_step)
            put(c, j, value)


@helper
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


@helper
def gemm(
    m, n, depth, a, a_row, a_depth, b, b_depth, b_col, c, add, factor, z, z_row,
    activation, derivative, y,
):  # fmt: skip
    """c = a @ b, or where `add` is true c = factor * (a @ b) + z, on pointers.

    Then c = activation(c), and c *= derivative'(y): codes of `activations`, IDENTITY for none.

    Parameters
    ----------
    m, n, depth : int64
        c is (m, n), the sum has `depth` terms; any may be 0.
    a, a_row, a_depth : pointer, strides in elements of its rows and columns
    b, b_depth, b_col : pointer, strides of its rows and columns; b_col or b_depth is 1
    c : pointer to (m, n), C-contiguous
        Overwritten. Must not overlap a or b.
    add : bool
    factor : scalar of the dtype
    z, z_row : pointer to (m, n), stride of its rows: n or 0, the same row for all
        May be c. Like factor, read where `add` is true.
    activation, derivative : int64
    y : pointer to (m, n), C-contiguous, read where derivative is not IDENTITY
        Output of the activation whose derivative is taken.

    Notes
    -----
    With b_col 1, a row of c depends on no other row and no number of rows.
    """
    step = lanes(a)
    deep = DEPTH
    if n == 1 and a_depth != 1 and z_row == n:
        # One column is one row of the transpose, whose columns fill vectors. A few rows of b at a
        # time, read in order: in 256 rows of 4,096, a strip's columns fall into one set of L1.
        deep = SHALLOW
        m, n = n, m
        a, b = b, a
        a_depth, b_depth, b_col = b_depth, a_depth, a_row
    if depth >= step and a_depth == 1 and b_depth == 1 and (n == 1 or m <= DOT_ROWS):
        # Both run along the sum. A column of c is a times a vector, a row of c is b.T times one.
        if n == 1:
            rows, columns, p, p_row, q, q_row, z_step = m, 1, a, a_row, b, 0, z_row
        else:
            rows, columns, p, p_row, q, q_row, z_step = n, m, b, b_col, a, a_row, 1
        for i in range(columns):
            _matrix_vector(
                rows, depth, p, p_row, offset(q, i * q_row), offset(c, i * n),
                factor, offset(z, i * z_row), z_step, add,
            )  # fmt: skip
        activate(activation, c, n, m, n)
        differentiate(derivative, y, c, n, m, n)
        return
    panel = stack_buffer(a, PANEL_BYTES)
    k = 0
    while True:
        block = min(deep, depth - k)
        last = k + block == depth
        # A block of b that stays in L1 is used by one tile's rows after the other's, all columns
        # at once, so that c is written in order; a larger one is copied, a strip at a time.
        small = b_col == 1 and n > 3 * step and block * n <= SMALL * step
        pack = b_col != 1 or (not small and n > 3 * step and m >= PACK_ROWS)
        height = SMALL_ROWS if small else ROWS
        i = 0
        while i < m:
            rows = min(height, m - i)
            a_block = offset(a, i * a_row + k * a_depth)
            j = 0
            while j < n:
                left = n - j
                columns = min(left, 3 * step)
                if 3 * step < left <= 4 * step:  # 2 + 2 vectors, not 3 + 1
                    columns = 2 * step
                b_block, b_stride = offset(b, k * b_depth + j * b_col), b_depth
                if pack:
                    b_stride = (columns + step - 1) // step * step
                    _pack(block, columns, b_stride, b_block, b_depth, b_col, panel)
                    b_block = panel
                c_block, z_block = offset(c, i * n + j), offset(z, i * z_row + j)
                if columns <= step:
                    _strip(
                        tile_shape(TALL_1, 1), tile_shape(4, 1), tile_shape(2, 1),
                        tile_shape(1, 1), rows, block, a_block, a_row, a_depth, b_block,
                        b_stride, c_block, n, columns, factor, z_block, z_row, add,
                    )  # fmt: skip
                elif columns <= 2 * step:
                    _strip(
                        tile_shape(TALL_2, 2), tile_shape(4, 2), tile_shape(2, 2),
                        tile_shape(1, 2), rows, block, a_block, a_row, a_depth, b_block,
                        b_stride, c_block, n, columns, factor, z_block, z_row, add,
                    )  # fmt: skip
                else:
                    _strip(
                        tile_shape(TALL_3, 3), tile_shape(4, 3), tile_shape(2, 3),
                        tile_shape(1, 3), rows, block, a_block, a_row, a_depth, b_block,
                        b_stride, c_block, n, columns, factor, z_block, z_row, add,
                    )  # fmt: skip
                j += columns
            if last:
                c_rows = offset(c, i * n)
                activate(activation, c_rows, n, rows, n)
                differentiate(derivative, offset(y, i * n), c_rows, n, rows, n)
            i += rows
        if last:
            return
        k += block
        if not add:
            add, factor = True, scalar(a, 1.0)
        z, z_row = c, n


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
    one = scalar(a, 1.0)
    gemm(n, m, d, a, d, 1, pointer(W), m, 1, c, False, one, c, m, IDENTITY, IDENTITY, c)


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
    p, q = pointer(dx), pointer(dW)
    gemm(n, d, m, g, m, 1, pointer(W), 1, m, p, False, one, p, d, IDENTITY, IDENTITY, p)
    gemm(d, m, n, a, 1, d, g, m, 1, q, False, one, q, m, IDENTITY, IDENTITY, q)
