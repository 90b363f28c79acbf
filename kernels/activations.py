"""Identity, step, sigmoid, ReLU and tanh; and four of them as a part of a product.

`foo(x)` and `foo_gradient(out, dout)` work on vectors: the input, and the output with the upstream
gradient. `activate` and `differentiate` do the same to a block of a matrix, with one of four
activations as data, for `gemm`'s epilogue and the compiled training loop.
"""

from ._compile import helper, shared
from .elementary import sigmoid, tanh
from .elementwise_layers import elementwise
from .simd import fill, offset, select
from .sweep import sweep

IDENTITY, SIGMOID, RELU, TANH = range(4)


@helper
def identity(x):
    """Return x."""
    return x


@helper
def identity_gradient(out, dout):
    """Return dout."""
    return dout


identity_kernels = elementwise(
    "identity",
    identity,
    identity_gradient,
    reads="out",
    text="""Identity.

        out = x
        dx = dout

    Source: Saitoh, Deep Learning from Scratch, section 3.4.3.
    """,
)
identity_forward, identity_backward, identity_in_loop, identity_gradient_in_loop = identity_kernels


@helper
def step(x):
    """Return 1 where x > 0, else 0; NaN stays NaN."""
    return select(x <= 0.0, 0.0, select(x > 0.0, 1.0, x))


@helper
def step_gradient(out, dout):
    """Return 0: the step is flat, and its jump has no derivative."""
    return fill(out, 0.0)


step_kernels = elementwise(
    "step",
    step,
    step_gradient,
    reads="out",
    text="""Step, or Heaviside, function.

        out = 1 where x > 0, else 0
        dx = 0

    Source: Saitoh, Deep Learning from Scratch, section 3.2.2.
    """,
)
step_forward, step_backward, step_in_loop, step_gradient_in_loop = step_kernels


@helper
def sigmoid_gradient(out, dout):
    """Return dout * out * (1 - out)."""
    return dout * (1.0 - out) * out


sigmoid_kernels = elementwise(
    "sigmoid",
    sigmoid,
    sigmoid_gradient,
    reads="out",
    text="""Logistic sigmoid.

        out = 1 / (1 + exp(-x))
        dx = dout * (1 - out) * out

    Within 2 ulp; results below the smallest normal number are 0.
    Source: Saitoh, Deep Learning from Scratch, sections 3.2.4 and 5.5.2.
    """,
)
sigmoid_forward, sigmoid_backward = sigmoid_kernels[:2]


@helper
def relu(x):
    """Return 0 where x <= 0, else x; NaN stays NaN."""
    # Not max(x, 0): where x is NaN the comparison is false and NaN passes through, as in NumPy.
    return select(x <= 0.0, 0.0, x)


@helper
def relu_gradient(out, dout):
    """Return 0 where out <= 0, else dout."""
    return select(out <= 0.0, 0.0, dout)


relu_kernels = elementwise(
    "relu",
    relu,
    relu_gradient,
    reads="out",
    text="""Rectified linear unit.

        out = 0 where x <= 0, else x
        dx = 0 where out <= 0, else dout

    Source: Saitoh, Deep Learning from Scratch, section 5.5.1.
    """,
)
relu_forward, relu_backward = relu_kernels[:2]


@helper
def tanh_gradient(out, dout):
    """Return dout * (1 - out**2)."""
    return dout * (1.0 - out * out)


tanh_kernels = elementwise(
    "tanh",
    tanh,
    tanh_gradient,
    reads="out",
    text="""Hyperbolic tangent.

        out = tanh(x)
        dx = dout * (1 - out**2)

    Within 2 ulp.
    """,
)
tanh_forward, tanh_backward = tanh_kernels[:2]


@helper
def activated(activation, x):
    """Return activation(x) of a vector."""
    if activation == SIGMOID:
        return sigmoid(x)
    if activation == RELU:
        return relu(x)
    if activation == TANH:
        return tanh(x)
    return x


@helper
def differentiated(activation, out, dout):
    """Return dout * activation' of vectors, from the activation's output."""
    if activation == SIGMOID:
        return sigmoid_gradient(out, dout)
    if activation == RELU:
        return relu_gradient(out, dout)
    if activation == TANH:
        return tanh_gradient(out, dout)
    return dout


@helper
def activate(activation, c, stride, rows, columns):
    """c[r, :] = activation(c[r, :]) for pointers to rows that start `stride` elements apart."""
    if activation != IDENTITY:
        _activate(activation, c, stride, rows, columns)


@shared
def _activate(activation, c, stride, rows, columns):
    if stride == columns:
        rows, columns = 1, rows * columns
    for r in range(rows):
        row = offset(c, r * stride)
        if activation == SIGMOID:
            sweep(sigmoid, (row,), (row,), 0, columns, ())
        elif activation == RELU:
            sweep(relu, (row,), (row,), 0, columns, ())
        elif activation == TANH:
            sweep(tanh, (row,), (row,), 0, columns, ())


@helper
def differentiate(activation, out, c, stride, rows, columns):
    """c[r, :] *= activation'(...), from the activation's output in rows of the same stride."""
    if activation != IDENTITY:
        _differentiate(activation, out, c, stride, rows, columns)


@shared
def _differentiate(activation, out, c, stride, rows, columns):
    if stride == columns:
        rows, columns = 1, rows * columns
    for r in range(rows):
        row, y = offset(c, r * stride), offset(out, r * stride)
        if activation == SIGMOID:
            sweep(sigmoid_gradient, (row,), (y, row), 0, columns, ())
        elif activation == RELU:
            sweep(relu_gradient, (row,), (y, row), 0, columns, ())
        elif activation == TANH:
            sweep(tanh_gradient, (row,), (y, row), 0, columns, ())
