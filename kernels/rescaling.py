"""Rescaling: every element times a number, plus another.

`rescaled` works on vectors and on numbers, for the layer and for the rows that the loop gathers.
"""

from ._compile import AnyShape, entry, helper, jit, matrix, real
from .loop.calls import LayerBackward, LayerForward
from .simd import get, pointer, pointer_at
from .sweep import sweep


@helper
def rescaled(x, scale, offset):
    """Return x * scale + offset, rounded twice as NumPy does; an offset of -0.0 changes nothing."""
    return x * scale + offset


@helper
def _scaled(dout, scale):
    return dout * scale


@jit(AnyShape(matrix), real, real, AnyShape(matrix))
def rescaling_forward(x, scale, offset, out):
    """Rescaling.

        out = x * scale + offset

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN stays NaN.
    scale, offset : scalars of x.dtype
        An offset of -0.0 leaves zeros their sign.
    out : array, same shape and dtype as x
        Overwritten. May be x.
    """
    sweep(rescaled, (pointer(out),), (pointer(x),), 0, x.size, (scale, offset))


@jit(AnyShape(matrix), real, AnyShape(matrix))
def rescaling_backward(dout, scale, dx):
    """Rescaling: its gradient.

        dx = dout * scale

    Parameters
    ----------
    dout : array of float32 or float64, C-contiguous
        Upstream gradient, of any shape.
    scale : scalar of dout.dtype
    dx : array, same shape and dtype
        Overwritten. May be dout.
    """
    sweep(_scaled, (pointer(dx),), (pointer(dout),), 0, dout.size, (scale,))


# The state of a rescaling in the loop.
SCALE, OFFSET = range(2)


@entry(LayerForward)
def rescaling_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Rescaling of rows; where it is the first layer of several, `gather` does it instead."""
    numbers = pointer_at(state, like)
    pair = get(numbers, SCALE), get(numbers, OFFSET)
    sweep(rescaled, (pointer_at(out, like),), (pointer_at(x, like),), 0, n * d, pair)
    return 0


@entry(LayerBackward)
def rescaling_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of rescaling."""
    if dx != 0:
        scale = get(pointer_at(state, like), SCALE)
        sweep(_scaled, (pointer_at(dx, like),), (pointer_at(dout, like),), 0, n * d, (scale,))
    return 0
