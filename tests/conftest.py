"""What several test files share. The tests import fastnet as any user does: installed, or not."""

import os

# Before NumPy is imported. Its threads wait for each other in a loop, while each core has a worker
# of the tests' already: a test took 2.9 s that takes 0.1, a child's import of NumPy 0.17 s of CPU
# and not 0.10.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import functools
import math
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import children
import numpy as np
import pytest

import fastnet
from fastnet import models, threads
from fastnet.kernels import _folders
from fastnet.layers import Dense
from fastnet.models import Sequential

# What test files share has assertions, too; children, imported above, has none.
shared = {path.stem for path in (Path(__file__).parent / "shared").glob("*.py")}
pytest.register_assert_rewrite(*(shared - sys.modules.keys()))

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = Path(fastnet.__file__).resolve().parent

# The tests' child processes must run the same fastnet as the tests: not the checkout that they are
# started in where a wheel is installed, and the checkout, from any folder, where none is.
os.environ["PYTHONSAFEPATH"] = "1"  # heeded by Python 3.11 and newer
_paths = [str(ROOT)] if _PACKAGE.parent == ROOT else []
_paths += [str(ROOT / "tests"), str(ROOT / "tests" / "shared")]  # for what is run in a child
_paths += [path for path in [os.environ.get("PYTHONPATH")] if path]
os.environ["PYTHONPATH"] = os.pathsep.join(_paths)

# What JAX computes is compared, never timed: unoptimized, XLA compiles it in half the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

# In the background of a shell SIGINT is ignored, here and in child processes: tests of Ctrl-C would
# wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A run that is told to end does so as by Ctrl-C, and kills its children.
if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let child processes end before pytest-timeout ends this one, which could not kill them."""
    marker = item.get_closest_marker("timeout")
    seconds = float(marker.args[0] if marker else item.config.getini("timeout") or 0)
    children.deadline = time.monotonic() + 0.9 * seconds if seconds else math.inf


# pytest-timeout starts a thread for each test and waits for its end, 0.25 ms of CPU and more of
# waiting where all cores work. One thread that looks at the clock now and then does for all tests.
_running = []  # the test, its settings, and when it must have ended


@functools.cache
def _watch():
    import pytest_timeout

    def look():
        while True:
            time.sleep(1)
            for item, settings, end in _running[:]:
                if time.monotonic() > end:
                    pytest_timeout.timeout_timer(item, settings)  # ends the process

    threading.Thread(target=look, name="of a test's time", daemon=True).start()


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_set_timer(item, settings):
    if settings.method != "thread":
        return None  # the plugin's own
    _watch()
    _running[:] = [(item, settings, time.monotonic() + settings.timeout)]
    item.cancel_timeout = _running.clear
    return True


def pytest_report_header():
    return f"fastnet {fastnet.__version__} from {_PACKAGE}"


@pytest.fixture(autouse=True)
def no_ctrl_c_yet(monkeypatch):
    """The Ctrl-C of the test before is not the first of two."""
    monkeypatch.setattr(models.progress, "_last", -math.inf)


@pytest.fixture
def team_of(monkeypatch):
    """Return a function that lets so many threads share each call, however little there is to do.

    Without it the calls of most tests have one, whatever `set_num_threads` was told. Rows are
    shared in batches of 32 and more, where no layer takes them whole.
    """
    monkeypatch.setattr(threads, "FLOPS_A_CALL", 0)
    monkeypatch.setattr(threads, "FLOPS_A_THREAD", 1e-9)
    before = fastnet.get_num_threads()
    yield fastnet.set_num_threads
    fastnet.set_num_threads(before)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def root():
    """The checkout: pyproject.toml, fastnet/, kernels/, tests/."""
    return ROOT


@pytest.fixture(scope="session")
def warm_cache():
    """What `fastnet train` runs is in the cache: a child process has no compiling to speak of."""
    model = Sequential([Dense(2)], seed=0)
    model.fit(np.zeros((1, 2), np.float32), [0], verbose=0)
    model.predict_proba(np.zeros((1, 2), np.float32))


@pytest.fixture(scope="session")
def kernel_cache(request, tmp_path_factory):
    """Return a function of a name: a folder for kernels that are compiled for another CPU.

    Beside pytest's own files, so that the next run finds them. In the folder of the others they
    would take their places.
    """
    cache = getattr(request.config, "cache", None)
    make = cache.mkdir if cache else tmp_path_factory.mktemp

    def folder(name):
        made = make(f"fastnet_{name.replace(' ', '_')}")
        for old in {*made.glob("fastnet/*")} - {*made.glob(f"fastnet/kernels-{_folders.STAMP}-*")}:
            shutil.rmtree(old, ignore_errors=True)
        return str(made)

    return folder


@pytest.fixture(scope="session")
def mnist_dir():
    """The folder of MNIST's four IDX files: FASTNET_MNIST, else shared/data/mnist beside us."""
    folder = Path(os.environ.get("FASTNET_MNIST") or ROOT.parent / "shared" / "data" / "mnist")
    if not folder.is_dir():
        pytest.skip(f"no MNIST in {folder}: set FASTNET_MNIST to the folder of its IDX files")
    return folder


@pytest.fixture(scope="session")
def dispatcher_confused():
    """Show Numba unaligned arrays: from then on it takes byte-swapped ones for native ones.

    Whatever reaches a kernel of kernels.checked must have been told apart before.
    """
    from fastnet.kernels import checked

    def unaligned(dtype, *shape):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer(bytearray(size + 1), dtype, offset=1).reshape(shape)

    for dtype in (np.float32, np.float64):
        W, b = unaligned(dtype, 3, 4), unaligned(dtype, 4)
        aligned = np.ones((3, 4), dtype), np.ones(4, dtype)
        assert checked.affine_sgd_update(0.1, *aligned, *aligned)  # compiled, it is not asked again
        assert not checked.affine_sgd_update(0.1, W, b, W, b)
        swapped = [array.astype(array.dtype.newbyteorder()) for array in aligned]
        assert checked.affine_sgd_update(0.1, *swapped, *aligned), "Numba tells them apart by now"
