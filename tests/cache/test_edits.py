"""The cache sees every edit, needs no home, and is shared by processes that start at once."""

import json
import os
import shutil
import sys
from pathlib import Path

import children
import numpy as np
import pytest
from compiling import copy_package, finish

from fastnet.kernels import blocking

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
    copy_package(tmp_path)
    return tmp_path


def start(copy, *arguments, **environment):
    """Start the program on the copy, with an own cache folder unless told otherwise."""
    settings = {"NUMBA_CACHE_DIR": str(copy / "cache"), "PYTHONPATH": str(copy), **environment}
    env = {k: v for k, v in {**os.environ, **settings}.items() if v is not None}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]
    return children.started(command, env=env, cwd=copy, text=True)


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
    assert Path(first["folder"]).parent == copy / "fastnet" / "kernels" / "__pycache__"
    assert list(Path(first["folder"]).glob("tanh_forward-*.kernel"))

    again = run(copy, NUMBA_CACHE_DIR=None)
    assert (again["hits"], again["misses"]) == ([1, 1], [0, 0])
    assert (again["tanh"], again["loss"]) == (first["tanh"], first["loss"])

    result = edited("loop/calls.py", "\n")  # of all folders
    assert result["misses"] == [1, 1]

    # Another width finds nothing of this one, so soon after it, and takes nothing away.
    other = "128" if blocking.BITS != 128 else "256"
    result = run(copy, NUMBA_CACHE_DIR=None, FASTNET_VECTOR_BITS=other)
    assert result["misses"] == [1, 1] and result["folder"].endswith(f"-{other}")
    np.testing.assert_allclose(result["tanh"], TANH, rtol=1e-6)
    assert run(copy, NUMBA_CACHE_DIR=None)["hits"] == [1, 1]
    again = run(copy, NUMBA_CACHE_DIR=None, FASTNET_VECTOR_BITS=other)
    assert again["hits"] == [1, 1]

    result = edited("simd/lanes.py", "\nsum_lanes = max_lanes\n")  # losses.py adds up with it
    assert result["misses"] == [1, 1]
    assert result["tanh"] == first["tanh"] and result["loss"] != first["loss"]

    result = edited("elementary.py", "\ntanh = sigmoid\n")  # activations.py calls it
    assert result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], 1 / (1 + np.exp(-X)), rtol=1e-6)
    assert result["loss"] == first["loss"]


# Edits a file of kernels and imports it, for the first time or again; prints of three kernels
# whether they were kept: of one before that, of one of another file, and of one of this file.
LATE = """
import importlib, json, os, sys
from fastnet.kernels import _cache, losses

name, kept = "fastnet.kernels.clipping", []

def compile(kernel):
    before = os.listdir(_cache.cache_directory())
    kernel.compile(kernel.versions[0])
    kept.append(len(os.listdir(_cache.cache_directory())) > len(before))

compile(losses.poisson_forward)
assert name not in sys.modules
if sys.argv[1] == "again":
    importlib.import_module(name)
compile(losses.poisson_backward)
with open(os.path.join(os.path.dirname(losses.__file__), "clipping.py"), "a") as file:
    file.write(chr(10))
compile(losses.mean_squared_error_forward)
module = importlib.import_module(name)
if sys.argv[1] == "again":
    module = importlib.reload(module)
compile(module.squared_norm_forward)
print(json.dumps(kept))
"""


@pytest.mark.parametrize("when", ["late", "again"])
def test_nothing_is_kept_of_what_was_edited_before_it_was_imported(copy, when):
    env = os.environ | {"NUMBA_CACHE_DIR": str(copy / "cache"), "PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", LATE, when]
    with children.started(command, env=env, cwd=copy, text=True) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err[-3000:]
    assert json.loads(out) == [True, True, True, False]


@pytest.mark.slow  # both compile products from nothing: 24 s of CPU
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
    assert warm["versions"]["gemm"] == compiled["versions"]["gemm"]  # shared: a file of its own
    assert warm["versions"]["tile"] == []  # inside its callers, loaded with them


def no_folder_in(copy):
    bytecode = copy / "fastnet" / "kernels" / "__pycache__"
    shutil.rmtree(bytecode, ignore_errors=True)
    bytecode.write_text("a file where a folder should be")


def test_a_package_that_cannot_be_written_and_no_home(copy):
    """Kernels are compiled anew in every process, which says so."""
    no_folder_in(copy)
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.path.join(os.devnull, "cache")}
    result = run(copy, NUMBA_CACHE_DIR=None, PYTHONDONTWRITEBYTECODE="1", **nowhere)
    assert result["folder"] == "None" and result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], TANH, rtol=1e-6)


def test_a_package_that_cannot_be_written_uses_the_users_cache(copy):
    no_folder_in(copy)
    settings = {"NUMBA_CACHE_DIR": None, "PYTHONDONTWRITEBYTECODE": "1"}
    home = {"XDG_CACHE_HOME": str(copy / "home")}
    results = [run(copy, **settings, **home) for _ in range(2)]
    assert [result["hits"] for result in results] == [[0, 0], [1, 1]]
    assert results[0]["folder"].startswith(str(copy / "home" / "fastnet"))
