"""Sigmoid, ReLU and tanh, forward and backward.

The backward kernels take the forward's output: each derivative is cheaper from it than from the
input.  `activate` and `differentiate` do the same to a block of a matrix, with the activation
as data, for `gemm`'s epilogue and the compiled training loop.
"""

from ._compile import helper, jit, matrix
from .elementary import sigmoid, tanh
from .simd import offset, pointer, select
from .sweep import sweep

IDENTITY, SIGMOID, RELU, TANH = range(4)


@helper
def _relu(x):
    # Not max(x, 0): where x is NaN the comparison is false and NaN passes through, as in NumPy.
    return select(x <= 0.0, 0.0, x)


@helper
def _sigmoid_gradient(out, dout):
    return dout * (1.0 - out) * out


@helper
def _relu_gradient(out, dout):
    return select(out <= 0.0, 0.0, dout)


@helper
def _tanh_gradient(out, dout):
    return dout * (1.0 - out * out)


@helper
def activated(activation, x):
    """activation(x) of a vector."""
    if activation == SIGMOID:
        return sigmoid(x)
    if activation == RELU:
        return _relu(x)
    if activation == TANH:
        return tanh(x)
    return x


@helper
def differentiated(activation, out, dout):
    """dout * activation' of vectors, from the activation's output."""
    if activation == SIGMOID:
        return _sigmoid_gradient(out, dout)
    if activation == RELU:
        return _relu_gradient(out, dout)
    if activation == TANH:
        return _tanh_gradient(out, dout)
    return dout


@helper
def activate(activation, c, stride, rows, columns):
    """c[r, :] = activation(c[r, :]) for pointers to rows that start `stride` elements apart."""
    if activation == IDENTITY:
        return
    if stride == columns:
        rows, columns = 1, rows * columns
    for r in range(rows):
        row = offset(c, r * stride)
        if activation == SIGMOID:
            sweep(sigmoid, (row,), (row,), 0, columns, ())
        elif activation == RELU:
            sweep(_relu, (row,), (row,), 0, columns, ())
        elif activation == TANH:
            sweep(tanh, (row,), (row,), 0, columns, ())


@helper
def differentiate(activation, out, c, stride, rows, columns):
    """c[r, :] *= activation'(...), from the activation's output in rows of the same stride."""
    if activation == IDENTITY:
        return
    if stride == columns:
        rows, columns = 1, rows * columns
    for r in range(rows):
        row, y = offset(c, r * stride), offset(out, r * stride)
        if activation == SIGMOID:
            sweep(_sigmoid_gradient, (row,), (y, row), 0, columns, ())
        elif activation == RELU:
            sweep(_relu_gradient, (row,), (y, row), 0, columns, ())
        elif activation == TANH:
            sweep(_tanh_gradient, (row,), (y, row), 0, columns, ())


@jit(matrix, matrix)
def sigmoid_forward(x, out):
    """Logistic sigmoid.

        out = 1 / (1 + exp(-x))

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Within 2 ulp; results below the smallest normal number are 0.
    Source: Saitoh, Deep Learning from Scratch, section 3.2.4.
    """
    sweep(sigmoid, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def sigmoid_backward(out, dout, dx):
    """Gradient of the sigmoid, from its output.

        dx = dout * (1 - out) * out

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.5.2.
    """
    sweep(_sigmoid_gradient, (pointer(dx),), (pointer(out), pointer(dout)), 0, out.size, ())


@jit(matrix, matrix)
def relu_forward(x, out):
    """Rectified linear unit.

        out = 0 where x <= 0, else x

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN passes through.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.5.1.
    """
    sweep(_relu, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def relu_backward(out, dout, dx):
    """Gradient of the rectified linear unit, from its output.

        dx = 0 where out <= 0, else dout

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.5.1.
    """
    sweep(_relu_gradient, (pointer(dx),), (pointer(out), pointer(dout)), 0, out.size, ())


@jit(matrix, matrix)
def tanh_forward(x, out):
    """Hyperbolic tangent.

        out = tanh(x)

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Within 2 ulp.
    """
    sweep(tanh, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(matrix, matrix, matrix)
def tanh_backward(out, dout, dx):
    """Gradient of the hyperbolic tangent, from its output.

        dx = dout * (1 - out**2)

    Parameters
    ----------
    out, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Output of the forward pass and upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout or out.
    """
    sweep(_tanh_gradient, (pointer(dx),), (pointer(out), pointer(dout)), 0, out.size, ())
