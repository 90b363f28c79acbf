"""The decorator: a cache that sees every edit, that needs no home, and one version a dtype.

Every process that compiles says so in one line, and no other does: `finish` looks at each.
"""

import contextlib
import gc
import inspect
import json
import os
import pickle
import shutil
import subprocess
import sys
import traceback
from collections import defaultdict
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching
from numba.core.typed_passes import BaseNativeLowering

import fastnet
from fastnet import kernels
from fastnet.kernels import _jit, called, loop_rules
from fastnet.kernels.loop.record import CALLS

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
    "folder": str(kernels._jit.cache_directory()), "versions": versions,
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
    return subprocess.Popen(
        command, env=env, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-3000:]
    result = json.loads(out)
    kept = f"once: they are kept in {result['folder']}"
    if result["folder"] == "None":
        kept = "in every process: set NUMBA_CACHE_DIR to a folder that can be written to keep them"
    said = f"fastnet: compiling kernels, which takes some seconds, {kept}\n"
    assert err == (said if any(result["misses"]) else "")
    return result


def run(copy, *arguments, **environment):
    return finish(start(copy, *arguments, **environment))


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

    # Another width finds nothing of this one, so soon after it.
    other = "128" if _jit.BITS != 128 else "256"
    result = run(copy, NUMBA_CACHE_DIR=None, FASTNET_VECTOR_BITS=other)
    assert result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], TANH, rtol=1e-6)

    result = edited("simd.py", "\nsum_lanes = max_lanes\n")  # losses.py adds up with it
    assert result["misses"] == [1, 1]
    assert result["tanh"] == first["tanh"] and result["loss"] != first["loss"]

    result = edited("elementary.py", "\ntanh = sigmoid\n")  # activations.py calls it
    assert result["misses"] == [1, 1]
    np.testing.assert_allclose(result["tanh"], 1 / (1 + np.exp(-X)), rtol=1e-6)
    assert result["loss"] == first["loss"]


def test_two_processes_with_a_cold_cache(copy):
    """Both succeed at once; every jitted function has one version for the one dtype."""
    results = [finish(process) for process in [start(copy, "more"), start(copy, "more")]]
    for result in results:
        assert result["tanh"] == results[0]["tanh"]
        assert result["loss"] == results[0]["loss"]
    compiled = max(results, key=lambda result: len(result["versions"]["gemm"]))
    for name, versions in compiled["versions"].items():
        assert not any("Literal" in version for version in versions), f"{name}: {versions}"
        if name in ("gemm", "activate", "tanh", "matmul_forward", "affine_forward"):
            assert len(versions) == 1, f"{name}: {versions}"
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


# One version a dtype, in this process, after whatever the other tests did


def array_of(shape, dtype, form):
    """Make an array as callers come by them: all are C-contiguous."""
    whole = np.ones(tuple(2 * s + 1 for s in shape), dtype)
    if form == "fresh":
        return np.ones(shape, dtype)
    if form == "transposed twice":
        return np.ones(shape[::-1], dtype).T.copy().T.T
    if form == "part":
        return np.ascontiguousarray(whole[tuple(slice(s) for s in shape)])
    return whole.ravel()[1 : 1 + int(np.prod(shape))].reshape(shape)


def call_everything(dtype, n, d, m, form):
    def make(*shape):
        return array_of(shape, dtype, form)

    one = dtype(1)
    x, W, b, out, loss = make(n, d), make(d, m), make(m), make(n, m), make(1)
    dout, dx, dW, db = make(n, m), make(n, d), make(d, m), make(m)
    t = np.zeros(n, np.int64)
    kernels.matmul_forward(x, W, out)
    kernels.matmul_backward(x, W, dout, dx, dW)
    for activation in (kernels.IDENTITY, np.int64(kernels.RELU)):
        kernels.affine_forward(x, W, b, activation, out)
        kernels.affine_backward_input(dout, W, x, activation, dx)
    kernels.affine_backward(x, W, dout, dx, dW, db)
    kernels.affine_backward_params(x, dout, dW, db)
    kernels.affine_backward_sgd_update(x, dout, one, dW, db)
    for word in ("sigmoid", "relu", "tanh", "softmax", "exp", "log"):
        getattr(kernels, f"{word}_forward")(out, dout)
    for word in ("sigmoid", "relu", "tanh", "softmax"):
        getattr(kernels, f"{word}_backward")(out, dout, make(n, m))
    kernels.sgd_update(dW, one, W)
    kernels.softmax_cross_entropy_forward(out, t, dout, loss)
    kernels.softmax_cross_entropy_backward(out, t, one, dout)
    kernels.cross_entropy_forward(out, t, loss)
    kernels.cross_entropy_backward(out, t, one, dout)
    kernels.mean_squared_error_forward(out, dout, loss)
    kernels.mean_squared_error_backward(out, dout, one, dout)
    layers = np.array([[d, m, 0, d * m, kernels.TANH]])
    params, order, totals = make(d * m + m), np.arange(n), np.zeros((1, 3))
    work = np.empty(kernels.work_size(layers, 4), dtype)
    rows = x.ctypes.data, 0 if dtype == np.float32 else 1, x.strides[0], one
    nothing, alone = np.empty((0, 0), dtype), np.zeros(1, np.int64)
    calls = np.zeros(CALLS, np.int64)
    for learn in (True, False):
        kernels.train_epochs(
            *rows,
            t,
            nothing,
            order[None],
            4,
            layers,
            params,
            0,
            one,
            learn,
            calls,
            work,
            totals,
            alone,
            0,
        )
    kernels.predict_rows(*rows, order, layers, params, calls, work, 4, out, alone, 0)


def test_one_version_a_dtype():
    public = {n: getattr(kernels, n) for n in kernels.__all__ if callable(getattr(kernels, n))}
    assert len(public) > 20
    for dtype in (np.float32, np.float64):
        for shape in ((3, 4, 5), (1, 4, 5), (3, 1, 1), (17, 16, 33), (1, 1, 1)):
            for form in ("fresh", "transposed twice", "part", "middle"):
                call_everything(dtype, *shape, form)
    called = 0
    for name, kernel in public.items():
        # Other tests may have called a kernel with vectors and cubes: each has its own version.
        versions = defaultdict(list)
        for signature in kernel.signatures:
            arrays = [a for a in signature if hasattr(a, "ndim")]
            assert all(a.layout == "C" and a.mutable and a.aligned for a in arrays), signature
            shapes = tuple(a.ndim for a in arrays)
            dtypes = tuple(str(a.dtype) for a in arrays)
            versions[shapes, dtypes].append(signature)
        # Not all are called here; those of losses, optimizers and layers have tests of their own.
        if not versions:
            continue
        called += 1
        for signatures in versions.values():
            assert len(signatures) == 1, f"{name}: {signatures}"
        once = name in ("work_size", "dropout_mask", "central_differences")
        assert len(versions) >= (1 if once else 2), name
    assert called > 20


def test_what_numba_would_do_besides():
    """Two passes, by their present names, and loops over vectors that LLVM makes."""

    def twice(x, out):
        for i in range(x.size):
            out[i] = 2 * x[i]

    passes, code = [], []
    for dispatcher in (numba.njit(error_model="numpy")(twice), _jit.jit(twice)):
        dispatcher._cache = caching.NullCache()
        dispatcher.compile((numba.float32[::1],) * 2)
        (signature,) = dispatcher.signatures
        times = dispatcher.get_metadata(signature)["pipeline_times"]["nopython"]
        passes.append({name.partition("_")[2] for name in times})
        code.append(dispatcher.inspect_llvm(signature))
    usual, ours = passes
    assert ours < usual and usual - ours == {"inline_closure_likes", "nopython_rewrites"}
    assert "vector.body" in code[0] and "vector.body" not in code[1]


@pytest.mark.parametrize("collects", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_nothing_disturbs_the_compiler(monkeypatch, collects, fails):
    """The garbage collector waits, and one of the frames brings a large piece of stack."""
    seen, lower = [], BaseNativeLowering.run_pass

    def watch(self, state):
        frames = [frame for frame, _ in traceback.walk_stack(None)]
        seen.append((gc.isenabled(), max(frame.f_code.co_stacksize for frame in frames) > 2**16))
        if fails:
            raise KeyboardInterrupt
        return lower(self, state)

    def nothing(x):
        pass

    kernel = _jit.jit(nothing)
    kernel._cache = caching.NullCache()
    monkeypatch.setattr(BaseNativeLowering, "run_pass", watch)
    (gc.enable if collects else gc.disable)()
    try:
        with pytest.raises(KeyboardInterrupt) if fails else contextlib.nullcontext():
            kernel.compile((numba.float32,))
        assert seen == [(False, True)] and gc.isenabled() == collects
    finally:
        gc.enable()


def test_every_public_kernel_is_compiled_by_the_decorator():
    for name in kernels.__all__:
        kernel = getattr(kernels, name)
        if callable(kernel):
            options = kernel.targetoptions
            assert options["nogil"] and options["error_model"] == "numpy", name
            assert not options.get("fastmath") and not options.get("parallel"), name
            assert inspect.getdoc(kernel.py_func), name


# Calls kernels that are in the cache, then compiles a function of its own that calls them.
FROM_THE_CACHE = """
import pickle, sys
import numba, numpy as np
from fastnet import kernels
from fastnet.kernels import called, loop_rules, simd

x, y, loss = np.full((3, 4), -0.5), np.ones((3, 4)), np.empty(1)
kernels.relu_forward(x, y)
kernels.mean_squared_error_forward(y, x, loss)
address = called.address(loop_rules.sgd, x.dtype)
for module in ("numba.np.linalg", "numba.typed.typedlist", "numpy.ma"):
    assert module not in sys.modules, module
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
    called.address(loop_rules.sgd, x.dtype)
    command = [sys.executable, "-W", "error", "-c", FROM_THE_CACHE]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert done.stderr == b""
    assert pickle.loads(done.stdout) is kernels.relu_forward
