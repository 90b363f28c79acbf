"""Gradients of weights as rows of the transpose, where x has rows that share sets of a cache."""

from ._compile import shared
from .activations import IDENTITY
from .blocking import BITS, SHALLOW, STRIP, TURNED
from .dots import add_rows
from .gemm import gemm
from .packing import aliases
from .simd import allocate, is_null, lanes, offset, release, scalar, transpose_block


@shared
def weights_gradient(m, n, depth, a, a_depth, b, c, add, factor):
    """c = a.T @ b, or where `add` is true c += factor * (a.T @ b), on pointers.

    A tile of `gemm` reads some columns of a, a cache line a term. Of 1024 float32 a row, or any
    number of times that, all of these lines fall into one set of L1 and few of L2, and columns of c
    that leave most of a vector unused read them all again. As b.T @ a the rows of a are copied in
    whole vectors, and the product, which is small where b has few columns, is transposed: 0.45 to
    0.94 of the time at 10 columns and 100 to 256 terms, 0.74 and 0.76 at 1024,2048,50; 1.0 to 1.3
    with columns that fill vectors.

    Parameters
    ----------
    m, n, depth : int64
        c is (m, n), the sum has `depth` terms; any may be 0.
    a, a_depth : pointer to (depth, m), stride of its rows
    b, c : pointer to (depth, n) and (m, n), C-contiguous
    add : bool
    factor : scalar of the dtype

    Notes
    -----
    A row of c depends on no other row, and its bits do not depend on m.
    """
    step = lanes(a)
    narrow, width = n % step, (n + step - 1) // step * step
    product = a
    # An odd column would be a tile of one row.
    turns = 0 < 4 * narrow <= 3 * step and n % 2 == 0 and 8 * n <= depth
    turns = turns and aliases(a, 32 if n <= 24 else SHALLOW, a_depth)
    # Of rows that share fewer sets `gemm` makes those columns so itself, where no vector is beside.
    alone = STRIP > 2 or n // step % STRIP == 0
    turns = turns and not (alone and n > STRIP * step and not aliases(a, SHALLOW, a_depth))
    if turns:
        product = allocate(a, (2 * TURNED * n + width * step) * (BITS // 8 // step))
        turns = not is_null(product)
    if not turns:
        gemm(
            m, n, depth, a, 1, a_depth, b, n, 1, c, add, factor, c, n, IDENTITY, IDENTITY, c,
        )  # fmt: skip
        return
    one, rows = scalar(a, 1.0), offset(product, 2 * TURNED * n)
    for i in range(0, m, 2 * TURNED):
        columns = min(2 * TURNED, m - i)
        gemm(
            n, columns, depth, b, 1, n, offset(a, i), a_depth, 1, product, False, one, product,
            columns, IDENTITY, IDENTITY, product,
        )  # fmt: skip
        for j in range(0, columns, step):
            for k in range(0, n, step):
                transpose_block(
                    offset(product, k * columns + j), columns, n - k, columns - j, offset(rows, k),
                    width,
                )  # fmt: skip
            for k in range(0, n, step):
                p = offset(c, (i + j) * n + k)
                add_rows(
                    min(step, columns - j), offset(rows, k), width, factor, p, n, add, p, n,
                    min(step, n - k),
                )  # fmt: skip
    release(product)
