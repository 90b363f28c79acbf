"""Copies of parts of a and b: where each number stands, and that nothing else is written."""

import numpy as np
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet.kernels import blocking
from fastnet.kernels._compile import jit
from fastnet.kernels.packing import aliases, copy_tiles, pack_strips, pack_transpose, turn_tiles
from fastnet.kernels.simd import pointer

SENTINEL = -77.0


@jit()
def _strips(b, columns, width, panel):
    pack_strips(b.shape[0], columns, width, pointer(b), b.shape[1], pointer(panel), 4)


@jit()
def _transpose(b, panel):
    pack_transpose(b.shape[1], b.shape[0], pointer(b), 1, b.shape[1], pointer(panel), True)


@jit()
def _tiles(a, copy):
    copy_tiles(a.shape[1], a.shape[0], pointer(a), a.shape[1], pointer(copy))


@jit()
def _turned_tiles(a, copy):
    turn_tiles(a.shape[0], a.shape[1], pointer(a), a.shape[1], pointer(copy))


@jit()
def _aliases(like, rows, row):
    return aliases(pointer(like), rows, row)


def lanes(dtype):
    return blocking.BITS // 8 // np.dtype(dtype).itemsize


@every_dtype
def test_strips_stand_one_behind_the_other(dtype):
    step, depth = lanes(dtype), 5
    for width in (2 * step, 3 * step):
        for columns in (1, step, width - 1, width, width + 1, 2 * width, 2 * width + step + 1):
            b = np.arange(1.0, depth * columns + 1).astype(dtype).reshape(depth, columns)
            size = -(-columns // step) * step * depth
            panel = np.full(size + 3, SENTINEL, dtype)
            _strips(b, columns, width, panel)
            at = 0
            for j in range(0, columns, width):
                part = b[:, j : j + width]
                padded = -(-part.shape[1] // step) * step
                rows = panel[at : at + depth * padded].reshape(depth, padded)
                assert_array_equal(rows[:, : part.shape[1]], part)
                at += depth * padded
            assert at == size
            assert_array_equal(panel[size:], SENTINEL)


@every_dtype
def test_the_transpose(dtype):
    step = lanes(dtype)
    for n in range(1, 2 * step + 1):
        for depth in (1, step - 1, step, step + 1, 2 * step, 3 * step - 1, 3 * step):
            b = np.arange(1.0, n * depth + 1).astype(dtype).reshape(n, depth)
            width = -(-n // step) * step
            panel = np.full((-(-depth // step) * step, width), SENTINEL, dtype)
            _transpose(b, panel)
            assert_array_equal(panel[:depth, :n], b.T)
            if depth >= 2 * step:  # squares without masks: nothing is read behind the last term
                assert_array_equal(panel[depth:, : n - n % step], SENTINEL)


@every_dtype
def test_tiles_of_rows_side_by_side(dtype):
    for rows in (*range(1, 2 * blocking.TALL + 2), 5 * blocking.TALL + 1):
        for depth in (1, 2, 9):
            a = np.arange(1.0, rows * depth + 1).astype(dtype).reshape(depth, rows)
            tiles = -(-rows // blocking.TALL)
            copy = np.full(tiles * (depth + 1) * blocking.TALL + 2 * lanes(dtype), SENTINEL, dtype)
            _tiles(a, copy)
            for i in range(tiles):
                at = i * (depth + 1) * blocking.TALL
                tile = copy[at : at + depth * blocking.TALL].reshape(depth, blocking.TALL)
                part = a[:, i * blocking.TALL : (i + 1) * blocking.TALL]
                assert_array_equal(tile[:, : part.shape[1]], part)
            # A vector reaches past the last tile by less than a term and a vector.
            assert_array_equal(copy[tiles * (depth + 1) * blocking.TALL + lanes(dtype) :], SENTINEL)


@every_dtype
def test_tiles_of_the_transpose(dtype):
    step = lanes(dtype)
    for rows in (*range(1, 2 * blocking.TALL + 2), 5 * blocking.TALL + 1):
        for depth in (1, step - 1, step, step + 1, 3 * step + 2):
            a = np.arange(1.0, rows * depth + 1).astype(dtype).reshape(rows, depth)
            tiles = -(-rows // blocking.TALL)
            size = tiles * (depth + 1) * blocking.TALL
            copy = np.full(size + blocking.TALL * step + 3, SENTINEL, dtype)
            _turned_tiles(a, copy)
            for i in range(tiles):
                at = i * (depth + 1) * blocking.TALL
                tile = copy[at : at + depth * blocking.TALL].reshape(depth, blocking.TALL)
                part = a[i * blocking.TALL : (i + 1) * blocking.TALL]
                assert_array_equal(tile[:, : part.shape[0]], part.T)
            assert_array_equal(copy[size + blocking.TALL * step :], SENTINEL)


def test_rows_that_share_sets_of_l1():
    """A row of 4 KB falls into one set of 64, of eight lines; one of 4 KB and 4 bytes does not."""
    x = np.zeros(1, np.float32)
    assert _aliases(x, 8, 1024)
    assert not _aliases(x, 4, 1024)
    assert not _aliases(x, 10_000, 1025)
    assert _aliases(x, 300, 16)  # 300 rows of 64 bytes are more than half of L1
    assert not _aliases(x, 250, 16)
    assert _aliases(np.zeros(1), 8, 512)
