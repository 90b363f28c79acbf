"""Penalties on large weights, L1 and L2: their value, and their gradient added to another."""

from ._compile import AnyShape, entry, helper, inline, jit, real, vector
from .loop.calls import Penalty
from .loop.record import PENALIZED, layer_at
from .simd import (
    absolute,
    copysign,
    fill,
    fma,
    get,
    lanes,
    load,
    offset,
    pointer,
    pointer_at,
    put,
    scalar,
    select,
    sum_lanes,
)
from .sweep import fold, sweep

BLOCK = 4096  # terms that are added in the arrays' dtype; the blocks are added in float64


@helper
def _magnitude(total, w):
    return total + absolute(w)


@helper
def _square(total, w):
    return fma(w, w, total)


@helper
def add_l1_gradient(grad, w, strength):
    """Return grad + strength * sign(w), vectors: sign(0) = 0; NaN stays NaN."""
    return grad + select(absolute(w) > 0.0, copysign(fill(w, strength), w), w)


@helper
def add_l2_gradient(grad, w, strength):
    """Return grad + strength * w, vectors."""
    return grad + strength * w


@inline
def _total(term, w, size):
    """The sum of term over w[:size], a float64."""
    step = lanes(w)
    total = 0.0
    for start in range(0, size, BLOCK):
        block = offset(w, start)
        count = min(BLOCK, size - start)
        full = count - count % (2 * step)
        even, odd = fill(w, 0.0), fill(w, 0.0)
        for i in range(0, full, 2 * step):
            even = term(even, load(block, i))
            odd = term(odd, load(block, i + step))
        even = fold(term, even, (block,), full, count, ())
        total += sum_lanes(even + odd)
    return total


@helper
def l1_penalty(w, strength, size):
    """strength * sum of |w[:size]|, a pointer."""
    return strength * _total(_magnitude, w, size)


@helper
def l2_penalty(w, strength, size):
    """strength / 2 * sum of w[:size]**2, a pointer."""
    return 0.5 * strength * _total(_square, w, size)


@jit(AnyShape(vector), real, vector)
def l1_penalty_forward(W, strength, loss):
    """L1 penalty, or lasso.

        loss[0] = strength * sum of |W|

    Parameters
    ----------
    W : array of float32 or float64, C-contiguous
        Any shape.
    strength : scalar of the dtype
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: Tibshirani, Regression shrinkage and selection via the lasso, 1996.
    """
    put(pointer(loss), 0, l1_penalty(pointer(W), strength, W.size))


@jit(AnyShape(vector), real, AnyShape(vector))
def l1_penalty_backward(W, strength, dW):
    """Gradient of the L1 penalty, added to that of the loss.

        dW += strength * sign(W), sign(0) = 0

    Parameters
    ----------
    W : array of float32 or float64, C-contiguous
        Any shape.
    strength : scalar of the dtype
    dW : array, same shape and dtype
        Updated in place.
    """
    g = pointer(dW)
    sweep(add_l1_gradient, (g,), (g, pointer(W)), 0, W.size, (strength,))


@jit(AnyShape(vector), real, vector)
def l2_penalty_forward(W, strength, loss):
    """L2 penalty, or weight decay.

        loss[0] = strength / 2 * sum of W**2

    Parameters
    ----------
    W : array of float32 or float64, C-contiguous
        Any shape.
    strength : scalar of the dtype
    loss : (1,), same dtype
        Overwritten.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.4.2.
    """
    put(pointer(loss), 0, l2_penalty(pointer(W), strength, W.size))


@jit(AnyShape(vector), real, AnyShape(vector))
def l2_penalty_backward(W, strength, dW):
    """Gradient of the L2 penalty, added to that of the loss.

        dW += strength * W

    Parameters
    ----------
    W : array of float32 or float64, C-contiguous
        Any shape.
    strength : scalar of the dtype
    dW : array, same shape and dtype
        Updated in place.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.4.2.
    """
    g = pointer(dW)
    sweep(add_l2_gradient, (g,), (g, pointer(W)), 0, W.size, (strength,))


@entry(Penalty)
def penalty_in_loop(depth, layers, param, grad, numbers, like):
    """Add the gradients of both penalties on the weights of every layer that learns to `grad`."""
    values = pointer_at(numbers, 0.0)
    l1, l2, value = get(values, 0), get(values, 1), 0.0
    for i in range(depth):
        layer = layer_at(layers, i)
        if layer.weight < 0:
            continue
        size = layer.decays if layer.forward != 0 else layer.inputs * layer.outputs
        p = offset(pointer_at(param, like), layer.weight)
        g = offset(pointer_at(grad, like), layer.weight)
        if l1 != 0.0:
            value += l1_penalty(p, l1, size)
            if layer.frozen == 0:
                sweep(add_l1_gradient, (g,), (g, p), 0, size, (scalar(p, l1),))
        if l2 != 0.0:
            value += l2_penalty(p, l2, size)
            if layer.frozen == 0:
                sweep(add_l2_gradient, (g,), (g, p), 0, size, (scalar(p, l2),))
    put(values, PENALIZED, value)
    return 0
