"""What the cache keeps of kernels that a function makes, and of those without a file."""

import json
import os
import pickle
import sys

import children
import numba
import numpy as np
from compiling import finish

from fastnet import kernels
from fastnet.kernels import _folders, updates
from fastnet.kernels._compile import jit

# A family of kernels made by a function, in a file outside of fastnet.
FAMILY = """
from fastnet.kernels._compile import helper, jit, named, vector
from fastnet.kernels.simd import get, pointer, put

@helper
def double(x):
    return x + x

@helper
def square(x):
    return x * x

def family(name, function):
    def forward(x, out):
        p, q = pointer(x), pointer(out)
        for i in range(x.size):
            put(q, i, function(get(p, i)))
    return jit(vector, vector)(named(name, __name__, forward))

double_forward = family("double_forward", double)
square_forward = family("square_forward", square)
"""
CALL_THE_FAMILY = """
import json, sys
import numpy as np
from fastnet import kernels
import family
x, called = np.array([3.0, 5.0], np.float32), [family.double_forward, family.square_forward]
results = []
for kernel in called:
    out = np.empty_like(x)
    kernel(x, out)
    results.append(out.tolist())
print(json.dumps({
    "results": results, "folder": str(kernels._cache.cache_directory()),
    "hits": [sum(k.stats.cache_hits.values()) for k in called],
    "misses": [sum(k.stats.cache_misses.values()) for k in called],
}))
"""


def call_the_family(folder, tmp_path):
    """Call it in a new process, where `folder` has its file."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    settings = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}
    command = [sys.executable, "-W", "error", "-c", CALL_THE_FAMILY]
    with children.started(command, env=os.environ | settings, text=True) as process:
        result = finish(process)
    return result["results"], result["misses"]


def test_kernels_that_a_function_makes_are_kept(tmp_path):
    """They share file and line, and what they close over is new in every process."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "family.py").write_text(FAMILY)
    right = [[6.0, 10.0], [9.0, 25.0]]
    assert call_the_family(first, tmp_path) == (right, [1, 1])
    assert call_the_family(first, tmp_path) == (right, [0, 0])
    # A file of the same name in another folder is another one, and an edit is seen.
    (second / "family.py").write_text(FAMILY.replace("x + x", "x + x + x"))
    assert call_the_family(second, tmp_path) == ([[9.0, 15.0], right[1]], [1, 1])
    assert call_the_family(first, tmp_path) == (right, [0, 0])
    (first / "family.py").write_text(FAMILY.replace("x * x", "x - x"))
    assert call_the_family(first, tmp_path) == ([right[0], [0.0, 0.0]], [1, 1])


# An activation of a user's: a kernel that a maker of fastnet's makes of the user's functions.
ACTIVATION = """
from fastnet.kernels import elementwise, helper

@helper
def twice(x):
    return x + x

@helper
def twice_gradient(x, dout):
    return dout + dout

made = elementwise("twice", twice, twice_gradient, reads="x")
"""
CALL_THE_ACTIVATION = """
import json
import numpy as np
import activation
kernel, x = activation.made.forward, np.array([[3.0]], np.float32)
kernel(x, out := np.empty_like(x))
print(json.dumps([out.item(), sum(kernel.stats.cache_hits.values())]))
"""


def test_a_kernel_made_of_a_users_functions_is_of_their_file_too(tmp_path):
    """The maker's own code is the same for all: by it, one user's would be another's."""

    def call(folder):
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        settings = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}
        command = [sys.executable, "-c", CALL_THE_ACTIVATION]
        done = children.run(command, env=os.environ | settings)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "activation.py").write_text(ACTIVATION)
    (second / "activation.py").write_text(ACTIVATION.replace("x + x", "x + x + x"))
    assert [call(first), call(first)] == [[6.0, 0], [6.0, 1]]
    assert [call(second), call(first)] == [[9.0, 0], [6.0, 1]]
    (first / "activation.py").write_text(ACTIVATION.replace("x + x", "x - x"))
    assert call(first) == [0.0, 0]


def test_a_function_without_a_file_is_kept_nowhere():
    """Another one with its name and line would be taken for it."""
    made = {}
    exec("def nothing(x):\n    return None", made)
    kernel = jit(numba.int64)(made["nothing"])
    kernel(1)
    kernel(2)
    assert kernel.stats.cache_path is None and not kernel.stats.cache_hits


# Calls kernels that are in the cache, then compiles a function of its own that calls them.
FROM_THE_CACHE = """
import pickle, sys
import numba, numpy as np
before = set(sys.modules)  # NumPy 1.26 has numpy.ma by itself
from fastnet import kernels
from fastnet.kernels import simd, updates

x, y, loss = np.full((3, 4), -0.5), np.ones((3, 4)), np.empty(1)
kernels.relu_forward(x, y)
kernels.mean_squared_error_forward(y, x, loss)
address = updates.sgd_in_loop.address(x.dtype)
for module in ("numba.np.linalg", "numba.typed.typedlist", "numpy.ma"):
    assert module in before or module not in sys.modules, module
assert address and not y.any() and loss[0] == 0.5, (address, y, loss)

@numba.njit
def user(x, W, loss):
    y = np.zeros_like(x @ W)
    kernels_of_mine = np.empty(0)
    relu_forward(x, x)
    mean_squared_error_forward(y, y + 1.0, loss)
    return np.linalg.norm(y) + kernels_of_mine.sum()

from fastnet.kernels import mean_squared_error_forward, relu_forward
assert user(x, np.ones((4, 5)), loss) == 0 and loss[0] == 2.5 and not x.any(), (x, loss)
assert pickle.loads(pickle.dumps([relu_forward, simd.get, user]))[:2] == [relu_forward, simd.get]
sys.stdout.buffer.write(pickle.dumps(relu_forward))
"""


def test_what_comes_out_of_the_cache_needs_no_compiler():
    """And what Numba compiles afterwards finds all that it needs."""
    x, y, loss = np.ones((3, 4)), np.empty((3, 4)), np.empty(1)
    kernels.relu_forward(x, y)
    kernels.mean_squared_error_forward(x, y, loss)
    updates.sgd_in_loop.address(x.dtype)
    command = [sys.executable, "-W", "error", "-c", FROM_THE_CACHE]
    done = children.run(command, text=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert done.stderr == b""
    assert pickle.loads(done.stdout) is kernels.relu_forward


def test_a_name_that_is_long(tmp_path, monkeypatch):
    """A file has at most 255 bytes for its own."""
    monkeypatch.setattr(_folders, "ROOTS", [tmp_path])
    monkeypatch.setattr(_folders, "written", lambda: tmp_path / _folders.NAME)

    def work(x):
        pass

    work.__name__ = work.__qualname__ = "é神" * 200
    kernel = jit(numba.int64)(work)
    kernel(1)
    (path,) = (tmp_path / _folders.NAME).iterdir()
    assert path.name.startswith("é神" * 20 + "-") and path.suffix == ".kernel"
    kernel.recompile()  # afresh: what was written is removed first
    assert not kernel.stats.cache_hits and kernel.stats.cache_misses[(numba.int64,)] == 2
