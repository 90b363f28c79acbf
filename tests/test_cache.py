"""The cache: it sees every edit, needs no home, and what comes out of it needs no compiler.

Every process that compiles says so in one line, and no other does: `finish` looks at each.
"""

import json
import os
import pickle
import re
import shutil
import sys
from pathlib import Path

import children
import numba
import numpy as np
import pytest
import tiny_kernels

import fastnet
from fastnet import kernels
from fastnet.kernels import _folders, blocking, updates
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


# --------------------------------------------------------------------------- what goes wrong


def call(program, cache, **environment):
    """Run a program with the tiny kernels; return what it printed, and its warnings."""
    settings = {"NUMBA_CACHE_DIR": str(cache), **environment}
    command = [sys.executable, "-W", "error", "-c", f"import tiny_kernels\n{program}"]
    done = children.run(command, env=os.environ | settings)
    assert done.returncode == 0, done.stderr[-3000:]
    warnings = [line for line in done.stderr.splitlines() if "compiling kernels" not in line]
    return json.loads(done.stdout), warnings


EACH = """
import json
from fastnet.kernels import _cache
for name in tiny_kernels.KERNELS:
    tiny_kernels.result(name)
    _cache.said_damaged = False  # the next one is told, too
print(json.dumps([sum(k.stats.cache_hits.values()) for k in tiny_kernels.KERNELS.values()]))
"""


def version(name, cache):
    """The file of the only version of a kernel."""
    (path,) = Path(cache).rglob(f"{name}-*.kernel")
    return path


def test_a_damaged_file_is_compiled_and_written_again(tmp_path):
    assert call(EACH, tmp_path) == ([0, 0, 0, 0], [])
    twice, thrice, squared, negated = (version(name, tmp_path) for name in tiny_kernels.KERNELS)
    whole = negated.read_bytes()
    twice.write_bytes(b"")
    thrice.write_bytes(thrice.read_bytes()[:-1])
    squared.write_bytes(pickle.dumps("another program's"))
    negated.write_bytes(whole[:70] + bytes([whole[70] ^ 1]) + whole[71:])
    hits, warnings = call(EACH, tmp_path)
    assert hits == [0, 0, 0, 0]
    assert warnings == [
        f"fastnet: {path} is no kernel that can be loaded (empty, cut short, or another's): it is "
        "compiled anew"
        for path in (twice, thrice, squared, negated)
    ]
    assert negated.read_bytes()[64:] != b""
    assert call(EACH, tmp_path) == ([1, 1, 1, 1], [])


def test_the_file_of_another_version_is_not_loaded(tmp_path):
    """As it happened when two processes gave two versions one name: of another dtype, or kernel."""
    both = "tiny_kernels.call('twice', 'thrice', dtypes=('float32', 'float64'))"
    right = [6.0, 9.0, 9.0, 9.0]
    first, _ = call(both, tmp_path)
    assert first["results"] == right and first["hits"] == [0, 0]
    one, other = sorted(Path(first["folder"]).glob("twice-*"))
    third, _ = sorted(Path(first["folder"]).glob("thrice-*"))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    third.write_bytes(content)
    second, warnings = call(both, tmp_path)
    assert second["results"] == right and second["hits"] == [0, 1]
    assert len(warnings) == 1 and re.search(r"(one|another)'s", warnings[0])  # said once
    assert call(both, tmp_path)[0]["hits"] == [2, 2]


def test_a_kernel_of_other_types_is_not_loaded(tmp_path, monkeypatch):
    """Whatever the file says of itself."""
    monkeypatch.setattr(_folders, "ROOTS", [tmp_path])
    monkeypatch.setattr(_folders, "written", lambda: tmp_path / _folders.NAME)
    float32, float64 = tiny_kernels.negated.versions
    tiny_kernels.negated.compile(float32)
    found = tiny_kernels.negated.overloads[float32]
    cache = tiny_kernels.negated._cache
    cache.save_overload(float32, found)
    context = tiny_kernels.negated.targetctx
    monkeypatch.setattr(cache, "_file_of", lambda args, codegen: ("a", b"the same"))
    monkeypatch.setattr(fastnet.kernels._cache, "said_damaged", False)
    cache.save_overload(float32, found)
    assert cache._load(float32, context).signature == found.signature
    assert cache._load(float64, context) is None


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


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1))
tiny_kernels.call("twice", "thrice")
"""


@pytest.mark.skipif(os.name != "posix", reason="no limits here")
def test_a_file_that_cannot_be_written_stops_nothing(tmp_path):
    """The disk is full, or the file too large: the kernel was compiled all the same."""
    result, warnings = call(FULL, tmp_path)
    assert result["results"] == [6.0, 9.0]
    folder = result["folder"]
    assert len(warnings) == 1 and re.fullmatch(
        rf"fastnet: {re.escape(folder)}/twice-\w+\.kernel was not written "
        r"\(\[Errno 27\] File too large\): the next process compiles it again\. Make room, or set "
        r"NUMBA_CACHE_DIR to another folder\.",
        warnings[0],
    )
    assert os.listdir(folder) == []  # no temporary, either
    assert call("tiny_kernels.call('twice')", tmp_path)[0]["hits"] == [0]
    assert call("tiny_kernels.call('twice')", tmp_path)[0]["hits"] == [1]


# Twenty processes that write two versions of a kernel in the same moment, round after round, each
# in a folder of its own; then processes that load both. COMPILED: none compiles for itself. Where
# each does, 30 rounds took a quarter of an hour on two busy cores.
AT_ONCE = """
import os, pathlib, sys, traceback
from fastnet.kernels import _cache, _folders
from numba import types

def child(work, *arguments):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(*arguments)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid

def succeeded(*pids):
    return [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)

def use(number):
    _folders.ROOTS[:] = [pathlib.Path(sys.argv[1]) / str(number)]
    _folders.written.cache_clear()

def wait():
    os.write(ready_w, b"x")
    os.read(go_r, 1)

def cold(dtype):
    twice, save = tiny_kernels.twice, _cache._Cache.save_overload
    if COMPILED:
        wait()
        version = twice.versions[dtype == "float64"]
        return save(twice._cache, version, twice.overloads[version])
    _cache._Cache.save_overload = lambda *of_it: (wait(), save(*of_it))
    assert tiny_kernels.result("twice", dtype) == right[dtype]

def warm():
    for dtype in right:
        assert tiny_kernels.result("twice", dtype) == right[dtype], dtype
    assert sum(tiny_kernels.twice.stats.cache_hits.values()) == 2

def rounds():
    use("compiled")
    for dtype in right:
        assert not COMPILED or tiny_kernels.result("twice", dtype) == right[dtype]
    for number in range(ROUNDS):
        use(number)
        pids = [child(cold, dtype) for dtype in list(right) * 10]
        for _ in pids:
            os.read(ready_r, 1)
        os.write(go_w, b"x" * len(pids))
        assert succeeded(*pids), number

right = {"float32": 6.0, "float64": 9.0}
_cache.said_compiling = True
(ready_r, ready_w), (go_r, go_w) = os.pipe(), os.pipe()
assert succeeded(child(rounds))
for number in range(ROUNDS):
    use(number)
    assert succeeded(child(warm)), number
    files = os.listdir(_folders.written())
    assert len(files) == 2 and all(name.endswith(".kernel") for name in files), files
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(
    ("compiled", "rounds"),
    [
        (True, 5),
        pytest.param(True, 30, marks=pytest.mark.slow),  # 10 s of CPU
        pytest.param(False, 5, marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_twenty_processes_that_write_at_once(tmp_path, compiled, rounds):
    """Numba's index gave both versions one file: wrong machine code, or an error, at each start.

    A temporary file was taken for abandoned, too, before it was locked.
    """
    settings = f"COMPILED, ROUNDS = {compiled}, {rounds}"
    program = f"import tiny_kernels\n{settings}\n{AT_ONCE}"
    done = children.run([sys.executable, "-W", "error", "-c", program, str(tmp_path)], 1500)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
