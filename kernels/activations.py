"""Sigmoid, ReLU and tanh, forward and backward.

The backward kernels take the forward's output: each derivative is cheaper from it than from the
input.  `activate` and `differentiate` do the same to a block of a matrix, with the activation
as data, for `gemm`'s epilogue and the compiled training loop.
"""

from ._jit import helper, inline, jit
from .elementary import map_vectors, sigmoid, tanh
from .simd import lanes, load, load_first, offset, pointer, select, store, store_first

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


@inline
def _map_two(function, x, y, out, size):
    step = lanes(x)
    full = size - size % step
    for i in range(0, full, step):
        store(out, i, function(load(x, i), load(y, i)))
    if full < size:
        rest = size - full
        result = function(load_first(x, full, rest), load_first(y, full, rest))
        store_first(out, full, result, rest)


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
            map_vectors(sigmoid, row, row, columns)
        elif activation == RELU:
            map_vectors(_relu, row, row, columns)
        elif activation == TANH:
            map_vectors(tanh, row, row, columns)


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
            _map_two(_sigmoid_gradient, y, row, row, columns)
        elif activation == RELU:
            _map_two(_relu_gradient, y, row, row, columns)
        elif activation == TANH:
            _map_two(_tanh_gradient, y, row, row, columns)


@jit
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
    map_vectors(sigmoid, pointer(x), pointer(out), x.size)


@jit
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
    _map_two(_sigmoid_gradient, pointer(out), pointer(dout), pointer(dx), out.size)


@jit
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
    map_vectors(_relu, pointer(x), pointer(out), x.size)


@jit
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
    _map_two(_relu_gradient, pointer(out), pointer(dout), pointer(dx), out.size)


@jit
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
    map_vectors(tanh, pointer(x), pointer(out), x.size)


@jit
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
    _map_two(_tanh_gradient, pointer(out), pointer(dout), pointer(dx), out.size)
