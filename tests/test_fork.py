"""A fork while another thread compiles, loads or is inside LLVM: the child can do all of it."""

import os
import sys

import children
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# A thread compiles, or loads, one kernel after another; each child compiles and loads on its own.
PROGRAM = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore")  # of forks beside threads
import numpy as np
import tiny_kernels
from fastnet.kernels import _cache, updates
from fastnet.kernels._compile import jit, vector
from llvmlite.binding import ffi
_cache.said_compiling = True
source = "def made(x, out):\\n    for i in range(x.size): out[i] = x[i] + {}"
busy, stop = threading.Event(), threading.Event()

def make(number):
    exec(source.format(number), names := {})
    kernel = jit(vector, vector)(names["made"])
    kernel(x := np.zeros(2), x)
    assert x[0] == number

def compile_all():
    for number in range(10**6):
        if stop.is_set():
            break
        busy.set()
        make(number)

def load_all():
    while not stop.is_set():
        busy.set()
        kernel = jit(vector, vector)(tiny_kernels.squared.py_func)
        kernel(x := np.full(2, 3.0), x)
        assert kernel.stats.cache_hits and x[0] == 9

def inside_llvm():
    while not stop.is_set():
        with ffi.lib._lock:
            busy.set()
            time.sleep(0.01)

tiny_kernels.result("squared", "float64")  # into the cache
thread = threading.Thread(target=globals()[sys.argv[1]])
thread.start()
busy.wait()
children = []
for number in range(15):
    time.sleep(0.003 * number)
    child = os.fork()
    if child == 0:
        try:
            make(-1)
            assert tiny_kernels.result("squared", "float32") == 9
            assert updates.sgd_in_loop.address(np.dtype("float32"))
            os._exit(0)
        finally:
            os._exit(1)
    children.append(child)
end = time.monotonic() + 200
left = set(children)
while left and time.monotonic() < end:
    for child in list(left):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert status == 0
            left.remove(child)
    time.sleep(0.01)
stop.set()
thread.join()
make(-2)  # and so can the parent
print(15 - len(left), "of 15")
os._exit(0)
"""


@pytest.mark.parametrize(
    "thread",
    [
        "compile_all",
        # 6 and 7 s of CPU: they load and compile while the processes are forked.
        pytest.param("load_all", marks=pytest.mark.slow),
        pytest.param("inside_llvm", marks=pytest.mark.slow),
    ],
)
def test_a_child_of_a_busy_process(thread, tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = children.run([sys.executable, "-c", PROGRAM, thread], 400, env=environment)
    assert (done.returncode, done.stdout) == (0, "15 of 15\n"), done.stderr[-3000:]
