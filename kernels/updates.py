"""Optimizer steps: one pass over a flat array."""

from ._jit import jit
from .simd import fill, lanes, load, load_first, pointer, store, store_first


@jit
def sgd_update(grad, lr, param):
    """Stochastic gradient descent.

        param -= lr * grad

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr : scalar of the dtype
    param : array, same shape and dtype, C-contiguous
        Updated in place.

    Notes
    -----
    The product is rounded before the difference, so the result has NumPy's bits.
    Source: Saitoh, Deep Learning from Scratch, section 6.1.2.
    """
    g, p = pointer(grad), pointer(param)
    step = lanes(p)
    rate = fill(p, lr)
    full = param.size - param.size % step
    for i in range(0, full, step):
        store(p, i, load(p, i) - rate * load(g, i))
    if full < param.size:
        rest = param.size - full
        store_first(p, full, load_first(p, full, rest) - rate * load_first(g, full, rest), rest)
