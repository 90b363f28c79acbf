"""Where rows are not zero: lists for the products that skip zeros, and whether they pay.

Two rows go together, and the positions where one of them is not zero are listed, as int32.
"""

from ._compile import helper
from .blocking import DEPTH
from .simd import (
    append_positions,
    count_lanes,
    either,
    fill,
    fma,
    get,
    lanes,
    load,
    load_first,
    nonzero_bits,
    offset,
    put,
    scalar,
    sum_lanes,
)

PAIRS = 16  # of rows whose lists are made before the first column: b's strip stays in L1 for all
TERMS = DEPTH  # of a sum that are listed at a time: as many as `gemm` adds up
LIST = TERMS + 16  # a whole vector of indices is written at the end of a list
LISTS = PAIRS * LIST
MOST = 0.7  # of the positions may be listed: products take as long as by `gemm` at 0.7 to 0.9
# What pairs of rows may have above that, for each pair that is still to be looked at: those without
# zeros are known by one, at 0.95. One pair of small digits in 12 has more than MOST, three in 250.
ROOM = 0.125


@helper
def _positions(depth, a, a_row, indices):
    """List the columns of two rows of a where one is not zero, and return how many they are."""
    step = lanes(a)
    full = depth - depth % step
    count = 0
    for k in range(0, full, step):
        found = either(load(a, k), load(a, a_row + k))
        count = append_positions(indices, count, k, nonzero_bits(found), a)
    if full < depth:
        rest = depth - full
        found = either(load_first(a, full, rest), load_first(a, a_row + full, rest))
        count = append_positions(indices, count, full, nonzero_bits(found), a)
    return count


@helper
def list_pairs(pairs, depth, a, counts, indices):
    """List the positions of each pair of rows, and return how many they are of all.

    `a` is a pointer, with what is between pairs of rows and between the rows of a pair.
    """
    listed, (x, pair, row) = 0, a
    for i in range(pairs):
        put(counts, i, _positions(depth, offset(x, i * pair), row, offset(indices, i * LIST)))
        listed += get(counts, i)
    return listed


@helper
def count_pairs(pairs, depth, a):
    """How many positions `list_pairs` would list of the whole vectors of each row."""
    count, (x, pair, row) = 0, a
    step = lanes(x)
    for i in range(pairs):
        p = offset(x, i * pair)
        for k in range(0, depth - depth % step, step):
            count += count_lanes(either(load(p, k), load(p, row + k)) != 0.0)
    return count


@helper
def is_mostly_zero(n, d, x, x_row, indices):
    """Whether few positions are listed of the first, of the middle and of the last two rows."""
    count = 0
    for part in range(3):
        row = part * (n - 2) // 2
        for k in range(0, d, TERMS):
            count += _positions(min(TERMS, d - k), offset(x, row * x_row + k), x_row, indices)
        if count > (MOST * (part + 1) + ROOM * (2 - part)) * d:
            return False
    return True


@helper
def is_finite(p, size):
    """Whether no element is NaN or infinite: 0 times each of them is 0."""
    step = lanes(p)
    full = size - size % step
    zero = scalar(p, 0.0)
    total = second = third = fourth = fill(p, 0.0)
    four = size - size % (4 * step)
    for i in range(0, four, 4 * step):
        total = fma(load(p, i), zero, total)
        second = fma(load(p, i + step), zero, second)
        third = fma(load(p, i + 2 * step), zero, third)
        fourth = fma(load(p, i + 3 * step), zero, fourth)
    total = (total + second) + (third + fourth)
    for i in range(four, full, step):
        total = fma(load(p, i), zero, total)
    if full < size:
        total = fma(load_first(p, full, size - full), zero, total)
    return sum_lanes(total) == 0
