"""Activations that multiply x by a gate, a number between 0 and 1.

`foo(x)` and `foo_gradient(x, dout)` work on vectors: the input, and with it the upstream gradient.
"""

from ._compile import helper
from .elementary import exp, normal_cdf, sigmoid
from .elementwise_layers import elementwise
from .simd import absolute, fill, fma, select

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
def gelu(x):
    """Return x * cdf(x) of the normal distribution."""
    return x * normal_cdf(x)[0]


@helper
def gelu_gradient(x, dout):
    """Return dout * (cdf(x) + x * density(x))."""
    cdf, e = normal_cdf(x)
    return dout * fma(DENSITY_AT_0 * x, e, cdf)


gelu_kernels = elementwise(
    "gelu",
    gelu,
    gelu_gradient,
    reads="x",
    text="""Gaussian error linear unit.

        out = x * cdf(x) = x / 2 * (1 + erf(x / sqrt(2)))
        dx = dout * (cdf(x) + x * exp(-x**2 / 2) / sqrt(2 pi))

    Within 5 ulp, for large negative x too, where 1 + erf cancels; 0 where exp(-x**2 / 2) would
    be below the smallest normal number. -inf gives NaN, as the product in NumPy.
    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """,
)
gelu_forward, gelu_backward, gelu_in_loop, gelu_gradient_in_loop = gelu_kernels


@helper
def gelu_tanh(x):
    """Return x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3)))."""
    return x * sigmoid(TANH_FACTOR * x * fma(TANH_CUBE * x, x, fill(x, 1.0)))


@helper
def gelu_tanh_gradient(x, dout):
    """Return dout * (s + x s (1 - s) u'), s = sigmoid(u) as in `gelu_tanh`."""
    square = x * x
    s, steep = _sigmoid_and_slope(TANH_FACTOR * x * fma(square, TANH_CUBE, fill(x, 1.0)))
    slope = TANH_FACTOR * fma(square, 3.0 * TANH_CUBE, fill(x, 1.0))
    # From s = 0 or 1 on, the product may be 0 times an infinite slope.
    return dout * (s + select(steep <= 0.0, 0.0, x * steep * slope))


gelu_tanh_kernels = elementwise(
    "gelu_tanh",
    gelu_tanh,
    gelu_tanh_gradient,
    reads="x",
    text="""Gaussian error linear unit in its tanh form.

        out = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
        dx = dout * (s + x * s * (1 - s) * u'), out = x * s, s = sigmoid(u)

    Differs from `gelu_forward` by at most 0.0005. -inf gives NaN, as the product in NumPy.
    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """,
)
gelu_tanh_forward, gelu_tanh_backward, gelu_tanh_in_loop, gelu_tanh_gradient_in_loop = (
    gelu_tanh_kernels
)


@helper
def silu(x):
    """Return x * sigmoid(x)."""
    return x * sigmoid(x)


@helper
def silu_gradient(x, dout):
    """Return dout * (s + x s (1 - s)), s = sigmoid(x)."""
    s, steep = _sigmoid_and_slope(x)
    return dout * fma(x, steep, s)


silu_kernels = elementwise(
    "silu",
    silu,
    silu_gradient,
    reads="x",
    text="""Sigmoid linear unit, or swish.

        out = x * sigmoid(x)
        dx = dout * (s + x * s * (1 - s)), s = sigmoid(x)

    Within 3 ulp. -inf gives NaN, as the product in NumPy.
    Source: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2017.
    """,
)
silu_forward, silu_backward, silu_in_loop, silu_gradient_in_loop = silu_kernels


@helper
def _mish_gate(x):
    """Return g = tanh(softplus(x)) and its derivative, of w = exp(x) or of 1 / w: none overflows.

    g = n / (n + 2) with n = w (w + 2), and g' = 4 w (w + 1) / (n + 2)**2: nothing cancels.
    """
    e = exp(-absolute(x))
    below = x <= 0.0
    n = select(below, e * (e + 2.0), 1.0 + 2.0 * e)
    inverse = 1.0 / (n + select(below, fill(x, 2.0), 2.0 * e * e))
    return n * inverse, 4.0 * select(below, e, e * e) * (1.0 + e) * inverse * inverse


@helper
def mish(x):
    """Return x * tanh(softplus(x))."""
    return x * _mish_gate(x)[0]


@helper
def mish_gradient(x, dout):
    """Return dout * (g + x g'), g = tanh(softplus(x))."""
    gate, slope = _mish_gate(x)
    return dout * fma(x, slope, gate)


mish_kernels = elementwise(
    "mish",
    mish,
    mish_gradient,
    reads="x",
    text="""Mish.

        out = x * tanh(softplus(x)) = x * n / (n + 2), n = exp(x) * (exp(x) + 2)
        dx = dout * (n / (n + 2) + x * 4 * exp(x) * (exp(x) + 1) / (n + 2)**2)

    Within 5 ulp. -inf gives NaN, as the product in NumPy.
    Source: Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019.
    """,
)
mish_forward, mish_backward, mish_in_loop, mish_gradient_in_loop = mish_kernels
