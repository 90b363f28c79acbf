"""Losses other than cross entropy.

`squared_error_row` and its gradient work on pointers, for the compiled training loop.
"""

from ._jit import helper, jit
from .simd import (
    fill,
    get,
    lanes,
    load_first,
    offset,
    pointer,
    put,
    scalar,
    store_first,
    sum_lanes,
)
from .softmax import is_largest

BLOCK = 128  # terms that are added in the arrays' dtype; the blocks are added in float64


@helper
def squared_error_row(y, t, columns):
    """Half the squared distance of y[:columns] and t[:columns], pointers."""
    step = lanes(y)
    total = fill(y, 0.0)
    for j in range(0, columns, step):
        count = min(step, columns - j)
        error = load_first(y, j, count) - load_first(t, j, count)
        total = total + error * error
    return sum_lanes(0.5 * total)


@helper
def squared_error_gradient_row(y, t, columns, dout, n, dx):
    """dx = (y - t) * dout / n on pointers, in NumPy's order of operations; dx may be y."""
    step = lanes(y)
    for j in range(0, columns, step):
        count = min(step, columns - j)
        error = load_first(y, j, count) - load_first(t, j, count)
        store_first(dx, j, error * fill(y, dout) / fill(y, n), count)


@helper
def is_right(y, t, columns):
    """Whether output and target agree: on which is largest, or, if only one, on above 1/2."""
    if columns == 1:
        return (get(y, 0) > 0.5) == (get(t, 0) > 0.5)
    label = 0
    for j in range(1, columns):
        if get(t, j) > get(t, label):
            label = j
    return is_largest(y, columns, label)


@jit
def mean_squared_error_forward(y, t, loss):
    """Half the squared error of a sample, averaged over the batch.

        loss[0] = 1 / (2 N) * sum over n and c of (y[n, c] - t[n, c])**2

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    The half makes the gradient of one sample the error y - t, as the delta rule has it.
    Source: Saitoh, Deep Learning from Scratch, section 4.2.1.
    """
    n, columns = y.shape
    p, q = pointer(y), pointer(t)
    total = 0.0
    for i in range(0, n * columns, BLOCK):
        total += squared_error_row(offset(p, i), offset(q, i), min(BLOCK, n * columns - i))
    put(pointer(loss), 0, total / n)


@jit
def mean_squared_error_backward(y, t, dout, dx):
    """Gradient of the mean squared error.

        dx = (y - t) * dout / N

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    n, columns = y.shape
    p, q, target = pointer(y), pointer(t), pointer(dx)
    squared_error_gradient_row(p, q, n * columns, dout, scalar(p, n), target)
