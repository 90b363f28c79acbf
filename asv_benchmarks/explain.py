"""Explain the speed of one kernel: what it does in its time, and what stops it from doing more.

    python -m asv_benchmarks.explain affine_forward --shape 100,784,50 [--dtype float64]
    python -m asv_benchmarks.explain --all [--png kernels/roofline.png]
                                     either with [--json FILE] [--rounds N] [--isa avx2]

Time, FLOPs and the bytes that must move (see work.py for how they are counted), and the roofline:
no kernel does more FLOPs a second than a loop of multiply-adds in registers, nor moves more bytes
than the triad out = x + s y on arrays that take as much memory together. All take turns, on one
pinned core, and the result is compared with the reference first. For one kernel, also what its
compiled inner loop consists of. `--all` measures every kernel, at the shapes of work.py.
"""

from asv_benchmarks import environment

if __name__ == "__main__":
    environment.prepare(1, environment.asked())  # before NumPy loads its BLAS

import argparse
import copy
import difflib
import json
import statistics
import time

import numpy as np

import fastnet.reference.kernels
from asv_benchmarks.about import about
from asv_benchmarks.arguments import arguments_of, dtype_of, types_of
from asv_benchmarks.benchmarks import assert_close
from asv_benchmarks.ceilings import bandwidths, peak, place, streams_of, undisturbed
from asv_benchmarks.inner_loops import machine_code
from asv_benchmarks.roofline import draw
from asv_benchmarks.timing import percentiles, pin, repeat, rounds_of
from asv_benchmarks.verdicts import judged, line_of, text_of
from asv_benchmarks.work import (
    KERNELS,
    WITHOUT_WORK,
    bytes_of,
    flops_of,
    moves_of,
    sizes_of,
    working_set_of,
)
from fastnet import checks, kernels
from fastnet.kernels.simd import BITS

# --------------------------------------------------------------------------- one kernel


def called(arguments, types):
    """Return the arguments as the kernel takes them: of an array that it wants as int64, where."""
    return [
        value.ctypes.data if isinstance(value, np.ndarray) and not hasattr(kind, "ndim") else value
        for value, kind in zip(arguments.values(), types, strict=True)
    ]


def check(name, arguments, types):
    """Raise unless the kernel leaves every argument, but for scratch, as the reference does.

    Return the names of those that were overwritten.
    """
    sides = []
    for side in (kernels, fastnet.reference.kernels):
        mine = copy.deepcopy(arguments)
        getattr(side, name)(*called(mine, types))
        sides.append(mine)
    for argument, exact in sides[1].items():
        if isinstance(exact, np.ndarray) and argument not in ("panel", "work", "totals"):
            ours = sides[0][argument]
            if exact.dtype.names:  # records of numbers
                ours, exact = ours.view(np.int64), exact.view(np.int64)
            if name == "central_differences":  # a step of 2**-17 leaves the losses' rounding
                ours, exact = ours.astype(np.float32), exact.astype(np.float32)
            try:
                assert_close(ours, exact)
            except AssertionError as error:
                raise AssertionError(f"{name} leaves a wrong {argument}: {error}") from error
    arrays = {k: v for k, v in arguments.items() if isinstance(v, np.ndarray)}
    return {k for k, v in arrays.items() if not np.array_equal(v, sides[1][k])}


def mix(moves, arguments, written):
    """Return how many arrays of the size of the largest a kernel reads, updates and overwrites."""
    kinds = {"read": 0.0, "update": 0.0, "write": 0.0}
    for argument, times in moves.items():
        kind = "update" if times == 2 else "write" if argument in written else "read"
        kinds[kind] += arguments[argument].nbytes * min(1, times)
    largest = max(arguments[a].nbytes * min(1, times) for a, times in moves.items())
    return [round(size / largest) for size in kinds.values()]


def explained(name, shape=None, dtype="float32", rounds=15):
    """Return what was measured of a kernel, and what limits it, as a dict."""
    kernel, types, sizes = getattr(kernels, name), types_of(name, dtype), sizes_of(name, shape)
    dtype, arguments = dtype_of(types), arguments_of(name, sizes, types)
    numbers = dtype if dtype in ("float32", "float64") else "float32"  # of the peak
    written = check(name, arguments, types)
    taken = called(arguments, types)
    one = arguments_of(name, dict.fromkeys(sizes, 1), types)
    least = called(one, types)
    working_set = working_set_of(name, sizes, arguments)
    add, peak_flops = peak(numbers)
    moves = mix(moves_of(name, sizes, arguments), arguments, written)
    streams, moved = streams_of(working_set, *moves, numbers)

    [trial] = rounds_of({name: repeat(lambda: kernel(*taken), 3)}, 3).values()
    calls = int(max(1, 1e-3 / (trial[1] / 3)))
    contenders = {
        "time": repeat(lambda: kernel(*taken), calls),
        "call": repeat(lambda: kernel(*least), 500),
        "peak": add,
        **streams,
    }
    rounds_of(contenders, 2)
    start = time.perf_counter(), time.process_time()
    spent = rounds_of(contenders, rounds)
    wall, had = time.perf_counter() - start[0], time.process_time() - start[1]
    p10, p50, p90 = percentiles(spent["time"], 1 / calls)
    of_peak = percentiles(spent["peak"], 1)
    row = {
        "kernel": name,
        "dtype": dtype,
        "shape": sizes,
        "seconds": [p10, p50, p90],
        "core_share": min(1.0, had / wall),  # what other processes left
        "spread": max(p50 / p10, of_peak[1] / of_peak[0]),  # 1 on a machine that nobody disturbs
        "call_seconds": statistics.median(spent["call"]) / 500,
        "flops": flops_of(name, sizes, dtype),
        "flops_formula": KERNELS[name].flops,
        "bytes": bytes_of(name, sizes, arguments),
        "working_set": working_set,
        "place": place(working_set),
        "peak_gflops": peak_flops / undisturbed(spent["peak"]) / 1e9,
        "bandwidth_gbytes": moved / min(undisturbed(spent[way]) for way in streams) / 1e9,
    }
    return row | judged(row)


# --------------------------------------------------------------------------- all kernels


def parse(words=None):
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.explain",
        description=__doc__.partition("\n")[0],
        parents=[environment.parser()],
    )
    parser.add_argument("kernel", nargs="?", help="a name of fastnet.kernels")
    parser.add_argument("--shape", metavar="N,D,M", help="sizes; which, the error for others says")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--all", action="store_true", help="every kernel, at a shape of its own")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, too")
    parser.add_argument("--png", metavar="FILE", help="draw the roofline of all kernels there")
    arguments = parser.parse_args(words)
    if arguments.all == bool(arguments.kernel):
        parser.error("give a kernel or --all, one of the two.")
    if arguments.all and arguments.shape:
        parser.error("--shape goes with one kernel, not with --all.")
    if arguments.png and not arguments.all:
        parser.error("--png goes with --all.")
    if arguments.kernel in WITHOUT_WORK:
        parser.error(f"{arguments.kernel} computes one number; there is nothing to explain.")
    if arguments.kernel and arguments.kernel not in KERNELS:
        near = difflib.get_close_matches(arguments.kernel, KERNELS, n=5, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "kernels/README.md lists them."
        parser.error(f"kernel must be one of fastnet.kernels, got {arguments.kernel!r}. {hint}")
    if arguments.kernel:
        try:
            arguments.shape = arguments.shape and [int(n) for n in arguments.shape.split(",")]
        except ValueError:
            parser.error(f"--shape must be integers with commas, got {arguments.shape!r}.")
        try:
            sizes_of(arguments.kernel, arguments.shape)
        except ValueError as error:
            parser.error(str(error))
    if arguments.png:
        try:
            import matplotlib  # noqa: F401  before minutes are spent on measuring
        except ImportError as error:
            parser.error(str(checks.no_matplotlib("--png", error)))
    return arguments


def main(words=None):
    arguments = parse(words)
    pin()
    environment.confirm(arguments.isa, [])
    result = about(1) | {"isa": arguments.isa, "vector_bits": BITS, "kernels": []}
    print(f"{result['cpu']}, one core, vectors of {BITS} bits; load {result['load'] or 0:.1f}\n")
    if arguments.kernel:
        row = explained(arguments.kernel, arguments.shape, arguments.dtype, arguments.rounds)
        types = types_of(arguments.kernel, arguments.dtype)
        row["inner_loop"] = machine_code(getattr(kernels, arguments.kernel), types)
        result["kernels"].append(row)
        print(text_of(row, row["inner_loop"]), end="")
    else:
        print(f"{'kernel':<44}{'shape':>14} {'us':>9} {'GFLOP/s':>8} {'GB/s':>7}  share  limit")
        for name in KERNELS:
            row = explained(name, None, arguments.dtype, arguments.rounds)
            result["kernels"].append(row)
            print(line_of(row), flush=True)
    if arguments.png:
        result["bandwidths"] = bandwidths(arguments.dtype, arguments.rounds)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    if arguments.png:
        draw(result, result["bandwidths"], arguments.png)


if __name__ == "__main__":
    main()
