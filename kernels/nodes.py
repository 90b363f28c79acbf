"""Nodes of a computational graph: add, multiply, repeat, sum, forward and backward.

Repeat and sum are each other's gradient. They see an array of any shape as (A, B, C): what
comes before the axis, the axis, what comes after it. All work on pointers, too.
"""

from ._compile import AnyShape, cube, helper, jit, matrix, shared
from .simd import fill, get, lanes, load, offset, pointer, put, sum_lanes
from .sweep import copy, fold, put_all, sweep


@helper
def add(x, y):
    """Return x + y, vectors."""
    return x + y


@helper
def _multiply(x, y):
    return x * y


@helper
def _multiply_gradient(x, y, dout):
    return dout * y, dout * x


@helper
def _twice(x):
    return x, x


@helper
def repeat(x, out, a, b, c):
    """out[i, j, :] = x[i, :], for a rows of c elements and j < b."""
    for i in range(a):
        if c == 1:
            put_all(offset(out, i * b), b, get(x, i))
        else:
            for j in range(b):
                copy(offset(x, i * c), offset(out, (i * b + j) * c), c)


@helper
def _sum_run(x, size):
    """The sum of x[:size], in four vectors of partial sums."""
    step = lanes(x)
    t0 = fill(x, 0.0)
    t1, t2, t3 = t0, t0, t0
    full = size - size % (4 * step)
    for i in range(0, full, 4 * step):
        t0 = t0 + load(x, i)
        t1 = t1 + load(x, i + step)
        t2 = t2 + load(x, i + 2 * step)
        t3 = t3 + load(x, i + 3 * step)
    t0 = fold(add, t0, (x,), full, size, ())
    return sum_lanes((t0 + t1) + (t2 + t3))


@helper
def _sum_four(a, b, c, d):
    return a + b + c + d


@helper
def _add_four(x, a, b, c, d):
    return x + a + b + c + d


@shared
def sum_rows(n, columns, stride, x, total):
    """total[:columns] = the sum of n rows that start `stride` elements apart, in order."""
    # Four rows at a time, which read and write the total once: down the columns of a matrix 512
    # wide, cache lines threw each other out, and a sum took five times as long.
    full = n - n % 4
    for i in range(0, full, 4):
        a, b = offset(x, i * stride), offset(x, (i + 1) * stride)
        rows = a, b, offset(x, (i + 2) * stride), offset(x, (i + 3) * stride)
        if i == 0:
            sweep(_sum_four, (total,), rows, 0, columns, ())
        else:
            sweep(_add_four, (total,), (total, *rows), 0, columns, ())
    if full == 0:
        copy(x, total, columns)
    for i in range(max(full, 1), n):
        sweep(add, (total,), (total, offset(x, i * stride)), 0, columns, ())


@shared
def sum_middle(x, out, a, b, c):
    """out[i, :] = sum over j of x[i, j, :], for a blocks of b rows of c elements."""
    for i in range(a):
        block = offset(x, i * b * c)
        if c == 1:
            put(out, i, _sum_run(block, b))
        else:
            sum_rows(b, c, c, block, offset(out, i * c))


@jit(AnyShape(matrix), AnyShape(matrix), AnyShape(matrix))
def add_forward(x, y, out):
    """Sum of two arrays.

        out = x + y

    Parameters
    ----------
    x, y : arrays of one shape and dtype, float32 or float64, C-contiguous
        Any shape.
    out : array, same shape and dtype
        Overwritten. May be x or y.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.4.2.
    """
    sweep(add, (pointer(out),), (pointer(x), pointer(y)), 0, x.size, ())


@jit(AnyShape(matrix), AnyShape(matrix), AnyShape(matrix))
def add_backward(dout, dx, dy):
    """Gradient of a sum of two arrays.

        dx = dout
        dy = dout

    Parameters
    ----------
    dout : array of float32 or float64, C-contiguous
        Upstream gradient.
    dx, dy : arrays, same shape and dtype
        Overwritten.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.3.1.
    """
    sweep(_twice, (pointer(dx), pointer(dy)), (pointer(dout),), 0, dout.size, ())


@jit(AnyShape(matrix), AnyShape(matrix), AnyShape(matrix))
def multiply_forward(x, y, out):
    """Product of two arrays, element by element.

        out = x * y

    Parameters
    ----------
    x, y : arrays of one shape and dtype, float32 or float64, C-contiguous
        Any shape.
    out : array, same shape and dtype
        Overwritten. May be x or y.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.4.1.
    """
    sweep(_multiply, (pointer(out),), (pointer(x), pointer(y)), 0, x.size, ())


@jit(AnyShape(matrix), AnyShape(matrix), AnyShape(matrix), AnyShape(matrix), AnyShape(matrix))
def multiply_backward(x, y, dout, dx, dy):
    """Gradient of a product of two arrays.

        dx = dout * y
        dy = dout * x

    Parameters
    ----------
    x, y, dout : arrays of one shape and dtype, float32 or float64, C-contiguous
        Inputs of the forward pass and upstream gradient.
    dx, dy : arrays, same shape and dtype
        Overwritten. May be any of the inputs.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.3.2.
    """
    inputs = pointer(x), pointer(y), pointer(dout)
    sweep(_multiply_gradient, (pointer(dx), pointer(dy)), inputs, 0, x.size, ())


@jit(matrix, cube)
def repeat_forward(x, out):
    """Copies of every entry along an axis.

        out[a, b, c] = x[a, c]

    Parameters
    ----------
    x : (A, C) float32 or float64, C-contiguous
    out : (A, B, C), same dtype, C-contiguous
        Overwritten. Must not overlap x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.4.
    """
    a, b, c = out.shape
    repeat(pointer(x), pointer(out), a, b, c)


@jit(cube, matrix)
def repeat_backward(dout, dx):
    """Gradient of copies along an axis: their sum.

        dx[a, c] = sum over b of dout[a, b, c]

    Parameters
    ----------
    dout : (A, B, C) float32 or float64, C-contiguous
        Upstream gradient.
    dx : (A, C), same dtype, C-contiguous
        Overwritten. Must not overlap dout.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.4.
    """
    a, b, c = dout.shape
    sum_middle(pointer(dout), pointer(dx), a, b, c)


@jit(cube, matrix)
def sum_forward(x, out):
    """Sum along an axis.

        out[a, c] = sum over b of x[a, b, c]

    Parameters
    ----------
    x : (A, B, C) float32 or float64, C-contiguous
    out : (A, C), same dtype, C-contiguous
        Overwritten. Must not overlap x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.4.
    """
    a, b, c = x.shape
    sum_middle(pointer(x), pointer(out), a, b, c)


@jit(matrix, cube)
def sum_backward(dout, dx):
    """Gradient of a sum along an axis: copies.

        dx[a, b, c] = dout[a, c]

    Parameters
    ----------
    dout : (A, C) float32 or float64, C-contiguous
        Upstream gradient.
    dx : (A, B, C), same dtype, C-contiguous
        Overwritten. Must not overlap dout.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 1.3.4.
    """
    a, b, c = dx.shape
    repeat(pointer(dout), pointer(dx), a, b, c)
