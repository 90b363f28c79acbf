"""Losses of outputs and targets: squared, absolute and relative errors, Poisson, cosine ...

Each is a term of vectors and its slope, or a row, and one call that makes the rest of it, as
`loss_family` says.
"""

from math import sqrt

from . import elementary
from ._compile import helper
from .cross_entropy import log1p
from .loss_family import loss_of_rows, loss_of_sums, mean_loss, rows_of_terms
from .simd import absolute, fill, scalar, select, sum_lanes
from .softmax_rows import TINY
from .sweep import fold, sweep

LOG_2 = 0.6931471805599453  # log(2)


@helper
def _error(y, t):
    return y - t


@helper
def _squared_error(y, t):
    error = y - t
    return error * error


@helper
def _squared_error_slope(y, t):
    return 2.0 * (y - t)


# The loop computes this loss itself, by these rows.
squared_error_row, squared_error_gradient_row = rows_of_terms(
    "squared_error", _squared_error, _error, is_mean=False, factor=0.5
)

mean_squared_error_forward, mean_squared_error_backward = loss_of_sums(
    "mean_squared_error",
    (squared_error_row, squared_error_gradient_row),
    """Half the squared error of a sample, summed over its outputs, averaged over the batch.

        loss[0] = 1 / (2 N) * sum over n and c of (y[n, c] - t[n, c])**2
        dx = (y - t) * dout / N

    The half makes the gradient of one sample the error y - t, as the delta rule has it. What
    PyTorch and Keras call by this name is `elementwise_mean_squared_error_forward`.
    Source: Saitoh, Deep Learning from Scratch, section 4.2.1.
    """,
)[:2]

(
    elementwise_mean_squared_error_forward,
    elementwise_mean_squared_error_backward,
    elementwise_mean_squared_error_in_loop,
) = mean_loss(
    "elementwise_mean_squared_error",
    _squared_error,
    _squared_error_slope,
    """Squared error, mean over the outputs and the batch.

        loss[0] = mean over n and c of (y[n, c] - t[n, c])**2
        dx = 2 (y - t) * dout / (N C)

    Source: torch.nn.MSELoss, keras.losses.MeanSquaredError.
    """,
)


@helper
def _absolute_error(y, t):
    return absolute(y - t)


@helper
def _sign_of_error(y, t):
    """Sign of y - t, 0 where they are equal; NaN stays NaN."""
    error = y - t
    return select(error > 0.0, 1.0, select(error < 0.0, -1.0, error))


mean_absolute_error_forward, mean_absolute_error_backward, mean_absolute_error_in_loop = mean_loss(
    "mean_absolute_error",
    _absolute_error,
    _sign_of_error,
    """Absolute error, mean over the outputs and the batch.

        loss[0] = mean over n and c of |y[n, c] - t[n, c]|
        dx = sign(y - t) * dout / (N C), 0 where y = t

    Source: torch.nn.L1Loss, keras.losses.MeanAbsoluteError.
    """,
)


@helper
def _at_least_tiny(x):
    """The larger of x and 1e-7; NaN stays NaN."""
    return select(x < TINY, TINY, x)


@helper
def _percentage_error(y, t):
    return 100.0 * absolute(y - t) / _at_least_tiny(absolute(t))


@helper
def _percentage_error_slope(y, t):
    return 100.0 * _sign_of_error(y, t) / _at_least_tiny(absolute(t))


(
    mean_absolute_percentage_error_forward,
    mean_absolute_percentage_error_backward,
    mean_absolute_percentage_error_in_loop,
) = mean_loss(
    "mean_absolute_percentage_error",
    _percentage_error,
    _percentage_error_slope,
    """Absolute error in per cent of the target, mean over the outputs and the batch.

        loss[0] = mean over n and c of 100 |y[n, c] - t[n, c]| / max(|t[n, c]|, 1e-7)
        dx = 100 sign(y - t) / max(|t|, 1e-7) * dout / (N C), 0 where y = t

    Source: keras.losses.MeanAbsolutePercentageError.
    """,
)


@helper
def _logarithmic_error(y, t):
    return elementary.log(_at_least_tiny(y) + 1.0) - elementary.log(_at_least_tiny(t) + 1.0)


@helper
def _squared_logarithmic_error(y, t):
    error = _logarithmic_error(y, t)
    return error * error


@helper
def _squared_logarithmic_error_slope(y, t):
    return select(y < TINY, 0.0, 2.0 * _logarithmic_error(y, t) / (y + 1.0))


(
    mean_squared_logarithmic_error_forward,
    mean_squared_logarithmic_error_backward,
    mean_squared_logarithmic_error_in_loop,
) = mean_loss(
    "mean_squared_logarithmic_error",
    _squared_logarithmic_error,
    _squared_logarithmic_error_slope,
    """Squared difference of logarithms, mean over the outputs and the batch.

        loss[0] = mean over n and c of (log(1 + y[n, c]) - log(1 + t[n, c]))**2
        dx = 2 (log(1 + y) - log(1 + t)) / (1 + y) * dout / (N C), 0 where y < 1e-7

    y and t below 1e-7 count as that.
    Source: keras.losses.MeanSquaredLogarithmicError.
    """,
)


@helper
def _poisson(y, t):
    return y - t * elementary.log(y + TINY)


@helper
def _poisson_slope(y, t):
    return 1.0 - t / (y + TINY)


poisson_forward, poisson_backward, poisson_in_loop = mean_loss(
    "poisson",
    _poisson,
    _poisson_slope,
    """Poisson loss, mean over the outputs and the batch.

        loss[0] = mean over n and c of y[n, c] - t[n, c] log(y[n, c] + 1e-7)
        dx = (1 - t / (y + 1e-7)) * dout / (N C)

    The negative log-likelihood of counts t under rates y, without the terms in t alone.
    Source: keras.losses.Poisson; torch.nn.PoissonNLLLoss(log_input=False, eps=1e-7).
    """,
)


@helper
def _huber(y, t, delta):
    size = absolute(y - t)
    beyond = delta * size - scalar(y, 0.5) * delta * delta
    return select(size <= delta, 0.5 * size * size, beyond)


@helper
def _huber_slope(y, t, delta):
    error = y - t
    return select(error > delta, delta, select(error < -delta, -delta, error))


huber_forward, huber_backward, huber_in_loop = mean_loss(
    "huber",
    _huber,
    _huber_slope,
    """Huber loss, mean over the outputs and the batch.

        loss[0] = mean over n and c of e**2 / 2 where |e| <= delta, else delta (|e| - delta / 2)
        dx = (e where |e| <= delta, else delta sign(e)) * dout / (N C)
        e = y[n, c] - t[n, c]

    Source: Huber, Robust estimation of a location parameter, 1964; torch.nn.HuberLoss and
    keras.losses.Huber.
    """,
    has_delta=True,
)


@helper
def _log_cosh(y, t):
    size = absolute(y - t)
    return size + (log1p(elementary.exp(-2.0 * size)) - LOG_2)  # exp(size) would overflow


@helper
def _log_cosh_slope(y, t):
    return elementary.tanh(y - t)


log_cosh_forward, log_cosh_backward, log_cosh_in_loop = mean_loss(
    "log_cosh",
    _log_cosh,
    _log_cosh_slope,
    """Logarithm of the hyperbolic cosine of the error, mean over the outputs and the batch.

        loss[0] = mean over n and c of log(cosh(y[n, c] - t[n, c]))
        dx = tanh(y - t) * dout / (N C)

    Source: keras.losses.LogCosh.
    """,
)


@helper
def _add_products(dot, y_square, t_square, y, t):
    return dot + y * t, y_square + y * y, t_square + t * t


@helper
def _length(square):
    """The root of a square, a number; at least 1e-7."""
    length, least = scalar(square, sqrt(sum_lanes(square))), scalar(square, TINY)
    return least if length < least else length


@helper
def _cosine(y, t, columns):
    """The cosine of the angle between y[:columns] and t[:columns], pointers, and their lengths."""
    zero = fill(y, 0.0)
    sums = fold(_add_products, (zero, zero, zero), (y, t), 0, columns, ())
    length, other = _length(sums[1]), _length(sums[2])
    return sum_lanes(sums[0]) / (length * other), length, other


@helper
def _cosine_row(y, t, columns):
    return -_cosine(y, t, columns)[0]


@helper
def _cosine_slope(y, t, length, cosine, other, scale):
    return (y / length * cosine - t / other) * scale


@helper
def _cosine_gradient_row(y, t, columns, dout, n, dx):
    cosine, length, other = _cosine(y, t, columns)
    if length == scalar(y, TINY):  # a length that is held there is no function of y
        cosine = scalar(y, 0.0)
    scale = scalar(y, dout) / scalar(y, n) / length
    sweep(_cosine_slope, (dx,), (y, t), 0, columns, (length, cosine, other, scale))


cosine_proximity_forward, cosine_proximity_backward, cosine_proximity_in_loop = loss_of_rows(
    "cosine_proximity",
    (_cosine_row, _cosine_gradient_row),
    """Negative cosine of the angle between outputs and targets, mean over the batch.

        loss[0] = -mean over n of cosine[n], cosine[n] = y[n] . t[n] / (|y[n]| |t[n]|)
        dx[n] = (cosine[n] y[n] / |y[n]| - t[n] / |t[n]|) / |y[n]| * dout / N

    A length below 1e-7 counts as that, so the loss of a row of zeros is 0.
    Source: keras.losses.CosineSimilarity.
    """,
)
