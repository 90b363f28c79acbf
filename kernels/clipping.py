"""Gradient clipping, by the norm of all gradients together and by value; and weight decay."""

import math

from numba import float64

from ._compile import AnyShape, helper, jit, vector
from .loop.record import MAX_NORM
from .simd import fill, get, lanes, load_as, pointer, put, select, stack_buffer, sum_lanes


@helper
def squared_norm(x, size, total):
    """total[0] = the sum of x[:size] ** 2 on pointers, in float64: no square overflows."""
    step = lanes(total)
    a = b = c = d = fill(total, 0.0)
    i = 0
    while i + 4 * step <= size:  # four sums, for one addition would wait for another
        u, v = load_as(x, i, total), load_as(x, i + step, total)
        a, b = a + u * u, b + v * v
        u, v = load_as(x, i + 2 * step, total), load_as(x, i + 3 * step, total)
        c, d = c + u * u, d + v * v
        i += 4 * step
    rest = sum_lanes((a + b) + (c + d))
    while i < size:
        rest += float64(get(x, i)) * float64(get(x, i))
        i += 1
    put(total, 0, rest)


@helper
def clip_norm(grad, size, numbers, factor):
    """Set the factor that brings the norm of all gradients down to the largest that is wanted."""
    largest = get(numbers, MAX_NORM)
    put(numbers, factor, 1.0)
    if largest < math.inf:
        total = stack_buffer(numbers, 8)
        squared_norm(grad, size, total)
        value = largest / (math.sqrt(get(total, 0)) + 1e-6)
        if value < 1.0:
            put(numbers, factor, value)


@helper
def adjusted(p, g, weight_decay, clip_value, scale):
    """The gradient scaled, then clipped; then that of the weight decay is added."""
    g = scale * g
    g = select(g > clip_value, clip_value, g)
    g = select(g < -clip_value, -clip_value, g)  # NaN passes through
    if weight_decay != 0.0:  # else an infinite parameter would become NaN
        g = g + weight_decay * p
    return g


@jit(AnyShape(vector), float64[::1])
def squared_norm_forward(x, total):
    """Sum of squares.

        total[0] = sum of x**2

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape.
    total : (1,) float64
        Overwritten.

    Notes
    -----
    Added in float64, in an order that depends on the size and the vector's width alone.
    """
    squared_norm(pointer(x), x.size, pointer(total))
