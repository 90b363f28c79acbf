import numpy as np


def numerical_gradient(f, x):
    h, grad = 1e-4, np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = float(kept) + h
        above = f(x)
        x[i] = kept - h
        grad[i] = (above - f(x)) / (2 * h)
        x[i] = kept
    return grad
