"""Batch normalization: each column of a batch to mean 0 and variance 1, then scale and shift.

`normalize`, `normalize_running` and `normalize_gradient` work on pointers, for the compiled
training loop: on `columns` columns of n rows that start `stride` elements apart, so that threads
may share the columns.
"""

from ._jit import helper, jit
from .nodes import sum_rows
from .simd import (
    fill,
    fma,
    lanes,
    load,
    load_first,
    offset,
    pointer,
    scalar,
    square_root,
    store,
    store_first,
)

# All passes go row by row: down the columns of a matrix 512 wide, cache lines throw each other out,
# and the forward pass took three times as long.
ROWS = 4  # that share a square root, or the factors of the gradient; of 16 it took twice as long


@helper
def _sum_squares(n, columns, stride, x, mean, total):
    """total[:columns] = sum over n rows of (x - mean)**2."""
    step = lanes(x)
    full = columns - columns % step
    for i in range(n):
        row = offset(x, i * stride)
        for j in range(0, full, step):
            error = load(row, j) - load(mean, j)
            before = load(total, j) if i > 0 else fill(x, 0.0)
            store(total, j, fma(error, error, before))
        if full < columns:
            rest = columns - full
            error = load_first(row, full, rest) - load_first(mean, full, rest)
            before = load_first(total, full, rest) if i > 0 else fill(x, 0.0)
            store_first(total, full, fma(error, error, before), rest)


@helper
def _sum_products(n, columns, stride, x, mean, dout, total):
    """total[:columns] = sum over n rows of (x - mean) * dout."""
    step = lanes(x)
    full = columns - columns % step
    for i in range(n):
        row, upstream = offset(x, i * stride), offset(dout, i * stride)
        for j in range(0, full, step):
            before = load(total, j) if i > 0 else fill(x, 0.0)
            store(total, j, fma(load(row, j) - load(mean, j), load(upstream, j), before))
        if full < columns:
            rest = columns - full
            before = load_first(total, full, rest) if i > 0 else fill(x, 0.0)
            error = load_first(row, full, rest) - load_first(mean, full, rest)
            store_first(total, full, fma(error, load_first(upstream, full, rest), before), rest)


@helper
def normalize(
    n, columns, stride, x, gamma, beta, momentum, eps, running_mean, running_var, mean,
    inverse_std, out,
):  # fmt: skip
    """`batch_normalization_forward` on pointers."""
    step = lanes(x)
    decay, rest = fill(x, momentum), fill(x, scalar(x, 1.0) - momentum)
    size = fill(x, scalar(x, n))
    sum_rows(n, columns, stride, x, mean)
    for j in range(0, columns, step):
        count = min(step, columns - j)
        m = load_first(mean, j, count) / size
        store_first(mean, j, m, count)
        m = decay * load_first(running_mean, j, count) + rest * m
        store_first(running_mean, j, m, count)
    _sum_squares(n, columns, stride, x, mean, inverse_std)
    for j in range(0, columns, step):
        count = min(step, columns - j)
        v = load_first(inverse_std, j, count) / size
        store_first(inverse_std, j, 1.0 / square_root(v + eps), count)
        v = decay * load_first(running_var, j, count) + rest * v
        store_first(running_var, j, v, count)
    full = columns - columns % step
    for i in range(n):
        row, target = offset(x, i * stride), offset(out, i * stride)
        for j in range(0, full, step):
            normal = (load(row, j) - load(mean, j)) * load(inverse_std, j)
            store(target, j, fma(normal, load(gamma, j), load(beta, j)))
        if full < columns:
            last = columns - full
            normal = load_first(row, full, last) - load_first(mean, full, last)
            normal = normal * load_first(inverse_std, full, last)
            shift = load_first(beta, full, last)
            store_first(target, full, fma(normal, load_first(gamma, full, last), shift), last)


@helper
def normalize_running(n, columns, stride, x, gamma, beta, eps, running_mean, running_var, out):
    """`batch_normalization_inference_forward` on pointers."""
    step = lanes(x)
    for start in range(0, n, ROWS):
        rows = min(ROWS, n - start)
        block, target = offset(x, start * stride), offset(out, start * stride)
        for j in range(0, columns, step):
            count = min(step, columns - j)
            mean, shift = load_first(running_mean, j, count), load_first(beta, j, count)
            std = square_root(load_first(running_var, j, count) + eps)
            scale = load_first(gamma, j, count) / std
            for i in range(rows):
                row = load_first(block, i * stride + j, count)
                store_first(target, i * stride + j, fma(row - mean, scale, shift), count)


@helper
def normalize_gradient(n, columns, stride, x, gamma, mean, inverse_std, dout, dx, dgamma, dbeta):
    """`batch_normalization_backward` on pointers."""
    step = lanes(x)
    share = 1.0 / fill(x, scalar(x, n))
    sum_rows(n, columns, stride, dout, dbeta)
    _sum_products(n, columns, stride, x, mean, dout, dgamma)
    for j in range(0, columns, step):
        count = min(step, columns - j)
        product = load_first(dgamma, j, count) * load_first(inverse_std, j, count)
        store_first(dgamma, j, product, count)
    for start in range(0, n, ROWS):
        rows = min(ROWS, n - start)
        for j in range(0, columns, step):
            count = min(step, columns - j)
            m, inverse = load_first(mean, j, count), load_first(inverse_std, j, count)
            scale = load_first(gamma, j, count) * inverse
            shift = load_first(dbeta, j, count) * share
            slope = load_first(dgamma, j, count) * inverse * share
            for i in range(start, start + rows):
                centred = load_first(x, i * stride + j, count) - m
                rest = load_first(dout, i * stride + j, count) - shift - slope * centred
                store_first(dx, i * stride + j, scale * rest, count)


@jit
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


@jit
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


@jit
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
