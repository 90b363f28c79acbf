"""Columns that fill no vector: as dot products, and as rows of the transpose."""

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet.kernels import blocking
from fastnet.kernels._compile import jit
from fastnet.kernels.dots import dots, narrow_dots, narrow_transposed
from fastnet.kernels.simd import pointer, stack_buffer

PANEL_BYTES = blocking.PANEL_BYTES


@jit()
def _dots(a, b, factor, z, add, c):
    (m, depth), n = a.shape, b.shape[0]
    p, q = pointer(a), pointer(c)
    dots(m, n, depth, p, depth, pointer(b), depth, q, n, 1, factor, pointer(z), n, 1, add)


@jit()
def _narrow(a, b, factor, z, add, c):
    (m, depth), n = a.shape, b.shape[1]
    p, q = pointer(a), pointer(c)
    panel = stack_buffer(p, PANEL_BYTES)
    narrow_dots(m, n, depth, p, depth, pointer(b), n, 1, q, n, factor, pointer(z), n, add, panel)


@jit()
def _narrow_in_order(a, b, factor, z, add, c):
    """The columns of the right operand have no gaps: what stands there is its transpose."""
    (m, depth), n = a.shape, b.shape[0]
    p, q = pointer(a), pointer(c)
    narrow_dots(m, n, depth, p, depth, pointer(b), 1, depth, q, n, factor, pointer(z), n, add, p)


@jit()
def _transposed(a, b, factor, z, add, c):
    """a is the transpose: its columns have no gaps."""
    (depth, m), n = a.shape, b.shape[1]
    p, q = pointer(a), pointer(c)
    panel = stack_buffer(p, PANEL_BYTES)
    narrow_transposed(m, n, depth, p, m, pointer(b), n, q, n, factor, pointer(z), n, add, panel)


@pytest.mark.parametrize(
    "way",
    [_dots, _narrow, _narrow_in_order, _transposed],
    ids=["dots", "narrow", "narrow in order", "transposed"],
)
@every_dtype
def test_every_size(way, dtype):
    rng, step = np.random.default_rng(0), blocking.BITS // 8 // np.dtype(dtype).itemsize
    for n in range(1, step):
        few = 1, 2, blocking.DOT_ROWS, blocking.DOT_ROWS + 1, 13
        for m in (*few, 6 * step + 1, blocking.TURNED + 3):
            depth = 1 + (7 * n + m) % 40
            a, b = rng.integers(-4, 5, (m, depth)), rng.integers(-4, 5, (depth, n))
            z = rng.integers(-4, 5, (m, n)).astype(dtype)
            left = np.ascontiguousarray(a.T if way is _transposed else a).astype(dtype)
            in_order = way in (_dots, _narrow_in_order)
            right = np.ascontiguousarray(b.T if in_order else b).astype(dtype)
            for factor, add in ((1.0, False), (1.0, True), (-0.5, True)):
                c = np.full((m + 1, n), -77.0, dtype)
                way(left, right, dtype(factor), z, add, c)
                assert_array_equal(c[:m], factor * (a @ b) + add * z)
                assert_array_equal(c[m], -77.0)
