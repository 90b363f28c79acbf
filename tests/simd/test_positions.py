"""Where vectors are not zero: bits, and lists of positions."""

import numba
import numpy as np
from in_turn import every_dtype
from numpy.testing import assert_array_equal
from vectors import width

from fastnet.kernels.simd import (
    append_positions,
    either,
    load,
    nonzero_bits,
    pointer,
    store,
)


@numba.njit
def _bits(x):
    return nonzero_bits(load(pointer(x), 0))


@numba.njit
def _either(x, y, out):
    store(pointer(out), 0, either(load(pointer(x), 0), load(pointer(y), 0)))


@numba.njit
def _append(x, count, start, listed):
    like = pointer(x)
    return append_positions(pointer(listed), count, start, nonzero_bits(load(like, 0)), like)


def sets_of_lanes(lanes):
    """Yield lists of lanes: none, all, each alone, all but each, and some at random."""
    yield from ([], range(lanes))
    for i in range(lanes):
        yield from ([i], [j for j in range(lanes) if j != i])
    rng = np.random.default_rng(0)
    for _ in range(50):
        yield np.flatnonzero(rng.random(lanes) < 0.5)


@every_dtype
def test_a_bit_is_set_where_a_lane_is_not_zero(dtype):
    lanes = width(dtype)
    for chosen in sets_of_lanes(lanes):
        x = np.zeros(lanes, dtype)
        x[chosen] = -2.5
        assert _bits(x) == sum(1 << int(i) for i in chosen)


@every_dtype
def test_bits_count_not_values(dtype):
    """-0.0 and NaN are not 0.0: their products may be other than those of zeros."""
    lanes = width(dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    for value, is_zero in ((0.0, True), (-0.0, False), (tiny, False), (np.nan, False)):
        assert _bits(np.full(lanes, value, dtype)) == (0 if is_zero else (1 << lanes) - 1)


@every_dtype
def test_positions_follow_those_that_are_listed(dtype):
    """In order, from the start that is given; what stood in the list stays, and so does the end."""
    lanes = width(dtype)
    for count, start in ((0, 0), (1, 0), (5, 1000), (64 - lanes, 2**31 - lanes)):
        for chosen in sets_of_lanes(lanes):
            x, found = np.zeros(lanes, dtype), np.full(64, -7, np.int32)
            x[chosen] = 3.0
            assert _append(x, count, start, found) == count + len(chosen)
            assert_array_equal(found[:count], -7)
            assert_array_equal(found[count : count + len(chosen)], start + np.array(chosen, int))
            assert_array_equal(found[count + lanes :], -7)


@every_dtype
def test_either_is_zero_where_both_are(dtype):
    lanes = width(dtype)
    x, y, out = np.zeros(lanes, dtype), np.zeros(lanes, dtype), np.empty(lanes, dtype)
    x[::2] = 1.5
    y[: lanes // 2] = -3.0
    _either(x, y, out)
    assert_array_equal(out != 0, (x != 0) | (y != 0))
    assert_array_equal(out[x == 0], y[x == 0])
