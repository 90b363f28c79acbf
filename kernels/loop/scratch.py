"""What the loop works in, one vector: buffers for a batch, and what layers by address ask for."""

from .._compile import helper
from ..simd import offset
from .calls import address_in
from .one_row import rows_size
from .record import ALIGNMENT, layer_at, padded, steps_of, width_in, width_out


@helper
def scratch_size(layers, depth, batch_size, steps):
    """Elements of scratch for a batch, and one thread.

    One (batch_size, columns) buffer for the input, two for each layer, output and gradient, a loss
    for each row of the loss, its numbers of rows where they are others than the samples', what
    layers by address ask for, and what lies before the first cache line that starts in it. With one
    sample a batch at least what `one_row` works in.
    """
    size = padded(batch_size * width_in(layer_at(layers, 0))) + ALIGNMENT
    size += numbers_size(batch_size, steps)
    for i in range(depth):
        layer = layer_at(layers, i)
        steps = max(steps, steps_of(layer))  # `central_differences` has a column of a layer there
        size += 2 * padded(batch_size * width_out(layer)) + scratch_after(layer, batch_size)
    size += padded(batch_size * steps) + own_size(layers, depth)
    return max(size, ALIGNMENT + rows_size(layers, depth)) if batch_size == 1 else size


@helper
def numbers_size(batch_size, steps):
    """Elements for the int64 numbers of a batch's rows of the loss, of float32 two each."""
    return padded(2 * batch_size * steps) if steps > 1 else 0


@helper
def own_size(layers, depth):
    """Elements of scratch that each thread has alone: one layer after the other uses them."""
    size = 0
    for i in range(depth):
        size = max(size, padded(layer_at(layers, i).own))
    return size


@helper
def aligned(p):
    """The first element at p or after it that starts a cache line, where arrays need not start.

    Every other vector of AVX2 would lie in two lines, 1.1x a step of 784-32-10 with batch 1.
    """
    address = address_in(p, 0)
    return offset(p, -address % 64 // (address_in(p, 1) - address))


@helper
def scratch_after(layer, batch_size):
    """Elements from the scratch of a layer to that of the next one."""
    return padded(batch_size * layer.row_scratch) + padded(layer.scratch)
