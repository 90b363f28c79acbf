"""Batch normalization of the columns of (N, D), in training, after it, and its gradient."""

import numpy as np


def batch_normalization_forward(
    x, gamma, beta, momentum, eps, running_mean, running_var, mean, inverse_std, out
):
    """Write mean, inverse_std, out = gamma * (x - mean) * inverse_std + beta; update the rest."""
    mean[...] = x.mean(axis=0)
    xc = x - mean
    var = np.mean(xc**2, axis=0)
    inverse_std[...] = 1 / np.sqrt(var + eps)
    out[...] = gamma * (xc * inverse_std) + beta
    running_mean[...] = momentum * running_mean + (1 - momentum) * mean
    running_var[...] = momentum * running_var + (1 - momentum) * var


def batch_normalization_inference_forward(x, gamma, beta, eps, running_mean, running_var, out):
    """Write out = gamma * (x - running_mean) / sqrt(running_var + eps) + beta."""
    out[...] = gamma * ((x - running_mean) / np.sqrt(running_var + eps)) + beta


def batch_normalization_backward(x, gamma, mean, inverse_std, dout, dx, dgamma, dbeta):
    """Write the gradients step by step, as the textbook derives them."""
    n = len(x)
    xc = x - mean
    std = 1 / inverse_std
    dbeta[...] = dout.sum(axis=0)
    dgamma[...] = np.sum(xc / std * dout, axis=0)
    dxn = gamma * dout
    dxc = dxn / std
    dstd = -np.sum(dxn * xc / (std * std), axis=0)
    dvar = 0.5 * dstd / std
    dxc += (2 / n) * xc * dvar
    dx[...] = dxc - dxc.sum(axis=0) / n
