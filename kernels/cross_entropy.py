"""Cross entropies of two classes, of distributions over many, and the Kullback-Leibler divergence.

Each is a term of vectors and its slope, and one call that makes the rest of it, as `loss_family`
says. Cross entropies with labels are in softmax.py.
"""

from . import elementary
from ._compile import helper, jit, matrix, vector
from .loss_family import entry_of, mean_loss, mean_of_sums, sum_loss
from .simd import absolute, pointer, put, select
from .softmax_rows import TINY, cross_entropy_gradient_row, cross_entropy_row
from .sweep import sum_of, sweep

LOWEST_LOG = -100.0  # PyTorch's bounds: log(0) counts as this, and y (1 - y) below as 1e-12
SMALLEST_DIVISOR = 1e-12


@helper
def log1p(x):
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
def _categorical_slope(y, t):
    return -t / (y + TINY)


(
    categorical_cross_entropy_forward,
    categorical_cross_entropy_backward,
    categorical_cross_entropy_in_loop,
) = sum_loss(
    "categorical_cross_entropy",
    _categorical,
    _categorical_slope,
    """Cross entropy of distributions over classes, sum over the classes, mean over the batch.

        loss[0] = -1 / N * sum over n and c of t[n, c] log(y[n, c] + 1e-7)
        dx = -t / (y + 1e-7) * dout / N

    y are probabilities; t is one-hot, or probabilities, too. `cross_entropy_forward` is the same
    for labels. Source: Saitoh, Deep Learning from Scratch, section 4.2.2.
    """,
)

cross_entropy_in_loop = entry_of(
    "cross_entropy", (cross_entropy_row, cross_entropy_gradient_row), __name__, of_labels=True
)


@helper
def _binary(y, t):
    of_one, of_zero = _bounded(elementary.log(y)), _bounded(log1p(-y))
    return (t - 1.0) * of_zero - t * of_one


@helper
def _binary_slope(y, t):
    return (y - t) / _divisor((1.0 - y) * y)


(
    binary_cross_entropy_forward,
    binary_cross_entropy_backward,
    binary_cross_entropy_in_loop,
) = mean_loss(
    "binary_cross_entropy",
    _binary,
    _binary_slope,
    """Cross entropy of yes-or-no probabilities, mean over the outputs and the batch.

        loss[0] = -mean over n and c of t[n, c] log(y[n, c]) + (1 - t[n, c]) log(1 - y[n, c])
        dx = (y - t) / max(y (1 - y), 1e-12) * dout / (N C)

    y are probabilities; t is 0 and 1, or probabilities, too. A logarithm below -100 counts as that.
    Source: torch.nn.BCELoss.
    """,
    middles=(0.5, 0.5),
)


@helper
def _sigmoid_cross_entropy(x, t):
    positive = select(x > 0.0, x, 0.0)
    return (positive - x * t) + log1p(elementary.exp(-absolute(x)))


@helper
def _sigmoid_cross_entropy_slope(x, t):
    return elementary.sigmoid(x) - t


(
    sigmoid_cross_entropy_forward,
    sigmoid_cross_entropy_backward,
    sigmoid_cross_entropy_in_loop,
) = mean_loss(
    "sigmoid_cross_entropy",
    _sigmoid_cross_entropy,
    _sigmoid_cross_entropy_slope,
    """Sigmoid and binary cross entropy in one, from the logits: finite for any finite logits.

        loss[0] = mean over n and c of log(1 + exp(y[n, c])) - t[n, c] y[n, c]
        dx = (sigmoid(y) - t) * dout / (N C)

    y are logits; t is 0 and 1, or probabilities.
    Source: torch.nn.BCEWithLogitsLoss, keras.losses.BinaryCrossentropy(from_logits=True).
    """,
    middles=(0.0, 0.5),
)


@helper
def _divergence(y, t):
    own = select(t > 0.0, elementary.log(t), 0.0)  # t log(t) is 0 for 0
    return t * (own - _bounded(elementary.log(y)))


@helper
def _divergence_slope(y, t):
    return -t / _divisor(y)


(
    kullback_leibler_divergence_forward,
    kullback_leibler_divergence_backward,
    kullback_leibler_divergence_in_loop,
) = sum_loss(
    "kullback_leibler_divergence",
    _divergence,
    _divergence_slope,
    """Kullback-Leibler divergence of the outputs from the targets, mean over the batch.

        loss[0] = 1 / N * sum over n and c of t[n, c] (log(t[n, c]) - log(y[n, c]))
        dx = -t / max(y, 1e-12) * dout / N

    y and t are probabilities. 0 log(0) is 0; a log(y) below -100 counts as that. Source: Kullback
    and Leibler, On information and sufficiency, 1951; torch.nn.KLDivLoss(reduction="batchmean")
    of log(y).
    """,
)


@helper
def _textbook_binary(y, t):
    return -elementary.log(select(t > 0.5, y, 1.0 - y) + TINY)


@helper
def _textbook_binary_row(y, t, columns):
    return sum_of(_textbook_binary, (y, t), 0, columns, ())


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
    put(pointer(loss), 0, mean_of_sums(_textbook_binary_row, y, t, ()))
