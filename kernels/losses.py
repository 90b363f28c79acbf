"""Losses of outputs and targets: squared, absolute and relative errors, Poisson, cosine.

Each loss has a row on pointers, for the compiled training loop: `<loss>_row` returns the loss of a
sample, `<loss>_gradient_row` writes its gradient times dout / n. The public kernels are loops over
them. Losses that are means over the outputs take an array of any number of rows for one long row,
as the mean over all of its elements is the same: a row of one output would use one lane.
"""

from math import sqrt

from . import elementary
from ._compile import helper, inline, jit, matrix, real, vector
from .simd import absolute, fill, get, offset, pointer, put, scalar, select, sum_lanes
from .softmax import TINY, is_largest
from .sweep import fold, sum_of, sweep

BLOCK = 128  # terms that are added in the arrays' dtype; the blocks are added in float64


# What the losses share, hinge.py and cross_entropy.py too. A slope is that of a term, times
# dout / divisor.


@inline
def mean_of_elements(row, y, t, loss):
    """loss[0] = mean over all elements, for a row that is the mean of its columns."""
    p, q, size = pointer(y), pointer(t), y.size
    total = 0.0
    for i in range(0, size, BLOCK):
        count = min(BLOCK, size - i)
        total += count * row(offset(p, i), offset(q, i), count)
    put(pointer(loss), 0, total / size)


@inline
def mean_of_sums(row, y, t, loss):
    """loss[0] = sum over all elements / N, for a row that is the sum over its columns."""
    p, q, size = pointer(y), pointer(t), y.size
    total = 0.0
    for i in range(0, size, BLOCK):
        total += row(offset(p, i), offset(q, i), min(BLOCK, size - i))
    put(pointer(loss), 0, total / y.shape[0])


@inline
def gradient_of_elements(gradient_row, y, t, dout, dx):
    """dx for a row that is the mean of its columns: that of one sample with all elements."""
    p = pointer(y)
    gradient_row(p, pointer(t), y.size, dout, scalar(p, 1.0), pointer(dx))


@inline
def gradient_of_sums(gradient_row, y, t, dout, dx):
    """dx for a row that is the sum over its columns."""
    p = pointer(y)
    gradient_row(p, pointer(t), y.size, dout, scalar(p, y.shape[0]), pointer(dx))


# --------------------------------------------------------------------------- rows


@helper
def _squared_error(y, t):
    error = y - t
    return error * error


@helper
def _squared_error_slope(y, t, dout, divisor):
    return 2.0 * (y - t) * dout / divisor


@helper
def _error_slope(y, t, dout, divisor):
    return (y - t) * dout / divisor


@helper
def squared_error_row(y, t, columns):
    """Half the squared distance of y[:columns] and t[:columns], pointers."""
    return scalar(y, 0.5) * sum_of(_squared_error, (y, t), 0, columns, ())


@helper
def squared_error_gradient_row(y, t, columns, dout, n, dx):
    """dx = (y - t) * dout / n on pointers, in NumPy's order of operations; dx may be y."""
    sweep(_error_slope, (dx,), (y, t), 0, columns, (dout, n))


@helper
def elementwise_mean_squared_error_row(y, t, columns):
    """Mean of (y - t)**2 over the columns of a sample, pointers."""
    return sum_of(_squared_error, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def elementwise_mean_squared_error_gradient_row(y, t, columns, dout, n, dx):
    """dx = 2 (y - t) * dout / (n * columns) on pointers; dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_squared_error_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _absolute_error(y, t):
    return absolute(y - t)


@helper
def _sign_of_error(y, t):
    """Sign of y - t, 0 where they are equal; NaN stays NaN."""
    error = y - t
    return select(error > 0.0, 1.0, select(error < 0.0, -1.0, error))


@helper
def _absolute_error_slope(y, t, dout, divisor):
    return _sign_of_error(y, t) * dout / divisor


@helper
def mean_absolute_error_row(y, t, columns):
    """Mean of |y - t| over the columns of a sample, pointers."""
    return sum_of(_absolute_error, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def mean_absolute_error_gradient_row(y, t, columns, dout, n, dx):
    """dx = sign(y - t) * dout / (n * columns) on pointers; dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_absolute_error_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _at_least_tiny(x):
    """The larger of x and 1e-7; NaN stays NaN."""
    return select(x < TINY, TINY, x)


@helper
def _percentage_error(y, t):
    return 100.0 * absolute(y - t) / _at_least_tiny(absolute(t))


@helper
def _percentage_error_slope(y, t, dout, divisor):
    return 100.0 * _sign_of_error(y, t) / _at_least_tiny(absolute(t)) * dout / divisor


@helper
def mean_absolute_percentage_error_row(y, t, columns):
    """Mean of 100 |y - t| / max(|t|, 1e-7) over the columns of a sample, pointers."""
    return sum_of(_percentage_error, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def mean_absolute_percentage_error_gradient_row(y, t, columns, dout, n, dx):
    """dx = 100 sign(y - t) / max(|t|, 1e-7) * dout / (n * columns); dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_percentage_error_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _logarithmic_error(y, t):
    return elementary.log(_at_least_tiny(y) + 1.0) - elementary.log(_at_least_tiny(t) + 1.0)


@helper
def _squared_logarithmic_error(y, t):
    error = _logarithmic_error(y, t)
    return error * error


@helper
def _squared_logarithmic_error_slope(y, t, dout, divisor):
    slope = select(y < TINY, 0.0, 2.0 * _logarithmic_error(y, t) / (y + 1.0))
    return slope * dout / divisor


@helper
def mean_squared_logarithmic_error_row(y, t, columns):
    """Mean of (log(1 + y) - log(1 + t))**2 over the columns of a sample, pointers."""
    return sum_of(_squared_logarithmic_error, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def mean_squared_logarithmic_error_gradient_row(y, t, columns, dout, n, dx):
    """dx = 2 (log(1 + y) - log(1 + t)) / (1 + y) * dout / (n * columns); dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_squared_logarithmic_error_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _poisson(y, t):
    return y - t * elementary.log(y + TINY)


@helper
def _poisson_slope(y, t, dout, divisor):
    return (1.0 - t / (y + TINY)) * dout / divisor


@helper
def poisson_row(y, t, columns):
    """Mean of y - t log(y + 1e-7) over the columns of a sample, pointers."""
    return sum_of(_poisson, (y, t), 0, columns, ()) / scalar(y, columns)


@helper
def poisson_gradient_row(y, t, columns, dout, n, dx):
    """dx = (1 - t / (y + 1e-7)) * dout / (n * columns) on pointers; dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_poisson_slope, (dx,), (y, t), 0, columns, (dout, divisor))


@helper
def _huber(y, t, limit):
    size = absolute(y - t)
    beyond = limit * size - 0.5 * limit * limit
    return select(size <= limit, 0.5 * size * size, beyond)


@helper
def _huber_slope(y, t, limit, dout, divisor):
    error = y - t
    slope = select(error > limit, limit, select(error < -limit, -limit, error))
    return slope * dout / divisor


@helper
def huber_row(y, t, columns, delta):
    """Mean over columns: e**2 / 2 where |e| <= delta, else delta |e| - delta**2 / 2; e = y - t."""
    return sum_of(_huber, (y, t), 0, columns, (fill(y, delta),)) / scalar(y, columns)


@helper
def huber_gradient_row(y, t, columns, dout, n, dx, delta):
    """dx = (y - t, but within -delta and delta) * dout / (n * columns); dx may be y."""
    divisor = scalar(y, n) * scalar(y, columns)
    sweep(_huber_slope, (dx,), (y, t), 0, columns, (fill(y, delta), dout, divisor))


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
def cosine_proximity_row(y, t, columns):
    """Negative cosine of the angle between y[:columns] and t[:columns], pointers."""
    return -_cosine(y, t, columns)[0]


@helper
def _cosine_slope(y, t, length, cosine, other, scale):
    return (y / length * cosine - t / other) * scale


@helper
def cosine_proximity_gradient_row(y, t, columns, dout, n, dx):
    """Gradient of the negative cosine, times dout / n, on pointers; dx may be y."""
    cosine, length, other = _cosine(y, t, columns)
    if length == scalar(y, TINY):  # a length that is held there is no function of y
        cosine = scalar(y, 0.0)
    scale = scalar(y, dout) / scalar(y, n) / length
    sweep(_cosine_slope, (dx,), (y, t), 0, columns, (length, cosine, other, scale))


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


# --------------------------------------------------------------------------- kernels


@jit(matrix, matrix, vector)
def mean_squared_error_forward(y, t, loss):
    """Half the squared error of a sample, summed over its outputs, averaged over the batch.

        loss[0] = 1 / (2 N) * sum over n and c of (y[n, c] - t[n, c])**2

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    The half makes the gradient of one sample the error y - t, as the delta rule has it. What
    PyTorch and Keras call by this name is `elementwise_mean_squared_error_forward`.
    Source: Saitoh, Deep Learning from Scratch, section 4.2.1.
    """
    mean_of_sums(squared_error_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
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
    gradient_of_sums(squared_error_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def elementwise_mean_squared_error_forward(y, t, loss):
    """Squared error, mean over the outputs and the batch.

        loss[0] = mean over n and c of (y[n, c] - t[n, c])**2

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: torch.nn.MSELoss, keras.losses.MeanSquaredError.
    """
    mean_of_elements(elementwise_mean_squared_error_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def elementwise_mean_squared_error_backward(y, t, dout, dx):
    """Gradient of the elementwise mean squared error.

        dx = 2 (y - t) * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(elementwise_mean_squared_error_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def mean_absolute_error_forward(y, t, loss):
    """Absolute error, mean over the outputs and the batch.

        loss[0] = mean over n and c of |y[n, c] - t[n, c]|

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: torch.nn.L1Loss, keras.losses.MeanAbsoluteError.
    """
    mean_of_elements(mean_absolute_error_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def mean_absolute_error_backward(y, t, dout, dx):
    """Gradient of the mean absolute error.

        dx = sign(y - t) * dout / (N C), 0 where y = t

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(mean_absolute_error_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def mean_absolute_percentage_error_forward(y, t, loss):
    """Absolute error in per cent of the target, mean over the outputs and the batch.

        loss[0] = mean over n and c of 100 |y[n, c] - t[n, c]| / max(|t[n, c]|, 1e-7)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: keras.losses.MeanAbsolutePercentageError.
    """
    mean_of_elements(mean_absolute_percentage_error_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def mean_absolute_percentage_error_backward(y, t, dout, dx):
    """Gradient of the mean absolute percentage error.

        dx = 100 sign(y - t) / max(|t|, 1e-7) * dout / (N C), 0 where y = t

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(mean_absolute_percentage_error_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def mean_squared_logarithmic_error_forward(y, t, loss):
    """Squared difference of logarithms, mean over the outputs and the batch.

        loss[0] = mean over n and c of (log(1 + y[n, c]) - log(1 + t[n, c]))**2

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    y and t below 1e-7 count as that.
    Source: keras.losses.MeanSquaredLogarithmicError.
    """
    mean_of_elements(mean_squared_logarithmic_error_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def mean_squared_logarithmic_error_backward(y, t, dout, dx):
    """Gradient of the mean squared logarithmic error.

        dx = 2 (log(1 + y) - log(1 + t)) / (1 + y) * dout / (N C), 0 where y < 1e-7

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(mean_squared_logarithmic_error_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, vector)
def poisson_forward(y, t, loss):
    """Poisson loss, mean over the outputs and the batch.

        loss[0] = mean over n and c of y[n, c] - t[n, c] log(y[n, c] + 1e-7)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    The negative log-likelihood of counts t under rates y, without the terms in t alone.
    Source: keras.losses.Poisson; torch.nn.PoissonNLLLoss(log_input=False, eps=1e-7).
    """
    mean_of_elements(poisson_row, y, t, loss)


@jit(matrix, matrix, real, matrix)
def poisson_backward(y, t, dout, dx):
    """Gradient of the Poisson loss.

        dx = (1 - t / (y + 1e-7)) * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    gradient_of_elements(poisson_gradient_row, y, t, dout, dx)


@jit(matrix, matrix, real, vector)
def huber_forward(y, t, delta, loss):
    """Huber loss, mean over the outputs and the batch.

        loss[0] = mean over n and c of e**2 / 2 where |e| <= delta, else delta (|e| - delta / 2)
        e = y[n, c] - t[n, c]

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    delta : scalar of y.dtype, positive
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: Huber, Robust estimation of a location parameter, 1964; torch.nn.HuberLoss and
    keras.losses.Huber.
    """
    p, q, size = pointer(y), pointer(t), y.size
    total = 0.0
    for i in range(0, size, BLOCK):
        count = min(BLOCK, size - i)
        total += count * huber_row(offset(p, i), offset(q, i), count, delta)
    put(pointer(loss), 0, total / size)


@jit(matrix, matrix, real, real, matrix)
def huber_backward(y, t, delta, dout, dx):
    """Gradient of the Huber loss.

        dx = (y - t where that is within -delta and delta, else the nearer of the two)
             * dout / (N C)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    delta : scalar of y.dtype, positive
    dout : scalar of y.dtype
        Upstream gradient.
    dx : (N, C), same dtype, C-contiguous
        Overwritten. May be y.
    """
    p = pointer(y)
    huber_gradient_row(p, pointer(t), y.size, dout, scalar(p, 1.0), pointer(dx), delta)


@jit(matrix, matrix, vector)
def cosine_proximity_forward(y, t, loss):
    """Negative cosine of the angle between outputs and targets, mean over the batch.

        loss[0] = -mean over n of (y[n] . t[n]) / (|y[n]| |t[n]|)

    Parameters
    ----------
    y, t : (N, C), one dtype, float32 or float64, C-contiguous
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    A length below 1e-7 counts as that, so the loss of a row of zeros is 0.
    Source: keras.losses.CosineSimilarity.
    """
    n, columns = y.shape
    p, q = pointer(y), pointer(t)
    total = 0.0
    for i in range(n):
        total += cosine_proximity_row(offset(p, i * columns), offset(q, i * columns), columns)
    put(pointer(loss), 0, total / n)


@jit(matrix, matrix, real, matrix)
def cosine_proximity_backward(y, t, dout, dx):
    """Gradient of the cosine proximity.

        dx[n] = (cosine[n] y[n] / |y[n]| - t[n] / |t[n]|) / |y[n]| * dout / N

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
    size = scalar(p, n)
    for i in range(n):
        at = i * columns
        cosine_proximity_gradient_row(
            offset(p, at), offset(q, at), columns, dout, size, offset(target, at)
        )
