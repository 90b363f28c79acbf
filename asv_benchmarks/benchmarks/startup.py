"""What a new process pays before the first result. Every number comes from processes of its own."""

import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from . import IMPLEMENTATIONS, SECONDS, part

ROUNDS = 5 if SECONDS >= 0.1 else 1  # processes

MODULES = {"numpy": "fastnet.reference", "fastnet": "fastnet"}

IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"

FIRST_FIT = """
import time
import numpy as np
from {package}.layers import Dense
from {package}.models import Sequential
x, t = np.ones((64, 64), "float32"), np.arange(64) % 10
start = time.perf_counter()
model = Sequential([Dense(32, activation="sigmoid"), Dense(10)], seed=0)
model.fit(x, t, batch_size=32, verbose=0)
print(time.perf_counter() - start)
"""

# A program's whole life: from the start of Python to the end of one epoch on the digits.
FIRST_EPOCH = """
from {package}.layers import Dense
from {package}.models import Sequential
from fastnet.datasets import load_digits
(x, t), _ = load_digits(normalize=True)
Sequential([Dense(50, activation="relu"), Dense(10)], seed=0).fit(x, t, verbose=0)
"""

FIRST_CALL = """
import time
import numpy as np
from {package}.layers import Affine
layer = Affine(np.ones((64, 10)), np.ones(10))
start = time.perf_counter()
layer.forward(np.ones((32, 64)))
print(time.perf_counter() - start)
"""

SIGNATURES = """
from fastnet import kernels
public = [getattr(kernels, name) for name in kernels.__all__]
versions = [getattr(kernel, "signatures", None) for kernel in public]
print(sum(len(found) for found in versions if isinstance(found, list)))
"""

# Peak resident memory of a process that holds MNIST's 60,000 rows of uint8, and of one that trains
# on them. Not getrusage's: after an exec that still counts the memory of the process before it.
LOADED = """
import numpy as np
from {package}.layers import Dense, Rescaling
from {package}.models import Sequential
x, t = np.ones((60000, 784), np.uint8), np.arange(60000, dtype=np.uint8) % 10
"""
FIT = """
model = Sequential([Rescaling(1 / 255), Dense(50, activation="relu"), Dense(10)], seed=0)
model.fit(x, t, 2, 100, validation_data=(x[:10000], t[:10000]), verbose=0)
"""
PEAK = """
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def printed(code, **environment):
    """Return the number that a new Python process prints when it runs the code."""
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


class Import:
    unit = "s"
    timeout = 300

    def track_import_over_numba(self):
        """`import fastnet.models` less `import numba`, medians of processes in turn."""
        names = "fastnet.models", "numba"
        pairs = [[printed(IMPORT.format(name)) for name in names] for _ in range(ROUNDS)]
        ours, numba = (statistics.median(column) for column in zip(*pairs, strict=True))
        return ours - numba


class Startup:
    unit = "s"
    timeout = 300
    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        for code in (FIRST_FIT, FIRST_CALL):
            printed(code.format(package=MODULES[implementation]))  # fills the cache

    def timeraw_first_epoch_warm(self, implementation):
        return FIRST_EPOCH.format(package=MODULES[implementation])

    def timeraw_import(self, implementation):
        return f"import {MODULES[implementation]}.models"

    def track_first_fit_warm(self, implementation):
        return statistics.median(
            printed(FIRST_FIT.format(package=MODULES[implementation])) for _ in range(ROUNDS)
        )

    def track_first_call_warm(self, implementation):
        return statistics.median(
            printed(FIRST_CALL.format(package=MODULES[implementation])) for _ in range(ROUNDS)
        )


class StartupCold:
    """With an empty cache: everything is compiled."""

    unit = "s"
    timeout = 300
    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def track_first_fit_cold(self, implementation):
        with tempfile.TemporaryDirectory() as folder:
            code = FIRST_FIT.format(package=MODULES[implementation])
            return printed(code, NUMBA_CACHE_DIR=folder)

    def track_first_call_cold(self, implementation):
        with tempfile.TemporaryDirectory() as folder:
            code = FIRST_CALL.format(package=MODULES[implementation])
            return printed(code, NUMBA_CACHE_DIR=folder)


class Compiled:
    """How many versions of kernels a program loads that trains, and steps layers by hand."""

    unit = "signatures"
    timeout = 300

    def track_signatures(self):
        return printed(
            FIRST_FIT.format(package="fastnet") + FIRST_CALL.format(package="fastnet") + SIGNATURES
        )


class Memory:
    unit = "of a process that has loaded the arrays"
    timeout = 300
    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        if not os.path.exists("/proc/self/status"):
            raise NotImplementedError("peaks are read in /proc/self/status")
        printed(FIRST_FIT.format(package=MODULES[implementation]))  # fills the cache

    def track_peak_of_training_from_uint8(self, implementation):
        """Compiling, where it has to be done, takes 60 MB more than this shows."""
        loaded, trained = (
            printed(code.format(package=MODULES[implementation]))
            for code in (LOADED + PEAK, LOADED + FIT + PEAK)
        )
        return trained / loaded


class Training:
    """asv's own measure of the same: of the whole process, in which Numba is 100 MB."""

    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        self.x, self.t = np.ones((60000, 784), np.uint8), np.arange(60000, dtype=np.uint8) % 10
        layers = part(implementation, "layers")
        stack = [layers.Rescaling(1 / 255), layers.Dense(50, "relu"), layers.Dense(10)]
        self.model = part(implementation, "models").Sequential(stack, seed=0)

    def peakmem_training_from_uint8(self, implementation):
        self.model.fit(self.x, self.t, 2, 100, verbose=0)
