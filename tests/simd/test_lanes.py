"""Vectors lane by lane: arithmetic, comparisons, folds, masks, exponents."""

import re

import numba
import numpy as np
from in_turn import every_dtype
from numpy.testing import assert_array_equal
from vectors import numbers, width

from fastnet.kernels import blocking
from fastnet.kernels.simd import (
    absolute,
    copysign,
    count_lanes,
    exponent,
    fill,
    fma,
    is_lane,
    lanes,
    load,
    max_lanes,
    pick,
    pointer,
    polynomial,
    put,
    round_shifted,
    scalar,
    scale_by_power,
    select,
    significand,
    square_root,
    store,
    sum_lanes,
    unshift,
)


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
