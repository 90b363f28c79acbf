"""Files of the cache that are damaged, another's, or cannot be written; twenty writers at once."""

import json
import os
import pickle
import re
import sys
from pathlib import Path

import children
import pytest
import tiny_kernels

import fastnet
from fastnet.kernels import _folders


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
