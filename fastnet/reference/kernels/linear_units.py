"""Leaky ReLU, ELU, softplus, GELU, SiLU, the identity and the step, of any shape."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])  # NumPy has none


def identity_forward(x, out):
    """Write out = x."""
    out[...] = x


def identity_backward(out, dout, dx):
    """Write dx = dout."""
    dx[...] = dout


def step_forward(x, out):
    """Write out = 1 where x > 0, else 0; NaN passes."""
    out[...] = np.where(np.isnan(x), x, x > 0)


def step_backward(out, dout, dx):
    """Write dx = 0."""
    dx[...] = 0


def leaky_relu_forward(x, alpha, out):
    """Write out = alpha * x where x <= 0, else x; NaN passes."""
    out[...] = np.where(x <= 0, alpha * x, x)


def leaky_relu_backward(out, alpha, dout, dx):
    """Write dx = alpha * dout where out <= 0, else dout."""
    dx[...] = np.where(out <= 0, alpha * dout, dout)


def elu_forward(x, alpha, out):
    """Write out = alpha * (exp(x) - 1) where x <= 0, else x; NaN passes."""
    out[...] = np.where(x <= 0, alpha * np.expm1(np.minimum(x, 0)), x)


def elu_backward(out, alpha, dout, dx):
    """Write dx = dout * (out + alpha) where out <= 0, else dout."""
    dx[...] = np.where(out <= 0, dout * (out + alpha), dout)


def softplus_forward(x, out):
    """Write out = log(1 + exp(x)), without overflow."""
    out[...] = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_backward(out, dout, dx):
    """Write dx = dout * (1 - exp(-out))."""
    dx[...] = dout * -np.expm1(-out)


def gelu_forward(x, out):
    """Write out = x / 2 * (1 + erf(x / sqrt(2)))."""
    out[...] = x * _normal_cdf(x)


def gelu_backward(x, dout, dx):
    """Write dx = dout * (cdf(x) + x * density(x)) of the normal distribution."""
    density = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    dx[...] = dout * (_normal_cdf(x) + x * density)


def gelu_tanh_forward(x, out):
    """Write out = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))."""
    out[...] = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))


def gelu_tanh_backward(x, dout, dx):
    """Write dx = dout * the derivative of the tanh form."""
    factor = np.sqrt(2 / np.pi)
    y = np.tanh(factor * (x + 0.044715 * x * x * x))
    slope = factor * (1 + 3 * 0.044715 * x**2)
    dx[...] = dout * ((1 + y) / 2 + x / 2 * (1 - y**2) * slope)


def silu_forward(x, out):
    """Write out = x * sigmoid(x)."""
    out[...] = x / (1 + np.exp(-x))


def silu_backward(x, dout, dx):
    """Write dx = dout * (s + x * s * (1 - s)), s = sigmoid(x)."""
    s = 1 / (1 + np.exp(-x))
    dx[...] = dout * (s + x * s * (1 - s))


def _normal_cdf(x):
    return 0.5 * (1 + _erf(x / math.sqrt(2)))
