"""The loops over vectors: what they compute, and that no mask is in them."""

import os
import platform
import re
import sys

import children
import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numba import float32, int64
from numba.core import caching
from numpy.testing import assert_array_equal

from fastnet.kernels._compile import helper, jit
from fastnet.kernels.simd import (
    fill,
    lanes,
    load_first,
    max_lanes,
    offset,
    pointer,
    put,
    select,
    store_first,
)
from fastnet.kernels.sweep import copy, fold, put_all, sum_of, sweep

SIZES = [*range(19), 31, 32, 33, 48, 50]


@helper
def _mixed(x, y, factor, shift):
    return factor * x - y + shift, x * y


@jit()
def mix(x, y, factor, start, stop, a, b):
    """a = factor x - y + 2, b = x y, from start to stop."""
    targets, sources = (pointer(a), pointer(b)), (pointer(x), pointer(y))
    sweep(_mixed, targets, sources, start, stop, (factor, fill(pointer(x), 2.0)))


@helper
def _plus_one(x):
    return x + 1.0


@helper
def _range(low, high, x):
    return select(x < low, x, low), select(x > high, x, high)


@jit()
def add_up(x, start, stop, out):
    """out[0] = the sum of x + 1 from start to stop."""
    put(pointer(out), 0, sum_of(_plus_one, (pointer(x),), start, stop, ()))


@jit()
def find_range(x, start, stop, out):
    """out = the largest of x, and of -x, from start to stop; at least -9."""
    p, q = pointer(x), pointer(out)
    low, high = fold(_range, (fill(p, 9.0), fill(p, -9.0)), (p,), start, stop, ())
    put(q, 0, max_lanes(high))
    put(q, 1, max_lanes(-low))


@jit()
def copy_and_put(x, size, value, a, b):
    copy(pointer(x), offset(pointer(a), 1), size)
    put_all(offset(pointer(b), 1), size, value)


@every_dtype
@with_each("size", SIZES)
def test_a_sweep(size, dtype):
    rng = np.random.default_rng(size)
    for start in (0, 1, 5):
        stop = start + size
        x, y, a, b = rng.standard_normal((4, stop + 20)).astype(dtype)
        wanted, product = a.copy(), b.copy()
        wanted[start:stop] = (dtype(3) * x - y + dtype(2))[start:stop]
        product[start:stop] = (x * y)[start:stop]
        mix(x, y, dtype(3), start, stop, a, b)
        assert_array_equal(a, wanted)
        assert_array_equal(b, product)
        mix(x, y, dtype(3), start, stop, x, y)  # in place
        assert_array_equal(x[start:stop], wanted[start:stop])
        assert_array_equal(y[start:stop], product[start:stop])


@every_dtype
@with_each("size", SIZES)
def test_sums_and_folds(size, dtype):
    rng = np.random.default_rng(size)
    for start in (0, 3):
        # Small integers: every sum is exact. What lies outside would show.
        x = np.full(start + size + 20, 1000, dtype)
        x[start : start + size] = rng.integers(-8, 8, size)
        part, out = x[start : start + size], np.empty(2, dtype)
        add_up(x, start, start + size, out)
        assert out[0] == (part + 1).sum()
        find_range(x, start, start + size, out)
        assert_array_equal(out, [part.max(initial=-9), (-part).max(initial=-9)])


@every_dtype
@with_each("size", SIZES)
def test_copies(size, dtype):
    x = np.arange(1, size + 1).astype(dtype)
    a, b = np.zeros((2, size + 20), dtype)
    copy_and_put(x, size, dtype(7), a, b)
    assert_array_equal(a, [0, *x, *[0] * 19])
    assert_array_equal(b, [0, *[7] * size, *[0] * 19])


# --------------------------------------------------------------------------- no masks in the loops

MASKED = re.compile(r"vp?maskmov|vmov\S+\s.*\{%k")
# Conditional ones: a loop ends so.
BRANCH = re.compile(r"(?:j(?!mp)[a-z]+|b\.\w+|cbn?z|tbn?z)\s.*?(\.?L\w+)$")


def innermost_loops(assembly):
    """Yield the instructions of each loop without one inside: a label to a jump back to it.

    Those of Numba's wrappers for Python and C are left out.
    """
    lines, labels, loops = [], {}, []
    for line in map(str.strip, assembly.splitlines()):
        if re.match(r"_*(ZN7cpython|cfunc)\S*:", line):
            break
        if label := re.match(r"(\.?L\w+):", line):
            labels[label[1]] = len(lines)
        elif line and line[0] not in ".#;/":
            lines.append(line)
            jump = BRANCH.match(line)
            if jump and jump[1] in labels:
                loops.append((labels[jump[1]], len(lines)))
    for a, b in loops:
        # Where there is a return, it is a block that jumps back to where it came from.
        if not any(a <= c and d <= b and (a, b) != (c, d) for c, d in loops):
            if not any(line.startswith("ret") for line in lines[a:b]):
                yield lines[a:b]


def loops_of(kernel, *kinds):
    """The loops of a kernel that is compiled anew for arrays of float32."""
    anew = jit()(kernel.py_func)
    anew._cache = caching.NullCache()
    anew.compile(kinds)
    return list(innermost_loops(anew.inspect_asm(kinds)))


def is_plain(loop):
    """Whether a loop has no mask in it, nor branches that see to what remains."""
    return sum(map(bool, map(BRANCH.match, loop))) == 1 and not any(map(MASKED.match, loop))


ROW, SIZE, NUMBER = float32[::1], int64, float32


@pytest.mark.parametrize(
    ("kernel", "kinds"),
    [
        (mix, (ROW, ROW, NUMBER, SIZE, SIZE, ROW, ROW)),
        (add_up, (ROW, SIZE, SIZE, ROW)),
        (find_range, (ROW, SIZE, SIZE, ROW)),
    ],
    ids=["sweep", "sum_of", "fold"],
)
def test_no_mask_is_in_a_loop(kernel, kinds):
    [loop] = loops_of(kernel, *kinds)
    assert is_plain(loop), loop


@jit()
def all_masked(x, out):
    """The loop that the kernels had."""
    p, q = pointer(x), pointer(out)
    for j in range(0, x.size, lanes(p)):
        count = min(lanes(p), x.size - j)
        store_first(q, j, load_first(p, j, count) * load_first(p, j, count), count)


def test_a_mask_in_a_loop_is_found():
    assert not all(map(is_plain, loops_of(all_masked, ROW, ROW)))


IN_PLACE = r"""
import re
from numba import float32, int64
from numba.core import caching
from fastnet.kernels._compile import jit
from fastnet.kernels.activations import relu, relu_gradient
from fastnet.kernels.simd import pointer
from fastnet.kernels.sweep import sweep, sweep_row

@jit()
def in_place(y, x):
    p, q = pointer(x), pointer(y)
    sweep(relu, (p,), (p,), 0, x.size, ())
    sweep(relu_gradient, (p,), (q, p), 0, x.size, ())
    sweep_row(relu, (p,), (p,), x.size, ())

in_place._cache = caching.NullCache()
kinds = float32[::1], float32[::1]
in_place.compile(kinds)
print(re.findall(r"vmaskmovps\s+%ymm\d+, %ymm\d+, .*", in_place.inspect_asm(kinds)))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="AVX2 is x86's")
def test_a_choice_in_place_is_stored_plainly_on_avx2():
    """Where LLVM sees what a ReLU in place stores, it makes a store under a mask of it."""
    environment = {**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}
    environment.pop("FASTNET_VECTOR_BITS", None)
    done = children.run([sys.executable, "-c", IN_PLACE], env=environment)
    assert done.stdout == "[]\n", done.stdout + done.stderr
