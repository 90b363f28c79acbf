"""The cache: it sees every edit, needs no home, and what comes out of it needs no compiler.

Every process that compiles says so in one line, and no other does: `finish` looks at each.
"""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import children
import numba
import numpy as np
import pytest

import fastnet
from fastnet import kernels
from fastnet.kernels import blocking, updates
from fastnet.kernels._compile import jit

# Calls a few kernels; prints what they compute, what the cache did for them, and how many
# versions of every jitted function there are.
PROGRAM = """
import json, sys
import numpy as np
from fastnet import kernels
x = (np.arange(12, dtype=np.float32) / 8 - 0.5).reshape(3, 4)
y, loss = np.empty_like(x), np.empty(1, np.float32)
called = [kernels.tanh_forward, kernels.mean_squared_error_forward]
kernels.tanh_forward(x, y)
kernels.mean_squared_error_forward(x, np.zeros_like(x), loss)
if sys.argv[1:] == ["more"]:
    W, b = np.ones((4, 5), np.float32), np.ones(5, np.float32)
    out = np.empty((3, 5), np.float32)
    called += [kernels.affine_forward, kernels.affine_backward_sgd_update, kernels.matmul_forward]
    kernels.affine_forward(x, W, b, kernels.TANH, out)
    kernels.affine_backward_sgd_update(x, out, np.float32(0.1), W, b)
    kernels.matmul_forward(x, W, out)
versions = {}
for name, module in list(sys.modules.items()):
    if name.startswith("fastnet.kernels."):
        for value in vars(module).values():
            if hasattr(value, "signatures") and not isinstance(value, type):
                versions[value.__qualname__] = [str(s) for s in value.signatures]
print(json.dumps({
    "file": kernels.__file__, "tanh": y.ravel().tolist(), "loss": float(loss[0]),
    "hits": [sum(k.stats.cache_hits.values()) for k in called],
    "misses": [sum(k.stats.cache_misses.values()) for k in called],
    "folder": str(kernels._cache.cache_directory()), "versions": versions,
}))
"""

X = np.arange(12) / 8 - 0.5
TANH, LOSS = np.tanh(X), np.sum(X**2) / 2 / 3


@pytest.fixture
def copy(tmp_path):
    """A copy of the installed package that a test may edit."""
    package = Path(fastnet.__file__).parent
    shutil.copytree(
        package, tmp_path / "fastnet", ignore=shutil.ignore_patterns("__pycache__", "data")
    )
    return tmp_path


def start(copy, *arguments, **environment):
    """Start the program on the copy, with an own cache folder unless told otherwise."""
    settings = {"NUMBA_CACHE_DIR": str(copy / "cache"), "PYTHONPATH": str(copy), **environment}
    env = {k: v for k, v in {**os.environ, **settings}.items() if v is not None}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]
    return children.started(command, env=env, cwd=copy, text=True)


def finish(process):
    out, err = process.communicate()
    assert process.returncode == 0, err[-3000:]
    result = json.loads(out)
    kept = f"once: they are kept in {result['folder']}"
    if result["folder"] == "None":
        kept = "in every process: set NUMBA_CACHE_DIR to a folder that can be written to keep them"
    said = f"fastnet: compiling kernels, which takes some seconds, {kept}\n"
    assert err == (said if any(result["misses"]) else "")
    return result


def run(copy, *arguments, **environment):
    with start(copy, *arguments, **environment) as process:
        return finish(process)


def test_the_cache_sees_every_edit(copy):
    """Numba alone kept the old machine code after an edit in another file."""

    def edited(file, line):
        path = copy / "fastnet" / "kernels" / file
        source = path.read_text()
        path.write_text(source + line)
        result = run(copy, NUMBA_CACHE_DIR=None)
        path.write_text(source)
        return result

    first = run(copy, NUMBA_CACHE_DIR=None)
    assert first["file"].startswith(str(copy))
    assert (first["hits"], first["misses"]) == ([0, 0], [1, 1])
    np.testing.assert_allclose(first["tanh"], TANH, rtol=1e-6)
    np.testing.assert_allclose(first["loss"], LOSS, rtol=1e-6)
    assert Path(first["folder"]) == copy / "fastnet" / "kernels" / "__pycache__"
    assert list(Path(first["folder"]).glob("*.nbi"))

    again = run(copy, NUMBA_CACHE_DIR=None)
    assert (again["hits"], again["misses"]) == ([1, 1], [0, 0])
    assert (again["tanh"], again["loss"]) == (first["tanh"], first["loss"])

    result = edited("loop/calls.py", "\n")  # of all folders
    assert result["misses"] == [1, 1]

    # Another width finds nothing of this one, so soon after it.
    other = "128" if blocking.BITS != 128 else "256"
    result = run(copy, NUMBA_CACHE_DIR=None, FASTNET_VECTOR_BITS=other)
    assert result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], TANH, rtol=1e-6)

    result = edited("simd/lanes.py", "\nsum_lanes = max_lanes\n")  # losses.py adds up with it
    assert result["misses"] == [1, 1]
    assert result["tanh"] == first["tanh"] and result["loss"] != first["loss"]

    result = edited("elementary.py", "\ntanh = sigmoid\n")  # activations.py calls it
    assert result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], 1 / (1 + np.exp(-X)), rtol=1e-6)
    assert result["loss"] == first["loss"]


def test_two_processes_with_a_cold_cache(copy):
    """Both succeed at once; every jitted function has one version for the one dtype."""
    with start(copy, "more") as one, start(copy, "more") as other:
        results = [finish(one), finish(other)]
    for result in results:
        assert result["tanh"] == results[0]["tanh"]
        assert result["loss"] == results[0]["loss"]
    compiled = max(results, key=lambda result: len(result["versions"]["gemm"]))
    for name, compiled_for in compiled["versions"].items():
        assert not any("Literal" in types for types in compiled_for), f"{name}: {compiled_for}"
        if name in ("gemm", "activate", "tanh", "matmul_forward", "affine_forward"):
            assert len(compiled_for) == 1, f"{name}: {compiled_for}"
    warm = run(copy, "more")
    assert set(warm["misses"]) == {0}
    assert warm["versions"]["gemm"] == []  # inside its callers, loaded with them


def test_a_package_that_cannot_be_written_and_no_home(copy):
    """Kernels are compiled anew in every process, which says so."""
    (copy / "fastnet" / "kernels" / "__pycache__").write_text("a file where a folder should be")
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.path.join(os.devnull, "cache")}
    result = run(copy, NUMBA_CACHE_DIR=None, PYTHONDONTWRITEBYTECODE="1", **nowhere)
    assert result["folder"] == "None" and result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], TANH, rtol=1e-6)


def test_a_package_that_cannot_be_written_uses_the_users_cache(copy):
    (copy / "fastnet" / "kernels" / "__pycache__").write_text("a file where a folder should be")
    settings = {"NUMBA_CACHE_DIR": None, "PYTHONDONTWRITEBYTECODE": "1"}
    home = {"XDG_CACHE_HOME": str(copy / "home")}
    results = [run(copy, **settings, **home) for _ in range(2)]
    assert [result["hits"] for result in results] == [[0, 0], [1, 1]]
    assert results[0]["folder"].startswith(str(copy / "home" / "fastnet"))


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
