"""Calls of functions that raise nothing, and of those that do: from all who may call."""

import json
import os
import sys

import children
import numba
import numpy as np
import pytest
from numba import types
from numba.core import caching

from fastnet.kernels import _kernel, relu_forward, sigmoid_forward
from fastnet.kernels._compile import helper, jit, shared, vector

# Kernels of a user's, of which one raises, three calls deep.
KERNELS = """
from fastnet.kernels._compile import helper, jit, shared, vector
from fastnet.kernels.simd import get, pointer, put

@helper
def root(value):
    if value < 0:
        raise ValueError("below 0")
    return value ** 0.5

@shared
def root_first(p, q):
    put(q, 0, root(get(p, 0)))

@shared
def copy_first(p, q):
    put(q, 0, get(p, 0))

@jit(vector, vector)
def root_forward(x, out):
    root_first(pointer(x), pointer(out))

@jit(vector, vector)
def copy_forward(x, out):
    copy_first(pointer(x), pointer(out))
"""
CALL = """
import json
import numpy as np
from numba import njit
from kernels_of_a_user import copy_forward, root_forward

@njit
def both(x, out):
    copy_forward(x, out)
    root_forward(x, out)

@njit
def caught(x, out):
    try:
        root_forward(x, out)
    except Exception:
        out[0] = 7

found = []
for function in (copy_forward, root_forward, both, caught):
    for value in (9.0, -1.0):
        x, out = np.array([value]), np.zeros(1)
        try:
            function(x, out)
        except ValueError as error:
            found.append(str(error))
        else:
            found.append(out.item())
kernels = copy_forward, root_forward
print(json.dumps([
    found,
    [sum(kernel.stats.cache_misses.values()) for kernel in kernels],
    [cres.library.raises for kernel in kernels for cres in kernel.overloads.values()],
]))
"""


@pytest.fixture(autouse=True)
def without_cache(monkeypatch):
    monkeypatch.setattr(_kernel, "cache_for", lambda function: caching.NullCache())


def alone(folder):
    """Return the environment of a process with modules and a cache of its own."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": path}


def test_what_raises_is_known_in_the_cache_too(tmp_path):
    (tmp_path / "kernels_of_a_user.py").write_text(KERNELS)
    environment = alone(tmp_path)
    for misses in (1, 0):  # compiled, and out of the cache
        done = children.run([sys.executable, "-c", CALL], env=environment)
        found, missed, raises = json.loads(done.stdout)
        assert found == [9, -1, 3, "below 0", 3, "below 0", 3, 7]
        assert missed == [misses, misses]
        assert raises == [False, True]


def test_a_shared_function_that_raises_by_now(tmp_path):
    """Its callers out of the cache look for no errors: they are compiled anew, not called."""
    shared_root = """
from fastnet.kernels._compile import shared
from fastnet.kernels.simd import get, put

@shared
def root_first(p, q):
    put(q, 0, get(p, 0) ** 0.5)
"""
    check = "\n    if get(p, 0) < 0:\n        raise ValueError('below 0')\n    put("
    caller = """
import sys
import numpy as np
from fastnet.kernels._compile import jit, vector
from fastnet.kernels.simd import pointer
from root import root_first

@jit(vector, vector)
def root_forward(x, out):
    root_first(pointer(x), pointer(out))

x, out = np.array([float(sys.argv[1])]), np.zeros(1)
try:
    root_forward(x, out)
except ValueError as error:
    print(error)
else:
    print(out.item())
"""
    (tmp_path / "caller.py").write_text(caller)
    environment = alone(tmp_path)
    for text in (shared_root, shared_root.replace("\n    put(", check)):
        (tmp_path / "root.py").write_text(text)
        for value in ("9", "-9")[: 1 + (text is not shared_root)]:
            words = [sys.executable, str(tmp_path / "caller.py"), value]
            done = children.run(words, env=environment)
            assert done.returncode == 0, done.stderr
            assert done.stdout.strip() == ("3.0" if value == "9" else "below 0")


def written(kernel):
    """Return what LLVM has of a kernel's only version."""
    (cres,) = kernel.overloads.values()
    return str(cres.library._final_module)


def test_nobody_looks_for_errors_where_there_are_none():
    @shared
    def half_of(value):
        return value / 2

    @jit(vector)
    def halve(x):
        x[0] = half_of(x[0])

    halve(x := np.ones(1))
    assert x[0] == 0.5
    text = written(halve)
    assert "half_of" in text and "PyExc_TypeError" in text  # it is called; Python gives it arrays
    assert "switch" not in text and "PyErr_Clear" not in text


def test_errors_arrive_from_helpers():
    @helper
    def root_of(value):
        if value < 0:
            raise ValueError("below 0")
        return value**0.5

    @jit(vector)
    def root(x):
        x[0] = root_of(x[0])

    root(x := np.full(1, 9.0))
    assert x[0] == 3
    with pytest.raises(ValueError, match="below 0"):
        root(-x)


def test_none_or_a_value():
    @helper
    def known(value):
        return value if value > 0 else None

    @jit(vector)
    def fill(x):
        found = known(x[0])
        x[0] = 7 if found is None else found

    for given, wanted in ((3.0, 3), (-3.0, 7)):
        fill(x := np.array([given]))
        assert x[0] == wanted


@pytest.mark.filterwarnings("ignore")  # an experiment of Numba's, which says so
def test_kernels_as_values():
    """Jitted code calls them as C does, and public kernels have no way in from C but for that."""
    of = types.float64[::1]
    # Without versions of other tests: of several Numba takes the first, and refuses it here.
    relu, sigmoid = (jit(vector, vector)(k.py_func) for k in (relu_forward, sigmoid_forward))

    @numba.njit(types.none(types.FunctionType(types.none(of, of)), of, of))
    def apply(function, x, out):
        function(x, out)

    @numba.njit(types.none(types.boolean, of, of))
    def choose(first, x, out):
        function = relu if first else sigmoid
        function(x, out)

    x = np.linspace(-1, 1, 9)
    for kernel, first in ((relu, True), (sigmoid, False)):
        kernel(x, wanted := np.empty(9))
        apply(kernel, x, out := np.empty(9))
        np.testing.assert_array_equal(out, wanted)
        choose(first, x, out := np.empty(9))
        np.testing.assert_array_equal(out, wanted)
        (cres, *_) = kernel.overloads.values()
        assert cres.library.get_pointer_to_function(cres.fndesc.llvm_cfunc_wrapper_name) == 0


@pytest.mark.filterwarnings("ignore")
def test_a_value_is_compiled_again_with_its_kernel():
    """Numba's `recompile` is for globals and closures that changed."""
    factor = 2

    @jit(vector, vector)
    def scale(x, out):
        out[0] = factor * x[0]

    of = types.float64[::1]

    @numba.njit(types.none(types.FunctionType(types.none(of, of)), of, of))
    def apply(function, x, out):
        function(x, out)

    for wanted in (2, 5):
        factor = wanted
        scale.recompile()
        apply(scale, np.ones(1), out := np.empty(1))
        assert out[0] == wanted
