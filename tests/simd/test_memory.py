"""Vectors from memory and back: loads, stores, conversions, pointers, the stack."""

import numba
import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal
from vectors import SENTINEL, numbers, width

from fastnet.kernels.simd import (
    get,
    keep_first,
    lanes,
    load,
    load_as,
    load_first,
    offset,
    pointer,
    pointer_at,
    put,
    stack_buffer,
    store,
    store_first,
)

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
