"""Optimizer steps: one pass over flat arrays that changes a parameter and the optimizer's state.

A rule is one function of vectors: of p, the parameter, g, its gradient as it is scaled, clipped and
decays the weights, its states, and numbers. It returns the new p and states, and rounds where NumPy
does, so that the results have NumPy's bits. `<rule>_update` is its kernel, whose docstring
`update_kernel` completes, and `<rule>_in_loop` what the compiled loop calls.

A rule's numbers are float64 in both dtypes, and what is computed from them alone is rounded to
float32 last: 1 - 0.999 in float32 would be 0.005 % off.
"""

from math import sqrt

from numba import float64

from ._compile import AnyShape, helper, jit, real, vector
from .rules import update_kernel, update_rule
from .simd import pointer, select, square_root
from .sweep import sweep


@helper
def _sgd(p, g, lr):
    return p - lr * g


_update_sgd, sgd_in_loop = update_rule("sgd", _sgd)


@helper
def descend(p, g, lr, size):
    """p[:size] -= lr * g[:size], pointers."""
    sweep(_sgd, (p,), (p, g), 0, size, (lr,))


@jit(AnyShape(vector), real, AnyShape(vector))
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


@update_kernel
def clip_decay_sgd_update(grad, lr, weight_decay, clip_value, scale, param):
    """Stochastic gradient descent with gradient clipping and weight decay.

        param -= lr * g

    Source: Goodfellow et al., Deep Learning, sections 7.1.1 and 10.11.1.
    """
    _update_sgd(grad, (lr, weight_decay, clip_value, scale), 0, (), param)


@helper
def _momentum(p, g, v, lr, momentum):
    v = momentum * v - lr * g
    return p + v, v


_update_momentum, momentum_in_loop = update_rule("momentum", _momentum, 1)


@update_kernel
def momentum_update(grad, lr, momentum, weight_decay, clip_value, scale, v, param):
    """Stochastic gradient descent with momentum.

        v = momentum * v - lr * g
        param += v

    Source: Saitoh, Deep Learning from Scratch, section 6.1.4.
    """
    _update_momentum(grad, (lr, momentum, weight_decay, clip_value, scale), 0, (v,), param)


@helper
def _nesterov(p, g, v, lr, momentum):
    p = p + momentum * momentum * v - (1.0 + momentum) * lr * g
    return p, momentum * v - lr * g


_update_nesterov, nesterov_in_loop = update_rule("nesterov", _nesterov, 1)


@update_kernel
def nesterov_update(grad, lr, momentum, weight_decay, clip_value, scale, v, param):
    """Nesterov's accelerated gradient.

        param += momentum**2 * v - (1 + momentum) * lr * g
        v = momentum * v - lr * g

    The param's update takes the v before its own. Source: Bengio et al., Advances in Optimizing
    Recurrent Networks, equation 7; Saitoh, Deep Learning from Scratch, common/optimizer.py.
    """
    _update_nesterov(grad, (lr, momentum, weight_decay, clip_value, scale), 0, (v,), param)


@helper
def _adagrad(p, g, h, lr, eps):
    h = h + g * g
    return p - lr * g / (square_root(h) + eps), h


_update_adagrad, adagrad_in_loop = update_rule("adagrad", _adagrad, 1)


@update_kernel
def adagrad_update(grad, lr, eps, weight_decay, clip_value, scale, h, param):
    """AdaGrad.

        h += g**2
        param -= lr * g / (sqrt(h) + eps)

    Source: Saitoh, Deep Learning from Scratch, section 6.1.5.
    """
    _update_adagrad(grad, (lr, eps, weight_decay, clip_value, scale), 0, (h,), param)


@helper
def _rmsprop(p, g, h, lr, decay_rate, eps):
    h = decay_rate * h + (1.0 - decay_rate) * g * g
    return p - lr * g / (square_root(h) + eps), h


_update_rmsprop, rmsprop_in_loop = update_rule("rmsprop", _rmsprop, 1)


@update_kernel
def rmsprop_update(grad, lr, decay_rate, eps, weight_decay, clip_value, scale, h, param):
    """RMSprop.

        h = decay_rate * h + (1 - decay_rate) * g**2
        param -= lr * g / (sqrt(h) + eps)

    Source: Saitoh, Deep Learning from Scratch, common/optimizer.py; Hinton, Neural Networks for
    Machine Learning, lecture 6e.
    """
    _update_rmsprop(grad, (lr, decay_rate, eps, weight_decay, clip_value, scale), 0, (h,), param)


@helper
def _adadelta(p, g, h, s, lr, decay_rate, eps):
    h = decay_rate * h + (1.0 - decay_rate) * g * g
    d = square_root((s + eps) / (h + eps)) * g
    return p - lr * d, h, decay_rate * s + (1.0 - decay_rate) * d * d


_update_adadelta, adadelta_in_loop = update_rule("adadelta", _adadelta, 2)


@update_kernel
def adadelta_update(grad, lr, decay_rate, eps, weight_decay, clip_value, scale, h, s, param):
    """AdaDelta.

        h = decay_rate * h + (1 - decay_rate) * g**2
        d = sqrt((s + eps) / (h + eps)) * g
        s = decay_rate * s + (1 - decay_rate) * d**2
        param -= lr * d

    Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method, algorithm 1, where lr is 1.
    """
    _update_adadelta(grad, (lr, decay_rate, eps, weight_decay, clip_value, scale), 0, (h, s), param)


@helper
def _adam(p, g, m, v, rate, beta1, beta2, eps):
    m = m + (1.0 - beta1) * (g - m)
    v = v + (1.0 - beta2) * (g * g - v)
    return p - rate * m / (square_root(v) + eps), m, v


@helper
def _adam_numbers(t, lr, beta1, beta2, eps):
    rate = lr * sqrt(1.0 - beta2 ** float64(t)) / (1.0 - beta1 ** float64(t))
    return rate, beta1, beta2, eps


_update_adam, adam_in_loop = update_rule("adam", _adam, 2, _adam_numbers)


@update_kernel
def adam_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Adam.

        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        param -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps)

    Source: Saitoh, Deep Learning from Scratch, section 6.1.6; Kingma and Ba, Adam, the order of
    computation at the end of section 2.
    """
    _update_adam(grad, (lr, beta1, beta2, eps, weight_decay, clip_value, scale), t, (m, v), param)


@helper
def _nadam(p, g, m, v, rate, now, beta1, beta2, root, eps):
    m = m + (1.0 - beta1) * (g - m)
    v = v + (1.0 - beta2) * (g * g - v)
    return p - (rate * m + now * g) / (root * square_root(v) + eps), m, v


@helper
def _nadam_numbers(t, lr, beta1, beta2, eps):
    rate = lr * beta1 / (1.0 - beta1 ** float64(t + 1))
    now = lr * (1.0 - beta1) / (1.0 - beta1 ** float64(t))
    return rate, now, beta1, beta2, 1.0 / sqrt(1.0 - beta2 ** float64(t)), eps


_update_nadam, nadam_in_loop = update_rule("nadam", _nadam, 2, _nadam_numbers)


@update_kernel
def nadam_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Nadam: Adam with Nesterov's momentum.

        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        d = beta1 * m / (1 - beta1**(t + 1)) + (1 - beta1) * g / (1 - beta1**t)
        param -= lr * d / (sqrt(v / (1 - beta2**t)) + eps)

    Source: Dozat, Incorporating Nesterov Momentum into Adam, algorithm 2, with one beta1 for all
    updates.
    """
    _update_nadam(grad, (lr, beta1, beta2, eps, weight_decay, clip_value, scale), t, (m, v), param)


@helper
def _adamw(p, g, m, v, rate, kept, beta1, beta2, root, eps):
    m = m + (1.0 - beta1) * (g - m)
    v = v + (1.0 - beta2) * (g * g - v)
    return kept * p - rate * m / (root * square_root(v) + eps), m, v


@helper
def _adamw_numbers(t, lr, beta1, beta2, eps, weight_decay):
    rate = lr / (1.0 - beta1 ** float64(t))
    root = 1.0 / sqrt(1.0 - beta2 ** float64(t))
    return rate, 1.0 - lr * weight_decay, beta1, beta2, root, eps


_update_adamw, adamw_in_loop = update_rule("adamw", _adamw, 2, _adamw_numbers)


@update_kernel
def adamw_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """AdamW: Adam with a weight decay apart from the gradient.

        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        param *= 1 - lr * weight_decay
        param -= lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, algorithm 2; the decay is
    times lr, as in PyTorch.
    """
    _update_adamw(grad, (lr, beta1, beta2, eps, weight_decay, clip_value, scale), t, (m, v), param)


@helper
def _lion(p, g, m, lr, kept, beta1, beta2):
    u = beta1 * m + (1.0 - beta1) * g
    sign = select(u > 0.0, 1.0, select(u < 0.0, -1.0, u + 0.0))  # of -0: 0, as NumPy has it
    return kept * p - lr * sign, beta2 * m + (1.0 - beta2) * g


@helper
def _lion_numbers(t, lr, beta1, beta2, weight_decay):
    return lr, 1.0 - lr * weight_decay, beta1, beta2


_update_lion, lion_in_loop = update_rule("lion", _lion, 1, _lion_numbers)


@update_kernel
def lion_update(grad, lr, beta1, beta2, weight_decay, clip_value, scale, m, param):
    """Lion: steps of one size, by the sign of an average.

        param *= 1 - lr * weight_decay
        param -= lr * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, algorithm 2.
    """
    _update_lion(grad, (lr, beta1, beta2, weight_decay, clip_value, scale), 0, (m,), param)
