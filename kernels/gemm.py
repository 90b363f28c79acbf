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

from ._jit import helper, jit
from .activations import IDENTITY, activate, differentiate
from .blocking import BITS, L2_BYTES, SET
from .shallow import shallow_product
from .simd import (
    allocate,
    dot_update,
    fill,
    fma,
    get,
    is_null,
    lanes,
    load,
    load_first,
    load_tile,
    offset,
    opaque,
    pointer,
    prefetch,
    prefetch_tile,
    put,
    rank_one_update,
    release,
    scalar,
    scale_and_add,
    stack_buffer,
    store,
    store_sums,
    store_tile,
    tile_rows,
    tile_shape,
    tile_vectors,
    transpose_block,
    zero_tile,
)

STRIP = SET.strip
TALL_1, TALL_2, TALL_3 = SET.tall
TALL = SET.tall[STRIP - 1]
REPEATS = SET.repeats
END_BYTES = max(BITS // 32, 3) * BITS // 8  # rows of b at its end: less than a vector has lanes

DEPTH = 256  # terms of the sum that a panel of b holds
DOT_DEPTH = 800  # the same for a panel of dot products: MNIST's 784 in one
PANEL_BYTES = 56 * 1024  # of b, on the stack, or of DOT_DEPTH columns: 50 KB with AVX-512
BLOCK_BYTES = L2_BYTES // 2  # of a, that a copied panel of b is used for
PACK_ROWS = 64  # rows from which copying a panel of b pays
PACK_ALIASES = 40  # the same where its rows would drive one another out of L1
SMALL = 512  # vectors of b that stay in L1 without a copy: 32 KB with AVX-512
SMALL_ROWS = 24  # rows of c written at a time then: a whole number of tiles of any height
WIDE = 64  # vectors of c's row from which 24 rows fall into one set of L1; 8 rows: 2x at 2048
SHALLOW = 8  # terms up to which b is read in order, all columns at once
SHALLOW_COLUMNS = SET.shallow_columns
SHALLOW_ROWS = 8  # rows of c up to which that pays with more terms, eight at a time
DOT_ROWS = SET.dot_rows
SUMS_BYTES = 8 * DOT_ROWS * 2
FEW_ROWS = 4  # rows of dx up to which dot products beat transposing W: 2.9x at 1, 1.0x at 4
TURNED = 240  # columns of the transpose at a time: whole strips of vectors of any width
LONG = 64  # terms from which it pays to ask for c's cache lines ahead
FAR = 24  # vectors of c's row from which they are far from one another
COPY_COLUMNS = 12  # vectors of c's row from which copying tiles of a pays
COPY_ROWS = 48
AHEAD = 16  # rows of b asked for while one is copied


@helper
def _steps(stride, rows, height):
    """Where rows 1, 2 and 3 of a tile begin, so that it has no others than the first `rows`.

    Row 3 q + r of a tile begins where step q times `far` and step r, 0, `near` or `twice`, lead:
    a tile that is higher than it has rows has some of them twice, and writes them twice.
    """
    near, twice, far = 1, 2, 3
    if REPEATS and rows < height:
        if height == 8:  # of five, six or seven rows
            near, twice, far = (2, 1, 1) if rows == 5 else (1, 2, 2) if rows == 6 else (4, 3, 1)
        elif height == 6:  # of four or five
            far = rows - 3
        else:  # of one, two or three
            near, twice, far = min(1, rows - 1), min(2, rows - 1), rows - 1
    return (near * stride, twice * stride, far * stride)


@helper
def four_steps(stride):
    """`_steps` of rows that are all there."""
    return (stride, 2 * stride, 3 * stride)


@helper
def _tile(
    shape, rows, depth, a, a_row, a_depth, b, b_depth, end, guard, c, c_row, columns,
    factor, z, z_row, add,
):  # fmt: skip
    """One tile of c; a sum in blocks is the same as in one, as it starts from z if factor is 1.

    Of its rows only the first `rows` are there. The last `guard` rows of b are read at `end`.
    """
    height = tile_rows(shape)
    near, twice, far = _steps(a_row, rows, height)
    a_steps, c_steps = (near, twice, opaque(far)), _steps(c_row, rows, height)
    z_steps = _steps(z_row, rows, height)
    tile = zero_tile(c, shape)
    if add:
        if factor == 1:
            tile = load_tile(shape, z, z_steps, columns)
            if depth >= LONG and c_row >= FAR * lanes(c):
                prefetch_tile(shape, offset(c, height * c_row), c_steps)  # the next one
        else:
            prefetch_tile(shape, z, z_steps)
    elif depth >= LONG and c_row >= FAR * lanes(c):
        prefetch_tile(shape, c, c_steps)
    k, stop, stride = 0, depth - guard, b_depth
    while True:
        while k < stop:
            tile = rank_one_update(tile, a, a_steps, b)
            a, b = offset(a, a_depth), offset(b, stride)
            k += 1
        if k == depth:
            break
        b, stop, stride = end, depth, tile_vectors(shape) * lanes(c)
    if add and factor != 1:
        tile = scale_and_add(tile, factor, z, z_steps, columns)
    store_tile(c, c_steps, tile, columns)


@helper
def _strip(
    tall, four, two, one, m, depth, a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row,
    columns, factor, z, z_row, add,
):  # fmt: skip
    """All rows of one strip, in tiles of the heights of the given shapes.

    A tile begins a_tile elements of a for each row before it: a_row, but where tiles were copied.

    Whole vectors of b are read: behind the columns of a row stands the next one, and behind the
    last, unless b is `padded`, what is not ours. The rows from which a vector would reach that far
    are read from a copy.
    """
    width = tile_vectors(tall) * lanes(a)
    end, guard = stack_buffer(a, END_BYTES), 0
    if not padded and columns < width:
        guard = min(depth, (width - columns + b_depth - 1) // b_depth)
        for k in range(guard):
            for j in range(0, columns, lanes(a)):
                vector = load_first(b, (depth - guard + k) * b_depth + j, columns - j)
                store(end, k * width + j, vector)
    height = tile_rows(tall)
    i = 0
    while m - i >= height or (REPEATS and m - i > 4):
        if REPEATS and height == 6 and 7 <= m - i <= 8 and a_tile == a_row:
            break  # four and three or four, not six and one or two
        _tile(
            tall, min(height, m - i), depth, offset(a, i * a_tile), a_row, a_depth, b, b_depth, end,
            guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
        )  # fmt: skip
        i += height
    a = offset(a, i * (a_tile - a_row))
    while m - i >= 4 or (REPEATS and m - i > 0):
        _tile(
            four, min(4, m - i), depth, offset(a, i * a_row), a_row, a_depth, b, b_depth, end,
            guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row, add,
        )  # fmt: skip
        i += 4
    if not REPEATS:
        if m - i >= 2:
            _tile(
                two, 2, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth, end,
                guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row,
                add,
            )  # fmt: skip
            i += 2
        if m - i >= 1:
            _tile(
                one, 1, depth, offset(a, i * a_row), a_row, a_depth, b, b_depth, end,
                guard, offset(c, i * c_row), c_row, columns, factor, offset(z, i * z_row), z_row,
                add,
            )  # fmt: skip


@helper
def _columns(
    m, columns, depth, a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, factor, z, z_row,
    add,
):  # fmt: skip
    """One strip of at most STRIP vectors of columns."""
    step = lanes(a)
    if columns <= step:
        _strip(
            tile_shape(TALL_1, 1), tile_shape(4, 1), tile_shape(2, 1), tile_shape(1, 1), m, depth,
            a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, columns, factor, z, z_row, add,
        )  # fmt: skip
    elif columns <= 2 * step:
        _strip(
            tile_shape(TALL_2, 2), tile_shape(4, 2), tile_shape(2, 2), tile_shape(1, 2), m, depth,
            a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, columns, factor, z, z_row, add,
        )  # fmt: skip
    elif STRIP == 3:
        _strip(
            tile_shape(TALL_3, 3), tile_shape(4, 3), tile_shape(2, 3), tile_shape(1, 3), m, depth,
            a, a_tile, a_row, a_depth, b, b_depth, padded, c, c_row, columns, factor, z, z_row, add,
        )  # fmt: skip


@helper
def _dot_tile(
    shape, rows, depth, a, a_row, b, b_row, c, c_row, c_col, factor, z, z_row, z_col, add
):  # fmt: skip
    step = lanes(a)
    full = depth - depth % step
    tile = zero_tile(a, shape)
    for k in range(0, full, step):
        tile = dot_update(tile, offset(a, k), a_row, rows, offset(b, k), b_row, step)
    if full < depth:
        tile = dot_update(tile, offset(a, full), a_row, rows, offset(b, full), b_row, depth - full)
    sums = stack_buffer(a, SUMS_BYTES)
    store_sums(sums, tile)
    for i in range(rows):
        for j in range(tile_vectors(shape)):
            value = get(sums, i * tile_vectors(shape) + j)
            if add:
                value = factor * value + get(z, i * z_row + j * z_col)
            put(c, i * c_row + j * c_col, value)


@helper
def _dots(
    m, n, depth, a, a_row, b, b_row, c, c_row, c_col, factor, z, z_row, z_col, add
):  # fmt: skip
    """c = a @ b.T for rows without gaps on both sides: the vectors run along the sum."""
    for i in range(0, m, DOT_ROWS):
        rows = min(DOT_ROWS, m - i)
        p = offset(a, i * a_row)
        j = 0
        while j < n:
            at, z_at = i * c_row + j * c_col, i * z_row + j * z_col
            q = offset(b, j * b_row)
            if n - j >= 2:
                _dot_tile(
                    tile_shape(DOT_ROWS, 2), rows, depth, p, a_row, q, b_row,
                    offset(c, at), c_row, c_col, factor, offset(z, z_at), z_row, z_col, add,
                )  # fmt: skip
            else:
                _dot_tile(
                    tile_shape(DOT_ROWS, 1), rows, depth, p, a_row, q, b_row,
                    offset(c, at), c_row, c_col, factor, offset(z, z_at), z_row, z_col, add,
                )  # fmt: skip
            j += 2


@helper
def _pack(depth, columns, b, b_depth, b_col, panel):
    """panel[k, j] = b[k, j] for j < columns; whole vectors a row, those past columns unused."""
    step = lanes(b)
    width = (columns + step - 1) // step * step
    for k in range(0, depth, step):
        for j in range(0, columns, step):
            transpose_block(
                offset(b, k * b_depth + j * b_col), b_col, columns - j, depth - k,
                offset(panel, k * width + j), width,
            )  # fmt: skip


@helper
def _pack_strips(depth, columns, width, b, b_depth, panel, ahead):
    """Strips of b side by side, each a panel of its own, whose last vector is padded.

    A row at a time: rows of 512 float64 are all in one set of L1, and strip by strip a cache line
    takes 18 cycles, in fours 5.
    """
    step = lanes(b)
    for k in range(depth):
        row = offset(b, k * b_depth)
        for j in range(0, columns, width):
            prefetch(row, ahead * b_depth + j)
            size = min(width, (columns - j + step - 1) // step * step)
            target = offset(panel, j * depth + k * size)
            for i in range(0, size, step):
                if columns - j - i >= step:
                    store(target, i, load(row, j + i))
                else:
                    store(target, i, load_first(row, j + i, columns - j - i))


@helper
def _aliases(like, rows, row):
    """Whether so many rows drive one another out of L1, of 64 sets of eight lines of 64 bytes."""
    size = row * (BITS // 8) // lanes(like)
    if size % 64 != 0:
        return False
    line = size // 64
    return rows * min(64, line & -line) > 64 * 4


@helper
def _copy_tiles(rows, depth, a, a_depth, copy):
    """Rows of a, side by side in memory, in tiles of TALL: a term's rows together, in order.

    A tile has room for one more term: a vector's lanes past its rows are written over by the next.
    """
    step = lanes(a)
    for k in range(depth):
        for i in range(0, rows, TALL):
            p, q = offset(a, k * a_depth + i), offset(copy, i * (depth + 1) + k * TALL)
            for r in range((TALL - 1) // step * step, -1, -step):
                if rows - i - r >= step:
                    store(q, r, load(p, r))
                else:
                    store(q, r, load_first(p, r, rows - i - r))


@helper
def narrow_dots(m, n, depth, a, a_row, b, b_depth, b_col, c, c_row, factor, z, z_row, add, panel):
    """`gemm` for fewer columns than a vector has lanes: dot products with the columns of b."""
    if b_depth == 1:
        _dots(m, n, depth, a, a_row, b, b_col, c, c_row, 1, factor, z, z_row, 1, add)
        return
    step = lanes(a)
    for k in range(0, depth, DOT_DEPTH):
        block = min(DOT_DEPTH, depth - k)
        for i in range(0, block, step):
            transpose_block(
                offset(b, (k + i) * b_depth), b_depth, block - i, n, offset(panel, i), DOT_DEPTH
            )
        _dots(
            m, n, block, offset(a, k), a_row, panel, DOT_DEPTH, c, c_row, 1,
            factor, z, z_row, 1, add,
        )  # fmt: skip
        if not add:
            add, factor = True, scalar(a, 1.0)
        z, z_row = c, c_row


@helper
def _add_tile(shape, rows, a, a_row, factor, z, z_row, add, c, c_row, columns):
    height = tile_rows(shape)
    tile = load_tile(shape, a, _steps(a_row, rows, height), columns)
    if add:
        tile = scale_and_add(tile, factor, z, _steps(z_row, rows, height), columns)
    store_tile(c, _steps(c_row, rows, height), tile, columns)


@helper
def _narrow_transposed(m, n, depth, a, a_depth, b, b_depth, c, c_row, factor, z, z_row, add, panel):
    """`gemm` for fewer columns than a vector has lanes, as rows of the transpose."""
    step = lanes(a)
    turned = offset(panel, TURNED * step)
    for i in range(0, m, TURNED):
        rows = min(TURNED, m - i)
        for j in range(0, rows, STRIP * step):
            _columns(
                n, min(STRIP * step, rows - j), depth, b, 1, 1, b_depth, offset(a, i + j), a_depth,
                False, offset(panel, j), TURNED, factor, z, 0, False,
            )  # fmt: skip
        for j in range(0, rows, step):
            transpose_block(offset(panel, j), TURNED, n, rows - j, offset(turned, j * step), step)
        # A tile's rows are read before they are written: where rows of c share a cache line, a
        # load waits for the store before it.
        for j in range(0, rows, 8):
            p, q, r = (
                offset(turned, j * step),
                offset(z, (i + j) * z_row),
                offset(c, (i + j) * c_row),
            )
            if rows - j >= 8:
                _add_tile(tile_shape(8, 1), 8, p, step, factor, q, z_row, add, r, c_row, n)
            else:
                for k in range(0, rows - j, 4):
                    _add_tile(
                        tile_shape(4, 1), min(4, rows - j - k), offset(p, k * step), step, factor,
                        offset(q, k * z_row), z_row, add, offset(r, k * c_row), c_row, n,
                    )  # fmt: skip


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


@helper
def prefers_dots(n, depth, step):
    """Whether columns that fill no vector shall be dot products; not a matter of rows, as bits are.

    Up to 10 of 784 terms, 7 of 255, 2 of 50: 1.5x at 784-10 with batch 100, 0.7x with batch 1.
    """
    narrow = n % step
    return narrow > 0 and 4 * narrow * (depth + 8 * step) < 3 * step * depth


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
    dots = a_depth == 1 and prefers_dots(n, depth, step)
    if n <= step and depth <= DEPTH and b_col == 1 and not dots:  # 6 ns a call sooner than below
        _columns(
            m, n, depth, a, a_row, a_row, a_depth, b, b_depth, False, c, c_row, factor, z, z_row,
            add,
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
    if depth >= step and a_depth == 1 and b_depth == 1 and m <= FEW_ROWS and n > m:
        _dots(n, m, depth, b, b_col, a, a_row, c, 1, c_row, factor, z, 1, z_row, add)
        n = 0
    elif dots:
        n -= narrow
        narrow_dots(
            m, narrow, depth, a, a_row, offset(b, n * b_col), b_depth, b_col,
            offset(c, n), c_row, factor, offset(z, n), z_row, add, panel,
        )  # fmt: skip
    elif (
        a_row == 1 and b_col == 1 and depth >= 32 and 0 < 4 * narrow <= 3 * step
        and not _aliases(a, depth, a_depth)
    ):  # fmt: skip
        n -= narrow  # 1.4x at 784-10 with batch 32, 1.5x with 100
        _narrow_transposed(
            m, narrow, depth, a, a_depth, offset(b, n), b_depth,
            offset(c, n), c_row, factor, offset(z, n), z_row, add, panel,
        )  # fmt: skip
    # One and two rows of many columns are fastest in order from L2, too.
    terms = depth if m <= 2 and n >= 24 * step else SHALLOW
    if m <= SHALLOW_ROWS and b_col == 1 and n * terms > SMALL * step and factor == 1:
        deep = SHALLOW
    # Tiles of a whose rows are read across, a cache line a term, come in order from a copy.
    copies = a_row == 1 and b_col == 1 and n >= COPY_COLUMNS * step and m >= COPY_ROWS
    copies = copies and depth >= LONG and n * min(depth, deep) > SMALL * step
    copy, room = a, BLOCK_BYTES // (BITS // 8) * step
    if copies:
        copy = allocate(a, BLOCK_BYTES + BITS // 8)
        copies = not is_null(copy)
    # A tile that reads ten rows of one set of L1 across finds none of them again.
    shallow = 3 * SHALLOW // 2 if a_row == 1 and _aliases(a, SHALLOW, a_depth) else SHALLOW
    k = 0
    while True:
        block = min(deep, depth - k)
        last = k + block == depth
        # A block of b that stays in L1 is used by one tile's rows after the other's, all columns
        # at once, so that c is written in order; a larger one is copied, a strip at a time.
        small = b_col == 1 and n > STRIP * step and block * n <= SMALL * step
        aliases = _aliases(b, block, b_depth)
        height = SMALL_ROWS if n < WIDE * step else 8
        if not small:
            height = max(BLOCK_BYTES // (BITS // 8) * step // max(block, 1) // 24, 2) * 24
        i = 0
        while i < m:
            rows = min(height, m - i)
            a_block = offset(a, i * a_row + k * a_depth)
            if copies:
                rows = min(rows, room // (block + 1) // TALL * TALL)
                _copy_tiles(rows, block, a_block, a_depth, copy)
            pack = b_col != 1 or (
                not small and n > STRIP * step
                and (rows >= PACK_ROWS or (aliases and rows >= PACK_ALIASES))
            )  # fmt: skip
            j = 0
            if b_col == 1 and 0 < block <= shallow and n >= SHALLOW_COLUMNS * step:
                shallow_product(
                    rows, n, block, a_block, a_row, a_depth, offset(b, k * b_depth), b_depth,
                    offset(c, i * c_row), c_row, factor, offset(z, i * z_row), z_row, add,
                    panel,
                )  # fmt: skip
                j = n
            while rows == 1 and b_col == 1 and n - j >= 6 * step:  # six sums hide each other's wait
                q = offset(b, k * b_depth + j)
                _tile(
                    tile_shape(1, 6), 1, block, a_block, 0, a_depth, q, b_depth, q, 0,
                    offset(c, i * c_row + j), 0, 6 * step, factor, offset(z, i * z_row + j), 0,
                    add,
                )  # fmt: skip
                j += 6 * step
            while j < n:
                width, group = STRIP * step, 1
                if STRIP == 3 and 3 * step < n - j <= 4 * step:
                    width = 2 * step  # 2 + 2 vectors, not 3 + 1
                if pack and b_col == 1:  # strips that are copied together; of its transpose, one
                    group = max(1, min(4, PANEL_BYTES // (BITS // 8) // (STRIP * block)))
                    _pack_strips(
                        block, min(group * width, n - j), width, offset(b, k * b_depth + j),
                        b_depth, panel, 4 if aliases else AHEAD,
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
                            _pack(
                                block, columns, offset(b, k * b_depth + j * b_col), b_depth, b_col,
                                panel,
                            )  # fmt: skip
                    p, a_tile, row, term = a_block, a_row, a_row, a_depth
                    if copies and columns > (STRIP - 1) * step:
                        p, a_tile, row, term = copy, block + 1, 1, TALL
                    _columns(
                        rows, columns, block, p, a_tile, row, term, b_block, b_stride, pack,
                        offset(c, i * c_row + j), c_row, factor, offset(z, i * z_row + j), z_row,
                        add,
                    )  # fmt: skip
                    j += columns
            if last:
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
    if copies:
        release(copy)


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
