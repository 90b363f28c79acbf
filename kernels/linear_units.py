"""Leaky ReLU, ELU, softplus, GELU, SiLU, the identity and the step, forward and backward.

`foo(x)` and `foo_gradient(x, out, dout)` work on vectors: the input, the output and the upstream
gradient, of which each reads what makes the derivative cheapest.  Leaky ReLU and ELU take their
alpha as one more number.
"""

from ._compile import helper, inline, jit, matrix, real
from .elementary import (
    exp,
    expm1_of_negative,
    log1p_of_fraction,
    normal_cdf,
    sigmoid,
)
from .simd import absolute, fill, fma, pointer, select
from .sweep import sweep

DENSITY_AT_0 = 0.3989422804014327  # 1 / sqrt(2 pi)
# 2 sqrt(2 / pi) (x + 0.044715 x**3): (1 + tanh(u)) / 2 is the sigmoid of 2 u.
TANH_FACTOR, TANH_CUBE = 1.5957691216057308, 0.044715


@helper
def _sigmoid_and_slope(x):
    """Return s = sigmoid(x) and s (1 - s), which would lose digits as such: x eps for large x."""
    e = exp(-absolute(x))
    inverse = 1.0 / (1.0 + e)
    small = e * inverse
    return select(x <= 0.0, small, inverse), small * inverse


@helper
def identity(x):
    """Return x."""
    return x


@helper
def identity_gradient(x, out, dout):
    """Return dout."""
    return dout


@helper
def step(x):
    """1 where x > 0, else 0; NaN stays NaN."""
    return select(x <= 0.0, 0.0, select(x > 0.0, 1.0, x))


@helper
def step_gradient(x, out, dout):
    """Return 0: the step is flat, and its jump has no derivative."""
    return fill(out, 0.0)


@helper
def leaky_relu(x, alpha):
    """Return alpha * x where x <= 0, else x; NaN stays NaN."""
    return select(x <= 0.0, alpha * x, x)


@helper
def leaky_relu_gradient(x, out, dout, alpha):
    """Return dout * alpha where out <= 0, which is where x <= 0 as alpha >= 0, else dout."""
    return select(out <= 0.0, alpha * dout, dout)


@helper
def elu(x, alpha):
    """Return alpha * (exp(x) - 1) where x <= 0, else x; NaN stays NaN."""
    return select(x <= 0.0, alpha * expm1_of_negative(x), x)


@helper
def elu_gradient(x, out, dout, alpha):
    """Return dout * alpha * exp(x) where out <= 0, else dout: alpha * exp(x) is out + alpha."""
    return select(out <= 0.0, dout * (out + alpha), dout)


@helper
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    rest = log1p_of_fraction(exp(-absolute(x)))
    return select(x <= 0.0, 0.0, x) + rest


@helper
def softplus_gradient(x, out, dout):
    """Return dout * sigmoid(x): 1 - exp(-out)."""
    return dout * -expm1_of_negative(-out)


@helper
def gelu(x):
    """Return x * cdf(x) of the normal distribution."""
    return x * normal_cdf(x)[0]


@helper
def gelu_gradient(x, out, dout):
    """Return dout * (cdf(x) + x * density(x))."""
    cdf, e = normal_cdf(x)
    return dout * fma(DENSITY_AT_0 * x, e, cdf)


@helper
def gelu_tanh(x):
    """x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3)))."""
    return x * sigmoid(TANH_FACTOR * x * fma(TANH_CUBE * x, x, fill(x, 1.0)))


@helper
def gelu_tanh_gradient(x, out, dout):
    """Return dout * (s + x s (1 - s) u'), s = sigmoid(u) as in `gelu_tanh`."""
    square = x * x
    s, steep = _sigmoid_and_slope(TANH_FACTOR * x * fma(square, TANH_CUBE, fill(x, 1.0)))
    slope = TANH_FACTOR * fma(square, 3.0 * TANH_CUBE, fill(x, 1.0))
    # From s = 0 or 1 on, the product may be 0 times an infinite slope.
    return dout * (s + select(steep <= 0.0, 0.0, x * steep * slope))


@helper
def silu(x):
    """Return x * sigmoid(x)."""
    return x * sigmoid(x)


@helper
def silu_gradient(x, out, dout):
    """Return dout * (s + x s (1 - s)), s = sigmoid(x)."""
    s, steep = _sigmoid_and_slope(x)
    return dout * fma(x, steep, s)


@inline
def map_gradient(function, known, dout, dx, size, numbers):
    """dx = function(x, out, dout, *numbers), which reads only one of x and out: `known`."""
    sweep(function, (dx,), (known, known, dout), 0, size, numbers)


@jit(matrix, matrix)
def identity_forward(x, out):
    """Identity.

        out = x

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.4.3.
    """
    sweep(identity, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def identity_backward(out, dout, dx):
    """Gradient of the identity, from its output.

        dx = dout

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.
    """
    map_gradient(identity_gradient, pointer(out), pointer(dout), pointer(dx), out.size, ())


@jit(matrix, matrix)
def step_forward(x, out):
    """Step, or Heaviside, function.

        out = 1 where x > 0, else 0

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.2.2.
    """
    sweep(step, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def step_backward(out, dout, dx):
    """Gradient of the step function, from its output.

        dx = 0

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.
    """
    map_gradient(step_gradient, pointer(out), pointer(dout), pointer(dx), out.size, ())


@jit(matrix, real, matrix)
def leaky_relu_forward(x, alpha, out):
    """Leaky rectified linear unit.

        out = alpha * x where x <= 0, else x

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    alpha : scalar of the dtype
        At least 0.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic
    models, 2013.
    """
    sweep(leaky_relu, (pointer(out),), (pointer(x),), 0, x.size, (alpha,))


@jit(matrix, real, matrix, matrix)
def leaky_relu_backward(out, alpha, dout, dx):
    """Gradient of the leaky rectified linear unit, from its output.

        dx = alpha * dout where out <= 0, else dout

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    alpha : scalar of the dtype
        At least 0.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.
    """
    map_gradient(leaky_relu_gradient, pointer(out), pointer(dout), pointer(dx), out.size, (alpha,))


@jit(matrix, real, matrix)
def elu_forward(x, alpha, out):
    """Exponential linear unit.

        out = alpha * (exp(x) - 1) where x <= 0, else x

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    alpha : scalar of the dtype
        At least 0.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Within 2 ulp, for tiny x too.
    Source: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units, 2015.
    """
    sweep(elu, (pointer(out),), (pointer(x),), 0, x.size, (alpha,))


@jit(matrix, real, matrix, matrix)
def elu_backward(out, alpha, dout, dx):
    """Gradient of the exponential linear unit, from its output.

        dx = dout * (out + alpha) where out <= 0, else dout

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    alpha : scalar of the dtype
        At least 0.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.
    """
    map_gradient(elu_gradient, pointer(out), pointer(dout), pointer(dx), out.size, (alpha,))


@jit(matrix, matrix)
def softplus_forward(x, out):
    """Softplus.

        out = log(1 + exp(x))

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Within 2 ulp; 0 where it would be below the smallest normal number.
    Source: Dugas et al., Incorporating second-order functional knowledge, 2000.
    """
    sweep(softplus, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def softplus_backward(out, dout, dx):
    """Gradient of softplus, from its output.

        dx = dout * (1 - exp(-out)) = dout * sigmoid(x)

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.
    """
    map_gradient(softplus_gradient, pointer(out), pointer(dout), pointer(dx), out.size, ())


@jit(matrix, matrix)
def gelu_forward(x, out):
    """Gaussian error linear unit.

        out = x * cdf(x) = x / 2 * (1 + erf(x / sqrt(2)))

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Within 5 ulp, for large negative x too, where 1 + erf cancels; 0 where exp(-x**2 / 2) would
    be below the smallest normal number. -inf gives NaN, as the product in NumPy.
    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """
    sweep(gelu, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def gelu_backward(x, dout, dx):
    """Gradient of the Gaussian error linear unit, from its input.

        dx = dout * (cdf(x) + x * exp(-x**2 / 2) / sqrt(2 pi))

    Parameters
    ----------
    x, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Input of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or x.
    """
    map_gradient(gelu_gradient, pointer(x), pointer(dout), pointer(dx), x.size, ())


@jit(matrix, matrix)
def gelu_tanh_forward(x, out):
    """Gaussian error linear unit in its tanh form.

        out = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Differs from `gelu_forward` by at most 0.0005. -inf gives NaN, as the product in NumPy.
    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """
    sweep(gelu_tanh, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def gelu_tanh_backward(x, dout, dx):
    """Gradient of the tanh form of the Gaussian error linear unit, from its input.

        dx = dout * (s + x * s * (1 - s) * u'), out = x * s, s = sigmoid(u)

    Parameters
    ----------
    x, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Input of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or x.
    """
    map_gradient(gelu_tanh_gradient, pointer(x), pointer(dout), pointer(dx), x.size, ())


@jit(matrix, matrix)
def silu_forward(x, out):
    """Sigmoid linear unit, or swish.

        out = x * sigmoid(x)

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Within 3 ulp. -inf gives NaN, as the product in NumPy.
    Source: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2017.
    """
    sweep(silu, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def silu_backward(x, dout, dx):
    """Gradient of the sigmoid linear unit, from its input.

        dx = dout * (s + x * s * (1 - s)), s = sigmoid(x)

    Parameters
    ----------
    x, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Input of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or x.
    """
    map_gradient(silu_gradient, pointer(x), pointer(dout), pointer(dx), x.size, ())
