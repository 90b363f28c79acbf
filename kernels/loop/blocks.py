"""How the rows of a batch, and of W, are cut into tasks for the members of a team."""

from .._compile import helper
from ..simd import lanes
from .record import layer_at

LEAST_BLOCK = 16  # of a block that a member of the team works on
UPDATES_A_MEMBER = 2  # tasks: 784-100-10 with batch 100 took 117 us, with 1 149, with 4 124
ROW_UNIT, W_UNIT = 8, 16  # rows of a batch, and of W, are cut at multiples: whole tiles


@helper
def cut(row, size, unit):
    """The row at which `size` rows are cut, near `row`: no end is less than 16 rows high.

    `gemm` treats few rows otherwise, and the results would depend on the cut.
    """
    if row >= size:
        return size
    row = max(row, 0) // unit * unit
    if row < LEAST_BLOCK:
        return 0
    return size if size - row < LEAST_BLOCK else row


@helper
def row_blocks(n, members, layers, depth):
    """Blocks into which the n rows of a batch are cut."""
    for i in range(depth):
        if layer_at(layers, i).whole != 0:
            return 1
    return max(1, min(members, n // LEAST_BLOCK))


@helper
def row_block(block, blocks, n):
    """First row and number of rows of one of them."""
    if blocks == 1:
        return 0, n
    first = cut(block * n // blocks, n, ROW_UNIT)
    return first, cut((block + 1) * n // blocks, n, ROW_UNIT) - first


@helper
def vectors_of(like, columns):
    """Vectors that a row of so many columns fills."""
    return (columns + lanes(like) - 1) // lanes(like)
