"""Print the project's speed table: fastnet and the NumPy reference, measured in turns in one run.

    python -m asv_benchmarks.speed [--rounds N] [--json FILE]

One pinned thread, NumPy's BLAS included. A training step is the gathering of a shuffled batch,
forward, loss, backward and the SGD update. Both sides start from the same weights and see the same
batches, and their weights are compared before anything is timed. Times are medians of the rounds,
with the 10th and 90th percentiles; in a round every contender runs once. Other processes' turns on
the core are left out: what counts is the CPU time of the one thread.
"""

import os

if __name__ == "__main__":
    for _variable in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM"):
        os.environ[f"{_variable}_NUM_THREADS"] = "1"  # read once, when NumPy loads its BLAS

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile

import numba
import numpy as np

import fastnet
import fastnet.kernels
import fastnet.layers
import fastnet.losses
import fastnet.models
import fastnet.optimizer
import fastnet.reference.kernels
import fastnet.reference.layers
import fastnet.reference.losses
import fastnet.reference.models
import fastnet.reference.optimizer
from asv_benchmarks.speed_networks import SIDES, Network
from asv_benchmarks.timing import TINY, percentiles, pin, repeat, rounds_of

# Widths, samples a batch, dtype, and the ratio that issue 2 demands.
NETWORKS = [
    ((3, 4, 1), 1, "float32", 100),
    ((3, 4, 1), 1, "float64", 100),
    ((3, 4, 2), 4, "float32", 1),
    ((64, 32, 10), 32, "float32", 10),
    ((784, 16, 16, 10), 32, "float32", 1),
    ((784, 50, 10), 100, "float32", 1.3),
    ((784, 100, 100, 100, 100, 10), 100, "float32", 1),
    ((784, 512, 512, 10), 128, "float32", 1),
    ((784, 1024, 1024, 10), 256, "float32", 1),
]


def steps_table(rounds):
    """Print a row a network; return the rows."""
    print("| network/batch | dtype | NumPy µs a step | fastnet loop | fastnet fit "
          "| NumPy / loop | NumPy / fit | demand | GFLOP/s | of peak |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    rows = []
    for widths, batch_size, dtype, demand in NETWORKS:
        network = Network(widths, batch_size, dtype)
        row = network.measure(rounds)
        best = min(row["numpy fit"], row["numpy loop"], key=lambda p: p[1])
        loop, fit = row["fastnet loop"], row["fastnet fit"]
        rate = network.flops / loop[1] / 1e3
        ratio, through_fit = best[1] / loop[1], best[1] / fit[1]
        mark = "" if ratio >= demand else " **missed**"  # of the step itself; fit also shuffles
        name = f"{'-'.join(map(str, widths))}/{batch_size}"
        cells = [f"{p50:.4g} ({p10:.3g} to {p90:.3g})" for p10, p50, p90 in (best, loop, fit)]
        print(
            f"| {name} | {dtype} | {' | '.join(cells)} | {ratio:.2f} | {through_fit:.2f} "
            f"| {demand}{mark} | {rate:.1f} | {rate / row['peak']:.0%} |",
            flush=True,
        )
        rows.append({"network": name, "dtype": dtype, "demand": demand, "flops": network.flops})
        rows[-1] |= row | {"ratio_loop": ratio, "ratio_fit": through_fit}
    return rows


def calls(side, dtype, n, d, m):
    """Return {name: function}: single calls of layers, a loss and the optimizer."""
    rng = np.random.default_rng(0)
    x, W, dout = (rng.standard_normal(s).astype(dtype) for s in [(n, d), (d, m), (n, m)])
    b, t = np.zeros(m, dtype), rng.integers(m, size=n)
    package = SIDES[side]
    affine, sigmoid = package.layers.Affine(W, b), package.layers.Sigmoid()
    softmax, loss = package.layers.SoftmaxWithLoss(), package.losses.SoftmaxCrossEntropy()
    sgd = package.optimizer.SGD(lr=TINY)
    return {
        "Affine.forward": lambda: affine.forward(x),
        "Affine.backward": lambda: affine.backward(dout),
        "Sigmoid.forward": lambda: sigmoid.forward(dout),
        "Sigmoid.backward": lambda: sigmoid.backward(dout),
        "SoftmaxWithLoss.forward": lambda: softmax.forward(dout, t),
        "SoftmaxWithLoss.backward": lambda: softmax.backward(),
        "SoftmaxCrossEntropy.forward": lambda: loss.forward(dout, t),
        "SGD.update": lambda: sgd.update(affine.params, affine.grads),
    }


def calls_table(rounds):
    """Print what single calls cost on small arrays; return the rows."""
    print("\n| call | x, W | NumPy µs | fastnet µs | NumPy / fastnet |\n|---|---|---|---|---|")
    rows, times = [], 50
    for n, d, m in [(1, 3, 4), (32, 64, 10), (100, 784, 50)]:
        sides = {side: calls(side, "float32", n, d, m) for side in SIDES}
        for name in sides["numpy"]:
            contenders = {side: repeat(sides[side][name], times) for side in SIDES}
            rounds_of(contenders, 2)
            measured = rounds_of(contenders, rounds)
            numpy, ours = (statistics.median(measured[side]) / times * 1e6 for side in SIDES)
            mark = "" if ours <= numpy else " **slower**"
            print(f"| {name} | ({n}, {d}), ({d}, {m}) | {numpy:.2f} | {ours:.2f} "
                  f"| {numpy / ours:.2f}{mark} |")  # fmt: skip
            rows.append({"call": name, "shape": [n, d, m], "numpy": numpy, "fastnet": ours})
    return rows


def textbook_table(rounds):
    """Print what TwoLayerNet.gradient and SGD.update cost by hand, in float64; return the rows."""
    print("\n| TwoLayerNet/batch | NumPy µs a step | fastnet | NumPy / fastnet | demand |\n"
          "|---|---|---|---|---|")  # fmt: skip
    rows = []
    for widths, n, demand in [((3, 4, 2), 4, 1), ((64, 32, 10), 32, 5), ((784, 50, 10), 100, 2)]:
        rng = np.random.default_rng(0)
        x, t = rng.standard_normal((n, widths[0])), rng.integers(widths[-1], size=n)
        contenders, gradients = {}, {}
        for side, package in SIDES.items():
            np.random.seed(0)  # noqa: NPY002  the class draws from NumPy's global generator
            network = package.models.TwoLayerNet(*widths, weight_init_std=0.1)
            optimizer = package.optimizer.SGD(lr=TINY)
            gradients[side] = network.gradient(x, t)

            def step(network=network, optimizer=optimizer, x=x, t=t):
                optimizer.update(network.params, network.gradient(x, t))

            contenders[side] = repeat(step, 20)
        for key, exact in gradients["numpy"].items():
            np.testing.assert_allclose(gradients["fastnet"][key], exact, rtol=1e-9, atol=1e-14)
        rounds_of(contenders, 2)
        times = rounds_of(contenders, rounds)
        numpy, ours = (percentiles(times[side], 1e6 / 20) for side in SIDES)
        ratio = numpy[1] / ours[1]
        name = f"{'-'.join(map(str, widths))}/{n}"
        cells = [f"{p50:.4g} ({p10:.3g} to {p90:.3g})" for p10, p50, p90 in (numpy, ours)]
        mark = "" if ratio >= demand else " **missed**"
        print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} | {demand}{mark} |", flush=True)
        rows.append({"network": name, "numpy": numpy, "fastnet": ours, "demand": demand})
    return rows


def predict_table(rounds):
    """Print what predict costs for images of MNIST's size, one and 10,000; return the rows."""
    print("\n| predict, 784-50-10 float32 | NumPy µs | fastnet | NumPy / fastnet | demand |\n"
          "|---|---|---|---|---|")  # fmt: skip
    rows = []
    images = np.random.default_rng(0).integers(0, 256, (10_000, 784)).astype(np.uint8)
    models = {side: Network((784, 50, 10), 1, "float32").model(side) for side in SIDES}
    for side, model in models.items():
        model.layers.insert(0, SIDES[side].layers.Rescaling(1 / 255))
    for count, dtype in [(1, "float32"), (1, "uint8"), (10_000, "float32"), (10_000, "uint8")]:
        x = images[:count].astype(dtype)
        times = 50 if count == 1 else 1
        ours, exact = models["fastnet"].predict(x), models["numpy"].predict(x)
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-4 * np.abs(exact).max())
        contenders = {
            side: repeat(lambda m=m, x=x: m.predict(x), times) for side, m in models.items()
        }
        rounds_of(contenders, 2)
        measured = rounds_of(contenders, rounds)
        numpy, ours = (statistics.median(measured[side]) / times * 1e6 for side in SIDES)
        demand = "at most 5 µs" if count == 1 else ""
        mark = " **missed**" if count == 1 and ours > 5 else ""
        print(f"| {count} x 784 {dtype} | {numpy:.2f} | {ours:.2f} | {numpy / ours:.2f} "
              f"| {demand}{mark} |", flush=True)  # fmt: skip
        rows.append({"rows": count, "dtype": dtype, "numpy": numpy, "fastnet": ours})
    return rows


IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
FIRST_FIT = """
import time
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential
x, t = np.ones((64, 64), "float32"), np.arange(64) % 10
start = time.perf_counter()
model = Sequential([Dense(32, activation="sigmoid"), Dense(10)], seed=0)
model.fit(x, t, batch_size=32, verbose=0)
print(time.perf_counter() - start)
"""


def process(code, **environment):
    """Return the number that a new Python process prints when it runs the code."""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def startup_table(repeats=7):
    """Print what a new process pays; return the seconds."""
    process(FIRST_FIT)  # fills the cache
    times = {"import numba": [], "import fastnet.models": [], "first fit, warm cache": []}
    for _ in range(repeats):
        times["import numba"].append(process(IMPORT.format("numba")))
        times["import fastnet.models"].append(process(IMPORT.format("fastnet.models")))
        times["first fit, warm cache"].append(process(FIRST_FIT))
    result = {name: statistics.median(seconds) for name, seconds in times.items()}
    result["over numba"] = result["import fastnet.models"] - result["import numba"]
    with tempfile.TemporaryDirectory() as folder:
        result["first fit, empty cache"] = process(FIRST_FIT, NUMBA_CACHE_DIR=folder)
    demands = {"over numba": 0.05, "first fit, warm cache": 1, "first fit, empty cache": 10}
    print("\n| start | s | demand |\n|---|---|---|")
    for name, seconds in result.items():
        demand = demands.get(name, "")
        mark = "" if demand == "" or seconds <= demand else " **missed**"
        print(f"| {name} | {seconds:.3f} | {demand}{mark} |")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30, metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, too")
    arguments = parser.parse_args()
    pin()
    result = {
        "versions": {
            "fastnet": fastnet.__version__,
            "numba": numba.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
    }
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    load = "unknown" if result["load"] is None else f"{result['load'][0]:.1f}"
    print(f"{versions}; one thread; load {load}; medians of {arguments.rounds} rounds "
          "(10th to 90th percentile)\n")  # fmt: skip
    result["steps"] = steps_table(arguments.rounds)
    result["calls"] = calls_table(arguments.rounds)
    result["textbook"] = textbook_table(arguments.rounds)
    result["predict"] = predict_table(arguments.rounds)
    result["startup"] = startup_table()
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
