"""Calls of products and convolutions between fences, at every size where something ends.

That is a tile, a strip, a block or a vector.
"""

import itertools

import numpy as np
from by_address import call

from fastnet import kernels
from fastnet.kernels import (
    blocking,
    checked,
    shallow,
    sparse,
)
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.geometry import geometry_of
from fastnet.kernels.loop import sparse as loop_sparse
from fastnet.kernels.simd import BITS


def sizes_of_products(step):
    """Yield rows, columns and terms of products with vectors of `step` numbers.

    In turn: every edge of the tiles; dot products; rows of the transpose, at its edges; a panel's
    and a block's edges; copied strips, without gaps and not; copied tiles; strips that fill what is
    allocated for them; products of few terms, and of few rows, all columns at once; tiles of one
    row; sums of rows.
    """
    strip = blocking.STRIP * step
    tall = max(blocking.TALL_1, blocking.TALL_2, blocking.TALL_3)
    rows, columns = range(2 * tall + 2), range(2 * strip + 2)
    yield from itertools.product(rows, columns, (0, 1, 2, 3, 4, 9))
    yield from itertools.product(rows, columns[:: max(1, step // 4)], range(5, 2 * step + 2))
    deep = blocking.DOT_DEPTH
    narrow = (*range(1, step), *range(strip + 1, strip + step))
    yield from itertools.product(rows, narrow, (50, deep - 1, deep, deep + 1))
    turned = blocking.TURNED
    some = (*range(1, tall + 2), *range(turned - 1, turned + tall + 2))
    yield from itertools.product(some, narrow, (32, blocking.DEPTH + 1))
    depths = (blocking.DEPTH - 1, blocking.DEPTH, blocking.DEPTH + 1, blocking.DEPTH + step + 1)
    yield from itertools.product((1, 4, 5, 13), columns, depths)
    edges = range(strip + 1, 2 * strip + 2)
    for more in rows:
        for size in edges:
            yield blocking.PACK_ROWS + more, size + strip, blocking.DEPTH + size % 2
            yield (
                blocking.COPY_ROWS + more,
                blocking.COPY_COLUMNS * step + size,
                blocking.LONG + size % 2,
            )
            yield blocking.SMALL_ROWS + more, size, 13
        yield blocking.PACK_ROWS + more, 5 * strip + 64 * (more % 4), blocking.DEPTH
    room = blocking.WIDE_BYTES // (BITS // 8) // blocking.STRIP  # rows of strips of a wide panel
    full = max(range(blocking.DEPTH, blocking.LONG, -1), key=lambda terms: room // terms * terms)
    yield blocking.PACK_ROWS, 2 * (room // full) * strip, full
    few, wide = blocking.SHALLOW_COLUMNS * step, shallow.WIDTH * step
    sizes = (*range(few, few + step + 1), wide - 1, *range(wide, wide + step + 2))
    terms = range(1, 3 * blocking.SHALLOW // 2 + 2)
    yield from itertools.product((1, 2, 3, blocking.SHALLOW_ROWS, 9), sizes, terms)
    widths = (v * step + e for v in range(3, 12) for e in (-1, 0, 1))
    yield from itertools.product((2, 5, blocking.SMALL_ROWS + 1), widths, (3, blocking.FEW_TERMS))
    apart = 4096 * step // (BITS // 8)  # numbers in rows of x that drive one another out of a cache
    for size in range(2, 2 * step + 3, 2):
        yield apart, size, 8 * size + size % 3
    yield apart, 2, blocking.DEPTH + 1
    for size in (*range(5 * step, 13 * step + 2), *sizes, 2 * wide + 1):
        yield from ((1, size, 13), (1, size, 257), (2, size, 17), (5, size, 9))
    yield from itertools.product((1,), range(2 * strip + 2, 10 * step), rows)


def call_products(fences, dtype, rows, columns, terms, code):
    """Call the products that are (rows, columns) and sums of so many terms."""

    def array(*shape):
        return fences.array(*shape, dtype=dtype)

    fences.used, one = 0, dtype(1)
    x, W, b, out = array(rows, terms), array(terms, columns), array(columns), array(rows, columns)
    kernels.affine_forward(x, W, b, code, out)
    kernels.matmul_forward(x, W, out)
    ran = checked.affine_layer_forward(x, W, b, code, out)
    assert ran == (rows * columns * terms > 0)
    dx, dout = array(rows, terms), array(rows, columns)
    dW, db = array(terms, columns), array(columns)
    kernels.matmul_backward(x, W, dout, dx, dW)
    kernels.affine_backward(x, W, dout, dx, dW, db)
    assert checked.affine_layer_backward(x, W, dout, dx, dW, db) == ran
    fences.used = 0
    dout, W = array(rows, terms), array(columns, terms)
    x, dx = array(rows, columns), array(rows, columns)
    kernels.affine_backward_input(dout, W, x, code, dx)
    fences.used = 0
    x, dout = array(terms, rows), array(terms, columns)
    dW, db = array(rows, columns), array(columns)
    kernels.affine_backward_params(x, dout, dW, db)
    kernels.affine_backward_sgd_update(x, dout, one, dW, db)


def call_sparse_products(fences, dtype):
    """Those that skip zeros: all columns of the tiles, groups of rows and parts of lists."""
    step = BITS // 8 // np.dtype(dtype).itemsize
    least = sparse.LEAST_SIZE // sparse.LEAST_ROWS
    rows = itertools.cycle(range(sparse.LEAST_ROWS, sparse.LEAST_ROWS + 9))
    inputs = itertools.cycle(range(least, least + max(4, step) + 1))
    more = [(sparse.TERMS + n, least + 3 * n, 3 * step - n % 2) for n in (-1, 0, 1, step, step + 1)]
    columns = range(sparse.LEAST_VECTORS * step, 2 * sparse.STRIP * step + 2)
    for n, d, m in [*zip(rows, inputs, columns, strict=False), *more]:
        x = np.zeros((n, d), dtype)
        x[::3, ::50] = x[:, -1] = 1  # the last term is listed: its row of W is the last one
        x[-1] = np.arange(d) % 9 == 0
        for fences.where in ("end", "start"):
            fences.used = 0
            x, W, b = fences.copy(x), *(fences.array(*k, dtype=dtype) for k in ((d, m), (m,)))
            out = fences.array(n, m, dtype=dtype)
            W[...] = 1
            kernels.affine_forward(x, W, b, 0, out)
            out[...] = 1
            kernels.affine_backward_params(x, out, W, b)
            rows, weights, bias, results = (array.ctypes.data for array in (x, W, b, out))
            W[...] = 1
            activation = kernels.RELU
            call(loop_sparse.forward, n, d, m, rows, weights, bias, activation, results, dtype(0))
            out[...] = 1
            numbers = n, d, m, rows, d, results, 1, weights, bias, dtype(-0.5)
            call(loop_sparse.backward_params, *numbers)


def sizes_of_convolutions(step):
    """Yield images, their sides, kernels, channels and filters, and how windows move.

    Every number of channels and filters up to two strips; then every edge of the tiles' rows.
    """
    moves = itertools.cycle([
        ((1, 1), (1, 1), 0, 1), ((1, 1), (1, 1), 1, 1), ((2, 1), (1, 1), 0, 1),
        ((1, 1), (2, 1), 3, 1), ((1, 2), (1, 2), 2, 1), ((3, 3), (1, 1), 0, 1),
    ])  # fmt: skip
    for size in range(1, 2 * blocking.STRIP * step + 2):
        for channels, filters in ((size, 1 + size % 7), (1 + size % 5, size), (size, size)):
            yield 3, (6, 5), (1 + size % 3, 1 + size % 4), channels, filters, next(moves)
    for side in range(3, 16):
        yield 2, (side, 3), (3, 3), 3, step + 1, next(moves)
        yield 1, (3, side), (2, 3), step - 1, 3, next(moves)
    for channels in range(1, step // 2 + 1):  # in planes
        for width in (17, 27, 300):
            yield 2, (5, width), (2, 3), channels, 1 + width % 23, next(moves)
    for groups in (2, 3, step + 1):
        yield 2, (5, 7), (2, 2), 2 * groups, 3 * groups, ((1, 1), (1, 1), 1, groups)
        yield 2, (5, 7), (2, 2), groups, groups, ((2, 1), (1, 1), 0, groups)
        yield 2, (5, 7), (3, 2), groups, groups, ((1, 1), (2, 1), 2, groups)


def call_convolutions(fences, dtype):
    """Call a convolution's kernels, whose scratch is as large as they say."""
    step = BITS // 8 // np.dtype(dtype).itemsize
    cases = itertools.product(sizes_of_convolutions(step), ("end", "start"))
    for number, (case, fences.where) in enumerate(cases):
        n, image, kernel, c, m, (strides, dilation, pad, groups) = case
        out = [
            (size + 2 * pad - (k - 1) * d - 1) // s + 1
            for size, k, s, d in zip(image, kernel, strides, dilation, strict=True)
        ]
        if min(out) < 1:
            continue
        g = geometry_of((*image, c), (*kernel, m), strides, dilation, (pad, pad), out, groups)
        fences.used = 0
        numbers = fences.copy(np.array(g, np.int64))
        shapes = (n, *image, c), (n, *out, m), (*kernel, c // groups, m), (m,), (scratch_size(g),)
        x, result, W, b, work = (fences.array(*shape, dtype=dtype) for shape in shapes)
        kernels.convolution_forward(x, W, b, numbers, number % 4, work, result)
        kernels.convolution_backward_input(result, W, numbers, work, x)
        kernels.convolution_backward_params(x, result, numbers, work, W, b)
