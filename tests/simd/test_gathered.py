"""Tiles whose rows lie anywhere in memory."""

import numba
import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal
from vectors import SENTINEL, width

from fastnet.kernels.simd import (
    add_rows,
    gathered_rows,
    map_tile,
    offset,
    pointer,
    rank_one_rows,
    repeated_row,
    store_rows,
    tile_shape,
)


@numba.njit
def _doubled(x):
    return x + x


def tile_kernel(rows, vectors):
    @numba.njit
    def product(a, table, i, last, b, start, out, places, columns):
        """2 * (out + start + rows of a @ b), where the table and places say where rows begin."""
        shape = tile_shape(rows, vectors)
        taken = gathered_rows(shape, pointer(a), pointer(table), i, last)
        tile = repeated_row(shape, pointer(start))
        for k in range(b.shape[0]):
            tile = rank_one_rows(tile, taken, k, offset(pointer(b), k * b.shape[1]))
        targets = gathered_rows(shape, pointer(out), pointer(places), i, last)
        tile = add_rows(tile, targets)
        store_rows(targets, map_tile(_doubled, tile), columns)

    return product


@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (3, 2), (4, 1)])
@every_dtype
def test_rows_that_lie_anywhere(rows, vectors, dtype):
    """Behind the last row it is the last again; of its last vector only the columns in use."""
    kernel, step = tile_kernel(rows, vectors), width(dtype)
    rng = np.random.default_rng(0)
    size, first = vectors * step, 2
    a = rng.integers(-5, 6, (9, 7)).astype(dtype)
    b = rng.integers(-5, 6, (4, size)).astype(dtype)
    start = rng.integers(-5, 6, size).astype(dtype)
    chosen = rng.permutation(8)
    table = 7 * chosen
    for last in range(first, first + rows + 1):
        for columns in range(size - step + 1, size + 1):
            out = np.full((9, size + 3), SENTINEL, dtype)
            places = (size + 3) * np.arange(9)[::-1].copy()
            out[:, :size] = 1.0
            kernel(a, table, first, last, b, start, out, places, columns)
            expected = np.full((9, size + 3), SENTINEL, dtype)
            expected[:, :size] = 1.0
            for i in range(first, min(first + rows - 1, last) + 1):
                sums = 1.0 + start + a[chosen[i], :4] @ b
                expected[8 - i, :columns] = 2 * sums[:columns]
            assert_array_equal(out, expected)
