"""Gradients of weights whose x has rows that drive one another out of the caches."""

import itertools

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.kernels import affine_backward_params, affine_backward_sgd_update, blocking
from fastnet.kernels._compile import jit
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.gemm import gemm
from fastnet.kernels.simd import offset, pointer, scalar
from fastnet.kernels.turned import weights_gradient

SENTINEL = -77.0


@jit()
def _turned(a, first, m, b, c, add, factor):
    p = offset(pointer(a), first)
    depth, n = b.shape
    weights_gradient(m, n, depth, p, a.shape[1], pointer(b), pointer(c), add, factor)


@jit()
def _as_it_is(a, first, m, b, c):
    p = offset(pointer(a), first)
    depth, n = b.shape
    gemm(
        m, n, depth, p, 1, a.shape[1], pointer(b), n, 1, pointer(c), False, scalar(p, 1.0),
        pointer(c), n, IDENTITY, IDENTITY, pointer(c),
    )  # fmt: skip


def operands(dtype, n, depth, rows):
    """x with a multiple of 4096 bytes from row to row, and dout."""
    rng = np.random.default_rng(n + depth)
    a = rng.standard_normal((depth, rows * 4096 // np.dtype(dtype).itemsize)).astype(dtype)
    return a, rng.standard_normal((depth, n)).astype(dtype)


def is_turned(dtype, n):
    """Whether c is made as rows of its transpose: of columns that leave some of a vector unused."""
    step = blocking.BITS // 8 // np.dtype(dtype).itemsize
    return n % 2 == 0 and 0 < 4 * (n % step) <= 3 * step


STEP = blocking.BITS // 32
SIZES = [(2, 16), (2, 15), (1, 300), (10, 80), (STEP, 8 * STEP), (STEP + 2, 300)]
SIZES += [(STEP // 2 + 1, 300), (2, blocking.DEPTH + 1), (2 * STEP + 2, 600)]


@every_dtype
@pytest.mark.parametrize(("n", "depth"), SIZES)
def test_they_have_the_bits_of_the_product_as_it_is(dtype, n, depth):
    """Of any rows from any one on, as the members of a team take them; nothing else is written."""
    a, b = operands(dtype, n, depth, 3)
    exact = a.astype(np.float64).T @ b
    last = a.shape[1]
    for first, m in ((0, last), (1, 1), (3, STEP + 1), (last - 7, 7), (5, 2 * blocking.TURNED - 1),
                     (0, 2 * blocking.TURNED + 1), (0, 0)):  # fmt: skip
        m = min(m, last - first)
        c, expected = np.full((2, m * n + 9), SENTINEL, dtype)
        _turned(a, first, m, b, c, False, dtype(1))
        _as_it_is(a, first, m, b, expected)
        assert_array_equal(c, expected)
        found = c[: m * n].reshape(m, n)
        bound = depth * np.finfo(dtype).eps
        assert_allclose(found, exact[first : first + m], rtol=bound, atol=8 * bound)
        before = np.arange(m * n).astype(dtype)
        added = before - dtype(0.5) * found.ravel()  # rounded once, as a half is exact
        c[: m * n] = before
        _turned(a, first, m, b, c, True, dtype(-0.5))
        if is_turned(dtype, n):
            assert_array_equal(c[: m * n], added)
        assert_allclose(c[: m * n], added, rtol=0, atol=bound * max(1, m * n))
        assert (c[m * n :] == SENTINEL).all()


@every_dtype
def test_updates_of_some_rows_have_the_bits_of_all(dtype):
    a, b = operands(dtype, 2, 700, 2)
    m, whole = a.shape[1], np.ones((a.shape[1], 2), dtype)
    parts = whole.copy()
    _turned(a, 0, m, b, whole, True, dtype(-0.1))
    cuts = [0, 1, 9, m // 2 + 3, m]
    for first, end in itertools.pairwise(cuts):
        _turned(a, first, end - first, b, parts[first:end], True, dtype(-0.1))
    assert_array_equal(parts, whole)


@every_dtype
def test_an_update_is_by_the_gradient_at_once(dtype):
    """As by hand: the sum of all terms is multiplied and added once, however many there are."""
    x, dout = operands(dtype, 2, 600, 2)
    dW, db = np.empty((x.shape[1], 2), dtype), np.empty(2, dtype)
    affine_backward_params(x, dout, dW, db)
    W, b = np.zeros_like(dW), np.zeros_like(db)
    affine_backward_sgd_update(x, dout, dtype(0.3), W, b)
    if is_turned(dtype, 2):  # else a block of terms after the other
        assert_array_equal(W, dtype(-0.3) * dW)
    assert_allclose(W, dtype(-0.3) * dW, rtol=0, atol=600 * np.finfo(dtype).eps)
