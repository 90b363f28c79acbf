"""Strips of tiles: every number of rows, columns that end in a vector, terms at the end of b."""

import numpy as np
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet.kernels import blocking
from fastnet.kernels._compile import jit
from fastnet.kernels.simd import pointer
from fastnet.kernels.tiles import AS_IT_IS, RECTIFIED, WHERE_POSITIVE, strip

SENTINEL = -77.0


@jit()
def _strip(a, b, factor, z, add, gap, finish, y, c):
    (m, depth), n = a.shape, b.shape[1]
    p, q, r = pointer(a), pointer(b), pointer(c)
    width = n + gap
    strip(
        m, n, depth, p, depth, depth, 1, q, n, False, r, width, factor, pointer(z), n, add,
        finish, pointer(y),
    )  # fmt: skip


@every_dtype
def test_every_height_and_width(dtype):
    lanes, rng = blocking.BITS // 8 // np.dtype(dtype).itemsize, np.random.default_rng(0)
    for n in range(1, blocking.STRIP * lanes + 1):
        for m in (*range(1, 18), 20):
            depth = 1 + (n + m) % 9
            a, b = rng.integers(-4, 5, (m, depth)), rng.integers(-4, 5, (depth, n))
            z = rng.integers(-4, 5, (m, n)).astype(dtype)
            for factor, add in ((1.0, False), (1.0, True), (-0.5, True)):
                c = np.full((m + 1, n + 3), SENTINEL, dtype)
                _strip(a.astype(dtype), b.astype(dtype), dtype(factor), z, add, 3, AS_IT_IS, c, c)
                assert_array_equal(c[:m, :n], factor * (a @ b) + add * z)
                assert_array_equal(c[:, n:], SENTINEL)
                assert_array_equal(c[m], SENTINEL)


@every_dtype
def test_relu_and_its_gradient_before_it_is_stored(dtype):
    """Of every width and height, with NaN in what they go by."""
    lanes, rng = blocking.BITS // 8 // np.dtype(dtype).itemsize, np.random.default_rng(0)
    for n in range(1, blocking.STRIP * lanes + 1):
        for m in (1, 2, 3, 5, 11):
            a, b = rng.integers(-4, 5, (m, 3)), rng.integers(-4, 5, (3, n))
            y = rng.integers(-1, 2, (m + 1, n + 3)).astype(dtype)
            y[0, 0] = np.nan
            z, product = np.zeros((m, n), dtype), a @ b
            for finish, kept in ((RECTIFIED, product > 0), (WHERE_POSITIVE, ~(y[:m, :n] <= 0))):
                c = np.full((m + 1, n + 3), SENTINEL, dtype)
                _strip(a.astype(dtype), b.astype(dtype), dtype(1), z, False, 3, finish, y, c)
                assert_array_equal(c[:m, :n], np.where(kept, product, 0))
                assert_array_equal(c[:, n:], SENTINEL)
                assert_array_equal(c[m], SENTINEL)
