"""What limits a kernel that was measured, and what to look at, in words."""

from asv_benchmarks.work import (
    ELEMENTARY,
)
from fastnet.kernels.simd import BITS

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


def line_of(row):
    shape = ",".join(map(str, row["shape"].values()))
    return (
        f"{row['kernel']:<44}{shape:>14} {row['seconds'][1] * 1e6:9.4g} {row['gflops']:8.3g} "
        f"{row['gbytes']:7.3g} {row['share']:6.0%}  {limit_of(row)}"
    )
