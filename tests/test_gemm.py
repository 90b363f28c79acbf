"""The matrix product: every tail, every block, its error, and what it leaves alone."""

import itertools

import numpy as np
import pytest
from differences import central_difference
from framed import among_nans, assert_frame, framed
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.kernels import IDENTITY, blocking, matmul_backward, matmul_forward, simd
from fastnet.kernels._compile import jit
from fastnet.kernels.gemm import gemm
from fastnet.kernels.simd import pointer, scalar
from fastnet.reference import kernels as reference


def integers(rng, dtype, *shape):
    """Small whole numbers: their products and sums are exact in any order."""
    return among_nans(rng.integers(-8, 9, shape).astype(dtype))


def normals(rng, dtype, *shape):
    return among_nans(rng.standard_normal(shape).astype(dtype))


def lanes(dtype):
    return simd.BITS // (8 * np.dtype(dtype).itemsize)


def products(x, W, dout):
    """Return out, dx and dW of the kernels, their frames and operands checked."""
    (n, d), m = x.shape, W.shape[1]
    before = [operand.copy() for operand in (x, W, dout)]
    frames = [framed(shape, x.dtype) for shape in ((n, m), (n, d), (d, m))]
    out, dx, dW = (inside for _, inside in frames)
    assert matmul_forward(x, W, out) is None
    assert matmul_backward(x, W, dout, dx, dW) is None
    for buffer, _ in frames:
        assert_frame(buffer)
    for operand, kept in zip((x, W, dout), before, strict=True):
        assert np.array_equal(operand, kept, equal_nan=True)
    return out, dx, dW


def assert_exact(rng, dtype, n, d, m):
    x, W, dout = (integers(rng, dtype, *shape) for shape in ((n, d), (d, m), (n, m)))
    wide = [operand.astype(np.float64) for operand in (x, W, dout)]
    expected = wide[0] @ wide[1], wide[2] @ wide[1].T, wide[0].T @ wide[2]
    for name, got, exact in zip(("out", "dx", "dW"), products(x, W, dout), expected, strict=True):
        assert np.array_equal(got, exact), f"{name} of n={n} d={d} m={m}"


@every_dtype
def test_every_small_size(dtype):
    rng = np.random.default_rng(1)
    for n, d, m in itertools.product(range(18), repeat=3):
        assert_exact(rng, dtype, n, d, m)


@jit()
def _product_of_strides(a, b, b_depth, b_col, c):
    (m, depth), n, p = a.shape, c.shape[1], pointer(a)
    gemm(
        m, n, depth, p, depth, 1, pointer(b), b_depth, b_col, pointer(c), False, scalar(p, 1.0),
        pointer(c), n, IDENTITY, IDENTITY, pointer(c),
    )  # fmt: skip


@every_dtype
def test_columns_of_b_that_are_apart(dtype):
    """Of any number of terms: few are read in order only where columns have no gaps."""
    rng = np.random.default_rng(2)
    for m, n, depth in itertools.product((1, 2, 5), (3, 64, 500), (1, 2, 3, 9)):
        a, b = integers(rng, dtype, m, depth), integers(rng, dtype, n, depth + 2)
        frame, c = framed((m, n), dtype)
        _product_of_strides(a, b, 1, depth + 2, c)
        assert_frame(frame)
        assert_array_equal(c, a @ b[:, :depth].T)


@every_dtype
def test_every_width_of_a_strip(dtype):
    """Columns around whole vectors, up to more than two strips; every height of a tile."""
    rng = np.random.default_rng(2)
    step = lanes(dtype)
    widths = sorted({v * step + e for v in range(1, 8) for e in (-1, 0, 1)} - {0})
    for m in widths:
        for n in (*range(1, 18), 23):
            assert_exact(rng, dtype, n, 3, m)


def beyond(size):
    return (size - 1, size, size + 1)


ROWS = blocking.BLOCK_BYTES // 4 // blocking.DEPTH // 24 * 24  # of float32 in a block, about


@with_each(
    "n, d, m",
    [
        *((n, 5, 75) for n in beyond(blocking.PACK_ROWS)),
        *((n, blocking.DEPTH, 75) for n in beyond(ROWS)),
        # Few terms, in order; strips that are copied together; tiles of x that are copied.
        *((n, d, 10) for n in (1, 2, 3) for d in beyond(blocking.SHALLOW)),
        *((n, 5, m) for n in (1, 2, 3, 8) for m in beyond(64 * lanes(np.float32))),
        *((200, d, 150) for d in beyond(blocking.COPY_ROWS)),
        *((n, 100, 12 * lanes(np.float32)) for n in beyond(blocking.LONG)),
        *((300, d, 209) for d in (48, 49, 53, 55, 56, 301)),
        *((9, d, 70) for d in beyond(blocking.DEPTH)),
        *((70, d, 75) for d in beyond(blocking.DEPTH)),
        (7, 9, blocking.DEPTH + 1),
        (blocking.DEPTH + 1, 3, 2 * ROWS + 3),
        (ROWS + 1, blocking.DEPTH + 1, 101),
        (300, 600, 75),
        (2 * ROWS + 3, 2 * blocking.DEPTH + 3, 1),
        (1, 784, 50),
        (100, 784, 50),
        # Dot products, for one column and for few rows of dx: whole vectors, tails, tall and not.
        *((n, 41, m) for n in beyond(blocking.FEW_ROWS) for m in (32, 33, 79)),
        *((n, d, 1) for n in beyond(blocking.DOT_ROWS) for d in (64, 65, 150)),
        *((n, blocking.DOT_DEPTH + 3, m) for n in beyond(blocking.DOT_ROWS) for m in (1, 2, 3, 35)),
        # Columns that fill no vector, as rows of the transpose: of any number, tall and not.
        *((40, d, m) for d in beyond(blocking.TURNED) for m in (*range(1, 16), 33)),
        # A wide b that is read in order, for few rows.
        *((n, d, 1100) for n in beyond(blocking.SHALLOW_ROWS) for d in (7, 8, 9, 100)),
        *((n, 3, blocking.WIDE * lanes(np.float32) + e) for n in (1, 9) for e in (-1, 0, 5)),
        (2, 300, 300),
        (300, 700, 1),
        # b in L1 as it stands, and just too large for it.
        *((70, 100, m) for m in beyond(blocking.L1_VECTORS * lanes(np.float32) // 100)),
        *((70, 100, m) for m in beyond(blocking.L1_VECTORS * lanes(np.float64) // 100)),
        (ROWS + 5, 3, 200),
        # Copied tiles that fill their room, and a panel behind them.
        (blocking.DEPTH, blocking.BLOCK_BYTES // 4 // (blocking.DEPTH + 1), 400),
        # More rows than stay in L2, which come in order before strips read and write them.
        (blocking.BLOCK_BYTES // 4 // 64 + 29, 64, 64),
        (blocking.BLOCK_BYTES // 4 // 64 + 29, 70, 96),
    ],
)
@every_dtype
def test_beyond_every_block(n, d, m, dtype):
    rng = np.random.default_rng(3)
    assert_exact(rng, dtype, n, d, m)


def assert_product(got, a, b):
    """|got - a @ b| <= terms * eps * |a| @ |b|: the bound for a sum in any order."""
    wide = np.float64 if got.dtype == np.float32 else np.longdouble
    exact = a.astype(wide) @ b.astype(wide)
    bound = a.shape[1] * np.finfo(got.dtype).eps * (np.abs(a) @ np.abs(b)).astype(wide)
    error = np.abs(got - exact)
    assert (error <= bound).all(), f"worst: {np.max(error / np.maximum(bound, 1e-300))} bounds"


@pytest.mark.parametrize(
    ("n", "d", "m"), [(5, 7, 9), (32, 64, 32), (33, 17, 70), (300, 600, 75), (70, 300, 130)]
)
@every_dtype
def test_error(n, d, m, dtype):
    rng = np.random.default_rng(4)
    x, W, dout = (normals(rng, dtype, *shape) for shape in ((n, d), (d, m), (n, m)))
    out, dx, dW = products(x, W, dout)
    assert_product(out, x, W)
    assert_product(dx, dout, W.T)
    assert_product(dW, x.T, dout)


@every_dtype
def test_against_a_random_vector(dtype):
    """(x @ W) @ v = x @ (W @ v), which costs no second product."""
    rng = np.random.default_rng(5)
    x, W, dout = (normals(rng, dtype, *s) for s in ((300, 600), (600, 75), (300, 75)))
    for got, a, b in zip(products(x, W, dout), (x, dout, x.T), (W, W.T, dout), strict=True):
        v = rng.standard_normal(b.shape[1])
        error = got.astype(np.float64) @ v - a.astype(np.float64) @ (b.astype(np.float64) @ v)
        size = np.abs(a) @ (np.abs(b) @ np.abs(v))
        assert (np.abs(error) <= (a.shape[1] + b.shape[1]) * np.finfo(dtype).eps * size).all()
        assert np.abs(got @ v).max() > 1  # zeros would agree as well


@with_each("m", [1, 2, 10, 16, 50, 75, 97, 1100])
@every_dtype
def test_a_batch_is_its_rows(m, dtype):
    """To the bit: the order of a sum depends on the shape of W alone."""
    rng = np.random.default_rng(6)
    x, W = normals(rng, dtype, 300, 600), normals(rng, dtype, 600, m)
    out = np.empty((300, m), dtype)
    matmul_forward(x, W, out)
    for n in (*range(1, 10), 33, 64, 257):
        some = np.empty((n, m), dtype)
        matmul_forward(x[5 : 5 + n], W, some)
        assert_array_equal(some, out[5 : 5 + n])


@every_dtype
def test_matches_the_reference(dtype):
    rng = np.random.default_rng(7)
    x, W, dout = (integers(rng, dtype, *shape) for shape in ((33, 40), (40, 21), (33, 21)))
    expected = [np.empty(shape, dtype) for shape in ((33, 21), (33, 40), (40, 21))]
    reference.matmul_forward(x, W, expected[0])
    reference.matmul_backward(x, W, dout, *expected[1:])
    for got, wanted in zip(products(x, W, dout), expected, strict=True):
        assert_array_equal(got, wanted)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@every_dtype
def test_nan_and_infinity_stay_in_their_row_and_column(value, dtype):
    rng = np.random.default_rng(8)
    x, W, dout = (integers(rng, dtype, *shape) for shape in ((70, 270), (270, 75), (70, 75)))
    x[41, 263] = value
    W[130, 73] = value
    dout[3, 50] = value
    with np.errstate(invalid="ignore"):
        expected = x @ W, dout @ W.T, x.T @ dout  # of whole numbers: exact, but for NaN and inf
    for got, exact in zip(products(x, W, dout), expected, strict=True):
        assert_array_equal(got, exact)
        spoilt = ~np.isfinite(got)
        assert 0 < spoilt.sum() <= sum(got.shape)


@every_dtype
def test_infinity_times_zero_is_nan(dtype):
    x, W, out = np.array([[np.inf, 1.0]], dtype), np.zeros((2, 3), dtype), np.ones((1, 3), dtype)
    matmul_forward(x, W, out)
    assert np.isnan(out).all()


@every_dtype
def test_subnormals_and_signs_survive(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x = (np.arange(-12, 12) * tiny).astype(dtype).reshape(4, 6)
    out = np.empty((4, 6), dtype)
    matmul_forward(x, np.eye(6, dtype=dtype), out)
    assert_array_equal(out, x)
    matmul_forward(x, -np.eye(6, dtype=dtype), out)
    assert_array_equal(out, -x)


@every_dtype
def test_old_numbers_in_the_output_are_forgotten(dtype):
    """NaN left in the output must not reach the sum: 0 * NaN is NaN."""
    rng = np.random.default_rng(9)
    for d in (0, 3, blocking.DEPTH + 3):
        x, W, dout = (integers(rng, dtype, *shape) for shape in ((9, d), (d, 5), (9, 5)))
        out, dx, dW = (np.full(s, np.nan, dtype) for s in ((9, 5), (9, d), (d, 5)))
        matmul_forward(x, W, out)
        matmul_backward(x, W, dout, dx, dW)
        assert_array_equal(out, x @ W)
        assert_array_equal(dx, dout @ W.T)
        assert_array_equal(dW, x.T @ dout)


def test_gradients_equal_central_differences():
    rng = np.random.default_rng(10)
    x, W, dout = (normals(rng, np.float64, *shape) for shape in ((3, 4), (4, 5), (3, 5)))
    dx, dW, out = np.empty((3, 4)), np.empty((4, 5)), np.empty((3, 5))
    matmul_backward(x, W, dout, dx, dW)

    def objective():
        matmul_forward(x, W, out)
        return np.sum(out * dout)

    for operand, grad in ((x, dx), (W, dW)):
        slopes = central_difference(objective, operand, 1e-4)
        assert_allclose(grad, slopes, rtol=0, atol=1e-9)  # the objective is linear
