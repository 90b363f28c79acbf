"""Ranges in kernels, and `int`, `max` and `min`: as in Python, but a step of 0 raises nothing."""

import itertools
import operator
import re
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit, types
from numba.core import caching, compiler, errors
from numba.core.base import BaseContext
from numba.core.registry import cpu_target
from numba.core.typing import context
from numba.extending import intrinsic

from fastnet.kernels import _kernel, _lower
from fastnet.kernels._compile import helper, inline, jit
from fastnet.kernels._library import Library

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


def test_divisions():
    """Rounded down as in Python, and 0 where Numba's are, by numbers that are known and not."""
    divisors = -(2**63), -8, -3, -1, 0, 1, 2, 3, 8, 64, 2**62

    def put(x, y, out):
        out[0], out[1] = x // y, x % y
        for i in range(2):  # in another block than the numbers come in
            out[2 + i] = x // y if i else x % y

    def by(y):
        def put_one(x, out):
            out[0], out[1] = x // y, x % y

        return jit(types.int64, indices)(ours(put_one)), y

    plain, known = njit(error_model="numpy")(put), list(map(by, divisors))
    kernel = jit(types.int64, types.int64, indices)(ours(put))
    for x in (-(2**63), -(2**63) + 1, -65, -8, -7, -1, 0, 1, 7, 64, 2**63 - 1):
        for by_known, y in known:
            plain(x, y, wanted := np.full(4, -9))
            kernel(x, y, found := np.full(4, -9))
            by_known(x, out := np.full(2, -9))
            assert found.tolist() == wanted.tolist(), (x, y)
            assert out.tolist() == wanted[:2].tolist(), (x, y)
            if y and (x, y) != (-(2**63), -1):
                assert out.tolist() == [x // y, x % y]


def test_variables_of_all_lives():
    """In one block or more, once or more often, in branches and in loops."""

    def put(n, x, out):
        total, last = 0, n * 2
        for i in range(n):
            seen = x[i] + last
            if seen > 4:
                total += seen
                last = i
            for j in range(i, n):
                total += seen * j
            before = seen
        if n > 2:
            threes = n * 3
        for i in range(n):
            if n > 2:
                total += threes * i
        while n > 3:  # which reads in a block before the one that writes
            n -= 1
            total += n
        out[0], out[1], out[2] = total, last, before

    kernel = jit(types.int64, indices, indices)(ours(put))
    x = np.array([3, 1, 4, 1, 5])
    for n in range(1, 6):
        kernel(n, x, found := np.full(3, -9))
        put(n, x, wanted := np.full(3, -9))
        assert found.tolist() == wanted.tolist(), n


def test_variables_that_are_values():
    """Those that are assigned once and are read where that came before."""

    def put(n, out):
        always = n * 2
        if n > 2:
            sometimes = n * 3
        for i in range(n):
            if n > 2:
                out[1] = sometimes + always * i

    function = SimpleNamespace(func_ir=compiler.run_frontend(put))  # before there is one for each
    _lower.Lower._find_singly_assigned_variable(function)
    named = {"n", "out", "always", "sometimes", "i"}
    assert named & function._singly_assigned_vars == {"n", "out", "always", "i"}


def test_memory_is_for_what_changes(monkeypatch):
    """Two places of a range, and one for a number that is added to; no address of a function."""

    @helper
    def doubled(value):
        return value * 2

    def put(n, out):
        total = 0
        for i in range(n):
            total += doubled(i) // n
        out[0] = total

    given, asked, add = [], [], Library.add_ir_module
    monkeypatch.setattr(BaseContext, "get_abi_sizeof", lambda self, kind: asked.append(kind) or 8)
    monkeypatch.setattr(
        Library,
        "add_ir_module",
        lambda self, module: add(self, given.append(str(module)) or module),
    )
    jit(types.int64, indices)(ours(put)).compile((types.int64, indices))
    (text,) = (text for text in given if "total" in text)
    names = re.findall(r'%"(\S+)" = alloca', text)
    assert sum(not name.startswith(".") for name in names) == 1 and "inttoptr" not in text
    written, read = (len(re.findall(rf"{what} .*total", text)) for what in ("store", "load"))
    assert (written, read) == (3, 2), text
    assert not asked  # how large a variable is


def test_an_error_says_where_it_comes_from():
    @intrinsic
    def broken(context):
        def generated(*_):
            raise errors.NumbaError("no such thing")

        return types.int64(), generated

    def put(out):
        out[0] = 1
        out[1] = broken()

    with pytest.raises(errors.NumbaError, match="no such thing") as raised:
        jit(indices)(put)(np.zeros(2, np.int64))
    assert f"{__file__} ({put.__code__.co_firstlineno + 2})" in str(raised.value)


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
