"""Measure a training step of fastnet beside the step of every peer, in one run.

    python -m asv_benchmarks.peers [--shape 30-100-2 --batch 57] [--dtype float64] [--grid]
                                   [--predict] [--json FILE] [--png FILE] [--isa avx2]
                                   [--contenders "JAX scan,fastnet loop"]
    python -m asv_benchmarks.peers --draw asv_benchmarks/peers.json --png asv_benchmarks/peers.png
    python -m asv_benchmarks.peers --beside avx2.json avx512.json

All do the same work: gather the rows of a batch by a shuffled index, forward, mean softmax cross
entropy (half the squared error where there is one output), backward, SGD update. All start from
the same weights, and must hold the same weights after a few steps before anything is timed. Each
has a copy of the data. Contenders take turns, round by round; figures are medians with the 10th
and 90th percentiles. The limit is the FLOPs of the step's products over the peak that a loop of
multiply-adds in registers reaches in the same rounds.

`--predict` measures the outputs for a batch instead, of MNIST's test images where they are to be
had: the last layer's, before any softmax, which all must agree on first. `--isa` imitates another
CPU for all contenders alike, see environment.py; `--beside` prints what two runs wrote, in one
table.
"""

# ruff: noqa: E402  the environment is set before anything that reads it is imported

import argparse
import os

from asv_benchmarks import environment


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], parents=[environment.parser()]
    )
    parser.add_argument("--shape", metavar="D-...-C", help="one network instead of the table's")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="of --shape")
    parser.add_argument("--dtype", choices=["float32", "float64"], help="of the table or --shape")
    parser.add_argument("--activation", choices=["sigmoid", "relu", "tanh"], default="sigmoid")
    parser.add_argument("--grid", action="store_true", help="many networks, in both dtypes")
    parser.add_argument("--predict", action="store_true", help="a batch's outputs, not a step")
    parser.add_argument("--contenders", metavar="A,B", help="only these")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, after each row")
    parser.add_argument("--png", metavar="FILE", help="draw the table there")
    parser.add_argument("--draw", metavar="JSON", help="draw what a run wrote, with --png")
    parser.add_argument("--beside", metavar="JSON", nargs=2, help="print two runs as one table")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if not 1 <= arguments.threads <= cores:
        parser.error(f"--threads must be in 1..{cores}, the cores there are.")
    if arguments.grid and (arguments.shape or arguments.png):
        parser.error("--grid goes without --shape and --png.")
    if arguments.draw and not arguments.png:
        parser.error("--draw goes with --png FILE.")
    if arguments.predict and (arguments.grid or arguments.png):
        parser.error("--predict goes without --grid and --png.")
    return arguments


if __name__ == "__main__":
    ARGUMENTS = parse()
    environment.prepare(ARGUMENTS.threads, ARGUMENTS.isa)

import json
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

import fastnet
from asv_benchmarks import predictors
from asv_benchmarks.about import about
from asv_benchmarks.contenders import CONTENDERS, by_layers
from asv_benchmarks.peer_networks import GRID, TABLE, XOR, LeftOut, network, order_of
from asv_benchmarks.peers_tables import OURS, beside, line, picture, summary
from asv_benchmarks.timing import TINY, multiply_and_add, percentiles, repeat

# Large enough a rate to move every array by far more than is allowed below, and not to diverge.
CHECKED_STEPS, CHECKED_RATE = 5, {"sigmoid": 0.5, "tanh": 0.5, "relu": 0.05}
# A grid leaves out those that win nowhere, or that take seconds to compile.
IN_GRID = ["NumPy loop", "PyTorch", "JAX jit", "JAX scan", "fastnet loop"]


def check(net, name, weights, expected, steps):
    """Raise unless each array of the weights was trained to what is expected."""
    eps = np.finfo(net.dtype).eps
    for i, (ours, theirs, start) in enumerate(zip(weights, expected, net.weights, strict=True)):
        ours = np.asarray(ours)
        if ours.dtype != net.dtype:
            raise AssertionError(f"{name}: array {i} is {ours.dtype}, not {net.dtype}")
        # Each update rounds a weight. Gradients carry the rounding of long sums: 500 eps of the
        # change was the most between fastnet and NumPy, at batches of 1024.
        allowed = eps * (steps * np.abs(theirs).max() + 4000 * np.abs(theirs - start).max())
        error = np.abs(ours - theirs).max()
        if not error <= allowed:  # NaN, too
            raise AssertionError(
                f"{name} disagrees after {steps} steps: array {i} of {net.name} {net.dtype} is "
                f"{error:.3g} off, allowed {allowed:.3g}"
            )


def made(contenders, names, *arguments):
    """Return {name: what the contender returns} of who does the work, and {name: why not}."""
    found, left_out = {}, {}
    for name in names:
        try:
            found[name] = contenders[name](*arguments)
        except ModuleNotFoundError as error:
            left_out[name] = f"{error.name} is not installed"
        except LeftOut as error:
            left_out[name] = str(error)
    return found, left_out


def checked(net, names):
    """Return who does the work, and {name: why not}; raise where one does it wrong."""
    order = order_of(net, min(CHECKED_STEPS, len(net.x) // net.batch_size))
    lr = CHECKED_RATE[net.activation]
    train, expected = by_layers(net, order, lr, fastnet.reference)
    train()
    found, left_out = made(CONTENDERS, names, net, order, lr)
    for name, (run, weights) in found.items():
        run()
        check(net, name, weights(), expected(), len(order))
    return list(found), left_out


def check_outputs(net, name, outputs, expected):
    """Raise unless the outputs are what is expected, to the rounding of sums of so many terms."""
    outputs = np.asarray(outputs)
    allowed = np.finfo(net.dtype).eps * sum(net.widths[:-1]) * np.abs(expected).max()
    if outputs.shape != expected.shape or outputs.dtype != net.dtype:
        raise AssertionError(f"{name}: {outputs.shape} {outputs.dtype}, not {expected.shape}")
    error = np.abs(outputs - expected).max()
    if not error <= allowed:  # NaN, too
        raise AssertionError(
            f"{name} disagrees on the outputs of {net.name} {net.dtype}: {error:.3g} off, "
            f"allowed {allowed:.3g}"
        )


def predicting(net, names):
    """Return {name: function that predicts}, {name: why not}; raise where one is wrong."""
    runs, left_out = made(predictors.PREDICTORS, names, net)
    expected = predictors.by_layers(net)()
    for name, run in runs.items():
        check_outputs(net, name, run(), expected)
    return runs, left_out


def rounds_of(runs, rounds, seconds, clock):
    """Return {name: sorted seconds of a run}; stop after some seconds and at least 5 rounds."""
    times, names, end = {name: [] for name in runs}, list(runs), time.perf_counter() + seconds
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            runs[name]()  # untimed: a contender finds its own data in the caches, as in training
            start = clock()
            runs[name]()
            times[name].append(clock() - start)
        if i >= 4 and time.perf_counter() > end:
            break
    return {name: sorted(seconds) for name, seconds in times.items()}


def measure(net, names, rounds, seconds, threads):
    """Return the row of a network: microseconds a step, [p10, p50, p90], by contender."""
    names, left_out = checked(net, names)
    order = order_of(net, int(min(2000, max(4, 2e9 / net.flops))))
    runs = {name: CONTENDERS[name](net, order, TINY)[0] for name in names}
    return timed(net, runs, left_out, len(order), net.flops, rounds, seconds, threads)


def measure_predict(net, names, rounds, seconds, threads):
    """Return the same for outputs of a batch: microseconds a call."""
    net = predictors.rows(net)
    runs, left_out = predicting(net, names)
    flops = 2.0 * len(net.x) * sum(d * m for d, m in pairwise(net.widths))
    calls = int(min(200, max(1, 1e9 / flops)))
    runs = {name: repeat(run, calls) for name, run in runs.items()}
    return timed(net, runs, left_out, calls, flops, rounds, seconds, threads)


def timed(net, runs, left_out, times, flops, rounds, seconds, threads):
    """Return the row; a run does so many FLOPs so many times."""
    like, loops = np.empty(1, net.dtype), int(2e5)
    _, peak_flops = multiply_and_add(loops, like)
    runs["peak"] = lambda: multiply_and_add(loops, like)
    for run in runs.values():
        run()  # compiles
    # One thread: the process's CPU time, which counts the threads that JAX computes on, and not
    # the turns of other processes on the core. More threads: what the user waits.
    clock = time.process_time if threads == 1 else time.perf_counter
    spent = rounds_of(runs, rounds, seconds, clock)
    peak = threads * peak_flops / statistics.median(spent.pop("peak"))
    micros = {name: percentiles(t, 1e6 / times) for name, t in spent.items()}
    row = {
        "network": net.name,
        "dtype": net.dtype.name,
        "activation": net.activation,
        "data_rows": len(net.x),
        "steps": times,
        "flops": flops,
        "peak_gflops": peak / 1e9,
        "limit": flops / peak * 1e6,
        "microseconds": micros,
        "left_out": left_out,
    }
    others = {name: t[1] for name, t in micros.items() if not name.startswith("fastnet")}
    ours = next((micros[name][1] for name in OURS if name in micros), None)
    if others:
        row["best"] = min(others, key=others.__getitem__)
    if ours is not None:
        row["of_limit"] = ours / row["limit"]
        if others:
            row["ratio"] = others[row["best"]] / ours
    return row


def main(arguments):
    if arguments.beside:
        print(beside([json.loads(Path(file).read_text("utf-8")) for file in arguments.beside]))
        return
    if arguments.draw:
        picture(json.loads(Path(arguments.draw).read_text("utf-8")), arguments.png)
        return
    contenders, dtype = CONTENDERS, arguments.dtype or "float32"
    work, what = [(name, dtype) for name in TABLE] + [(XOR, "float64")], "a step"
    if arguments.predict:
        contenders, what = predictors.PREDICTORS, "a call of predict"
        work = [(name, dtype) for name in predictors.TABLE]
    names = list(contenders)
    if arguments.shape:
        work = [(f"{arguments.shape}/{arguments.batch}", dtype)]
    if arguments.grid:
        dtypes = [arguments.dtype] if arguments.dtype else ["float32", "float64"]
        names, work = IN_GRID, [(name, dtype) for name in GRID for dtype in dtypes]
    if arguments.contenders:
        names = arguments.contenders.split(",")
        if not set(names) <= set(contenders):
            sys.exit(f"--contenders must be of {','.join(contenders)}, got {arguments.contenders}.")
    else:  # what cannot be imitated is left out, unless it is asked for by name
        unsure = environment.UNSURE.get(arguments.isa, set())
        for name in [name for name in names if name in unsure]:
            names.remove(name)
            print(f"{name} is left out: its kernels cannot be chosen", file=sys.stderr)
    environment.confirm(arguments.isa, [name for name in names if name in CONTENDERS])
    result = about(arguments.threads) | {"isa": arguments.isa, "rows": []}
    versions = [f"{name} {version or 'missing'}" for name, version in result["versions"].items()]
    print(f"{', '.join(versions)}; {result['cpu']}; threads: {arguments.threads}. Microseconds "
          f"{what}: medians of {arguments.rounds} rounds (10th to 90th percentile)\n")  # fmt: skip
    ours = "fastnet" if arguments.predict else "loop"
    head = ["network/batch", "dtype", *names, "limit", f"{ours} / limit", "best", f"best / {ours}"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    said = set()
    for name, dtype in work:
        net = network(name, dtype, arguments.activation)
        seconds = 10 if arguments.grid else 60
        measured = measure_predict if arguments.predict else measure
        row = measured(net, names, arguments.rounds, seconds, arguments.threads)
        result["rows"].append(row)
        print(line(row, names), flush=True)
        for who, reason in row["left_out"].items():
            if (who, reason) not in said:
                print(f"{name}: {who} is left out: {reason}", file=sys.stderr)
                said.add((who, reason))
        if arguments.grid and "ratio" in row:
            result["summary"] = summary(result["rows"])
        if arguments.json:  # after each row: a run that is stopped keeps what it has
            with open(f"{arguments.json}.part", "w", encoding="utf-8") as file:
                json.dump(result, file, indent=1)
            os.replace(f"{arguments.json}.part", arguments.json)
    if "summary" in result:
        total = result["summary"]
        print(f"\n{total['networks']} networks: geometric mean of best / loop "
              f"{total['geometric_mean']:.2f}, below 1: {total['slower']}. Worst:\n")  # fmt: skip
        for worst in total["worst"]:
            print("- {network} {dtype}: {ratio:.2f} ({best})".format(**worst))
    if arguments.png:
        picture(result, arguments.png)


if __name__ == "__main__":
    main(ARGUMENTS)
