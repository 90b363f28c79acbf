"""Softmax and cross entropy of the steps of sequences, of which those labelled -1 do not count."""

from ._compile import helper, jit, labels, matrix, real, vector
from .simd import get, lanes, offset, pointer, put, scalar, stack_buffer, store
from .softmax_rows import LOGS, LOGS_BYTES, softmax_row, sum_of_logs
from .softmax_turned import NARROW, SQUARE_BYTES, softmax_rows
from .sweep import put_all, sweep

VECTOR_BYTES = SQUARE_BYTES  # at least a vector


@helper
def _softmax_group(n, columns, x, y, sums, tops):
    """Softmax of n rows on pointers, at most as many as a vector has lanes; their sums and maxima.

    sums and tops have room for a vector.
    """
    if columns <= NARROW * lanes(x):
        total, top = softmax_rows(n, columns, x, y)
        store(sums, 0, total)
        store(tops, 0, top)
    else:
        for i in range(n):
            total_of_row, largest = softmax_row(
                offset(x, i * columns), columns, offset(y, i * columns)
            )
            put(sums, i, total_of_row)
            put(tops, i, largest)


@jit(matrix, labels, matrix, vector)
def sequence_loss_forward(x, t, y, loss):
    """Softmax, and the mean cross entropy of the rows whose label is not negative.

        y = softmax(x)
        loss[0] = mean over those n of log(sum over k of exp(x[n, k])) - x[n, t[n]], 0 of none

    Parameters
    ----------
    x : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, t[n] < C
        Class labels; negative ones do not count. Range checked by the caller.
    y : (N, C), same dtype, C-contiguous
        Overwritten. May be x.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    The sum is added in float64. Source: Saitoh, Deep Learning from Scratch 2, section 5.4.2.3.
    """
    n, columns = x.shape
    p, q, answers = pointer(x), pointer(y), pointer(t)
    step = lanes(p)
    few, logits = stack_buffer(p, LOGS_BYTES), stack_buffer(p, LOGS_BYTES)
    sums, tops = stack_buffer(p, VECTOR_BYTES), stack_buffer(p, VECTOR_BYTES)
    total, counted, held = 0.0, 0, 0
    for start in range(0, n, step):
        rows, at = min(step, n - start), start * columns
        if held + rows > LOGS:
            total += sum_of_logs(few, held)
            held = 0
        for i in range(rows):  # before y is written: y may be x
            label = get(answers, start + i)
            put(logits, i, get(p, at + i * columns + max(label, 0)))
        _softmax_group(rows, columns, offset(p, at), offset(q, at), sums, tops)
        for i in range(rows):
            if get(answers, start + i) >= 0:
                put(few, held, get(sums, i))
                total -= get(logits, i) - get(tops, i)
                held += 1
                counted += 1
    total += sum_of_logs(few, held)
    put(pointer(loss), 0, total / max(counted, 1))


@helper
def _scaled(y, factor):
    return y * factor


@jit(matrix, labels, real, matrix)
def sequence_loss_backward(y, t, dout, dx):
    """Gradient of the mean cross entropy of the rows whose label is not negative.

        dx[n, c] = (y[n, c] - [c == t[n]]) * dout / M, 0 in the other rows

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
        Softmax output.
    t : (N,) int64, t[n] < C
        Class labels, of which M are not negative; range checked by the caller.
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 5.4.2.3.
    """
    n, columns = y.shape
    p, q, answers = pointer(y), pointer(dx), pointer(t)
    counted = 0
    for i in range(n):
        counted += get(answers, i) >= 0
    factor = dout / scalar(p, max(counted, 1))
    for i in range(n):
        label, at = get(answers, i), i * columns
        source, target = offset(p, at), offset(q, at)
        if label < 0:
            put_all(target, columns, scalar(p, 0.0))
        else:
            error = get(source, label) - scalar(p, 1.0)  # before dx is written: dx may be y
            sweep(_scaled, (target,), (source,), 0, columns, (factor,))
            put(target, label, error * factor)
