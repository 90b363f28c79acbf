"""What Numba looks up for each call of a function, and kernels where something is new."""

import numpy as np
import pytest
from numba import types
from numba.core import base, caching, cpu, ir
from numba.extending import intrinsic

from fastnet.kernels import _convention, _kernel, _pipeline
from fastnet.kernels._compile import jit, vector


@pytest.fixture(autouse=True)
def _without_cache(monkeypatch):
    monkeypatch.setattr(_kernel, "cache_for", lambda function: caching.NullCache())


def test_registries_are_looked_into_where_they_grew(monkeypatch):
    def double(x):
        x[0] = x[0] + x[0]

    jit(vector)(double).compile((types.float32[::1],))  # the first registers what Numba imports
    refreshed, refresh = [], cpu.CPUContext.refresh

    def counted(self):
        refreshed.append(self)
        refresh(self)

    monkeypatch.setattr(cpu.CPUContext, "refresh", counted)
    monkeypatch.setattr(_convention.Context, "_registered", None)
    for _ in range(2):
        jit(vector)(double).compile((types.float64[::1],))
        assert len(refreshed) == 1


def test_what_is_registered_late_is_found():
    @jit(vector)
    def first(x):
        x[0] = 1

    first(x := np.zeros(1))

    @intrinsic
    def seven(typing_context):
        return types.float64(), lambda context, builder, signature, args: builder.fadd(
            *[context.get_constant(types.float64, 3.5)] * 2
        )

    @jit(vector)
    def second(x):
        x[0] = seven()

    second(x)
    assert x[0] == 7


def test_a_signature_is_read_once():
    """Of what implements a call; and Numba's own are read as ever behind it."""
    reads = base._has_loc

    @jit(vector)
    def add_up(x):
        x[0] = x[0] + x[1] + x[2] + x[3]

    before = _pipeline._has_loc.cache_info()
    add_up(x := np.ones(4))
    after = _pipeline._has_loc.cache_info()
    assert x[0] == 4 and after.hits - before.hits > 5 > after.misses - before.misses
    assert base._has_loc is reads is not _pipeline._has_loc


def test_assignments_get_no_text(monkeypatch):
    texts, text = [], ir.Assign.__str__

    def told(self):
        texts.append(text(self))
        return texts[-1]

    monkeypatch.setattr(ir.Assign, "__str__", told)

    @jit(vector)
    def swap(x):
        first = x[0]
        x[0] = x[1]
        x[1] = first

    swap(x := np.array([1.0, 2.0]))
    assert x.tolist() == [2, 1] and texts == []
