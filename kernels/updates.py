"""Optimizer steps: one pass over flat arrays that changes a parameter and the optimizer's state.

Each rule is one function of vectors: what becomes of p, the parameter, and of its state. Two more
run it over arrays: `<rule>_update`, the public kernel, and `<rule>_step`, on pointers, for the
compiled training loop. They round where NumPy does, so the results have NumPy's bits.

A rule's numbers are float64 in both dtypes, and what is computed from them alone is rounded to
float32 last: 1 - 0.999 in float32 would be 0.005 % off.
"""

from math import sqrt

from numba import float64, int64

from ._compile import helper, inline, jit, real, vector
from .simd import (
    fill,
    get,
    lanes,
    load_as,
    offset,
    pointer,
    put,
    select,
    square_root,
    sum_lanes,
)
from .sweep import sweep

# --------------------------------------------------------------------------- rules on vectors


@helper
def _adjusted(g, p, adjust):
    """The gradient scaled, then clipped; then that of the weight decay is added."""
    weight_decay, clip_value, scale = adjust
    g = scale * g
    g = select(g > clip_value, clip_value, g)
    g = select(g < -clip_value, -clip_value, g)  # NaN passes through
    if weight_decay != 0.0:  # else an infinite parameter would become NaN
        g = g + weight_decay * p
    return g


@helper
def _sgd(p, g, numbers, adjust):
    return p - numbers[0] * _adjusted(g, p, adjust)


@helper
def _momentum(p, g, v, numbers, adjust):
    lr, momentum = numbers
    g = _adjusted(g, p, adjust)
    v = momentum * v - lr * g
    return p + v, v


@helper
def _nesterov(p, g, v, numbers, adjust):
    lr, momentum = numbers
    g = _adjusted(g, p, adjust)
    p = p + momentum * momentum * v - (1.0 + momentum) * lr * g
    return p, momentum * v - lr * g


@helper
def _adagrad(p, g, h, numbers, adjust):
    lr, eps = numbers
    g = _adjusted(g, p, adjust)
    h = h + g * g
    return p - lr * g / (square_root(h) + eps), h


@helper
def _rmsprop(p, g, h, numbers, adjust):
    lr, decay_rate, eps = numbers
    g = _adjusted(g, p, adjust)
    h = decay_rate * h + (1.0 - decay_rate) * g * g
    return p - lr * g / (square_root(h) + eps), h


@helper
def _adadelta(p, g, h, s, numbers, adjust):
    lr, decay_rate, eps = numbers
    g = _adjusted(g, p, adjust)
    h = decay_rate * h + (1.0 - decay_rate) * g * g
    d = square_root((s + eps) / (h + eps)) * g
    return p - lr * d, h, decay_rate * s + (1.0 - decay_rate) * d * d


@helper
def _adam(p, g, m, v, numbers, adjust):
    rate, beta1, beta2, eps = numbers
    g = _adjusted(g, p, adjust)
    m = m + (1.0 - beta1) * (g - m)
    v = v + (1.0 - beta2) * (g * g - v)
    return p - rate * m / (square_root(v) + eps), m, v


@helper
def _nadam(p, g, m, v, numbers, adjust):
    rate, now, beta1, beta2, root, eps = numbers
    g = _adjusted(g, p, adjust)
    m = m + (1.0 - beta1) * (g - m)
    v = v + (1.0 - beta2) * (g * g - v)
    return p - (rate * m + now * g) / (root * square_root(v) + eps), m, v


@helper
def _adamw(p, g, m, v, numbers, adjust):
    rate, kept, beta1, beta2, root, eps = numbers
    g = _adjusted(g, p, adjust)
    m = m + (1.0 - beta1) * (g - m)
    v = v + (1.0 - beta2) * (g * g - v)
    return kept * p - rate * m / (root * square_root(v) + eps), m, v


# --------------------------------------------------------------------------- their numbers


@helper
def _adam_numbers(lr, beta1, beta2, eps, t):
    rate = lr * sqrt(1.0 - beta2 ** float64(t)) / (1.0 - beta1 ** float64(t))
    return rate, float64(beta1), float64(beta2), float64(eps)


@helper
def _nadam_numbers(lr, beta1, beta2, eps, t):
    rate = lr * beta1 / (1.0 - beta1 ** float64(t + 1))
    now = lr * (1.0 - beta1) / (1.0 - beta1 ** float64(t))
    root = 1.0 / sqrt(1.0 - beta2 ** float64(t))
    return rate, now, float64(beta1), float64(beta2), root, float64(eps)


@helper
def _adamw_numbers(lr, beta1, beta2, eps, weight_decay, t):
    rate = lr / (1.0 - beta1 ** float64(t))
    root = 1.0 / sqrt(1.0 - beta2 ** float64(t))
    return rate, 1.0 - lr * weight_decay, float64(beta1), float64(beta2), root, float64(eps)


# --------------------------------------------------------------------------- for the training loop
#
# <rule>_step(param, grad, state, size, start, stop, hyper, t) does the rule to the elements
# start..stop of flat arrays, given as pointers. `state` holds the state arrays one after another,
# each `size` long; `hyper` points to float64 numbers: those of the optimizer's constructor in its
# order, but the last, clip_norm, for which stands the factor that clips the gradient (1: none);
# clip_value is infinite where there is none. t is the number of this update, from 1.


@inline
def _adjust_at(hyper, i):
    return get(hyper, i), get(hyper, i + 1), get(hyper, i + 2)


@helper
def _descend(p, g, lr):
    return p - lr * g


@helper
def descend(p, g, lr, size):
    """p[:size] -= lr * g[:size], pointers."""
    sweep(_descend, (p,), (p, g), 0, size, (lr,))


@helper
def sgd_step(param, grad, state, size, start, stop, hyper, t):
    """SGD; hyper: lr, weight_decay, clip_value, scale."""
    numbers = (get(hyper, 0),)
    sweep(_sgd, (param,), (param, grad), start, stop, (numbers, _adjust_at(hyper, 1)))


@helper
def momentum_step(param, grad, state, size, start, stop, hyper, t):
    """Momentum; hyper: lr, momentum, weight_decay, clip_value, scale; state: v."""
    numbers = (get(hyper, 0), get(hyper, 1))
    arrays = param, grad, state
    sweep(_momentum, (param, state), arrays, start, stop, (numbers, _adjust_at(hyper, 2)))


@helper
def nesterov_step(param, grad, state, size, start, stop, hyper, t):
    """Nesterov; hyper: lr, momentum, weight_decay, clip_value, scale; state: v."""
    numbers = (get(hyper, 0), get(hyper, 1))
    arrays = param, grad, state
    sweep(_nesterov, (param, state), arrays, start, stop, (numbers, _adjust_at(hyper, 2)))


@helper
def adagrad_step(param, grad, state, size, start, stop, hyper, t):
    """AdaGrad; hyper: lr, eps, weight_decay, clip_value, scale; state: h."""
    numbers = (get(hyper, 0), get(hyper, 1))
    arrays = param, grad, state
    sweep(_adagrad, (param, state), arrays, start, stop, (numbers, _adjust_at(hyper, 2)))


@helper
def rmsprop_step(param, grad, state, size, start, stop, hyper, t):
    """RMSprop; hyper: lr, decay_rate, eps, weight_decay, clip_value, scale; state: h."""
    numbers = (get(hyper, 0), get(hyper, 1), get(hyper, 2))
    arrays = param, grad, state
    sweep(_rmsprop, (param, state), arrays, start, stop, (numbers, _adjust_at(hyper, 3)))


@helper
def adadelta_step(param, grad, state, size, start, stop, hyper, t):
    """AdaDelta; hyper: lr, decay_rate, eps, weight_decay, clip_value, scale; state: h, s."""
    numbers = (get(hyper, 0), get(hyper, 1), get(hyper, 2))
    h, s = state, offset(state, size)
    arrays = param, grad, h, s
    sweep(_adadelta, (param, h, s), arrays, start, stop, (numbers, _adjust_at(hyper, 3)))


@helper
def adam_step(param, grad, state, size, start, stop, hyper, t):
    """Adam; hyper: lr, beta1, beta2, eps, weight_decay, clip_value, scale; state: m, v."""
    numbers = _adam_numbers(get(hyper, 0), get(hyper, 1), get(hyper, 2), get(hyper, 3), t)
    m, v = state, offset(state, size)
    arrays = param, grad, m, v
    sweep(_adam, (param, m, v), arrays, start, stop, (numbers, _adjust_at(hyper, 4)))


@helper
def nadam_step(param, grad, state, size, start, stop, hyper, t):
    """Nadam; hyper: lr, beta1, beta2, eps, weight_decay, clip_value, scale; state: m, v."""
    numbers = _nadam_numbers(get(hyper, 0), get(hyper, 1), get(hyper, 2), get(hyper, 3), t)
    m, v = state, offset(state, size)
    arrays = param, grad, m, v
    sweep(_nadam, (param, m, v), arrays, start, stop, (numbers, _adjust_at(hyper, 4)))


@helper
def adamw_step(param, grad, state, size, start, stop, hyper, t):
    """AdamW; hyper: lr, beta1, beta2, eps, weight_decay, clip_value, scale; state: m, v."""
    numbers = _adamw_numbers(
        get(hyper, 0), get(hyper, 1), get(hyper, 2), get(hyper, 3), get(hyper, 4), t
    )
    m, v = state, offset(state, size)
    adjust = (0.0, get(hyper, 5), get(hyper, 6))  # the rule itself decays the weights
    arrays = param, grad, m, v
    sweep(_adamw, (param, m, v), arrays, start, stop, (numbers, adjust))


@helper
def squared_norm(x, start, stop, total):
    """total[0] = the sum of x[start:stop] ** 2 on pointers, in float64: no square overflows."""
    step = lanes(total)
    a = b = c = d = fill(total, 0.0)
    i = start
    while i + 4 * step <= stop:  # four sums, for one addition would wait for another
        u, v = load_as(x, i, total), load_as(x, i + step, total)
        a, b = a + u * u, b + v * v
        u, v = load_as(x, i + 2 * step, total), load_as(x, i + 3 * step, total)
        c, d = c + u * u, d + v * v
        i += 4 * step
    rest = sum_lanes((a + b) + (c + d))
    while i < stop:
        rest += float64(get(x, i)) * float64(get(x, i))
        i += 1
    put(total, 0, rest)


# --------------------------------------------------------------------------- public kernels


@jit(vector, real, vector)
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
    descend(pointer(param), pointer(grad), lr, param.size)


@jit(vector, float64, float64, float64, float64, vector)
def clip_decay_sgd_update(grad, lr, weight_decay, clip_value, scale, param):
    """Stochastic gradient descent with gradient clipping and weight decay.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        param -= lr * g

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr : float64
    weight_decay : float64
        0: none, and an infinite parameter stays infinite.
    clip_value : float64
        Infinite: none.
    scale : float64
        Clips by norm, where it is the norm allowed over that of all gradients; 1: none.
    param : array, same shape and dtype, C-contiguous
        Updated in place.

    Notes
    -----
    Source: Goodfellow et al., Deep Learning, sections 7.1.1 and 10.11.1.
    """
    numbers, adjust = (lr,), (weight_decay, clip_value, scale)
    p = pointer(param)
    sweep(_sgd, (p,), (p, pointer(grad)), 0, param.size, (numbers, adjust))


@jit(vector, float64, float64, float64, float64, float64, vector, vector)
def momentum_update(grad, lr, momentum, weight_decay, clip_value, scale, v, param):
    """Stochastic gradient descent with momentum.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        v = momentum * v - lr * g
        param += v

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, momentum, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    v, param : arrays, same shape and dtype, C-contiguous
        Updated in place; v is zeros at first.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.4.
    """
    p, g, state = pointer(param), pointer(grad), pointer(v)
    numbers, adjust = (lr, momentum), (weight_decay, clip_value, scale)
    sweep(_momentum, (p, state), (p, g, state), 0, param.size, (numbers, adjust))


@jit(vector, float64, float64, float64, float64, float64, vector, vector)
def nesterov_update(grad, lr, momentum, weight_decay, clip_value, scale, v, param):
    """Nesterov's accelerated gradient.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        param += momentum**2 * v - (1 + momentum) * lr * g
        v = momentum * v - lr * g

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, momentum, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    v, param : arrays, same shape and dtype, C-contiguous
        Updated in place; v is zeros at first. The param's update takes the v before its own.

    Notes
    -----
    Source: Bengio et al., Advances in Optimizing Recurrent Networks, equation 7; Saitoh, Deep
    Learning from Scratch, common/optimizer.py.
    """
    p, g, state = pointer(param), pointer(grad), pointer(v)
    numbers, adjust = (lr, momentum), (weight_decay, clip_value, scale)
    sweep(_nesterov, (p, state), (p, g, state), 0, param.size, (numbers, adjust))


@jit(vector, float64, float64, float64, float64, float64, vector, vector)
def adagrad_update(grad, lr, eps, weight_decay, clip_value, scale, h, param):
    """AdaGrad.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        h += g**2
        param -= lr * g / (sqrt(h) + eps)

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, eps, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    h, param : arrays, same shape and dtype, C-contiguous
        Updated in place; h is zeros at first.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.5.
    """
    p, g, state = pointer(param), pointer(grad), pointer(h)
    numbers, adjust = (lr, eps), (weight_decay, clip_value, scale)
    sweep(_adagrad, (p, state), (p, g, state), 0, param.size, (numbers, adjust))


@jit(vector, float64, float64, float64, float64, float64, float64, vector, vector)
def rmsprop_update(grad, lr, decay_rate, eps, weight_decay, clip_value, scale, h, param):
    """RMSprop.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        h = decay_rate * h + (1 - decay_rate) * g**2
        param -= lr * g / (sqrt(h) + eps)

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, decay_rate, eps, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    h, param : arrays, same shape and dtype, C-contiguous
        Updated in place; h is zeros at first.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, common/optimizer.py; Hinton, Neural Networks for
    Machine Learning, lecture 6e.
    """
    p, g, state = pointer(param), pointer(grad), pointer(h)
    numbers, adjust = (lr, decay_rate, eps), (weight_decay, clip_value, scale)
    sweep(_rmsprop, (p, state), (p, g, state), 0, param.size, (numbers, adjust))


@jit(vector, *[float64] * 6, *[vector] * 3)
def adadelta_update(grad, lr, decay_rate, eps, weight_decay, clip_value, scale, h, s, param):
    """AdaDelta.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        h = decay_rate * h + (1 - decay_rate) * g**2
        d = sqrt((s + eps) / (h + eps)) * g
        s = decay_rate * s + (1 - decay_rate) * d**2
        param -= lr * d

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, decay_rate, eps, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    h, s, param : arrays, same shape and dtype, C-contiguous
        Updated in place; h and s are zeros at first.

    Notes
    -----
    Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method, algorithm 1, where lr is 1.
    """
    p, g = pointer(param), pointer(grad)
    first, second = pointer(h), pointer(s)
    numbers, adjust = (lr, decay_rate, eps), (weight_decay, clip_value, scale)
    arrays = p, g, first, second
    sweep(_adadelta, (p, first, second), arrays, 0, param.size, (numbers, adjust))


@jit(vector, *[float64] * 7, int64, *[vector] * 3)
def adam_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Adam.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        param -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps)

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, beta1, beta2, eps, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    t : int64
        The number of this update, from 1.
    m, v, param : arrays, same shape and dtype, C-contiguous
        Updated in place; m and v are zeros at first.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.6; Kingma and Ba, Adam, the order of
    computation at the end of section 2.
    """
    p, g = pointer(param), pointer(grad)
    first, second = pointer(m), pointer(v)
    numbers = _adam_numbers(lr, beta1, beta2, eps, t)
    adjust = (weight_decay, clip_value, scale)
    arrays = p, g, first, second
    sweep(_adam, (p, first, second), arrays, 0, param.size, (numbers, adjust))


@jit(vector, *[float64] * 7, int64, *[vector] * 3)
def nadam_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Nadam: Adam with Nesterov's momentum.

        g = clip(scale * grad, -clip_value, clip_value) + weight_decay * param
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        d = beta1 * m / (1 - beta1**(t + 1)) + (1 - beta1) * g / (1 - beta1**t)
        param -= lr * d / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, beta1, beta2, eps, weight_decay, clip_value, scale : float64
        The last three as of `clip_decay_sgd_update`.
    t : int64
        The number of this update, from 1.
    m, v, param : arrays, same shape and dtype, C-contiguous
        Updated in place; m and v are zeros at first.

    Notes
    -----
    Source: Dozat, Incorporating Nesterov Momentum into Adam, algorithm 2, with one beta1 for all
    updates.
    """
    p, g = pointer(param), pointer(grad)
    first, second = pointer(m), pointer(v)
    numbers = _nadam_numbers(lr, beta1, beta2, eps, t)
    adjust = (weight_decay, clip_value, scale)
    arrays = p, g, first, second
    sweep(_nadam, (p, first, second), arrays, 0, param.size, (numbers, adjust))


@jit(vector, *[float64] * 7, int64, *[vector] * 3)
def adamw_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """AdamW: Adam with a weight decay apart from the gradient.

        g = clip(scale * grad, -clip_value, clip_value)
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        param *= 1 - lr * weight_decay
        param -= lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    grad : array of float32 or float64, C-contiguous
        Any shape.
    lr, beta1, beta2, eps, weight_decay, clip_value, scale : float64
        The last two as of `clip_decay_sgd_update`.
    t : int64
        The number of this update, from 1.
    m, v, param : arrays, same shape and dtype, C-contiguous
        Updated in place; m and v are zeros at first.

    Notes
    -----
    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, algorithm 2; the decay is
    times lr, as in PyTorch.
    """
    p, g = pointer(param), pointer(grad)
    first, second = pointer(m), pointer(v)
    numbers = _adamw_numbers(lr, beta1, beta2, eps, weight_decay, t)
    adjust = (0.0, clip_value, scale)  # the rule itself decays the weights
    arrays = p, g, first, second
    sweep(_adamw, (p, first, second), arrays, 0, param.size, (numbers, adjust))


@jit(vector, float64[::1])
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
    squared_norm(pointer(x), 0, x.size, pointer(total))
