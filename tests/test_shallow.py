"""Products of few terms: of every number, rows alone and in pairs, many columns and few."""

import numpy as np
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet.kernels import blocking
from fastnet.kernels._compile import jit
from fastnet.kernels.shallow import WIDTH, shallow_product, shallow_tiles
from fastnet.kernels.simd import pointer, stack_buffer
from fastnet.kernels.tiles import AS_IT_IS, RECTIFIED, WHERE_POSITIVE

SENTINEL = -77.0
SUMS_BYTES = 2 * WIDTH * blocking.BITS // 8


@jit()
def _product(a, b, factor, z, add, c):
    (m, depth), n = a.shape, b.shape[1]
    p = pointer(a)
    sums = stack_buffer(p, SUMS_BYTES)
    shallow_product(
        m, n, depth, p, depth, 1, pointer(b), n, pointer(c), n, factor, pointer(z), n, add, sums
    )


@every_dtype
def test_every_number_of_terms(dtype):
    lanes, rng = blocking.BITS // 8 // np.dtype(dtype).itemsize, np.random.default_rng(0)
    widest = WIDTH * lanes
    for n in (lanes, lanes + 1, 2 * lanes - 1, widest - 1, widest, widest + 1, 2 * widest + 3):
        for m in (1, 2, 3, 4, 7):
            for depth in (1, 2, 3, 4, 5, 8, 9, 12, 13, 17):
                a, b = rng.integers(-4, 5, (m, depth)), rng.integers(-4, 5, (depth, n))
                z = rng.integers(-4, 5, (m, n)).astype(dtype)
                for factor, add in ((1.0, False), (1.0, True), (-0.5, True)):
                    c = np.full((m + 1, n), SENTINEL, dtype)
                    _product(a.astype(dtype), b.astype(dtype), dtype(factor), z, add, c)
                    assert_array_equal(c[:m], factor * (a @ b) + add * z)
                    assert_array_equal(c[m], SENTINEL)
                _product(a.astype(dtype), b.astype(dtype), dtype(-0.5), z, True, z)  # z is c
                assert_array_equal(z, c[:m])


@every_dtype
def test_bits_are_those_of_tiles(dtype):
    """A tile's sum goes term by term, too: fma(factor, sum, z) at the end, or z at the start."""
    rng = np.random.default_rng(1)
    for m in (1, 2, 5):
        a, b = rng.standard_normal((m, 6)).astype(dtype), rng.standard_normal((6, 40)).astype(dtype)
        parts, whole, zeros = (np.zeros((m, 40), dtype) for _ in range(3))
        _product(a, b, dtype(1), zeros, False, whole)
        for k in range(6):
            term, row = np.ascontiguousarray(a[:, k : k + 1]), b[k : k + 1]
            _product(term, row, dtype(1), parts.copy(), True, parts)
        assert_array_equal(whole, parts)


@jit()
def _in_tiles(a, b, factor, z, add, finish, y, c):
    (m, depth), n = a.shape, b.shape[1]
    p = pointer(a)
    shallow_tiles(
        m, n, depth, p, depth, pointer(b), n, False, pointer(c), n, factor, pointer(z), n, add,
        finish, pointer(y),
    )  # fmt: skip


@every_dtype
def test_tiles_of_every_width(dtype):
    """One strip and more, of three to five vectors; more rows than are written at a time."""
    lanes, rng = blocking.BITS // 8 // np.dtype(dtype).itemsize, np.random.default_rng(2)
    around = sorted(v * lanes + e for v in range(3, 14) for e in (-1, 0, 1))
    for n in around[1:]:
        for m in (1, 2, 5, blocking.SMALL_ROWS + 3):
            for depth in (1, 2, 9, blocking.FEW_TERMS):
                a, b = rng.integers(-4, 5, (m, depth)), rng.integers(-4, 5, (depth, n))
                z, y = (rng.integers(-4, 5, (m, n)).astype(dtype) for _ in range(2))
                for factor, add in ((1.0, False), (1.0, True), (-0.5, True)):
                    exact = factor * (a @ b) + add * z
                    finished = {
                        AS_IT_IS: exact,
                        RECTIFIED: np.maximum(exact, 0),
                        WHERE_POSITIVE: np.where(y > 0, exact, 0),
                    }
                    for finish, expected in finished.items():
                        c = np.full((m + 1, n), SENTINEL, dtype)
                        arrays = a.astype(dtype), b.astype(dtype)
                        _in_tiles(*arrays, dtype(factor), z, add, finish, y, c)
                        assert_array_equal(c[:m], expected)
                        assert_array_equal(c[m], SENTINEL)


@every_dtype
def test_tiles_have_the_bits_of_the_product_in_order(dtype):
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((9, 7)).astype(dtype), rng.standard_normal((7, 90)).astype(dtype)
    z, tiles, ordered = (np.full((9, 90), 0.1, dtype) for _ in range(3))
    for factor, add in ((1.0, False), (1.0, True), (-0.3, True)):
        _in_tiles(a, b, dtype(factor), z, add, AS_IT_IS, z, tiles)
        _product(a, b, dtype(factor), z, add, ordered)
        assert_array_equal(tiles, ordered)
