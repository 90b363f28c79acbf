"""Softmax and cross entropy, alone and fused; a row at a time.

The loss of a batch is summed in float64 whatever the dtype: 10**7 float32 terms of 0.1 added up
in float32 give 1,087,937 instead of 1,000,000.
"""

from ._compile import AnyShape, entry, helper, jit, labels, matrix, real, shared, vector
from .loop.calls import LayerBackward, LayerForward
from .simd import (
    fill,
    get,
    lanes,
    load,
    offset,
    pointer,
    pointer_at,
    put,
    scalar,
    stack_buffer,
    store,
)
from .softmax_rows import (
    LOGS,
    LOGS_BYTES,
    TINY,
    cross_entropy_gradient_row,
    softmax_row,
    sum_of_logs,
)
from .softmax_turned import NARROW, softmax_rows
from .sweep import sum_of, sweep


@shared
def softmax_of(size, columns, x, y):
    """Softmax of the rows in x[:size], pointers."""
    step = lanes(x)
    if 0 < columns <= NARROW * step:
        for i in range(0, size, step * columns):
            n = min(step, (size - i) // columns)
            softmax_rows(n, columns, offset(x, i), offset(y, i))
    elif columns > 0:
        for i in range(0, size, columns):
            softmax_row(offset(x, i), columns, offset(y, i))


@jit(AnyShape(matrix, 1), AnyShape(matrix, 1))
def softmax_forward(x, y):
    """Softmax over the last axis.

        y[n, c] = exp(x[n, c] - max_n) / sum over k of exp(x[n, k] - max_n)

    Parameters
    ----------
    x : (..., C) float32 or float64, C-contiguous
    y : same shape and dtype, C-contiguous
        Overwritten. May be x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.5.2.
    """
    softmax_of(x.size, x.shape[-1], pointer(x), pointer(y))


@helper
def _product(y, dout):
    return y * dout


@helper
def _slope(y, dout, mean):
    return y * (dout - mean)


@helper
def gradient_of(size, columns, y, dout, dx):
    """Gradient of the softmax of the rows in y[:size], pointers; columns > 0."""
    for i in range(0, size, columns):
        p, q = offset(y, i), offset(dout, i)
        mean = sum_of(_product, (p, q), 0, columns, ())
        sweep(_slope, (offset(dx, i),), (p, q), 0, columns, (mean,))


@jit(AnyShape(matrix, 1), AnyShape(matrix, 1), AnyShape(matrix, 1))
def softmax_backward(y, dout, dx):
    """Gradient of the softmax over the last axis.

        dx[n, c] = y[n, c] * (dout[n, c] - sum over k of dout[n, k] * y[n, k])

    Parameters
    ----------
    y, dout : (..., C), one dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : same shape and dtype, C-contiguous
        Overwritten. May be dout.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/layers.py.
    """
    if y.shape[-1] > 0:
        gradient_of(y.size, y.shape[-1], pointer(y), pointer(dout), pointer(dx))


@entry(LayerForward)
def softmax_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """`softmax_forward` for the compiled loop. state: the columns of a row."""
    columns = int(get(pointer_at(state, like), 0))
    softmax_of(n * d, columns, pointer_at(x, like), pointer_at(out, like))
    return 0


@entry(LayerBackward)
def softmax_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """`softmax_backward` for the compiled loop."""
    if dx != 0:
        y, columns = pointer_at(out, like), int(get(pointer_at(state, like), 0))
        gradient_of(n * d, columns, y, pointer_at(dout, like), pointer_at(dx, like))
    return 0


@jit(matrix, labels, vector)
def cross_entropy_forward(y, t, loss):
    """Mean cross entropy of probabilities, the textbook's form.

        loss[0] = -mean over n of log(y[n, t[n]] + 1e-7)

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    loss : (1,), same dtype as y
        Overwritten.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.4.
    """
    n, columns = y.shape
    p, labels = pointer(y), pointer(t)
    few = stack_buffer(p, LOGS_BYTES)
    total = 0.0
    for start in range(0, n, LOGS):
        count = min(LOGS, n - start)
        for i in range(count):
            probability = get(p, (start + i) * columns + get(labels, start + i))
            put(few, i, probability + scalar(p, TINY))
        total -= sum_of_logs(few, count)
    put(pointer(loss), 0, total / n)


@jit(matrix, labels, real, matrix)
def cross_entropy_backward(y, t, dout, dx):
    """Gradient of the textbook's mean cross entropy with respect to the probabilities.

        dx[n, c] = -[c == t[n]] / (y[n, c] + 1e-7) * dout / N

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    dout : scalar of y.dtype
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y.
    """
    n, columns = y.shape
    p, labels, target = pointer(y), pointer(t), pointer(dx)
    size = scalar(p, n)
    for i in range(n):
        at = i * columns
        cross_entropy_gradient_row(
            offset(p, at), offset(labels, i), columns, dout, size, offset(target, at)
        )


@jit(matrix, labels, matrix, vector)
def softmax_cross_entropy_forward(x, t, y, loss):
    """Softmax and mean cross entropy in one, from the logits: finite for any finite logits.

        y = softmax(x)
        loss[0] = mean over n of log(sum over k of exp(x[n, k])) - x[n, t[n]]

    Parameters
    ----------
    x : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    y : (N, C), same dtype, C-contiguous
        Overwritten. May be x.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Differs from the textbook's loss, which adds 1e-7 to each probability, by about 1e-7 over
    that probability. Source: Saitoh, Deep Learning from Scratch, section 5.6.3.
    """
    n, columns = x.shape
    p, q, labels = pointer(x), pointer(y), pointer(t)
    step = lanes(p)
    few, logits = stack_buffer(p, LOGS_BYTES), stack_buffer(p, LOGS_BYTES)
    total = 0.0
    for start in range(0, n, LOGS):
        count = min(LOGS, n - start)
        for i in range(count):  # before y is written: y may be x
            put(logits, i, get(p, (start + i) * columns + get(labels, start + i)))
        if columns <= NARROW * step:
            for i in range(0, count, step):
                at, rows = (start + i) * columns, min(step, count - i)
                sums, top = softmax_rows(rows, columns, offset(p, at), offset(q, at))
                store(few, i, sums)
                store(logits, i, load(logits, i) - top)
        else:
            for i in range(count):
                at = (start + i) * columns
                sum_of_exps, largest = softmax_row(offset(p, at), columns, offset(q, at))
                put(few, i, sum_of_exps)
                put(logits, i, get(logits, i) - largest)
        total += sum_of_logs(few, count)
        for i in range(count):
            total -= get(logits, i)
    put(pointer(loss), 0, total / n)


@helper
def _share(y, factor, size):
    return y * factor / size


@jit(matrix, labels, real, matrix)
def softmax_cross_entropy_backward(y, t, dout, dx):
    """Gradient of mean cross entropy with respect to the logits.

        dx[n, c] = (y[n, c] - [c == t[n]]) * dout / N

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
        Softmax output.
    t : (N,) int64, 0 <= t[n] < C
        Class labels; range checked by the caller.
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.3.
    """
    n, columns = y.shape
    p, q, labels = pointer(y), pointer(dx), pointer(t)
    step = lanes(p)
    errors = stack_buffer(p, LOGS_BYTES)
    factor, size = fill(p, dout), fill(p, n)
    for start in range(0, n, LOGS):
        count = min(LOGS, n - start)
        for i in range(count):  # before dx is written: dx may be y
            at = (start + i) * columns + get(labels, start + i)
            put(errors, i, get(p, at) - scalar(p, 1.0))
        end = (start + count) * columns
        sweep(_share, (q,), (p,), start * columns, end, (factor, size))
        for i in range(0, count, step):
            store(errors, i, load(errors, i) * factor / size)
        for i in range(count):
            put(q, (start + i) * columns + get(labels, start + i), get(errors, i))
