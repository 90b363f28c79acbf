"""Ranges in kernels, and `int`, `max` and `min`: as in Python, but a step of 0 raises nothing."""

import itertools
import operator

import numpy as np
import pytest
from numba import types
from numba.core import caching
from numba.core.registry import cpu_target
from numba.core.typing import context

from fastnet.kernels import _kernel, _lower
from fastnet.kernels._compile import helper, inline, jit

indices = types.int64[::1]


@pytest.fixture(autouse=True)
def without_cache(monkeypatch):
    monkeypatch.setattr(_kernel, "cache_for", lambda function: caching.NullCache())


def ours(function):
    """Let a function be one of fastnet's own."""
    function.__module__ = "fastnet.kernels.sweep"
    return function


def put_range(start, stop, step, out):
    at = 0
    for i in range(start, stop, step):
        out[at + 1] = i
        at += 1
    out[0] = at


def put_each(stop, out):
    """Ranges of one number, of two, in a variable, of a tuple, and of a constant step."""
    at = 0
    for i in range(stop):
        out[at] = i
        at += 1
    for i in range(2, stop):
        out[at] = i
        at += 1
    turns = range(stop - 1) if stop > 3 else range(0, stop, 3)
    for i in turns:
        out[at] = i
        at += 1
    for i in range(*(1, stop, 2)):
        out[at] = i
        at += 1
    for i in range(stop, 0, -2):
        out[at] = i
        at += 1
    for i in range(np.int32(stop)):
        out[at] = i
        at += 1


def test_ranges_have_the_turns_that_they_have_in_python():
    made = jit(types.int64, types.int64, types.int64, indices)(ours(put_range))
    for start, stop, step in itertools.product(range(-4, 5), range(-4, 5), (1, 2, 3, -1, -2, -5)):
        made(start, stop, step, out := np.full(20, -9))
        put_range(start, stop, step, wanted := np.full(20, -9))
        assert out.tolist() == wanted.tolist(), (start, stop, step)


def test_ranges_of_all_forms():
    made = jit(types.int64, indices)(ours(put_each))
    for stop in range(-1, 9):
        made(stop, out := np.full(50, -9))
        put_each(stop, wanted := np.full(50, -9))
        assert out.tolist() == wanted.tolist(), stop


def test_a_range_that_a_function_returns():
    @inline
    def pairs(stop):
        return range(0, stop, 2)

    @helper
    def threes(stop):
        return range(0, stop, 3)

    def put(stop, out):
        at = 0
        for i in pairs(stop):
            out[at] = i
            at += 1
        for i in threes(stop):
            out[at] = i
            at += 1

    jit(types.int64, indices)(ours(put))(7, out := np.full(8, -9))
    assert out.tolist() == [0, 2, 4, 6, 0, 3, 6, -9]


def test_a_step_of_zero_raises_in_functions_of_users_alone():
    kinds = types.int64, types.int64, types.int64, indices

    def another(start, stop, step, out):
        for i in range(start, stop, step):
            out[0] += i

    jit(*kinds)(another)(0, 4, 1, out := np.zeros(1, np.int64))
    assert out[0] == 6
    with pytest.raises(ValueError, match="must not be zero"):
        jit(*kinds)(another)(0, 4, 0, out)
    kernel = jit(*kinds)(ours(put_range))
    kernel(0, 4, 0, out := np.zeros(5, np.int64))
    assert out.tolist() == [4, 0, 1, 2, 3]
    assert not next(iter(kernel.overloads.values())).library.raises


def test_numbers():
    nan, inf = np.nan, np.inf

    def put(x, n, flag, out):
        out[0], out[1], out[2] = max(x[0], x[1]), min(x[0], x[1]), max(x[0], x[1], x[2])
        out[3], out[4], out[5] = int(x[2]), max(n, 3), min(n, n + 1, 2)
        out[6], out[7] = int(flag), int(n)

    def put_mixed(n, out):
        out[0], out[1] = max(n, 0.5), min(0.5, n, -1)

    of = types.float64[::1]
    made = jit(of, types.int64, types.boolean, of)(put)
    for a, b in itertools.product((1.5, -1.5, 0.0, -0.0, nan, inf), repeat=2):
        for n, flag in ((-2, False), (5, True)):
            made(x := np.array([a, b, -2.7]), n, flag, out := np.empty(8))
            put(x.tolist(), n, flag, wanted := np.empty(8))
            np.testing.assert_array_equal(out, wanted)
            np.testing.assert_array_equal(np.signbit(out), np.signbit(wanted))
    assert not next(iter(made.overloads.values())).library.raises
    mixed = jit(types.int64, of)(put_mixed)
    for n in (-2, 0, 5):
        mixed(n, out := np.empty(2))
        put_mixed(n, wanted := np.empty(2))
        assert out.tolist() == wanted.tolist()


def test_operators_are_known_without_asking_whether_they_are_constants(monkeypatch):
    known = cpu_target.typing_context
    wanted = [known.resolve_value_type(value) for value in (operator.add, len, 7, range)]
    asked, ask = [], context.typeof
    monkeypatch.setattr(context, "typeof", lambda value, *rest: asked.append(value) or ask(value))
    typing = _lower.Typing(known)
    found = [typing.resolve_value_type(value) for value in (operator.add, len, 7, range)]
    assert found == wanted
    assert asked == [7, range]
    with pytest.raises(ValueError, match="Cannot determine Numba type"):
        typing.resolve_value_type(itertools.count.__new__)
