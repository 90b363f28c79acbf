"""Rectifiers besides ReLU: leaky ReLU, ELU and softplus, whose gradient is taken from the output.

`foo(x)` and `foo_gradient(out, dout)` work on vectors. Leaky ReLU and ELU take a number, alpha.
And ReLU that keeps a bit a number for its gradient, where nobody else keeps the output.
"""

from numba import uint8

from ._compile import helper, jit, vector
from .elementary import exp, expm1_of_negative, log1p_of_fraction
from .elementwise_layers import elementwise
from .simd import (
    absolute,
    get,
    keep_positive,
    numbers_at_once,
    pointer,
    put,
    scalar,
    select,
    where_set,
)

bytes_ = uint8[::1]


@helper
def leaky_relu(x, alpha):
    """Return alpha * x where x <= 0, else x; NaN stays NaN."""
    return select(x <= 0.0, alpha * x, x)


@helper
def leaky_relu_gradient(out, dout, alpha):
    """Return dout * alpha where out <= 0, which is where x <= 0 as alpha >= 0, else dout."""
    return select(out <= 0.0, alpha * dout, dout)


leaky_relu_kernels = elementwise(
    "leaky_relu",
    leaky_relu,
    leaky_relu_gradient,
    reads="out",
    alpha=True,
    text="""Leaky rectified linear unit.

        out = alpha * x where x <= 0, else x
        dx = alpha * dout where out <= 0, else dout

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models,
    2013.
    """,
)
leaky_relu_forward, leaky_relu_backward, leaky_relu_in_loop, leaky_relu_gradient_in_loop = (
    leaky_relu_kernels
)


@helper
def elu(x, alpha):
    """Return alpha * (exp(x) - 1) where x <= 0, else x; NaN stays NaN."""
    return select(x <= 0.0, alpha * expm1_of_negative(x), x)


@helper
def elu_gradient(out, dout, alpha):
    """Return dout * alpha * exp(x) where out <= 0, else dout: alpha * exp(x) is out + alpha."""
    return select(out <= 0.0, dout * (out + alpha), dout)


elu_kernels = elementwise(
    "elu",
    elu,
    elu_gradient,
    reads="out",
    alpha=True,
    text="""Exponential linear unit.

        out = alpha * (exp(x) - 1) where x <= 0, else x
        dx = dout * (out + alpha) where out <= 0, else dout

    Within 2 ulp, for tiny x too.
    Source: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units, 2015.
    """,
)
elu_forward, elu_backward, elu_in_loop, elu_gradient_in_loop = elu_kernels


@helper
def softplus(x):
    """Return log(1 + exp(x)), without overflow."""
    rest = log1p_of_fraction(exp(-absolute(x)))
    return select(x <= 0.0, 0.0, x) + rest


@helper
def softplus_gradient(out, dout):
    """Return dout * sigmoid(x), which is dout * (1 - exp(-out))."""
    return dout * -expm1_of_negative(-out)


softplus_kernels = elementwise(
    "softplus",
    softplus,
    softplus_gradient,
    reads="out",
    text="""Softplus.

        out = log(1 + exp(x))
        dx = dout * (1 - exp(-out)) = dout * sigmoid(x)

    Within 2 ulp; 0 where it would be below the smallest normal number.
    Source: Dugas et al., Incorporating second-order functional knowledge, 2000.
    """,
)
softplus_forward, softplus_backward, softplus_in_loop, softplus_gradient_in_loop = softplus_kernels


@jit(vector, vector, bytes_)
def relu_bits_forward(x, out, bits):
    """ReLU, and where the gradient passes.

        out = 0 where x <= 0, else x
        bit i % 8 of bits[i // 8] = 0 where x[i] <= 0, else 1

    Parameters
    ----------
    x : (N,) float32 or float64, C-contiguous
        NaN stays NaN.
    out : (N,), same dtype
        Overwritten, like bits. May be x.
    bits : (B,) uint8, C-contiguous
        B is N / 8, rounded up. Bits behind the last number are 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.5.1, whose mask is a byte a number.
    """
    p, q, b, n = pointer(x), pointer(out), pointer(bits), x.size
    whole = n // numbers_at_once(p) * numbers_at_once(p)
    for i in range(0, whole, numbers_at_once(p)):
        keep_positive(p, i, q, b)
    for i in range(whole, n, 8):
        byte = 0
        for k in range(min(8, n - i)):
            value = get(p, i + k)
            if value <= 0.0:
                value = scalar(p, 0.0)
            else:
                byte |= 1 << k
            put(q, i + k, value)
        put(b, i // 8, uint8(byte))


@jit(bytes_, vector, vector)
def relu_bits_backward(bits, dout, dx):
    """Gradient of ReLU, from the bits of the forward pass.

        dx = dout where the bit is 1, else 0

    Parameters
    ----------
    bits : (B,) uint8, C-contiguous
        As `relu_bits_forward` left them; B is N / 8, rounded up.
    dout : (N,) float32 or float64, C-contiguous
        Upstream gradient.
    dx : (N,), same dtype
        Overwritten. May be dout.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.5.1.
    """
    b, p, q, n = pointer(bits), pointer(dout), pointer(dx), dout.size
    whole = n // numbers_at_once(p) * numbers_at_once(p)
    for i in range(0, whole, numbers_at_once(p)):
        where_set(b, i, p, q)
    for i in range(whole, n):
        passes = get(b, i // 8) >> (i % 8) & 1
        put(q, i, get(p, i) if passes else scalar(p, 0.0))
