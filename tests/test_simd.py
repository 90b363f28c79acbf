"""The vector types in kernels of a few lines; the kernels at 128 bits, and without FMA."""

import os
import re
import sys

import children
import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet.kernels import blocking, simd
from fastnet.kernels.simd import (
    absolute,
    copysign,
    count_lanes,
    dot_update,
    exponent,
    fill,
    fma,
    get,
    is_lane,
    keep_first,
    lanes,
    load,
    load_as,
    load_first,
    load_tile,
    max_lanes,
    offset,
    opaque,
    pick,
    pointer,
    pointer_at,
    polynomial,
    prefetch,
    prefetch_tile,
    put,
    rank_one_update,
    round_shifted,
    scalar,
    scale_and_add,
    scale_by_power,
    select,
    significand,
    square_root,
    stack_buffer,
    store,
    store_first,
    store_sums,
    store_tile,
    sum_lanes,
    tile_rows,
    tile_shape,
    tile_vectors,
    transpose_block,
    unshift,
    zero_tile,
)

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SENTINEL = -7.25


def width(dtype):
    return simd.BITS // (8 * np.dtype(dtype).itemsize)


def numbers(dtype, rows=1):
    """Vectors of whole numbers, no two alike."""
    x = np.random.default_rng(0).permutation(rows * width(dtype)) + 1.0
    return x.astype(dtype).reshape(rows, -1)


def edges(dtype):
    """Return x and y with every pair of edge values, padded to whole vectors."""
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, 1.5, -2.5], dtype)
    x, y = (grid.ravel() for grid in np.meshgrid(values, values))
    size = -(-len(x) // 16) * 16
    return np.resize(x, size), np.resize(y, size)


def assert_same_bits(got, expected):
    """Equal, signs of zeros too; any NaN is like any other."""
    assert got.dtype == expected.dtype
    assert_array_equal(got, expected)
    number = ~np.isnan(expected)
    assert_array_equal(np.signbit(got[number]), np.signbit(expected[number]))


# Load and store


@numba.njit
def _move(x, out, count):
    p, q, step = pointer(x), pointer(out), lanes(pointer(x))
    store(q, 0, load(p, 1))  # unaligned
    store(q, step, load_first(p, 0, count))
    store_first(q, 2 * step, load(p, 0), count)
    store(q, 3 * step, keep_first(load(p, 0), count, 9.5))
    store(offset(q, 4 * step), 0, load(offset(p, 1), 0))
    put(q, 5 * step, get(p, 2))
    put(q, 5 * step + 1, get(offset(p, step), -1))
    return step


@every_dtype
def test_load_and_store(dtype):
    step = width(dtype)
    x = np.arange(1.0, step + 2).astype(dtype)
    zeros = np.zeros(step, dtype)
    for count in range(step + 1):
        out = np.full(6 * step + 2, SENTINEL, dtype)
        assert _move(x, out, count) == step
        assert_array_equal(out[:step], x[1:])
        assert_array_equal(out[step : 2 * step], [*x[:count], *zeros[count:]])
        assert_array_equal(out[2 * step : 3 * step], [*x[:count], *(SENTINEL + zeros[count:])])
        assert_array_equal(out[3 * step : 4 * step], [*x[:count], *(9.5 + zeros[count:])])
        assert_array_equal(out[4 * step : 5 * step], x[1:])
        assert_array_equal(out[5 * step : 5 * step + 2], [x[2], x[step - 1]])
        assert_array_equal(out[5 * step + 2 :], SENTINEL)


@numba.njit
def _convert(source, out):
    p, q, step = pointer(source), pointer(out), lanes(pointer(out))
    for i in range(0, out.size, step):
        store(q, i, load_as(p, i, q))


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@every_dtype
def test_load_as(kind, dtype):
    x = np.arange(256).astype(kind)
    if kind != np.uint8:
        x = x * kind(1.1) - kind(100)
    out = np.empty(256, dtype)
    _convert(x, out)
    assert_array_equal(out, x.astype(dtype))


@numba.njit
def _by_address(address, like, out):
    p, q = pointer_at(address, like), pointer(out)
    store(q, 0, load(p, 0))


@every_dtype
def test_pointer_at(dtype):
    x, out = numbers(dtype)[0], np.empty(width(dtype), dtype)
    _by_address(x.ctypes.data, dtype(0), out)
    assert_array_equal(out, x)


@numba.njit
def _through_the_stack(x, out):
    p, q = pointer(x), pointer(out)
    buffer = stack_buffer(p, 256)
    for i in range(0, 32, lanes(p)):
        store(buffer, i, load(p, i))
    for i in range(32):
        put(q, i, get(buffer, 31 - i))


@every_dtype
def test_stack_buffer(dtype):
    x, out = np.arange(32).astype(dtype), np.empty(32, dtype)
    _through_the_stack(x, out)
    assert_array_equal(out, x[::-1])


# Arithmetic


@numba.njit
def _arithmetic(x, y, out):
    p, q, r, n = pointer(x), pointer(y), pointer(out), x.size
    for i in range(0, n, lanes(p)):
        u, v = load(p, i), load(q, i)
        store(r, i, u + v)
        store(r, n + i, u - v)
        store(r, 2 * n + i, u * v)
        store(r, 3 * n + i, u / v)
        store(r, 4 * n + i, -u)
        store(r, 5 * n + i, 0.1 * u + 3)
        store(r, 6 * n + i, 1 / u - 0.1)
        store(r, 7 * n + i, absolute(u))
        store(r, 8 * n + i, copysign(u, v))
        store(r, 9 * n + i, fill(u, 0.1))
        store(r, 10 * n + i, fill(u, scalar(u, 0.7)))
        store(r, 11 * n + i, square_root(u))


@every_dtype
def test_arithmetic(dtype):
    """NumPy's bits; a Python float takes the dtype of the vector."""
    random = np.random.default_rng(0).standard_normal((2, 144)).astype(dtype)
    for x, y in (edges(dtype), random):
        n = len(x)
        out = np.empty((12, n), dtype)
        _arithmetic(x, y, out)
        with np.errstate(all="ignore"):
            expected = [
                x + y, x - y, x * y, x / y, -x,
                dtype(0.1) * x + dtype(3), 1 / x - dtype(0.1), np.abs(x), np.copysign(x, y),
                np.full(n, 0.1, dtype), np.full(n, 0.7, dtype), np.sqrt(x),
            ]  # fmt: skip
        for row, wanted in zip(out, expected, strict=True):
            assert_same_bits(row, wanted)


@numba.njit
def _fused(x, y, z, out):
    p, q, r, s = pointer(x), pointer(y), pointer(z), pointer(out)
    step = lanes(p)
    store(s, 0, fma(load(p, 0), load(q, 0), load(r, 0)))
    store(s, step, fma(load(p, 0), 1.0, load(r, 0)))
    store(s, 2 * step, fma(load(p, 0), load(q, 0), -1.0))
    store(s, 3 * step, polynomial(load(q, 0), (1.0, -2.0, 0.5)))
    store(s, 4 * step, load(q, 0) * pick(p, 3.0, 5.0) + pick(p, 0.1, 0.7))


@every_dtype
def test_fma(dtype):
    """(1 + eps) (1 - eps) - 1 is -eps**2 where it is rounded once, 0 where twice."""
    step, eps = width(dtype), np.finfo(dtype).eps
    x, y = np.full(step, 1 + eps, dtype), np.full(step, 1 - eps, dtype)
    out = np.empty((5, step), dtype)
    _fused(x, y, -np.ones(step, dtype), out)
    expected = -(dtype(eps) ** 2) if blocking.FUSED else 0
    assert_array_equal(out[0], expected)
    assert_array_equal(out[1], eps)
    assert_array_equal(out[2], expected)
    z = numbers(dtype)[0]
    _fused(z, z + 1, z + 2, out)
    assert_array_equal(out[0], z * (z + 1) + (z + 2))
    assert_array_equal(out[3], 1 - 2 * (z + 1) + (z + 1) ** 2 / 2)
    factor, term = (3.0, 0.1) if dtype == np.float32 else (5.0, 0.7)
    assert_array_equal(out[4], (z + 1) * dtype(factor) + dtype(term))


def test_no_fma_is_a_call():
    """Of fmaf for each lane, where the CPU has no such instruction: 1.2 GFLOP/s."""
    vector = numba.float32[::1]
    _fused.compile((vector,) * 4)
    assembly = _fused.inspect_asm((vector,) * 4)
    assert not re.search(r"\bfmaf?\b", assembly)


@numba.njit
def _comparisons(x, y, out):
    p, q, r, n = pointer(x), pointer(y), pointer(out), x.size
    for i in range(0, n, lanes(p)):
        u, v = load(p, i), load(q, i)
        store(r, i, select(u < v, 1.0, 0.0))
        store(r, n + i, select(u <= v, 1.0, 0.0))
        store(r, 2 * n + i, select(u > v, 1.0, 0.0))
        store(r, 3 * n + i, select(u >= v, 1.0, 0.0))
        store(r, 4 * n + i, select(u == v, 1.0, 0.0))
        store(r, 5 * n + i, select(u != v, 1.0, 0.0))
        store(r, 6 * n + i, select(u < 1.5, 1.0, 0.0))
        store(r, 7 * n + i, select(u != 1.5, 1.0, 0.0))
        store(r, 8 * n + i, select(u >= v, u, v))
        store(r, 9 * n + i, select(u >= v, 2.0, v))


@every_dtype
def test_comparisons(dtype):
    x, y = edges(dtype)
    out = np.empty((10, len(x)), dtype)
    _comparisons(x, y, out)
    masks = [x < y, x <= y, x > y, x >= y, x == y, x != y, x < 1.5, x != 1.5]
    for row, mask in zip(out, masks, strict=False):
        assert_array_equal(row, mask)
        assert 0 < mask.sum() < len(x)
    assert_same_bits(out[8], np.where(x >= y, x, y))
    assert_same_bits(out[9], np.where(x >= y, dtype(2), y))


@numba.njit
def _folds(x, out):
    v = load(pointer(x), 0)
    q = pointer(out)
    put(q, 0, sum_lanes(v))
    put(q, 1, max_lanes(v))


@every_dtype
def test_folds(dtype):
    x, out = numbers(dtype)[0], np.empty(2, dtype)
    for _ in range(len(x)):
        x = np.roll(x, 1)
        _folds(x, out)
        assert_array_equal(out, [x.sum(), x.max()])
        _folds(-x, out)
        assert_array_equal(out, [-x.sum(), -x.min()])
    x[-1] = np.inf
    _folds(x, out)
    assert_array_equal(out, np.inf)
    x[0] = np.nan
    _folds(x, out)
    assert np.isnan(out[0])


@numba.njit
def _lane_masks(x, lane, bound, out):
    v, q = load(pointer(x), 0), pointer(out)
    store(q, 0, select(is_lane(v, lane), 1.0, v))
    return count_lanes(v >= bound), count_lanes(v < bound)


@every_dtype
def test_masks_of_lanes(dtype):
    step = width(dtype)
    x, out = -numbers(dtype)[0], np.empty(step, dtype)
    for lane in range(-1, step + 1):  # outside the vector: no lane
        _lane_masks(x, lane, dtype(0), out)
        assert_array_equal(out, np.where(np.arange(step) == lane, 1, x))
    for bound in range(-step - 1, 1):
        counts = _lane_masks(x, 0, dtype(bound), out)
        assert counts == (np.sum(x >= bound), np.sum(x < bound))
        assert sum(counts) == step
    x[0] = np.nan
    assert _lane_masks(x, 0, dtype(-step - 1), out) == (step - 1, 0)


@numba.njit
def _exponents(x, out):
    p, q, n = pointer(x), pointer(out), x.size
    for i in range(0, n, lanes(p)):
        v = load(p, i)
        store(q, i, exponent(v))
        store(q, n + i, significand(v))
        shifted = round_shifted(exponent(v) + 0.25)
        store(q, 2 * n + i, unshift(shifted))
        store(q, 3 * n + i, scale_by_power(significand(v), shifted))


@every_dtype
def test_exponents(dtype):
    info = np.finfo(dtype)
    spread = np.exp2(np.linspace(info.minexp, info.maxexp - 0.01, 1600))
    x = np.concatenate([spread, np.exp2(np.arange(-7.0, 8.0)), [info.tiny, info.max]])
    x = np.resize(x, 1632).astype(dtype)
    out = np.empty((4, x.size), dtype)
    _exponents(x, out)
    assert_array_equal(np.ldexp(out[1], out[0].astype(int)), x)
    assert (out[1] >= 0.707106).all() and (out[1] < 1.414214).all()
    assert_array_equal(out[2], out[0])
    # 2**128 (float32) is no number: the significand comes down a step instead.
    inside = out[0] < info.maxexp
    assert_array_equal(out[3][inside], x[inside])
    assert inside.mean() > 0.99


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
        "simd gemm elementary activations affine sparse softmax losses updates",
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
    files = [str(root / "tests" / f"test_{word}.py") for word in words.split()]
    settings = ["-c", str(root / "pyproject.toml"), "-q", "-x", "-p", "no:cacheprovider"]
    done = children.run(
        [sys.executable, "-m", "pytest", *settings, "-k", chosen, *files],
        env={**os.environ, **setting, "NUMBA_CACHE_DIR": kernel_cache(name)},
        cwd=tmp_path,  # not the checkout: the child tests the fastnet that this process tests
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
