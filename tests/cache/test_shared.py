"""Functions that are compiled once, and called by their names by the kernels of every process."""

import json
import os
import re
import shutil
import sys

import children
import numpy as np
import pytest
from numba import types

from fastnet.kernels import _folders, matmul_forward
from fastnet.kernels.gemm import gemm

KERNELS = """
from fastnet.kernels._compile import helper, jit, shared, vector
from fastnet.kernels.simd import get, pointer, put

@shared
def double_all(n, p, q):
    for i in range(n):
        put(q, i, get(p, i) + get(p, i))

@shared
def square_all(n, p, q):
    double_all(n, p, q)
    for i in range(n):
        put(q, i, get(q, i) * get(p, i))

@jit(vector, vector)
def once_forward(x, out):
    square_all(x.size, pointer(x), pointer(out))

@helper
def square_again(n, p, q):
    square_all(n, p, q)
    square_all(n, q, q)

@jit(vector, vector)
def twice_forward(x, out):
    square_again(x.size, pointer(x), pointer(out))
"""
CALL = """
import json, sys
import numpy as np
import parts
x, out, seen = np.array([3.0], np.float32), np.empty(1, np.float32), []
for name in sys.argv[1:]:
    getattr(parts, name)(x, out)
    seen.append(out.item())
names = [*sys.argv[1:], "square_all", "double_all"]
misses = [sum(getattr(parts, name).stats.cache_misses.values()) for name in names]
print(json.dumps([seen, misses]))
"""
USE = """
import numba, numpy as np
from parts import twice_forward

@numba.njit(cache=True)
def use(x, out):
    twice_forward(x, out)

use(np.array([3.0], np.float32), out := np.empty(1, np.float32))
print(out.item(), sum(use.stats.cache_hits.values()))
"""
LONG = "".join(["    put(q, 0, get(q, 0) * get(p, 0) + lanes(p))\n"] * 20)  # not pasted in by LLVM
WIDTHS = f"""
import sys
import numba, numpy as np
from fastnet.kernels._compile import helper, jit, shared, vector
from fastnet.kernels.simd import get, lanes, offset, pointer, put

@shared
def called(p, q):
{LONG}
@helper
def linked(p, q):
{LONG}
@jit(vector, vector)
def kernel(x, out):
    p, q = pointer(x), pointer(out)
    for i in range(0, 4, 2):
        called(p, offset(q, i))
        linked(p, offset(q, i + 1))
    called(p, offset(q, 4))
    linked(p, offset(q, 5))

@numba.njit(cache=True)
def use(x, out):
    kernel(x, out)

for name in sys.argv[1:]:
    out = np.zeros(6, np.float32)
    {{"kernel": kernel, "use": use}}[name](np.zeros(1, np.float32), out)
    print(*map(int, out))
print(sum(use.stats.cache_hits.values()))
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "parts.py").write_text(KERNELS)
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "widths.py").write_text(WIDTHS)

    def run(*words, **settings):
        settings |= {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        settings["PYTHONPATH"] = path
        done = children.run([sys.executable, *words], env=os.environ | settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_process_takes_what_another_compiled(run, tmp_path):
    """Numbers of functions, which Numba has in symbols, are other ones in other processes."""

    def call(*names):
        return json.loads(run("-c", CALL, *names))

    def remove(name):
        (path,) = tmp_path.glob(f"cache/**/{name}-*.kernel")
        path.unlink()

    assert call("once_forward", "twice_forward") == [[18, 1296], [1, 1, 1, 1]]
    assert call("once_forward", "twice_forward") == [[18, 1296], [0, 0, 0, 0]]
    remove("twice_forward")
    assert call("twice_forward") == [[1296], [1, 0, 0]]
    remove("square_all")
    assert call("once_forward", "twice_forward") == [[18, 1296], [0, 0, 1, 0]]
    assert call("twice_forward", "once_forward") == [[1296, 18], [0, 0, 0, 0]]


def test_numba_shows_the_assembly_that_it_makes(run):
    assert ".globl" in run("-c", CALL, "twice_forward", NUMBA_DUMP_ASSEMBLY="1")


def test_what_a_user_keeps_runs_without_our_cache(run, tmp_path):
    for hits in (0, 1):
        assert run(str(tmp_path / "use.py")).split() == ["1296.0", str(hits)]
        shutil.rmtree(tmp_path / "cache" / "fastnet", ignore_errors=True)


def test_what_a_user_keeps_keeps_its_vectors(run, tmp_path):
    """Neither calls the other's functions, whichever comes first, and whatever their numbers."""

    def lanes(*names, bits):
        return run(str(tmp_path / "widths.py"), *names, FASTNET_VECTOR_BITS=bits).splitlines()

    eight, four = " ".join("8" * 6), " ".join("4" * 6)
    assert lanes("kernel", "use", bits="256") == [eight, eight, "0"]
    assert lanes("kernel", "use", bits="128") == [four, eight, "1"]
    assert lanes("use", "kernel", bits="128") == [eight, four, "1"]


def test_its_symbol_is_of_these_sources():
    """What a user keeps of another fastnet never calls ours: mutants.py leaves this one out."""
    x, out = np.eye(3, dtype=np.float32), np.empty((3, 3), np.float32)
    matmul_forward(x, x, out)
    assert all(_folders.STAMP in made.fndesc.mangled_name for made in gemm.overloads.values())
    assert gemm.overloads


def test_a_kernel_has_no_copy():
    """Its own code, and with all that it calls, which the tools look at."""
    matrix = types.float32[:, ::1]
    x, out = np.eye(3, dtype=np.float32), np.empty((3, 3), np.float32)
    matmul_forward(x, x, out)
    library = matmul_forward.overloads[(matrix,) * 3].library
    ((function, kinds),) = library.needs
    assert function is gemm
    name = gemm.overloads[kinds].fndesc.mangled_name
    own, whole = str(library.own_module()), str(library._get_module_for_linking())
    assert re.search(rf"declare .*{name}", own) and re.search(rf"define .*{name}", whole)


def test_ctrl_c_leaves_nothing_half_linked(monkeypatch):
    """A user's function that is kept would lack what it calls, and end the next process."""

    def interrupted(self):
        raise KeyboardInterrupt

    x, out = np.eye(3, dtype=np.float32), np.empty((3, 3), np.float32)
    matmul_forward(x, x, out)
    library = matmul_forward.overloads[(types.float32[:, ::1],) * 3].library
    library._whole = None
    (((_, kinds), needed),) = library.needs.items()
    with monkeypatch.context() as patch:
        patch.setattr(needed, "_get_module_for_linking", interrupted.__get__(needed))
        with pytest.raises(KeyboardInterrupt):
            library._get_module_for_linking()
    name = gemm.overloads[kinds].fndesc.mangled_name
    assert re.search(rf"define .*{name}", str(library._get_module_for_linking()))
