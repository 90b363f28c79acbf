"""What a kernel does as Numba's dispatchers do, by code of its own."""

import pytest
from numba import types
from numba.core import caching, event

from fastnet.kernels._compile import helper, jit, vector


@helper
def halved(value):
    return value / 2


def make():
    @jit(vector)
    def halve(x):
        x[0] = halved(x[0])

    halve._cache = caching.NullCache()
    return halve


def test_a_version_is_compiled_once_and_listeners_hear_of_it():
    kernel, version = make(), (types.float32[::1],)
    with event.install_recorder("numba:compile") as heard:
        first = kernel.compile(version)
        assert kernel.compile(version) is first
    names = [e.data["dispatcher"].__name__ for _, e in heard.buffer if e.is_start]
    assert names.count("halve") == 1
    assert sum(kernel.stats.cache_misses.values()) == 1


def test_locks_have_no_clocks(monkeypatch):
    def install_timer(kind, callback):
        raise AssertionError(f"a clock of {kind}")

    monkeypatch.setattr(event, "install_timer", install_timer)
    make().compile((types.float64[::1],))


def test_a_kernel_that_may_not_compile_does_not():
    kernel = make()
    kernel.compile((types.float64[::1],))
    kernel.disable_compile()
    with pytest.raises(RuntimeError, match="compilation disabled"):
        kernel.compile((types.float32[::1],))
