"""Tiles of vectors: transposes, products, dot products, and the widths of other CPUs."""

import os
import sys

import children
import numba
import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal
from vectors import SENTINEL, width

from fastnet.kernels.simd import (
    dot_update,
    load_tile,
    offset,
    opaque,
    pointer,
    prefetch,
    prefetch_tile,
    rank_one_update,
    scale_and_add,
    store_sums,
    store_tile,
    tile_rows,
    tile_shape,
    tile_vectors,
    transpose_block,
    transpose_square,
    zero_tile,
)

# Tiles


@numba.njit
def _transpose(x, rows, columns, out, stride):
    transpose_block(pointer(x), x.shape[1], rows, columns, pointer(out), stride)


@every_dtype
def test_transpose_block(dtype):
    step = width(dtype)
    for rows in range(1, step + 1):
        for columns in range(1, step + 1):
            x = np.arange(1.0, rows * columns + 1).astype(dtype).reshape(rows, columns)
            out = np.full((step, step + 3), SENTINEL, dtype)
            _transpose(x, rows, columns, out, step + 3)
            assert_array_equal(out[:columns, :rows], x.T)
            assert_array_equal(out[columns:, :step], 0)
            assert_array_equal(out[:, step:], SENTINEL)


@numba.njit
def _transpose_square(x, out, stride):
    transpose_square(pointer(x), x.shape[1], pointer(out), stride)


@every_dtype
def test_transpose_square(dtype):
    step = width(dtype)
    x = np.arange(1.0, step * (step + 2) + 1).astype(dtype).reshape(step, step + 2)
    out = np.full((step, step + 3), SENTINEL, dtype)
    _transpose_square(x, out, step + 3)
    assert_array_equal(out[:, :step], x[:, :step].T)
    assert_array_equal(out[:, step:], SENTINEL)


def tile_kernel(rows, vectors):
    @numba.njit
    def product(a, b, start, factor, out, stride, columns):
        """out = start + factor * (a @ b), a tile; start has rows that are `stride` apart."""
        p, q, c = pointer(a), pointer(b), pointer(out)
        shape = tile_shape(rows, vectors)
        tile = zero_tile(p, shape)
        steps = a.shape[1], 2 * a.shape[1], opaque(3 * a.shape[1])
        for k in range(a.shape[1]):
            tile = rank_one_update(tile, offset(p, k), steps, offset(q, k * b.shape[1]))
        stride = (stride, 2 * stride, 3 * stride)
        tile = scale_and_add(tile, factor, pointer(start), stride, columns)
        width = out.shape[1]
        store_tile(c, (width, 2 * width, 3 * width), tile, columns)
        return tile_rows(shape)

    return product


@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (2, 3), (4, 2), (8, 1)])
@every_dtype
def test_tiles(rows, vectors, dtype):
    """Every number of columns that needs this many vectors; nothing else is written."""
    kernel, step = tile_kernel(rows, vectors), width(dtype)
    rng = np.random.default_rng(0)
    for columns in range((vectors - 1) * step + 1, vectors * step + 1):
        a, b = rng.integers(-5, 6, (rows, 7)), rng.integers(-5, 6, (7, columns))
        whole = np.zeros((7, vectors * step), dtype)  # vectors of b are read as a whole
        whole[:, :columns] = b
        start = rng.integers(-5, 6, (rows, columns))
        for stride, added in ((columns, start), (0, start[:1])):  # 0: one row for all
            out = np.full((rows + 1, columns + 5), SENTINEL, dtype)
            operands = (operand.astype(dtype) for operand in (a, whole, added))
            assert kernel(*operands, dtype(-0.5), out, stride, columns) == rows
            assert_array_equal(out[:rows, :columns], added - 0.5 * (a @ b))
            assert_array_equal(out[:, columns:], SENTINEL)
            assert_array_equal(out[rows:], SENTINEL)


def dots_kernel(tile_height, vectors):
    @numba.njit
    def dots(a, rows, b, count, out):
        p, q = pointer(a), pointer(b)
        shape = tile_shape(tile_height, vectors)
        tile = zero_tile(p, shape)
        tile = dot_update(tile, p, a.shape[1], rows, q, b.shape[1], count)
        tile = dot_update(tile, p, a.shape[1], rows, q, b.shape[1], count)
        store_sums(pointer(out), tile)
        return tile_vectors(shape)

    return dots


@pytest.mark.parametrize(("height", "vectors"), [(1, 1), (2, 1), (4, 2), (8, 2)])
@every_dtype
def test_dot_products(height, vectors, dtype):
    """The last row again where there are fewer; of the first `count` lanes, any number."""
    kernel, rng = dots_kernel(height, vectors), np.random.default_rng(0)
    for rows in range(1, height + 1):
        for count in range(1, width(dtype) + 1):
            a = rng.integers(-5, 6, (rows, count)).astype(dtype)
            b = rng.integers(-5, 6, (vectors, count)).astype(dtype)
            out = np.full(height * vectors + 2, SENTINEL, dtype)
            assert kernel(a, rows, b, count, out) == vectors
            repeated = a[np.minimum(np.arange(height), rows - 1)]
            assert_array_equal(out[:-2].reshape(height, vectors), 2 * (repeated @ b.T))
            assert_array_equal(out[-2:], SENTINEL)


@numba.njit
def _copy_tile(x, stride, columns, out):
    prefetch(pointer(x), 10**9)  # no address is wrong
    prefetch_tile(tile_shape(3, 2), pointer(x), (10**9, 10**9, 0))
    tile = load_tile(tile_shape(3, 2), pointer(x), (stride, 2 * stride, 0), columns)
    store_tile(pointer(out), (out.shape[1], 2 * out.shape[1], 0), tile, columns)


@every_dtype
def test_load_tile(dtype):
    for columns in range(width(dtype) + 1, 2 * width(dtype) + 1):
        x = np.arange(1.0, 3 * columns + 1).astype(dtype).reshape(3, columns)
        for stride in (columns, 0):  # 0: one row for all
            out = np.full((4, columns + 1), SENTINEL, dtype)
            _copy_tile(x, stride, columns, out)
            assert_array_equal(out[:3, :columns], x if stride else np.tile(x[0], (3, 1)))
            assert_array_equal(out[3], SENTINEL)
            assert_array_equal(out[:, columns:], SENTINEL)


# Other widths


# Of a child process: its settings, the files of its tests, and which of them.
CHILDREN = {
    "128 bits": (
        {"FASTNET_VECTOR_BITS": "128"},
        "simd gemm elementary activations affine skipped_zeros softmax losses updates",
        "not (mpmath or named)",  # slow, or the same at any width
    ),
    "no FMA": (
        {"NUMBA_CPU_NAME": "generic"},
        "simd elementary activations gemm",
        "fma or parts_of or test_error and not mpmath",
    ),
}


@pytest.mark.skipif(
    any(name in os.environ for name in ("FASTNET_VECTOR_BITS", "NUMBA_CPU_NAME")),
    reason="this is the child, or a whole run",
)
@pytest.mark.slow
@pytest.mark.parametrize("name", CHILDREN)
def test_kernels_of_another_cpu(name, kernel_cache, root, tmp_path):
    """The same tests with the vectors of SSE2 and Neon, and where each multiply-add is two."""
    setting, words, chosen = CHILDREN[name]
    rooms = [root / "tests" / word for word in words.split()]
    files = [str(r if r.is_dir() else r.with_name(f"test_{r.name}.py")) for r in rooms]
    settings = ["-c", str(root / "pyproject.toml"), "-q", "-x", "-p", "no:cacheprovider"]
    done = children.run(
        [sys.executable, "-m", "pytest", *settings, "-k", chosen, *files],
        env={**os.environ, **setting, "NUMBA_CACHE_DIR": kernel_cache(name)},
        cwd=tmp_path,  # not the checkout: the child tests the fastnet that this process tests
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
