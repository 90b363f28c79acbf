"""Threads: a training step in one and in all, on an idle machine and beside a busy process."""

import os
import subprocess
import sys
import time

import numpy as np

from . import NETWORKS, SECONDS, TINY, labels, numbers, part

STEPS = 50
LARGE = [name for name in NETWORKS if name.startswith("784")]


def usable():
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count()))


class Threads:
    """Half a second of one-epoch fits, one with a thread and one with all in turns."""

    unit = "threads / one thread"
    param_names = ["network", "machine"]
    params = [LARGE, ["idle", "busy"]]
    timeout = 300

    def setup(self, network, machine):
        import fastnet

        if len(usable()) < 2:
            raise NotImplementedError("one core")
        batch_size, n_in, *widths = NETWORKS[network]
        self.fastnet, self.batch_size = fastnet, batch_size
        self.x = numbers("float32", STEPS * batch_size, n_in)
        self.t = labels(len(self.x), widths[-1])
        self.weights = []
        for n in (1, len(usable())):  # the same bits, before anything is timed
            self.model = self.network(widths)
            self.fit(n, lr=0.01)
            self.weights.append(self.model.parameter_vector)
        np.testing.assert_array_equal(*self.weights)
        self.process = None
        if machine == "busy":
            self.process = subprocess.Popen([sys.executable, "-c", BUSY.format(usable()[-1])])
            time.sleep(0.5)

    def teardown(self, *_):
        if getattr(self, "process", None) is not None:
            self.process.kill()
            self.process.wait()

    def network(self, widths):
        layers, models = part("fastnet", "layers"), part("fastnet", "models")
        *hidden, last = widths
        stack = [layers.Dense(n, activation="relu") for n in hidden]
        return models.Sequential([*stack, layers.Dense(last)], seed=0)

    def fit(self, n, lr=TINY):
        self.fastnet.set_num_threads(n)
        optimizer = part("fastnet", "optimizer").SGD(lr=lr)
        start = time.perf_counter()
        self.model.fit(self.x, self.t, 1, self.batch_size, optimizer, verbose=0)
        return time.perf_counter() - start

    def track_fit(self, *_):
        """Median of the ratios of wall times: at most 1 / 1.7 where idle, 1.3 where busy."""
        ratios, end = [], time.perf_counter() + 8 * SECONDS
        while time.perf_counter() < end:
            one = self.fit(1)
            ratios.append(self.fit(len(usable())) / one)
        return float(np.median(ratios))


# On one of the cores for good, while the benchmark may use all.
BUSY = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [{}])
while True:
    pass
"""
