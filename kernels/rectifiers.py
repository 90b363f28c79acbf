"""Rectifiers besides ReLU: leaky ReLU, ELU and softplus, whose gradient is taken from the output.

`foo(x)` and `foo_gradient(out, dout)` work on vectors. Leaky ReLU and ELU take a number, alpha.
"""

from ._compile import helper
from .elementary import exp, expm1_of_negative, log1p_of_fraction
from .elementwise_layers import elementwise
from .simd import absolute, select


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
