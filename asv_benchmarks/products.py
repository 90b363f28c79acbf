"""Measure the products of a dense layer beside NumPy's, over a grid of shapes, in one run.

    python -m asv_benchmarks.products [--kind forward] [--dtype float32] [--sample 50] [--isa avx2]
    python -m asv_benchmarks.products --shape 64,64,64 --shape 100,784,50 [--json FILE]

fastnet's kernels are called from Python, into outputs that are there already; NumPy computes what
a user writes, each on one pinned core. Both must agree before they are timed, to the rounding of
sums of so many terms. They take short turns; what counts is the least CPU time of a turn, after a
call that is not timed. A case below 0.97 is measured once more, five times as long, when all others
are done, and the second figure is the one that is told. The peak is that of multiply-adds in
registers, in the same turns; a share counts the 2*N*D*M FLOPs of the product alone.
"""

# ruff: noqa: E402  the environment is set before anything that reads it is imported

import argparse
import itertools

from asv_benchmarks import environment


def parse(words=None):
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.products",
        description=__doc__.partition("\n")[0],
        parents=[environment.parser()],
    )
    parser.add_argument("--kind", choices=["forward", "dx", "dW", "update"], action="append")
    parser.add_argument("--dtype", choices=["float32", "float64"], help="without it: both")
    parser.add_argument("--shape", metavar="N,D,M", action="append", help="instead of the grid's")
    parser.add_argument("--sample", type=int, metavar="K", help="only K shapes of the grid")
    parser.add_argument("--seed", type=int, default=0, help="of --sample")
    parser.add_argument("--seconds", type=float, default=0.04, help="for each case")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, too")
    arguments = parser.parse_args(words)
    try:
        shapes = [tuple(map(int, shape.split(","))) for shape in arguments.shape or []]
    except ValueError:
        shapes = [()]
    if any(len(shape) != 3 or min(shape) < 1 for shape in shapes):
        parser.error(f"--shape must be N,D,M, each at least 1, got {', '.join(arguments.shape)}.")
    if arguments.sample is not None and not 1 <= arguments.sample <= len(GRID):
        parser.error(f"--sample must be in 1..{len(GRID)}, got {arguments.sample}.")
    arguments.shape = shapes
    return arguments


GRID = list(
    itertools.product(
        (1, 2, 5, 10, 16, 32, 57, 100, 128, 256),  # N
        (10, 13, 32, 50, 64, 99, 100, 255, 512, 784),  # D
        (10, 13, 32, 50, 64, 100, 300, 512),  # M
    )
)
# Of the textbooks' networks, squares that L1 holds, language models, few and short rows.
NAMED = [
    (100, 784, 50), (64, 64, 64), (96, 96, 96), (128, 784, 512), (128, 512, 512), (16, 32, 32),
    (2, 325, 486), (700, 650, 2600), (700, 100, 10000),
]  # fmt: skip

if __name__ == "__main__":
    ARGUMENTS = parse()
    environment.prepare(1, ARGUMENTS.isa)

import json
import random
import statistics
import time
import timeit
from typing import NamedTuple

import numpy as np

from asv_benchmarks.about import about
from asv_benchmarks.timing import TINY, multiply_and_add
from fastnet import kernels
from fastnet.kernels.simd import BITS


class Kind(NamedTuple):
    numpy: str  # what the user writes
    fastnet: str
    results: str  # the names of what it computes


KINDS = {
    "forward": Kind(
        "out = x @ W + b",
        "affine_forward(x, W, b, IDENTITY, out)",
        "out",
    ),
    "dx": Kind(
        "dx = dout @ W.T",
        "affine_backward_input(dout, W, x, IDENTITY, dx)",
        "dx",
    ),
    "dW": Kind(
        "dW = x.T @ dout; db = dout.sum(axis=0)",
        "affine_backward_params(x, dout, dW, db)",
        "dW db",
    ),
    "update": Kind(
        "W -= lr * (x.T @ dout); b -= lr * dout.sum(axis=0)",
        "affine_backward_sgd_update(x, dout, lr, W, b)",
        "W b",
    ),
}

THRESHOLD = 0.97  # of NumPy's time over fastnet's: below, a case is measured again
AGAIN = 5  # times as long
TURN = 5e-4  # seconds: the clock's call costs 0.3 us
ROUNDS = 5  # at least
PEAK_STEPS = 50_000  # 0.2 ms or so


def arrays(shape, dtype):
    """Return by name what the statements of KINDS use, C-contiguous."""
    (n, d, m), rng = shape, np.random.default_rng(0)
    sizes = {"x": (n, d), "W": (d, m), "b": m, "dout": (n, m)}
    values = {name: rng.standard_normal(size).astype(dtype) for name, size in sizes.items()}
    results = {"out": (n, m), "dx": (n, d), "dW": (d, m), "db": m}
    return values | {name: np.empty(size, dtype) for name, size in results.items()}


PUBLIC = {name: getattr(kernels, name) for name in kernels.__all__}


def check(kind, shape, dtype):
    """Raise unless both sides compute the same."""
    values, sides = arrays(shape, dtype), []
    for statement in (KINDS[kind].numpy, KINDS[kind].fastnet):
        names = {name: array.copy() for name, array in values.items()}
        names |= {"lr": np.dtype(dtype).type(0.5)}
        exec(statement, PUBLIC | names, names)
        sides.append(names)
    (n, d, m), norm = shape, np.linalg.norm
    rows = {name: norm(values[name], axis=1) for name in ("x", "W", "dout")}
    columns = {name: norm(values[name], axis=0) for name in ("x", "W", "dout")}
    # Each side rounds a term at most once a term of the sum, the bias and the update included;
    # sums of magnitudes are at most the product of the norms.
    bounds = {
        "out": (d + 1, np.outer(rows["x"], columns["W"]) + abs(values["b"])),
        "dx": (m, np.outer(rows["dout"], rows["W"])),
        "dW": (n, np.outer(columns["x"], columns["dout"])),
        "W": (n + 2, np.outer(columns["x"], columns["dout"]) + abs(values["W"])),
        "db": (n, n**0.5 * columns["dout"]),
        "b": (n + 2, n**0.5 * columns["dout"] + abs(values["b"])),
    }
    for result in KINDS[kind].results.split():
        exact, ours = (side[result] for side in sides)
        terms, magnitudes = bounds[result]
        allowed = 2 * terms * np.finfo(dtype).eps * magnitudes
        if not (np.abs(ours - exact) <= allowed).all():  # NaN, too
            raise AssertionError(
                f"{kind} disagrees on {result} at {','.join(map(str, shape))} {dtype}: "
                f"{np.abs(ours - exact).max():.3g} off, allowed {allowed.min():.3g}"
            )


def turns(kind, shape, dtype):
    """Return {name: function of a number of calls that returns their seconds}."""
    values = arrays(shape, dtype) | {"lr": np.dtype(dtype).type(TINY)}
    setup = "; ".join(f"{name} = values[{name!r}]" for name in values)
    names = PUBLIC | {"values": values}
    found = {
        name: timeit.Timer(getattr(KINDS[kind], name), setup, time.thread_time, names).timeit
        for name in ("numpy", "fastnet")
    }
    like = np.empty(1, dtype)
    steps = PEAK_STEPS
    found["peak"] = timeit.Timer(lambda: multiply_and_add(steps, like), "", time.thread_time).timeit
    return found


def measure(kind, shape, dtype, seconds):
    """Return the row of a case."""
    check(kind, shape, dtype)
    contenders = turns(kind, shape, dtype)
    calls = {"peak": 1}
    for name in ("numpy", "fastnet"):
        contenders[name](2)
        calls[name] = max(1, round(TURN / max(1e-7, contenders[name](3) / 3)))
    least = dict.fromkeys(contenders, np.inf)
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < ROUNDS or time.perf_counter() < end:
        for name, run in contenders.items():
            run(1)  # finds its own data in the caches, as a loop over batches does
            least[name] = min(least[name], run(calls[name]) / calls[name])
        rounds += 1
    n, d, m = shape
    _, peak_flops = multiply_and_add(PEAK_STEPS, np.empty(1, dtype))
    gflops, peak = 2e-9 * n * d * m / least["fastnet"], peak_flops / least["peak"] / 1e9
    return {
        "kind": kind,
        "dtype": dtype,
        "shape": list(shape),
        "numpy_us": least["numpy"] * 1e6,
        "fastnet_us": least["fastnet"] * 1e6,
        "ratio": least["numpy"] / least["fastnet"],
        "gflops": gflops,
        "peak_gflops": peak,
        "share": gflops / peak,
        "rounds": rounds,
    }


def measured(cases, seconds):
    """Return the rows of all cases, those below the threshold measured again."""
    rows = [measure(*case, seconds) for case in cases]
    for i, case in enumerate(cases):
        if rows[i]["ratio"] < THRESHOLD:
            rows[i] = measure(*case, AGAIN * seconds) | {"first_ratio": rows[i]["ratio"]}
    return rows


def summaries(rows):
    """Return what each kind and dtype comes to."""
    found = []
    for kind, dtype in dict.fromkeys((row["kind"], row["dtype"]) for row in rows):
        ratios = [r["ratio"] for r in rows if (r["kind"], r["dtype"]) == (kind, dtype)]
        found.append(
            {
                "kind": kind,
                "dtype": dtype,
                "shapes": len(ratios),
                "geometric_mean": statistics.geometric_mean(ratios),
                "below": sum(ratio < THRESHOLD for ratio in ratios),
                "least": min(ratios),
            }
        )
    return found


HEAD = "| kind | dtype | N,D,M | NumPy us | fastnet us | NumPy / fastnet | GFLOP/s | of peak |"


def table(rows):
    """Return rows in Markdown."""
    lines = [HEAD, "|---" * 8 + "|"]
    for row in rows:
        again = f" ({row['first_ratio']:.2f} at first)" if "first_ratio" in row else ""
        lines.append(
            f"| {row['kind']} | {row['dtype']} | {','.join(map(str, row['shape']))} "
            f"| {row['numpy_us']:.4g} | {row['fastnet_us']:.4g} | {row['ratio']:.2f}{again} "
            f"| {row['gflops']:.3g} | {row['share']:.0%} |"
        )
    return "\n".join(lines)


def main(arguments):
    kinds = arguments.kind or list(KINDS)
    dtypes = [arguments.dtype] if arguments.dtype else ["float32", "float64"]
    environment.confirm(arguments.isa, [])
    result = about(1) | {"isa": arguments.isa, "vector_bits": BITS, "seconds": arguments.seconds}
    print(f"{result['cpu']}, one core, fastnet's vectors of {BITS} bits; load {result['load']}\n")

    def of(shapes):
        cases = itertools.product(kinds, shapes, dtypes)
        return measured(list(cases), arguments.seconds)

    if not arguments.sample:
        result["named"] = of(arguments.shape or NAMED)
        print(table(result["named"]), "\n", flush=True)
    if not arguments.shape:
        shapes = GRID
        if arguments.sample:
            shapes = random.Random(arguments.seed).sample(GRID, arguments.sample)
        result["grid"] = rows = of(shapes)
        result["summary"] = summaries(rows)
        print(
            "| kind | dtype | shapes | geometric mean | below 0.97 | least |\n" + "|---" * 6 + "|"
        )
        for total in result["summary"]:
            print("| {kind} | {dtype} | {shapes} | {geometric_mean:.2f} | {below} | {least:.2f} |"
                  .format(**total))  # fmt: skip
        peak = statistics.median(row["peak_gflops"] for row in rows if row["dtype"] == dtypes[0])
        print(f"\nPeak {peak:.4g} GFLOP/s in {dtypes[0]}. The worst:\n")
        print(table(sorted(rows, key=lambda row: row["ratio"])[:15]))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main(ARGUMENTS)
