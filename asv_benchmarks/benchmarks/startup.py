"""What a new process pays before the first result. Every number comes from processes of its own."""

import os
import statistics
import subprocess
import sys
import tempfile

from . import IMPLEMENTATIONS

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

FIRST_CALL = """
import time
import numpy as np
from {package}.layers import Affine
layer = Affine(np.ones((64, 10)), np.ones(10))
start = time.perf_counter()
layer.forward(np.ones((32, 64)))
print(time.perf_counter() - start)
"""


def seconds(code, **environment):
    """Return the number that a new Python process prints when it runs the code."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout)


class Import:
    unit = "s"
    timeout = 300

    def track_import_over_numba(self):
        """`import fastnet.models` less `import numba`, medians of processes in turn."""
        pairs = [
            [seconds(IMPORT.format(name)) for name in ("fastnet.models", "numba")] for _ in range(5)
        ]
        ours, numba = (statistics.median(column) for column in zip(*pairs, strict=True))
        return ours - numba


class Startup:
    unit = "s"
    timeout = 300
    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        for code in (FIRST_FIT, FIRST_CALL):
            seconds(code.format(package=MODULES[implementation]))  # fills the cache

    def timeraw_import(self, implementation):
        return f"import {MODULES[implementation]}.models"

    def track_first_fit_warm(self, implementation):
        return statistics.median(
            seconds(FIRST_FIT.format(package=MODULES[implementation])) for _ in range(3)
        )

    def track_first_call_warm(self, implementation):
        return statistics.median(
            seconds(FIRST_CALL.format(package=MODULES[implementation])) for _ in range(3)
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
            return seconds(code, NUMBA_CACHE_DIR=folder)

    def track_first_call_cold(self, implementation):
        with tempfile.TemporaryDirectory() as folder:
            code = FIRST_CALL.format(package=MODULES[implementation])
            return seconds(code, NUMBA_CACHE_DIR=folder)
