"""A small project that asv has measured."""

import os
import sys
from pathlib import Path

import children

CONFIG = """{
    "version": 1, "project": "toy", "repo": "..", "branches": ["main"],
    "environment_type": "virtualenv", "launch_method": "forkserver", "benchmark_dir": "benchmarks",
    "results_dir": "results", "html_dir": "html"
}"""
BENCHMARKS = """
import os
import time

DAY = int(os.environ["TOY_DAY"])
DEEP = "100x4/100 & more"


class Affine:
    number = repeat = rounds = 1
    warmup_time = 0
    param_names = ["implementation", "dtype", "shape"]
    params = [["numpy", "fastnet"], ["float32"], ["1-3-4", DEEP]]

    def time_affine_forward(self, implementation, dtype, shape):
        time.sleep(0.02 if implementation == "numpy" else 0.002)


class AffineRatio:
    unit = "fastnet / numpy"
    param_names = ["dtype", "shape"]
    params = [["float32", "float64"], ["1-3-4", DEEP]]

    def track_min_ratio_affine_forward(self, dtype, shape):
        if dtype == "float32":
            return {"1-3-4": 0.1, DEEP: 1 / 1.3}[shape]
        return {"1-3-4": 0.625, DEEP: 0.5}[shape] * (2 if DAY == 3 else 1)


class LossesRatio:
    unit = "fastnet / numpy"
    param_names = ["dtype", "loss"]
    params = [["float32"], ["huber", "mean squared"]]

    def track_min_ratio_forward(self, dtype, loss):
        return {"huber": 1.25, "mean squared": 0.4}[loss]


class SoftmaxWithLossRatio:
    unit = "fastnet / numpy"

    def track_min_ratio_softmax_forward(self):
        return 0.8

    def track_min_ratio_softmax_backward(self):
        assert DAY < 3, "broken today"
        return 0.5

    def track_other(self):
        return 1.0


class NeverRatio:
    unit = "fastnet / numpy"

    def setup(self):
        raise NotImplementedError("for another machine")

    def track_min_ratio_never(self):
        return 1.0


class Limits:
    unit = "of the limit"
    param_names = ["kernel", "dtype"]
    params = [["affine_forward", "copy", "huber_forward", "softmax_forward"], ["float32"]]

    def setup(self, kernel, dtype):
        if kernel == "copy" and DAY == 2:
            raise NotImplementedError("skipped")

    def track_share_of_limit(self, kernel, dtype):
        return {"affine_forward": 0.85, "copy": 0.6 - 0.3 * (DAY == 1)}.get(kernel, 0.3)
"""
# What the page then says: name and parameters, time, times NumPy, of the limit, trend.
ROWS = [
    ("toy.affine_forward Affine float32 1-3-4", "2 ms", "10.0×", "85%", "0%"),
    ("toy.copy Limits float32", "–", "–", "60%", "+100%"),
    ("toy.huber_forward Losses float32", "–", "▼ 0.80×", "30%", "0%"),
    ("toy.mean_squared_forward Losses float32", "–", "2.50×", "–", "0%"),
    ("toy.softmax_backward SoftmaxWithLoss", "–", "no result", "–", ""),
    ("toy.softmax_forward SoftmaxWithLoss", "–", "1.25×", "30%", "0%"),
]
ROOT = Path(__file__).resolve().parents[2]


def summary(folder, *arguments):
    """Write the page as `python -m asv_benchmarks.summary` does, and return its file."""
    command = [sys.executable, "-m", "asv_benchmarks.summary"]
    command += ["--config", str(folder / "asv.conf.json"), *arguments]
    done = children.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    file = Path(done.stdout.splitlines()[-1])
    assert file == folder / "html" / "summary.html"
    return file
