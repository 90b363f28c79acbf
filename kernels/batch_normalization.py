"""Batch normalization: each column of a batch to mean 0 and variance 1, then scale and shift.

`normalize`, `normalize_running` and `normalize_gradient` work on pointers: on `columns` columns of
n rows that start `stride` elements apart.
"""

from ._compile import entry, helper, inline, jit, matrix, real, shared, vector
from .loop.calls import LayerBackward, LayerForward
from .nodes import sum_rows
from .simd import fill, fma, get, offset, pointer, pointer_at, scalar, square_root, stack_buffer
from .sweep import put_all, sweep

# All passes go row by row, two rows at a time, which share what belongs to a column: down the
# columns of a matrix 512 wide, cache lines throw each other out, and the forward pass took three
# times as long.

# Columns whose factors are computed once for all rows.
BLOCK = 512
BLOCK_BYTES = 8 * BLOCK


@helper
def _add_square(total, mean, x):
    error = x - mean
    return fma(error, error, total)


@helper
def _add_squares(total, mean, x, below):
    return _add_square(_add_square(total, mean, x), mean, below)


@helper
def _sum_squares(n, columns, stride, x, mean, total):
    """total[:columns] = sum over n rows of (x - mean)**2."""
    put_all(total, columns, scalar(x, 0.0))
    for i in range(0, n - 1, 2):
        rows = offset(x, i * stride), offset(x, (i + 1) * stride)
        sweep(_add_squares, (total,), (total, mean, *rows), 0, columns, ())
    if n % 2:
        sweep(_add_square, (total,), (total, mean, offset(x, (n - 1) * stride)), 0, columns, ())


@helper
def _add_slope(dbeta, dgamma, mean, x, dout):
    return dbeta + dout, fma(x - mean, dout, dgamma)


@helper
def _add_slopes(dbeta, dgamma, mean, x, below, dout, dout_below):
    dbeta, dgamma = _add_slope(dbeta, dgamma, mean, x, dout)
    return _add_slope(dbeta, dgamma, mean, below, dout_below)


@helper
def _sum_slopes(n, columns, stride, x, mean, dout, dgamma, dbeta):
    """dbeta[:columns] = sum over n rows of dout, dgamma[:columns] of (x - mean) * dout."""
    put_all(dgamma, columns, scalar(x, 0.0))
    put_all(dbeta, columns, scalar(x, -0.0))  # -0.0 + x is x, -0.0 too
    sums = dbeta, dgamma
    for i in range(0, n - 1, 2):
        at, below = i * stride, (i + 1) * stride
        rows = offset(x, at), offset(x, below), offset(dout, at), offset(dout, below)
        sweep(_add_slopes, sums, (*sums, mean, *rows), 0, columns, ())
    if n % 2:
        at = (n - 1) * stride
        rows = offset(x, at), offset(dout, at)
        sweep(_add_slope, sums, (*sums, mean, *rows), 0, columns, ())


@helper
def _mean(total, running, n, decay, rest):
    mean = total / n
    return mean, decay * running + rest * mean


@helper
def _inverse_std(total, running, n, decay, rest, eps):
    var = total / n
    return 1.0 / square_root(var + eps), decay * running + rest * var


@helper
def _normalized(x, mean, inverse_std, gamma, beta):
    return fma((x - mean) * inverse_std, gamma, beta)


@helper
def _both_normalized(x, below, mean, inverse_std, gamma, beta):
    out = _normalized(x, mean, inverse_std, gamma, beta)
    return out, _normalized(below, mean, inverse_std, gamma, beta)


@inline
def _map_pairs(function, n, stride, x, factors, out, columns):
    """The rows of out = function(two rows of x, *factors), which gives two."""
    for i in range(0, n, 2):
        at, below = i * stride, min(i + 1, n - 1) * stride  # the last row twice, if it is alone
        rows, targets = (offset(x, at), offset(x, below)), (offset(out, at), offset(out, below))
        sweep(function, targets, (*rows, *factors), 0, columns, ())


@shared
def normalize(
    n, columns, stride, x, gamma, beta, momentum, eps, running_mean, running_var, mean,
    inverse_std, out,
):  # fmt: skip
    """`batch_normalization_forward` on pointers."""
    numbers = scalar(x, n), momentum, scalar(x, 1.0) - momentum
    sum_rows(n, columns, stride, x, mean)
    pair = mean, running_mean
    sweep(_mean, pair, pair, 0, columns, numbers)
    _sum_squares(n, columns, stride, x, mean, inverse_std)
    pair = inverse_std, running_var
    sweep(_inverse_std, pair, pair, 0, columns, (*numbers, eps))
    _map_pairs(_both_normalized, n, stride, x, (mean, inverse_std, gamma, beta), out, columns)


@helper
def _running_scale(gamma, running_var, eps):
    return gamma / square_root(running_var + eps)


@helper
def _scaled(x, mean, scale, beta):
    return fma(x - mean, scale, beta)


@helper
def _both_scaled(x, below, mean, scale, beta):
    return _scaled(x, mean, scale, beta), _scaled(below, mean, scale, beta)


@shared
def normalize_running(n, columns, stride, x, gamma, beta, eps, running_mean, running_var, out):
    """`batch_normalization_inference_forward` on pointers."""
    scale = stack_buffer(x, BLOCK_BYTES)
    for j in range(0, columns, BLOCK):
        count = min(BLOCK, columns - j)
        known = offset(gamma, j), offset(running_var, j)
        sweep(_running_scale, (scale,), known, 0, count, (eps,))
        factors = offset(running_mean, j), scale, offset(beta, j)
        _map_pairs(_both_scaled, n, stride, offset(x, j), factors, offset(out, j), count)


@helper
def _factors(dgamma, inverse_std, gamma, dbeta, share):
    dgamma = dgamma * inverse_std
    return dgamma, gamma * inverse_std, dbeta * share, dgamma * inverse_std * share


@helper
def _gradient(x, dout, mean, scale, shift, slope):
    return scale * (dout - shift - slope * (x - mean))


@shared
def normalize_gradient(n, columns, stride, x, gamma, mean, inverse_std, dout, dx, dgamma, dbeta):
    """`batch_normalization_backward` on pointers."""
    share = 1.0 / fill(x, scalar(x, n))
    _sum_slopes(n, columns, stride, x, mean, dout, dgamma, dbeta)
    scale, shift = stack_buffer(x, BLOCK_BYTES), stack_buffer(x, BLOCK_BYTES)
    slope = stack_buffer(x, BLOCK_BYTES)
    for j in range(0, columns, BLOCK):
        count, middle, total = min(BLOCK, columns - j), offset(mean, j), offset(dgamma, j)
        known = total, offset(inverse_std, j), offset(gamma, j), offset(dbeta, j)
        sweep(_factors, (total, scale, shift, slope), known, 0, count, (share,))
        for i in range(n):
            at = i * stride + j
            row = offset(x, at), offset(dout, at), middle, scale, shift, slope
            sweep(_gradient, (offset(dx, at),), row, 0, count, ())


@jit(matrix, vector, vector, real, real, *[vector] * 4, matrix)
def batch_normalization_forward(
    x, gamma, beta, momentum, eps, running_mean, running_var, mean, inverse_std, out
):
    """Batch normalization in training.

        mean = sum over n of x[n] / N
        var = sum over n of (x[n] - mean)**2 / N
        out = gamma * (x - mean) / sqrt(var + eps) + beta
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    gamma, beta : (D,), same dtype
    momentum, eps : scalars of the dtype
    running_mean, running_var : (D,), same dtype
        Updated in place.
    mean, inverse_std : (D,), same dtype
        Overwritten; inverse_std with 1 / sqrt(var + eps), for backward.
    out : (N, D), same dtype, C-contiguous
        Overwritten. May be x, but backward needs x.

    Notes
    -----
    Source: Ioffe and Szegedy, Batch Normalization, 2015; Saitoh, Deep Learning from Scratch,
    section 6.3.1.
    """
    n, d = x.shape
    normalize(
        n, d, d, pointer(x), pointer(gamma), pointer(beta), momentum, eps, pointer(running_mean),
        pointer(running_var), pointer(mean), pointer(inverse_std), pointer(out),
    )  # fmt: skip


@jit(matrix, vector, vector, real, vector, vector, matrix)
def batch_normalization_inference_forward(x, gamma, beta, eps, running_mean, running_var, out):
    """Batch normalization after training.

        out = gamma * (x - running_mean) / sqrt(running_var + eps) + beta

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    gamma, beta : (D,), same dtype
    eps : scalar of the dtype
    running_mean, running_var : (D,), same dtype
    out : (N, D), same dtype, C-contiguous
        Overwritten. May be x.
    """
    n, d = x.shape
    normalize_running(
        n, d, d, pointer(x), pointer(gamma), pointer(beta), eps, pointer(running_mean),
        pointer(running_var), pointer(out),
    )  # fmt: skip


@jit(matrix, *[vector] * 3, matrix, matrix, vector, vector)
def batch_normalization_backward(x, gamma, mean, inverse_std, dout, dx, dgamma, dbeta):
    """Gradient of batch normalization.

        xn = (x - mean) * inverse_std
        dbeta = sum over n of dout[n]
        dgamma = sum over n of dout[n] * xn[n]
        dx = gamma * inverse_std * (dout - dbeta / N - xn * dgamma / N)

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
        Input of the forward pass.
    gamma : (D,), same dtype
    mean, inverse_std : (D,), same dtype
        As the forward pass left them.
    dout : (N, D), same dtype, C-contiguous
        Upstream gradient.
    dx : (N, D), same dtype, C-contiguous
        Overwritten, like dgamma and dbeta. May be dout or x.
    dgamma, dbeta : (D,), same dtype

    Notes
    -----
    Source: Ioffe and Szegedy, Batch Normalization, 2015; Saitoh, Deep Learning from Scratch,
    section 6.3.1.
    """
    n, d = x.shape
    normalize_gradient(
        n, d, d, pointer(x), pointer(gamma), pointer(mean), pointer(inverse_std), pointer(dout),
        pointer(dx), pointer(dgamma), pointer(dbeta),
    )  # fmt: skip


@entry(LayerForward)
def batch_normalization_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """Batch normalization of all rows of a batch.

    param: gamma, beta. state: momentum, eps, columns, the running mean and variance. scratch: what
    the gradient needs, the batch's mean and inverse standard deviation. A sample of d numbers may
    be several rows: the pixels of an image, whose columns are its channels.
    """
    p, gamma, numbers = pointer_at(x, like), pointer_at(param, like), pointer_at(state, like)
    c = int(get(numbers, 2))
    rows, mean, target = n * (d // c), offset(numbers, 3), pointer_at(out, like)
    beta, momentum, eps, var = offset(gamma, c), get(numbers, 0), get(numbers, 1), offset(mean, c)
    if learn:
        kept = pointer_at(scratch, like)
        std = offset(kept, c)
        normalize(rows, c, c, p, gamma, beta, momentum, eps, mean, var, kept, std, target)
    else:
        normalize_running(rows, c, c, p, gamma, beta, eps, mean, var, target)
    return 0


@entry(LayerBackward)
def batch_normalization_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of batch normalization; where nobody wants dx it takes the place of dout."""
    mean, dgamma, g = pointer_at(scratch, like), pointer_at(grad, like), pointer_at(dout, like)
    c = int(get(pointer_at(state, like), 2))
    normalize_gradient(
        n * (d // c), c, c, pointer_at(x, like), pointer_at(param, like), mean, offset(mean, c), g,
        g if dx == 0 else pointer_at(dx, like), dgamma, offset(dgamma, c),
    )  # fmt: skip
    return 0
