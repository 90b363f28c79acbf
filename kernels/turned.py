"""Gradients of weights as rows of the transpose, where x has rows that share sets of a cache."""

from ._compile import shared
from .activations import IDENTITY
from .blocking import BITS, TURNED
from .dots import add_rows
from .gemm import gemm
from .packing import aliases
from .simd import allocate, is_null, lanes, offset, release, scalar, transpose_block


@shared
def weights_gradient(m, n, depth, a, a_depth, b, c, add, factor):
    """c = a.T @ b, or where `add` is true c += factor * (a.T @ b), on pointers.

    A tile of `gemm` reads some columns of a, a cache line a term. Of 1024 float32 a row, or any
    number of times that, all of these lines fall into one set of L1 and few of L2. As b.T @ a the
    rows of a are copied in whole vectors, and the product, which is small where b has few columns,
    is transposed: 0.74 to 0.87 of the time at 1024,2048,50, 0.7 and 0.86 at 256,1024,10 with
    AVX-512; 0.76 and 0.71, 1.0 and 0.65 with AVX2; 1.15 with 32 terms and 20 columns.

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
    width = (n + step - 1) // step * step
    product = a
    turns = 0 < 8 * n <= depth and aliases(a, 32, a_depth)
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
