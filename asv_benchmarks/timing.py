"""How contenders are timed: in turns, on one core, beside a loop of multiply-adds in registers."""

import os
import time

from numba import njit

from fastnet.kernels.simd import fill, fma, lanes, pointer, sum_lanes

# So small a rate leaves the weights as they are, at the same cost: every step is the first again.
TINY = 1e-12


@njit(error_model="numpy")
def multiply_and_add(steps, like):
    """12 independent sums in registers: more than latency times ports of any CPU in use."""
    p = pointer(like)
    x, y = fill(p, 0.5), fill(p, 1.0)
    a, b, c, d, e, f, g, h, i, j, k, m = x, x, x, x, x, x, x, x, x, x, x, x
    for _ in range(steps):
        a, b, c, d = fma(a, x, y), fma(b, x, y), fma(c, x, y), fma(d, x, y)
        e, f, g, h = fma(e, x, y), fma(f, x, y), fma(g, x, y), fma(h, x, y)
        i, j, k, m = fma(i, x, y), fma(j, x, y), fma(k, x, y), fma(m, x, y)
    return sum_lanes(a + b + c + d + e + f + g + h + i + j + k + m), 24.0 * lanes(p) * steps


def pin():
    """Stay on one core, so that a move between cores is not measured."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def rounds_of(contenders, rounds):
    """Return {name: sorted seconds}; every round calls each contender once, in turns."""
    seconds = {name: [] for name in contenders}
    names = list(contenders)
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            start = time.thread_time()
            contenders[name]()
            seconds[name].append(time.thread_time() - start)
    return {name: sorted(times) for name, times in seconds.items()}


def percentiles(times, scale):
    """Return the 10th, 50th and 90th percentile of sorted times."""
    last = len(times) - 1
    return [times[round(last * p)] * scale for p in (0.1, 0.5, 0.9)]


def repeat(function, times):
    """Return a function that calls another one so many times."""

    def run():
        for _ in range(times):
            function()

    return run
