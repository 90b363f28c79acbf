"""Matrix product: a register tile inside a blocked loop, with free strides and epilogues.

`gemm` works on pointers, so that one function serves the three products of a dense layer
without copying a whole operand:

    out = x @ W          a = x     b = W       a's rows D apart, b's rows M apart
    dW  = x.T @ dout     a = x.T   b = dout    a's rows 1 apart, its columns D apart
    dx  = dout @ W.T     a = dout  b = W.T     b's columns M apart: transposed a panel at a time

The output is cut into strips of at most three vectors of columns, and each strip into tiles of
rows whose accumulators fill the registers. Columns that would leave most of a vector unused (two
of 50, all of 10) are made before the others, in ways that fill it: where a's rows have no gaps,
as dot products along the sum; where its columns have none, as rows of the transpose.
"""

from ._compile import helper, jit, matrix, shared
from .activations import IDENTITY, RELU, activate, differentiate
from .blocking import (
    AHEAD,
    ALIASED_TERMS,
    ALONE,
    BITS,
    BLOCK_BYTES,
    COPY_COLUMNS,
    COPY_ROWS,
    DEPTH,
    FEW_ROWS,
    FEW_TERMS,
    L1_VECTORS,
    LONG,
    ORDERED,
    PACK_ALIASES,
    PACK_ONE_SET,
    PACK_ROWS,
    PANEL_BYTES,
    SHALLOW,
    SHALLOW_COLUMNS,
    SHALLOW_ROWS,
    SMALL_ROWS,
    STRIP,
    TALL,
    UNPACKED,
    WIDE,
    WIDE_BYTES,
)
from .dots import dots, narrow_dots, narrow_transposed, prefers_dots
from .packing import aliases, copy_tiles, pack_strips, pack_transpose, turn_tiles
from .shallow import shallow_product, shallow_tiles
from .simd import (
    allocate,
    fill,
    fma,
    get,
    is_null,
    lanes,
    load,
    offset,
    pointer,
    release,
    scalar,
    stack_buffer,
    store,
    tile_shape,
)
from .sweep import read_in_order
from .tiles import AS_IT_IS, RECTIFIED, WHERE_POSITIVE, strip, terms_at_a_time, tile


@helper
def _outer(m, n, a, a_row, b, c, factor, z, z_row):
    """`gemm` for one term and an addend: a batch of one, whose rows of W go by in order.

    0.4 of the time of tiles at 2048-2048, 0.5 at 784-1024, the same where W fits L2. The last
    vector of a row overlaps the one before: under a mask, its store would hold up the next row's
    load, 1.6x at 784-100.
    """
    step = lanes(a)
    full = n - n % step
    for i in range(m):
        x = fill(a, get(a, i * a_row) * factor)
        p, q = offset(c, i * n), offset(z, i * z_row)
        last = fma(x, load(b, n - step), load(q, n - step))  # before c, which may be z, is written
        for j in range(0, full, step):
            store(p, j, fma(x, load(b, j), load(q, j)))
        if full < n:
            store(p, n - step, last)


@shared
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
    A row of c depends on no other row. With b_col 1, or m at least 16, its bits do not depend on m
    either: threads may take some rows each.
    """
    step = lanes(a)
    deep = DEPTH
    c_row = n
    if n == 1 and a_depth != 1 and z_row == n:
        # One column is one row of the transpose, whose columns fill vectors.
        deep = SHALLOW
        m, n = n, m
        a, b = b, a
        a_depth, b_depth, b_col = b_depth, a_depth, a_row
        c_row, z_row = n, n
    narrow = n % step
    as_dots = a_depth == 1 and prefers_dots(n, depth, step)
    if 0 < n <= step and depth <= DEPTH and b_col == 1 and not as_dots:  # 6 ns sooner than below
        strip(
            m, n, depth, a, a_row, a_row, a_depth, b, b_depth, False, c, c_row, factor, z, z_row,
            add, AS_IT_IS, y,
        )  # fmt: skip
        activate(activation, c, c_row, m, c_row)
        differentiate(derivative, y, c, c_row, m, c_row)
        return
    if depth == 1 and add and b_col == 1 and a_row == 1 and n >= step:
        _outer(m, n, a, a_row, b, c, factor, z, z_row)
        activate(activation, c, n, m, n)
        differentiate(derivative, y, c, n, m, n)
        return
    panel = stack_buffer(a, PANEL_BYTES)
    if depth >= min(m, 2) * step and a_depth == 1 and b_depth == 1 and m <= FEW_ROWS and n > m:
        dots(n, m, depth, b, b_col, a, a_row, c, 1, c_row, factor, z, 1, z_row, add)
        n = 0
    elif as_dots:
        n -= narrow
        narrow_dots(
            m, narrow, depth, a, a_row, offset(b, n * b_col), b_depth, b_col,
            offset(c, n), c_row, factor, offset(z, n), z_row, add, panel,
        )  # fmt: skip
    elif (
        a_row == 1 and b_col == 1 and depth >= 32 and 0 < 4 * narrow <= 3 * step
        and (STRIP > 2 or n // step % STRIP == 0)  # no vector beside them: else they cost nothing
        and not aliases(a, depth if n <= STRIP * step else SHALLOW, a_depth)
    ):  # fmt: skip
        n -= narrow  # 1.4x at 784-10 with batch 32, 1.5x with 100
        narrow_transposed(
            m, narrow, depth, a, a_depth, offset(b, n), b_depth,
            offset(c, n), c_row, factor, offset(z, n), z_row, add, panel,
        )  # fmt: skip
    finish = AS_IT_IS
    if n == c_row:  # else some columns are made already
        if activation == RELU and derivative == IDENTITY:
            finish = RECTIFIED
        elif derivative == RELU and activation == IDENTITY:
            finish = WHERE_POSITIVE
    # Whole rows of c go by where few terms are added: two rows and five vectors at a time.
    stride = n if b_col == 1 else (n + step - 1) // step * step
    pairs = 2 < depth <= FEW_TERMS and a_depth == 1 and m > 1 and n > 2 * step
    pairs = pairs and (b_col != 1 or depth > ORDERED or n < SHALLOW_COLUMNS * step)
    square = (depth + step - 1) // step * step  # rows that transposing in squares writes
    pairs = pairs and square * stride <= PANEL_BYTES // (BITS // 8) * step
    if pairs and (depth <= ALIASED_TERMS or not aliases(b, depth, stride)):
        rows = b
        if b_col != 1:
            rows = panel
            pack_transpose(depth, n, b, b_depth, b_col, panel, False)
        shallow_tiles(
            m, n, depth, a, a_row, rows, stride if b_col != 1 else b_depth, b_col != 1, c, c_row,
            factor, z, z_row, add, finish, y,
        )  # fmt: skip
        if finish == AS_IT_IS:
            activate(activation, c, c_row, m, c_row)
            differentiate(derivative, y, c, c_row, m, c_row)
        return
    # One and two rows of many columns are fastest in order from L2, too; one of 25 vectors is not:
    # tiles take 0.85 to 0.93 of the time.
    terms = depth if m <= 2 and n >= (32 if m == 1 else 24) * step else SHALLOW
    if m <= SHALLOW_ROWS and b_col == 1 and n * terms > L1_VECTORS * step and factor == 1:
        deep = SHALLOW
    if deep == DEPTH:
        deep = terms_at_a_time(depth, step)
    deepest, room = min(depth, deep), BLOCK_BYTES // (BITS // 8) * step
    large = b_col == 1 and n * deepest > L1_VECTORS * step  # no block of b stays in L1 as it stands
    shallow = SHALLOW if b_col == 1 and n >= SHALLOW_COLUMNS * step else 0
    # A tile that reads ten rows of one set of L1 finds none of them again. Those of a come from a
    # copy, below, where there are enough: 0.75 of the time at 10,512,300 in float64.
    if SHALLOW < depth <= 3 * SHALLOW // 2 and shallow > 0:
        few = a_row == 1 and m < COPY_ROWS and aliases(a, SHALLOW, a_depth)
        if few or aliases(b, SHALLOW, b_depth):
            shallow = depth
    # Tiles of a come in order from a copy where many strips read them: those whose rows are read
    # across, a cache line a term, and those whose rows would drive one another or b out of a cache.
    copies = False
    if m >= COPY_ROWS and depth > max(SHALLOW, shallow) and n > STRIP * step:
        if a_row == 1 and b_col == 1:
            copies = n >= COPY_COLUMNS * step and depth >= LONG and large
            copies = copies or aliases(a, 2 * SHALLOW, a_depth)
        elif a_depth == 1 and depth >= LONG and n >= 4 * COPY_COLUMNS * step:
            copies = m * depth > room or aliases(a, TALL, a_row)
    least = PACK_ROWS
    if large and PACK_ONE_SET <= m < PACK_ROWS and aliases(b, deepest, b_depth):
        least = PACK_ONE_SET if aliases(b, SHALLOW, b_depth) else PACK_ALIASES
    # Strips that fit L1 with what stands beside them are read where they are, by few rows: 0.92 to
    # 1 of the time at 200,64,100 and 96,96,96, 1.06 on AVX2 with 300 rows.
    far = deepest > UNPACKED or deepest * b_depth > WIDE_BYTES // (BITS // 8) * step
    far = far or m > 4 * PACK_ROWS or aliases(b, deepest, b_depth)
    # The panel on the stack is three strips wide; rows of b are read faster in longer pieces:
    # dW 700,100,10000, whose b no cache holds, in 0.95 of the time.
    wide = far and large and m >= least and n >= 4 * STRIP * step
    copy, panel_bytes = a, PANEL_BYTES
    if copies or wide:
        copy = allocate(a, BLOCK_BYTES + TALL * BITS // 8 + WIDE_BYTES)
        if is_null(copy):
            copies = wide = False
        if wide:
            panel, panel_bytes = offset(copy, room + TALL * step), WIDE_BYTES
    # Rows of W are asked for where they come from behind L2, and do not share a set of L1.
    asks = b_col != 1 and 4 * n * depth > room and not aliases(b, 2 * STRIP * step, b_col)
    # Several strips read some rows of a and write those of c, which come in order before: where
    # neither stays in L2 that takes 0.7 to 0.9 of the time at 19600,64,64 and 19600,32,128, and so
    # does what a gradient of weights reads.
    several = n > STRIP * step and not copies and c_row == n
    streams = several and a_depth == 1 and a_row == depth and depth == deepest and not large
    streams = streams and m * min(n, depth) > room and n * depth <= room // 4
    turned = several and a_row == 1 and a_depth == m and b_depth == n and m >= PACK_ROWS
    turned = turned and depth * min(m, n) > room and deepest * (m + n) <= room // 2
    k = 0
    while True:
        block = min(deep, depth - k)
        last = k + block == depth
        if turned:
            read_in_order(offset(a, k * a_depth), block * m)
            read_in_order(offset(b, k * b_depth), block * n)
        # A block of b that stays in L1 is used by one tile's rows after the other's, all columns
        # at once, so that c is written in order; a larger one is copied, a strip at a time.
        small = b_col == 1 and n > STRIP * step and block * n <= L1_VECTORS * step and not streams
        height = SMALL_ROWS if n < WIDE * step else 8
        if not small:
            height = m
            if m * (block + 1) > room:  # blocks of about the same height
                height = max(room // (block + 1) // 24, 2) * 24
                parts = (m + height - 1) // height
                height = ((m + parts - 1) // parts + 23) // 24 * 24
        if streams:
            height = max(1, room // 4 // (n + depth) // 24) * 24
        i = 0
        while i < m:
            rows = min(height, m - i)
            a_block = offset(a, i * a_row + k * a_depth)
            if copies:
                rows = min(rows, room // (block + 1) // TALL * TALL)
                if a_row == 1:
                    copy_tiles(rows, block, a_block, a_depth, copy)
                else:
                    turn_tiles(rows, block, a_block, a_row, copy)
            if streams:
                read_in_order(a_block, rows * depth)
                read_in_order(offset(c, i * n), rows * n)
            pack = b_col != 1 or (far and not small and n > STRIP * step and rows >= least)
            ends = finish if last and rows > 1 and not 0 < block <= shallow else AS_IT_IS
            j = 0
            if 0 < block <= shallow:
                shallow_product(
                    rows, n, block, a_block, a_row, a_depth, offset(b, k * b_depth), b_depth,
                    offset(c, i * c_row), c_row, factor, offset(z, i * z_row), z_row, add,
                    panel,
                )  # fmt: skip
                j = n
            while rows == 1 and b_col == 1 and n - j >= ALONE * step:
                q = offset(b, k * b_depth + j)
                tile(
                    tile_shape(1, ALONE), 1, block, a_block, 0, a_depth, q, b_depth, q, 0,
                    offset(c, i * c_row + j), 0, ALONE * step, factor, offset(z, i * z_row + j), 0,
                    add, AS_IT_IS, q,
                )  # fmt: skip
                j += ALONE * step
            while j < n:
                width, group = STRIP * step, 1
                if STRIP == 3 and 3 * step < n - j <= 4 * step:
                    width = 2 * step  # 2 + 2 vectors, not 3 + 1
                if pack and b_col == 1:  # strips that are copied together; of its transpose, one
                    group = max(1, panel_bytes // (BITS // 8) // (STRIP * block))
                    pack_strips(
                        block, min(group * width, n - j), width, offset(b, k * b_depth + j),
                        b_depth, panel, max(1, AHEAD // (BITS // 8) // (STRIP * group)),
                    )  # fmt: skip
                first = j
                while j < n and j < first + group * width:
                    columns = min(width, n - j)
                    b_block, b_stride = offset(b, k * b_depth + j * b_col), b_depth
                    if pack:
                        b_block = offset(panel, (j - first) * block)
                        b_stride = (columns + step - 1) // step * step
                        if b_col != 1:
                            b_block = panel
                            pack_transpose(
                                block, columns, offset(b, k * b_depth + j * b_col), b_depth, b_col,
                                panel, asks,
                            )  # fmt: skip
                    p, a_tile, row, term = a_block, a_row, a_row, a_depth
                    if copies and columns > (STRIP - 1) * step:
                        p, a_tile, row, term = copy, block + 1, 1, TALL
                    strip(
                        rows, columns, block, p, a_tile, row, term, b_block, b_stride, pack,
                        offset(c, i * c_row + j), c_row, factor, offset(z, i * z_row + j), z_row,
                        add, ends, offset(y, i * c_row + j),
                    )  # fmt: skip
                    j += columns
            if last and ends == AS_IT_IS:
                c_rows = offset(c, i * c_row)
                activate(activation, c_rows, c_row, rows, c_row)
                differentiate(derivative, offset(y, i * c_row), c_rows, c_row, rows, c_row)
            i += rows
        if last:
            break
        k += block
        if not add:
            add, factor = True, scalar(a, 1.0)
        z, z_row = c, c_row
    if copies or wide:
        release(copy)


@jit(matrix, matrix, matrix)
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


@jit(matrix, matrix, matrix, matrix, matrix)
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
