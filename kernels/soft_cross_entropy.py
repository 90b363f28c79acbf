"""Softmax and cross entropy with probabilities for targets, and with labels that are smoothed.

With labels as they are it stands in softmax.py; the loop knows that one itself.
"""

from numba import float64, int64

from . import elementary
from ._compile import entry, helper, jit, matrix, real, vector
from .loop.calls import Loss
from .loss_family import is_right
from .simd import fill, first_lane, get, offset, pointer, pointer_at, put, scalar, select, sum_lanes
from .softmax_rows import is_largest, softmax_row
from .sweep import fold, sum_of, sweep


@helper
def _add_target(whole, product, x, t, largest):
    # 0 * -inf would be NaN: a class of no probability has no part in the loss.
    return whole + t, product + select(t == 0.0, 0.0, t * (x - largest))


@helper
def _target_sums(x, t, columns, largest):
    """The sums of t[:columns] and of t * (x - largest), pointers."""
    sums = fold(_add_target, (fill(x, 0.0), fill(x, 0.0)), (x, t), 0, columns, (largest,))
    return sum_lanes(sums[0]), sum_lanes(sums[1])


@helper
def _log(x, number):
    return first_lane(elementary.log(fill(x, number)))


@helper
def _soft_row(x, t, columns, y):
    """y = softmax(x[:columns]), pointers; returns the cross entropy with t, and the sum of t."""
    total, largest = softmax_row(x, columns, y)
    whole, product = _target_sums(x, t, columns, largest)
    return whole * _log(x, total) - product, whole


@helper
def _error(y, t, whole, factor, size):
    return (whole * y - t) * factor / size


@helper
def _same(t):
    return t


@jit(matrix, matrix, matrix, vector)
def soft_cross_entropy_forward(x, t, y, loss):
    """Softmax and cross entropy with probabilities in one, from the logits.

        y = softmax(x)
        loss[0] = 1 / N * sum over n and c of t[n, c] (log(sum over k of exp(x[n, k])) - x[n, c])

    Parameters
    ----------
    x, t : (N, C), one dtype, float32 or float64, C-contiguous
        Logits; targets, rows that add up to 1.
    y : (N, C), same dtype, C-contiguous
        Overwritten. No other array.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    A row of zeros has no loss. Source: torch.nn.CrossEntropyLoss with class probabilities,
    keras.losses.CategoricalCrossentropy(from_logits=True).
    """
    n, columns = x.shape
    p, q, out = pointer(x), pointer(t), pointer(y)
    total = 0.0
    for i in range(n):
        at = i * columns
        total += _soft_row(offset(p, at), offset(q, at), columns, offset(out, at))[0]
    put(pointer(loss), 0, total / n)


@jit(matrix, matrix, real, matrix)
def soft_cross_entropy_backward(y, t, dout, dx):
    """Gradient of mean cross entropy with probabilities with respect to the logits.

        dx[n, c] = (y[n, c] * sum over k of t[n, k] - t[n, c]) * dout / N

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Softmax output; targets.
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype as y, C-contiguous
        Overwritten. May be y or t.

    Notes
    -----
    Source: torch.nn.CrossEntropyLoss with class probabilities.
    """
    n, columns = y.shape
    p, q, target = pointer(y), pointer(t), pointer(dx)
    size = scalar(p, n)
    for i in range(n):
        out, goal = offset(p, i * columns), offset(q, i * columns)
        whole = sum_of(_same, (goal,), 0, columns, ())
        sweep(_error, (offset(target, i * columns),), (out, goal), 0, columns, (whole, dout, size))


@entry(Loss)
def soft_cross_entropy_in_loop(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):
    """`soft_cross_entropy_forward` and `soft_cross_entropy_backward` for the compiled loop."""
    p, q, order = pointer_at(y, like), pointer_at(targets, like), pointer_at(rows, int64(0))
    gradients, results = pointer_at(dx, like), pointer_at(losses, like)
    one, whole_batch, right = scalar(p, 1.0), scalar(p, size), 0
    for i in range(n):
        x, t = offset(p, i * columns), offset(q, get(order, i) * columns)
        gradient = offset(gradients, i * columns)
        loss, whole = _soft_row(x, t, columns, gradient)
        put(results, i, loss)
        sweep(_error, (gradient,), (gradient, t), 0, columns, (whole, one, whole_batch))
        right += is_right(x, t, columns)
    return right


@helper
def _less(x, largest):
    return x - largest


@helper
def _scaled_less(y, share, scale):
    return (y - share) * scale


@entry(Loss)
def smooth_cross_entropy_in_loop(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):
    """Softmax and cross entropy with labels, of which a share goes to all classes alike.

    The share is the first of `numbers`. In place of (N, C) targets, which it makes of labels on
    the way.
    """
    p, known, order = pointer_at(y, like), pointer_at(labels, int64(0)), pointer_at(rows, int64(0))
    gradients, results = pointer_at(dx, like), pointer_at(losses, like)
    smoothing, right = get(pointer_at(numbers, float64(0)), 0), 0
    share, rest = scalar(p, smoothing / columns), scalar(p, 1.0 - smoothing)
    scale = scalar(p, 1.0) / scalar(p, size)
    for i in range(n):
        x, label = offset(p, i * columns), get(known, get(order, i))
        gradient = offset(gradients, i * columns)
        total, largest = softmax_row(x, columns, gradient)
        margins = sum_of(_less, (x,), 0, columns, (largest,))
        put(results, i, _log(x, total) - rest * (get(x, label) - largest) - share * margins)
        sweep(_scaled_less, (gradient,), (gradient,), 0, columns, (share, scale))
        put(gradient, label, get(gradient, label) - rest * scale)
        right += is_largest(x, columns, label)
    return right
