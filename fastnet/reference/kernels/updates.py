"""Parameter updates, in place."""

from math import inf, sqrt

import numpy as np


def sgd_update(grad, lr, param):
    """Do param -= lr * grad."""
    param -= lr * grad


def _adjusted(grad, weight_decay, clip_value, scale, param):
    if scale != 1.0:
        grad = scale * grad
    if clip_value < inf:
        grad = np.clip(grad, -clip_value, clip_value)
    if weight_decay != 0.0:
        grad = grad + weight_decay * param
    return grad


def clip_decay_sgd_update(grad, lr, weight_decay, clip_value, scale, param):
    """Do param -= lr * grad with a gradient that is clipped, and decays the weights."""
    param -= lr * _adjusted(grad, weight_decay, clip_value, scale, param)


def momentum_update(grad, lr, momentum, weight_decay, clip_value, scale, v, param):
    """Do a step of gradient descent with momentum."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    v *= momentum
    v -= lr * grad
    param += v


def nesterov_update(grad, lr, momentum, weight_decay, clip_value, scale, v, param):
    """Do a step of Nesterov's accelerated gradient."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    param += momentum * momentum * v
    param -= (1.0 + momentum) * lr * grad
    v *= momentum
    v -= lr * grad


def adagrad_update(grad, lr, eps, weight_decay, clip_value, scale, h, param):
    """Do a step of AdaGrad."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    h += grad * grad
    param -= lr * grad / (np.sqrt(h) + eps)


def rmsprop_update(grad, lr, decay_rate, eps, weight_decay, clip_value, scale, h, param):
    """Do a step of RMSprop."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    h *= decay_rate
    h += (1.0 - decay_rate) * grad * grad
    param -= lr * grad / (np.sqrt(h) + eps)


def adadelta_update(grad, lr, decay_rate, eps, weight_decay, clip_value, scale, h, s, param):
    """Do a step of AdaDelta."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    h *= decay_rate
    h += (1.0 - decay_rate) * grad * grad
    d = np.sqrt((s + eps) / (h + eps)) * grad
    s *= decay_rate
    s += (1.0 - decay_rate) * d * d
    param -= lr * d


def adam_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Do a step of Adam."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    m += (1.0 - beta1) * (grad - m)
    v += (1.0 - beta2) * (grad * grad - v)
    rate = lr * sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
    param -= rate * m / (np.sqrt(v) + eps)


def nadam_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Do a step of Nadam."""
    grad = _adjusted(grad, weight_decay, clip_value, scale, param)
    m += (1.0 - beta1) * (grad - m)
    v += (1.0 - beta2) * (grad * grad - v)
    d = lr * beta1 / (1.0 - beta1 ** (t + 1)) * m + lr * (1.0 - beta1) / (1.0 - beta1**t) * grad
    param -= d / (1.0 / sqrt(1.0 - beta2**t) * np.sqrt(v) + eps)


def adamw_update(grad, lr, beta1, beta2, eps, weight_decay, clip_value, scale, t, m, v, param):
    """Do a step of AdamW."""
    grad = _adjusted(grad, 0.0, clip_value, scale, param)
    m += (1.0 - beta1) * (grad - m)
    v += (1.0 - beta2) * (grad * grad - v)
    param *= 1.0 - lr * weight_decay
    root = 1.0 / sqrt(1.0 - beta2**t)
    param -= lr / (1.0 - beta1**t) * m / (root * np.sqrt(v) + eps)


def lion_update(grad, lr, beta1, beta2, weight_decay, clip_value, scale, m, param):
    """Do a step of Lion."""
    grad = _adjusted(grad, 0.0, clip_value, scale, param)
    param *= 1.0 - lr * weight_decay
    param -= lr * np.sign(beta1 * m + (1.0 - beta1) * grad)
    m *= beta2
    m += (1.0 - beta2) * grad
