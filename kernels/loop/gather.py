"""The rows of a batch, gathered by their numbers and converted to the network's dtype."""

from numba import float32, float64, uint8

from .._compile import helper
from ..rescaling import rescaled
from ..simd import get, lanes, load_as, offset, pointer_at, prefetch, put, scalar, store
from .record import FLOAT32, UINT8

AHEAD = 4  # rows: 784-10 with batch 100 takes 39 us; 45 with 16, which are more than L1 holds


@helper
def _convert_row(source, scale, shift, columns, target, ahead):
    """target[:columns] = source[:columns] * scale + shift; `ahead` is a row that is read soon."""
    step = lanes(target)
    full = columns - columns % step
    for j in range(0, full, step):
        prefetch(ahead, j)
        store(target, j, rescaled(load_as(source, j, target), scale, shift))
    for j in range(full, columns):
        put(target, j, rescaled(scalar(target, get(source, j)), scale, shift))


@helper
def gather(address, kind, row_stride, scale, shift, rows, n, available, columns, target):
    """target[i, :] = x[rows[i], :] * scale + shift for the n rows of a batch.

    `available` counts what `rows` holds, with the batches to come.
    """
    for i in range(n):
        row = address + get(rows, i) * row_stride
        ahead = address + get(rows, min(i + AHEAD, available - 1)) * row_stride
        out = offset(target, i * columns)
        if kind == UINT8:
            source, soon = pointer_at(row, uint8(0)), pointer_at(ahead, uint8(0))
            _convert_row(source, scale, shift, columns, out, soon)
        elif kind == FLOAT32:
            source, soon = pointer_at(row, float32(0)), pointer_at(ahead, float32(0))
            _convert_row(source, scale, shift, columns, out, soon)
        else:
            source, soon = pointer_at(row, float64(0)), pointer_at(ahead, float64(0))
            _convert_row(source, scale, shift, columns, out, soon)


@helper
def rows_of_loss(steps, rows, n, numbers):
    """Where the numbers of the rows of the loss stand, of n samples with so many steps each.

    Those of samples with one row are in `rows`; of others sample i has i * steps and those after
    it, which are written to `numbers`.
    """
    if steps == 1:
        return rows
    for i in range(n):
        start = get(rows, i) * steps
        for k in range(steps):
            put(numbers, i * steps + k, start + k)
    return numbers
