"""Activations of any shape; out may be x, and dx may be dout."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])  # NumPy has none

IDENTITY, SIGMOID, RELU, TANH = 0, 1, 2, 3


def sigmoid_forward(x, out):
    """Write out = 1 / (1 + exp(-x))."""
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    np.divide(1, out, out=out)


def sigmoid_backward(out, dout, dx):
    """Write dx = dout * (1 - out) * out."""
    np.multiply(dout, 1 - out, out=dx)
    dx *= out


def relu_forward(x, out):
    """Write out = 0 where x <= 0, else x; NaN passes."""
    np.maximum(0, x, out=out)


def relu_backward(out, dout, dx):
    """Write dx = 0 where out <= 0, else dout."""
    np.copyto(dx, dout)
    dx[out <= 0] = 0


def relu_bits_forward(x, out, bits):
    """Write relu(x), and a bit a number: 0 where x <= 0, else 1."""
    bits[...] = np.packbits(~(x <= 0), bitorder="little")
    relu_forward(x, out)


def relu_bits_backward(bits, dout, dx):
    """Write dx = dout where the bit is 1, else 0."""
    np.copyto(dx, dout)
    dx[np.unpackbits(bits, count=dx.size, bitorder="little") == 0] = 0


def tanh_forward(x, out):
    """Write out = tanh(x)."""
    np.tanh(x, out=out)


def tanh_backward(out, dout, dx):
    """Write dx = dout * (1 - out**2)."""
    np.multiply(dout, 1 - out**2, out=dx)


def identity_forward(x, out):
    """Write out = x."""
    if out is not x:
        np.copyto(out, x)


def identity_backward(out, dout, dx):
    """Write dx = dout."""
    if dx is not dout:
        np.copyto(dx, dout)


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


def mish_forward(x, out):
    """Write out = x * tanh(log(1 + exp(x)))."""
    out[...] = x * np.tanh(np.logaddexp(0, x))


def mish_backward(x, dout, dx):
    """Write dx = dout * (g + x * (1 - g**2) * sigmoid(x)), g = tanh(log(1 + exp(x)))."""
    g = np.tanh(np.logaddexp(0, x))
    dx[...] = dout * (g + x * (1 - g * g) / (1 + np.exp(-x)))


def _normal_cdf(x):
    return 0.5 * (1 + _erf(x / math.sqrt(2)))


# By activation code.
FORWARD = (identity_forward, sigmoid_forward, relu_forward, tanh_forward)
BACKWARD = (identity_backward, sigmoid_backward, relu_backward, tanh_backward)
