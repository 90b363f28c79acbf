"""Cross entropies of two classes, of distributions over many, and the Kullback-Leibler divergence.

Rows are as in losses.py. Cross entropies with labels are in softmax.py.
"""

from . import elementary
from ._compile import helper, jit, matrix, real, vector
from .losses import (
    gradient_of_elements,
    gradient_of_sums,
    mean_of_elements,
    mean_of_sums,
)
from .simd import absolute, pointer, scalar, select
from .softmax import TINY
from .sweep import sum_of, sweep

LOWEST_LOG = -100.0  # PyTorch's bounds: log(0) counts as this, and y (1 - y) below as 1e-12
SMALLEST_DIVISOR = 1e-12


@helper
def _log1p(x):
    """log(1 + x) for -1 <= x <= 1, within 2 ulp; -inf for -1.  NaN stays NaN."""
    u = 1.0 + x
    lost = (u - 1.0) - x  # what rounding 1 + x added
    return elementary.log(u) - lost / select(u > 0.0, u, 1.0)


@helper
def _bounded(logarithm):
    """At least -100; NaN stays NaN."""
    return select(logarithm < LOWEST_LOG, LOWEST_LOG, logarithm)


@helper
def _divisor(x):
    """At least 1e-12; NaN stays NaN."""
    return select(x < SMALLEST_DIVISOR, SMALLEST_DIVISOR, x)


@helper
def _categorical(y, t):
    return -t * elementary.log(y + TINY)


@helper
def _categorical_slope(y, t, dout, divisor):
    return -t / (y + TINY) * dout / divisor


@helper
def categorical_cross_entropy_row(y, t, columns):
    """Sum of -t log(y + 1e-7) over the columns of a sample, pointers."""
    return sum_of(_categorical, (y, t), 0, columns, ())


@helper
def categorical_cross_entropy_gradient_row(y, t, columns, dout, n, dx):
    """dx = -t / (y + 1e-7) * dout / n on pointers; dx may be y."""
    sweep(_categorical_slope, (dx,), (y, t), 0, columns, (dout, n))


@helper
def _binary(y, t):
    of_one, of_zero = _bounded(elementary.log(y)), _bounded(_log1p(-y))
    return (t - 1.0) * of_zero - t * of_one


@helper
def _binary_slope(y, t, dout, divisor):
    return (y - t) / _divisor((1.0 - y) * y) * dout / divisor


@helper
def binary_cross_entropy_row(y, t, columns):
    """Mean of -t log(y) - (1 - t) log(1 - y) over the columns of a sample, pointers."""
    return sum_of(_binary, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def binary_cross_entropy_gradient_row(y, t, columns, dout, n, dx):
    """dx = (y - t) / (y (1 - y)) * dout / (n * columns) on pointers; dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_binary_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _sigmoid_cross_entropy(x, t):
    positive = select(x > 0.0, x, 0.0)
    return (positive - x * t) + _log1p(elementary.exp(-absolute(x)))


@helper
def _sigmoid_cross_entropy_slope(x, t, dout, divisor):
    return (elementary.sigmoid(x) - t) * dout / divisor


@helper
def sigmoid_cross_entropy_row(y, t, columns):
    """Mean of log(1 + exp(y)) - t y, of logits y, over the columns of a sample, pointers."""
    return sum_of(_sigmoid_cross_entropy, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def sigmoid_cross_entropy_gradient_row(y, t, columns, dout, n, dx):
    """dx = (sigmoid(y) - t) * dout / (n * columns), of logits y, on pointers; dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_sigmoid_cross_entropy_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _divergence(y, t):
    own = select(t > 0.0, elementary.log(t), 0.0)  # t log(t) is 0 for 0
    return t * (own - _bounded(elementary.log(y)))


@helper
def _divergence_slope(y, t, dout, divisor):
    return -t / _divisor(y) * dout / divisor


@helper
def kullback_leibler_divergence_row(y, t, columns):
    """Sum of t log(t / y) over the columns of a sample, pointers."""
    return sum_of(_divergence, (y, t), 0, columns, ())


@helper
def kullback_leibler_divergence_gradient_row(y, t, columns, dout, n, dx):
    """dx = -t / y * dout / n on pointers; dx may be y."""
    sweep(_divergence_slope, (dx,), (y, t), 0, columns, (dout, n))


@helper
def _textbook_binary(y, t):
    return -elementary.log(select(t > 0.5, y, 1.0 - y) + TINY)


@helper
def _textbook_binary_row(y, t, columns):
    """Sum of -log(y + 1e-7) where t is 1 and of -log(1 - y + 1e-7) where it is 0; pointers."""
    return sum_of(_textbook_binary, (y, t), 0, columns, ())


@jit(matrix, matrix, vector)
def categorical_cross_entropy_forward(y, t, loss):
    """Cross entropy of distributions over classes, sum over the classes, mean over the batch.

        loss[0] = -1 / N * sum over n and c of t[n, c] log(y[n, c] + 1e-7)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Probabilities; targets one-hot, or probabilities.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    `cross_entropy_forward` is the same for labels.
    Source: Saitoh, Deep Learning from Scratch, section 4.2.2.
    """
    mean_of_sums(categorical_cross_entropy_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def categorical_cross_entropy_backward(y, t, dout, dx):
    """Gradient of the categorical cross entropy with respect to the probabilities.

        dx = -t / (y + 1e-7) * dout / N

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_sums(categorical_cross_entropy_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def binary_cross_entropy_forward(y, t, loss):
    """Cross entropy of yes-or-no probabilities, mean over the outputs and the batch.

        loss[0] = -mean over n and c of t[n, c] log(y[n, c]) + (1 - t[n, c]) log(1 - y[n, c])

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Probabilities; targets 0 and 1, or probabilities.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    A logarithm below -100 counts as that. Source: torch.nn.BCELoss.
    """
    mean_of_elements(binary_cross_entropy_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def binary_cross_entropy_backward(y, t, dout, dx):
    """Gradient of the binary cross entropy with respect to the probabilities.

        dx = (y - t) / max(y (1 - y), 1e-12) * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.

    Notes
    -----
    Source: torch.nn.BCELoss.
    """
    gradient_of_elements(binary_cross_entropy_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def sigmoid_cross_entropy_forward(y, t, loss):
    """Sigmoid and binary cross entropy in one, from the logits: finite for any finite logits.

        loss[0] = mean over n and c of log(1 + exp(y[n, c])) - t[n, c] y[n, c]

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Logits; targets 0 and 1, or probabilities.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: torch.nn.BCEWithLogitsLoss, keras.losses.BinaryCrossentropy(from_logits=True).
    """
    mean_of_elements(sigmoid_cross_entropy_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def sigmoid_cross_entropy_backward(y, t, dout, dx):
    """Gradient of the binary cross entropy with respect to the logits.

        dx = (sigmoid(y) - t) * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Logits and targets.
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(sigmoid_cross_entropy_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def kullback_leibler_divergence_forward(y, t, loss):
    """Kullback-Leibler divergence of the outputs from the targets, mean over the batch.

        loss[0] = 1 / N * sum over n and c of t[n, c] (log(t[n, c]) - log(y[n, c]))

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
        Probabilities.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    0 log(0) is 0; a log(y) below -100 counts as that. Source: Kullback and Leibler, On
    information and sufficiency, 1951; torch.nn.KLDivLoss(reduction="batchmean") of log(y).
    """
    mean_of_sums(kullback_leibler_divergence_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def kullback_leibler_divergence_backward(y, t, dout, dx):
    """Gradient of the Kullback-Leibler divergence with respect to the outputs.

        dx = -t / max(y, 1e-12) * dout / N

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_sums(kullback_leibler_divergence_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, matrix, vector)
def sigmoid_with_loss_forward(x, t, y, loss):
    """Sigmoid, and the textbook's cross entropy of two classes, sum over the outputs.

        y = sigmoid(x)
        loss[0] = -1 / N * sum over n and c of log(p[n, c] + 1e-7)
        p = y where t is 1, 1 - y where it is 0

    Parameters
    ----------
    x, t : (N, C), one dtype, float32 or float64, C-contiguous
        Logits; targets 0 and 1.
    y : (N, C), same dtype, C-contiguous
        Overwritten. May be x.
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    The gradient with respect to x is the error, (y - t) * dout / N, as the delta rule has it:
    `mean_squared_error_backward` computes it.
    Source: Saitoh, Deep Learning from Scratch 2, common/layers.py.
    """
    sweep(elementary.sigmoid, (pointer(y),), (pointer(x),), 0, x.size, ())
    mean_of_sums(_textbook_binary_row, y, t, loss)
