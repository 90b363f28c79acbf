"""The optimizers of `updates.py`, and the penalties of `penalties.py`, for the compiled loop.

    foo(t, size, param, grad, slots, hyper, like) -> 0

The update number t, from 1, of all parameters, by address; `like` is a number of their dtype.
`slots` holds the rule's state arrays one after another, each of `size`. Of `hyper`, float64, the
first numbers are those of `kernels.loop.record`, and from LR on those that `foo_step` takes.
"""

import math

from numba import float64

from ._compile import entry, helper, inline
from .loop.calls import Penalty, Rule
from .loop.record import LR, MAX_NORM, PENALIZED, layer_at
from .penalties import add_l1_gradient, add_l2_gradient, l1_penalty, l2_penalty
from .simd import get, offset, pointer_at, put, scalar, stack_buffer
from .sweep import sweep
from .updates import (
    adadelta_step,
    adagrad_step,
    adam_step,
    adamw_step,
    momentum_step,
    nadam_step,
    nesterov_step,
    rmsprop_step,
    sgd_step,
    squared_norm,
)


@helper
def _clip(grad, size, hyper, scale):
    """Set the factor that brings the norm of all gradients down to the largest that is wanted."""
    largest = get(hyper, MAX_NORM)
    put(hyper, scale, 1.0)
    if largest < math.inf:
        total = stack_buffer(hyper, 8)
        squared_norm(grad, 0, size, total)
        factor = largest / (math.sqrt(get(total, 0)) + 1e-6)
        if factor < 1.0:
            put(hyper, scale, factor)


@inline
def _follow(step, numbers, t, size, param, grad, slots, hyper, like):
    """Do `step`, which takes so many numbers, the last of which is the factor of `_clip`."""
    p, g, state = pointer_at(param, like), pointer_at(grad, like), pointer_at(slots, like)
    all_numbers = pointer_at(hyper, float64(0))
    _clip(g, size, all_numbers, LR + numbers - 1)
    step(p, g, state, size, 0, size, offset(all_numbers, LR), t)
    return 0


@entry(Penalty)
def penalty(depth, layers, param, grad, numbers, like):
    """Add the gradients of both penalties on the W of every product to `grad`."""
    values = pointer_at(numbers, float64(0))
    l1, l2, value = get(values, 0), get(values, 1), 0.0
    for i in range(depth):
        layer = layer_at(layers, i)
        if layer.weight < 0 or layer.forward != 0:
            continue
        size = layer.inputs * layer.outputs
        p = offset(pointer_at(param, like), layer.weight)
        g = offset(pointer_at(grad, like), layer.weight)
        if l1 != 0.0:
            value += l1_penalty(p, l1, size)
            sweep(add_l1_gradient, (g,), (g, p), 0, size, (scalar(p, l1),))
        if l2 != 0.0:
            value += l2_penalty(p, l2, size)
            sweep(add_l2_gradient, (g,), (g, p), 0, size, (scalar(p, l2),))
    put(values, PENALIZED, value)
    return 0


@entry(Rule)
def sgd(t, size, param, grad, slots, hyper, like):
    """See `sgd_step`."""
    return _follow(sgd_step, 4, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def momentum(t, size, param, grad, slots, hyper, like):
    """See `momentum_step`."""
    return _follow(momentum_step, 5, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def nesterov(t, size, param, grad, slots, hyper, like):
    """See `nesterov_step`."""
    return _follow(nesterov_step, 5, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def adagrad(t, size, param, grad, slots, hyper, like):
    """See `adagrad_step`."""
    return _follow(adagrad_step, 5, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def rmsprop(t, size, param, grad, slots, hyper, like):
    """See `rmsprop_step`."""
    return _follow(rmsprop_step, 6, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def adadelta(t, size, param, grad, slots, hyper, like):
    """See `adadelta_step`."""
    return _follow(adadelta_step, 6, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def adam(t, size, param, grad, slots, hyper, like):
    """See `adam_step`."""
    return _follow(adam_step, 7, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def nadam(t, size, param, grad, slots, hyper, like):
    """See `nadam_step`."""
    return _follow(nadam_step, 7, t, size, param, grad, slots, hyper, like)


@entry(Rule)
def adamw(t, size, param, grad, slots, hyper, like):
    """See `adamw_step`."""
    return _follow(adamw_step, 7, t, size, param, grad, slots, hyper, like)
