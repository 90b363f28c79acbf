"""The way in from Python of a kernel: what arrives, what is refused, and what is counted."""

import sys

import numpy as np
import pytest
from numba import float32, float64, int64, types
from numba.core import caching

from fastnet.kernels import _kernel, _library
from fastnet.kernels._compile import jit


@pytest.fixture(autouse=True)
def _without_cache(monkeypatch):
    monkeypatch.setattr(_kernel, "cache_for", lambda function: caching.NullCache())


def entered(function, *kinds):
    """Compile a function; return it as Python calls it, without a look at types before."""
    kernel = jit(*kinds)(function)
    kernel.compile(kinds)
    assert not kernel.overloads[kinds].library.raises
    return kernel.overloads[kinds].entry_point


def sum_at(i, x, factor, y, out, negate):
    out[i] = x[0, i] * factor + y[i]
    if negate:
        out[i] = -out[i]


GIVEN = int64, float32[:, ::1], float64, int64[::1], float64[::1], types.boolean


def arguments():
    x = np.arange(4, dtype=np.float32).reshape(1, 4)
    return [1, x, 2.5, np.array([7, 8, 9]), np.zeros(3), True]


def test_every_argument_arrives():
    call, given = entered(sum_at, *GIVEN), arguments()
    assert call(*given) is None
    assert given[4].tolist() == [0, -10.5, 0]
    given[0], given[2], given[5] = np.int32(2), np.float32(1), np.False_
    call(*given)
    assert given[4].tolist() == [0, -10.5, 11]


@pytest.mark.parametrize(
    ("at", "value", "kind"),
    [
        (1, [[1.0, 2.0, 3.0]], TypeError),
        (1, np.ones((1, 4)), TypeError),  # items of another size
        (3, None, TypeError),
        (4, 0.0, TypeError),
        (0, [], TypeError),
        (0, 2**64, OverflowError),
        (2, "", TypeError),
    ],
)
def test_what_is_refused(at, value, kind):
    """Nothing runs, nothing is kept, and the next call is as any other."""
    call, given = entered(sum_at, *GIVEN), arguments()
    wrong = [*given[:at], value, *given[at + 1 :]]
    before = [sys.getrefcount(each) for each in (*given, value)]
    for _ in range(100):
        with pytest.raises(kind):
            call(*wrong)
    held = [
        sys.getrefcount(each) - count for each, count in zip((*given, value), before, strict=True)
    ]
    assert max(map(abs, held)) < 100
    assert not given[4].any()
    before = sys.getrefcount(None)
    assert not any([call(*given) for _ in range(1000)]) and given[4].any()
    assert abs(sys.getrefcount(None) - before) < 500


def test_the_number_of_arguments():
    call, given = entered(sum_at, *GIVEN), arguments()
    for wrong in (given[:-1], [*given, 0], []):
        with pytest.raises(TypeError, match="expected"):
            call(*wrong)


def test_what_is_counted():
    """Neither arguments nor what is returned are held or let go once too often."""

    def first_of(x, i):
        return x[i]

    call, x, i = entered(first_of, float64[::1], int64), np.array([0.5, 1e300]), 10**6 // 10**6
    before = sys.getrefcount(x), sys.getrefcount(i)
    found = [call(x, i) for _ in range(1000)]
    assert found == [1e300] * 1000
    assert sys.getrefcount(found[0]) == 3  # the list, this name, the argument of getrefcount
    assert abs(sys.getrefcount(x) - before[0]) < 100 and abs(sys.getrefcount(i) - before[1]) < 100


def test_other_arguments_come_in_by_numbas(monkeypatch):
    """A tuple has a way in of its own, with what it cleans up."""
    monkeypatch.setattr("fastnet.kernels._convention._WayIn", None)

    def sum_of(pair, x):
        x[0] = pair[0] + pair[1]

    call = entered(sum_of, types.UniTuple(int64, 2), float64[::1])
    call((1, 2), x := np.zeros(1))
    assert x[0] == 3


def test_arrays_take_no_blocks(monkeypatch):
    blocks, add = {}, _library.Library.add_ir_module

    def counted(self, module):
        blocks[module.name.split(".")[0]] = sum(len(f.blocks) for f in module.functions)
        add(self, module)

    monkeypatch.setattr(_library.Library, "add_ir_module", counted)

    def sum_up(x, y, z, out):
        out[0] = x[0] + y[0] + z[0]

    entered(sum_up, *[float64[::1]] * 4)
    assert blocks["wrapper"] == 5  # the tuple, the arrays, the call, and how either is refused
