"""A script of the textbooks' kind as it is, and by `fastnet run`: seconds on one core.

    python -m asv_benchmarks.dropin [--data DIR] [--updates N] [--rounds N]
    python -m asv_benchmarks.dropin SCRIPT ... [--rounds N]

The second measures scripts of your own: wall clock of the whole process, in the script's folder,
the two in turns, and the call from which kernels worked.

The first gives CPU seconds of tests/dropin/first/train_two_layer.py: 784-50-10 in float64, batches
of 100, the loss once more after each update, and each epoch the accuracy on all images. The two
take turns and must print the same numbers, to a thousandth after so many updates. `loop` is without
what they take for no update: imports and the data, and kernels start within it.

What bounds it, with float64 images: of NumPy's 920 us an update, 95 are the script's own (drawing
and taking the batch, its `params -= 0.1 * grads`), which stay, and the rest becomes 230. Three
products of 784 x 50 are 160 of them: 230 if digits had no zeros, at 95 of at most 107 GFLOP/s,
where OpenBLAS does 45. An accuracy of all images takes 60 to 110 ms, as the memory of its arrays
is new or not, and 23 just to read the images. Of float32 images NumPy makes float64 ones for each
product, in 20 us to 300.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fastnet.datasets import load_mnist

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "dropin" / "first"
ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")}
CONTENDERS = {"NumPy": [], "fastnet": ["-m", "fastnet", "run"]}


def images(folder: str | None, dtype: str) -> dict[str, np.ndarray]:
    """Return MNIST, or random images of its sizes, with one-hot labels."""
    if folder is None:
        rng = np.random.default_rng(0)
        train, test = (
            (rng.integers(0, 256, (n, 784)), rng.integers(0, 10, n)) for n in (60000, 10000)
        )
    else:
        train, test = load_mnist(folder)
    data = {}
    for name, (x, t) in (("train", train), ("test", test)):
        data[f"x_{name}"] = x.astype(dtype) / np.dtype(dtype).type(255)
        data[f"t_{name}"] = np.eye(10)[t]
    return data


def measured(how: list[str], file: str, updates: int) -> tuple[float, list[float]]:
    """Return CPU seconds of a process, and the numbers that it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *how, "train_two_layer.py", file, str(updates)],
        cwd=FOLDER,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, [float(word) for word in done.stdout.split()]


def whole_process(script: str, rounds: int) -> str:
    """Return a row of the table of scripts: medians of wall clock, and when kernels took over."""
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for round_ in range(rounds + 1):
        for name, how in CONTENDERS.items():
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, *how, os.path.basename(script)],
                cwd=os.path.dirname(os.path.abspath(script)),
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
                capture_output=True,
                text=True,
                check=True,
            )
            if round_:  # the first compiles, and reads the files for the first time
                seconds[name].append(time.perf_counter() - start)
    own, ours = (statistics.median(seconds[name]) for name in CONTENDERS)
    said = [line for line in done.stderr.splitlines() if line.startswith("fastnet: on kernels")]
    when = said[0].partition(": in ")[2] if said else "never"
    return f"| {script} | {own:.2f} | {ours:.2f} | {own / ours:.2f} | {when} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", metavar="SCRIPT", nargs="*", help="scripts to measure")
    parser.add_argument("--data", metavar="DIR", help="MNIST's IDX files; without, random images")
    parser.add_argument("--updates", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.scripts:
        print("| script | NumPy | fastnet | ratio | on kernels from |")
        print("|---|---|---|---|---|")
        for script in options.scripts:
            print(whole_process(script, options.rounds), flush=True)
        return
    print(
        "| images | NumPy, script | fastnet, script | ratio | NumPy, loop | fastnet, loop | ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    for dtype in ("float32", "float64"):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "images.npz")
            np.savez(file, **images(options.data, dtype))
            for how in CONTENDERS.values():
                measured(how, file, 1000)  # compiles, and reads the file for the first time
            whole: dict[str, list[float]] = {name: [] for name in CONTENDERS}
            loop: dict[str, list[float]] = {name: [] for name in CONTENDERS}
            for _ in range(options.rounds):
                printed = {}
                for name, how in CONTENDERS.items():
                    start, _ = measured(how, file, 0)
                    seconds, printed[name] = measured(how, file, options.updates)
                    whole[name].append(seconds)
                    loop[name].append(seconds - start)
                np.testing.assert_allclose(printed["fastnet"], printed["NumPy"], rtol=1e-3)
        cells = []
        for times in (whole, loop):
            own, ours = (statistics.median(times[name]) for name in CONTENDERS)
            cells += [f"{own:.2f}", f"{ours:.2f}", f"{own / ours:.2f}"]
        print(f"| {dtype} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
