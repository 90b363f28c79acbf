"""What the core can do: multiply-adds in registers, and bytes through each of its caches."""

from pathlib import Path

import numpy as np
from numba import njit

from asv_benchmarks.timing import multiply_and_add, percentiles, rounds_of
from fastnet.kernels.simd import fill, lanes, load, offset, pointer, store, sum_lanes


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
