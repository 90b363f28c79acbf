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
import re
import statistics
import time
from pathlib import Path

import numpy as np
from numba import njit
from numba.core import caching

import fastnet.reference.kernels
from asv_benchmarks.benchmarks import assert_close
from asv_benchmarks.machine_code import functions, innermost_loops, tiles_of
from asv_benchmarks.peers import about
from asv_benchmarks.roofline import draw
from asv_benchmarks.speed import multiply_and_add, percentiles, pin, repeat, rounds_of
from asv_benchmarks.work import (
    ELEMENTARY,
    KERNELS,
    WITHOUT_WORK,
    arguments_of,
    bytes_of,
    dtype_of,
    flops_of,
    moves_of,
    sizes_of,
    types_of,
    working_set_of,
)
from fastnet import checks, kernels
from fastnet.kernels._compile import jit
from fastnet.kernels.simd import BITS, fill, lanes, load, offset, pointer, store, sum_lanes

# --------------------------------------------------------------------------- the machine's limits


@njit(error_model="numpy")
def pass_through(x, reads, updates, block, times):
    """Read the first rows of x, change the next ones in place, and overwrite those that remain.

    All rows take turns, a block of elements each.
    """
    step, zero = lanes(pointer(x)), fill(pointer(x), 0.0)
    a, b, c, d = zero, zero, zero, zero
    for _ in range(times):
        for start in range(0, x.shape[1], block):
            for row in range(x.shape[0]):
                p = offset(pointer(x), row * x.shape[1])
                for i in range(start, start + block, 4 * step):
                    j, k, m = i + step, i + 2 * step, i + 3 * step
                    if row < reads:
                        a, b, c, d = a + load(p, i), b + load(p, j), c + load(p, k), d + load(p, m)
                    elif row < reads + updates:
                        e, f, g, h = load(p, i), load(p, j), load(p, k), load(p, m)
                        store(p, i, e + e)
                        store(p, j, f + f)
                        store(p, k, g + g)
                        store(p, m, h + h)
                    else:
                        store(p, i, a)
                        store(p, j, b)
                        store(p, k, c)
                        store(p, m, d)
    return sum_lanes(a + b + c + d)


def peak(dtype):
    """Return a function that does multiply-adds in registers for 0.2 ms or so, and its FLOPs."""
    like, steps = np.empty(1, dtype), 50_000
    _, flops = multiply_and_add(steps, like)
    return lambda: multiply_and_add(steps, like), flops


def undisturbed(times):
    """Return the 10th percentile: of a limit, what the core can do. Of kernels it is the median."""
    return percentiles(times, 1)[0]


BLOCKS = (1024, 4096)  # bytes: two rows came from L2 at 120 GB/s in blocks of 256, at 175 in these


def streams_of(size, reads, updates, writes, dtype):
    """Return functions that move bytes through rows of `size` bytes together, and how many.

    One for each of the blocks; the fastest is the limit.
    """
    rows, itemsize = reads + updates + writes, np.dtype(dtype).itemsize
    count = max(1, round(size / rows / max(BLOCKS))) * max(BLOCKS) // itemsize
    # From the edge of a cache line on: loads across an edge took L1 from 580 GB/s to 350.
    room = np.zeros(rows * count + 64, dtype)
    x = room[-room.ctypes.data % 64 // itemsize :][: rows * count].reshape(rows, count)
    moved = (rows + updates) * count * itemsize
    times = max(1, int(1e7 / moved))
    streams = {
        block: lambda block=block: pass_through(x, reads, updates, block // itemsize, times)
        for block in BLOCKS
    }
    return streams, times * moved


def caches():
    """Return {"L1": bytes, ...} of the caches of data, as Linux lists them; elsewhere {}."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind, level, size = ((folder / word).read_text() for word in ("type", "level", "size"))
        except OSError:
            continue
        if kind.strip() != "Instruction":
            found[f"L{level.strip()}"] = int(size.strip().rstrip("K")) * 1024
    return found


def place(size):
    """Return the name of the smallest cache that holds so many bytes."""
    fitting = [name for name, space in caches().items() if size <= space]
    return fitting[0] if fitting else "memory"


def bandwidths(dtype, rounds):
    """Return GB/s of a copy in each cache and in memory, by name."""
    sizes = {name: space / 2 for name, space in caches().items()}
    sizes["memory"] = min(8 * max(sizes.values(), default=2**25), 2**28)
    contenders, moved = {}, {}
    for name, size in sizes.items():
        streams, moved[name] = streams_of(size, 1, 0, 1, dtype)
        contenders |= {(name, block): run for block, run in streams.items()}
    rounds_of(contenders, 2)
    spent = {k: undisturbed(times) for k, times in rounds_of(contenders, rounds).items()}
    return {name: moved[name] / min(spent[name, block] for block in BLOCKS) / 1e9 for name in sizes}


# --------------------------------------------------------------------------- compiled code

REGISTER = re.compile(r"%([xyz])mm\d+|\b([vqz])\d+\b")  # of x86; of Arm
WIDTH = {"zmm": 512, "ymm": 256, "xmm": 128, "v": 128, "z": None}  # None: Arm's SVE leaves it open
FMA = re.compile(r"vfn?m(add|sub)\w*p[sd]$|fml[as]\b")
ONE = re.compile(r"v?(add|sub|mul|div|sqrt|min|max|cmp\w*)p[sd]$"
                 r"|f(add|sub|mul|div|sqrt|min|max|minnm|maxnm|cm\w+)\b")  # fmt: skip
SCALAR = re.compile(r"(?!.*broadcast).*s[sd]$|v?mov[dq]$")  # in one lane of an xmm register


def register_class(instruction):
    """Return "zmm", "ymm", "xmm", "v" (Neon) or "z" (SVE); None for a scalar instruction."""
    found = {f"{x}mm" if x else arm for x, arm in REGISTER.findall(instruction)}
    found = {"v" if name == "q" else name for name in found}
    widest = next((name for name in WIDTH if name in found), None)
    return None if widest == "xmm" and SCALAR.match(instruction.split()[0]) else widest


def loops_of(assembly):
    """Return [(tiles, instructions)] of the innermost loops: those of the tiles, see tiles_of.

    Those of Numba's wrappers for Python and C are left out.
    """
    return [
        (tiles_of(name), loop)
        for name, blocks in functions(assembly)
        if name and not name.lstrip("_").startswith(("ZN7cpython", "cfunc"))
        for loop in innermost_loops(blocks)
    ]


def counted(loop):
    """Return what a loop consists of."""
    classes = [register_class(instruction) for instruction in loop]
    words = [line.split()[0] for line, kind in zip(loop, classes, strict=True) if kind]
    fmas = sum(bool(FMA.match(word)) for word in words)
    return {
        "instructions": len(loop),
        "vector": {name: classes.count(name) for name in WIDTH if name in classes},
        "scalar": classes.count(None),
        "fma": fmas,
        "flops_a_lane": 2 * fmas + sum(bool(ONE.match(word)) for word in words),
    }


def machine_code(kernel, types):
    """Return the counts of the innermost loop that matters, and of how many; None without one.

    That is the product's tile with the most arithmetic, in a kernel that has one, else the loop
    with the most arithmetic. The code is compiled anew, as Numba keeps no assembly in its cache.
    """
    anew = jit()(kernel.py_func)
    anew._cache = caching.NullCache()
    anew.compile(types)
    loops = [counted(loop) | {"tiles": tiles} for tiles, loop in loops_of(anew.inspect_asm(types))]
    if not loops:
        return None
    most = max(
        loops,
        key=lambda loop: (
            bool(loop["tiles"]) and loop["flops_a_lane"],
            loop["flops_a_lane"],
            sum(loop["vector"].values()),
            loop["instructions"],
        ),
    )
    width = WIDTH[next(iter(most["vector"]))] if most["vector"] else 0
    return most | {"width": width, "loops": len(loops)}


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


NEAR = 0.5  # of a limit: below, something else is what takes the time


def judged(row):
    """Return rates, the shares of the limits that they are, and which limit is the nearest."""
    seconds = row["seconds"][1]
    gflops, gbytes = row["flops"] / seconds / 1e9, row["bytes"] / seconds / 1e9
    of_peak, of_bandwidth = gflops / row["peak_gflops"], gbytes / row["bandwidth_gbytes"]
    nearest = "arithmetic" if of_peak > of_bandwidth else "bandwidth"
    limit = nearest if max(of_peak, of_bandwidth) >= NEAR else "neither"
    if row["call_seconds"] > seconds / 2:
        limit = "call"
    return {
        "gflops": gflops,
        "gbytes": gbytes,
        "of_peak": of_peak,
        "of_bandwidth": of_bandwidth,
        "share": max(of_peak, of_bandwidth),  # of what the roofline allows
        "nearest": nearest,
        "limit": limit,
    }


LEFT, STEADY = 0.9, 1.15  # of an idle machine, which leaves more of its core and spreads less


def disturbance(row):
    """Say how others disturbed the measurement; "" where they did not."""
    said = []
    if row["core_share"] < LEFT:
        said.append(f"other processes took {1 - row['core_share']:.0%} of the core")
    if row["spread"] > STEADY:
        said.append(f"the medians are {row['spread']:.2f} times the 10th percentiles")
    return "; ".join(said)


def where_to_look(row, code):
    """Return a sentence for someone who finds the kernel slow."""
    if row["limit"] == "neither" and (disturbed := disturbance(row)):
        return f"the machine, which is busy ({disturbed}): measure again when it is idle"
    if row["limit"] == "call":
        return "the call from Python, which jitted code does not pay; or larger arrays"
    if code and not code["vector"]:
        return "the loop: it has no vector instructions"
    if code and code["width"] and code["width"] < BITS:
        return f"the vector width: {code['width']} bits, where fastnet uses {BITS} here"
    return {
        "arithmetic": "the number of operations: the core does them about as fast as it can",
        "bandwidth": "the bytes, which come about as fast as they can: fuse it with a neighbour",
        "neither": "divisions, roots and chains of instructions that wait for each other in the "
                   "loop, and what stands outside it: tails, short rows, scalar code",
    }[row["limit"]]  # fmt: skip


def text_of(row, code):
    """Return what is known of a kernel, to be read."""
    p10, p50, p90 = (seconds * 1e6 for seconds in row["seconds"])
    shape = " ".join(f"{letter}={size}" for letter, size in row["shape"].items())
    lines = [
        ("time", f"{p50:.4g} us, median ({p10:.4g} to {p90:.4g}, 10th to 90th percentile); a call "
                 f"from Python takes {row['call_seconds'] * 1e6:.2g} us of it"),
        ("work", f"{row['flops']:,.0f} FLOPs{formula(row)}; {row['bytes']:,.0f} bytes must move"),
        ("arithmetic", f"{row['gflops']:.4g} GFLOP/s, {row['of_peak']:.0%} of the peak of "
                       f"{row['peak_gflops']:.4g}"),
        ("bandwidth", f"{row['gbytes']:.4g} GB/s, {row['of_bandwidth']:.0%} of the "
                      f"{row['bandwidth_gbytes']:.4g} of {row['place']}, for arrays of "
                      f"{row['working_set'] / 1024:,.4g} KiB"),
        ("roofline", f"{row['flops'] / row['bytes']:.3g} FLOPs a byte; the peak is within reach "
                     f"from {row['peak_gflops'] / row['bandwidth_gbytes']:.3g} on"),
        ("limit", f"{limit_of(row)}; {row['share']:.0%} of what the roofline allows"),
    ]  # fmt: skip
    lines += [("inner loop", described(code)), ("look at", where_to_look(row, code))]
    head = f"{row['kernel']} {row['dtype']} {shape}\n"
    return head + "".join(f"  {word:<11} {line}\n" for word, line in lines)


def formula(row):
    """Return how the FLOPs come about, with what each function that is no operation counts."""
    words = [word for word in ELEMENTARY if word in row["flops_formula"]]
    costs = [f"{word} = {ELEMENTARY[word][row['dtype'] == 'float64']}" for word in words]
    equation = f" = {row['flops_formula']}" if row["flops"] else ""
    return equation + (f" where {', '.join(costs)}" if costs else "")


def limit_of(row):
    """Return the limit in words."""
    words = {"arithmetic": "arithmetic", "bandwidth": f"the bandwidth of {row['place']}"}
    words["call"] = "the call from Python"
    words["neither"] = f"neither; the nearer one is {words[row['nearest']]}"
    return words[row["limit"]]


def described(code):
    if code is None:
        return "cannot be told: the compiled code has none of its own, and calls others or memset"
    whose = "a tile's, with the most arithmetic" if code["tiles"] else "the most arithmetic"
    chosen = f"({whose} of {code['loops']} innermost loops)"
    if not code["vector"]:
        return f"no vector instructions known here, {code['scalar']} others {chosen}"
    width = f"{code['width']} bits" if code["width"] else "as wide as the CPU's SVE"
    vector = " + ".join(f"{count} {name}" for name, count in code["vector"].items())
    return (
        f"{width}; vector FMA instructions: {code['fma'] or 'none'}; {vector} and "
        f"{code['scalar']} scalar instructions {chosen}"
    )


# --------------------------------------------------------------------------- all kernels


def line_of(row):
    shape = ",".join(map(str, row["shape"].values()))
    return (
        f"{row['kernel']:<44}{shape:>14} {row['seconds'][1] * 1e6:9.4g} {row['gflops']:8.3g} "
        f"{row['gbytes']:7.3g} {row['share']:6.0%}  {limit_of(row)}"
    )


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
