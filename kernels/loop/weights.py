"""Losses of samples that do not all weigh the same, and of which some do not count.

Without weights a batch's loss is what it was: nothing here runs, and the bits are the same.
"""

from .._compile import helper
from ..simd import fill, get, offset, pointer_at, put, scalar
from ..sweep import put_all, sweep
from .record import steps_of
from .stages import losses_of


@helper
def count_rows(program, like, rows, n):
    """How many rows of the loss of the n samples in `rows` count: all without weights."""
    steps = steps_of(program)
    if program.weights == 0:
        return n * steps
    weights, count = pointer_at(program.weights, like), 0
    for i in range(n):
        first = get(rows, i) * steps
        for k in range(first, first + steps):
            count += get(weights, k) >= 0
    return count


@helper
def _times(x, weight):
    return x * weight


@helper
def weighted_losses_of(
    program, n, counted, columns, y, targets, labels, rows, gradient, losses,
):  # fmt: skip
    """`losses_of`, each loss and its gradient times the sample's weight.

    The mean is that over the `counted` samples of the batch. Of a sample that does not count, loss
    and gradient are 0, and its answer is not looked at. Those between two such go through the loss
    together: their bits do not depend on the others.
    """
    like, correct, start = scalar(y, 0.0), 0, 0
    weights = pointer_at(program.weights, like)
    while start < n:
        stop = start
        while stop < n and get(weights, get(rows, stop)) >= 0:
            stop += 1
        at = start * columns
        if stop > start:
            correct += losses_of(
                program, stop - start, counted, columns, offset(y, at), targets, labels,
                offset(rows, start), offset(gradient, at), offset(losses, start),
            )  # fmt: skip
        for i in range(start, stop):
            weight = get(weights, get(rows, i))
            put(losses, i, get(losses, i) * weight)
            dx = offset(gradient, i * columns)
            sweep(_times, (dx,), (dx,), 0, columns, (fill(y, weight),))
        if stop < n:
            put(losses, stop, like)
            put_all(offset(gradient, stop * columns), columns, like)
            stop += 1
        start = stop
    return correct
