"""Arguments of every kernel that checks them itself."""

import numpy as np
from numpy.testing import assert_array_equal

from fastnet import kernels

N, D, H, C = 5, 7, 6, 4


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def layers(dtype=np.float64, d=D, h=H, c=C, seed=0):
    """W1, b1, W2, b2 or their gradients."""
    return three_layers(dtype, d, h, c, seed)[:4]


def three_layers(dtype=np.float64, d=D, h=H, c=C, seed=0):
    shapes = [(d, h), (h,), (h, c), (c,), (c, d), (d,)]
    return [numbers(*shape, seed=seed + i, dtype=dtype) for i, shape in enumerate(shapes)]


def gradient_arguments(n=N, d=D, h=H, c=C):
    outputs = [(n, h), (n, c)]
    return [
        numbers(n, d, seed=9),
        np.arange(n) % c,
        *layers(np.float64, d, h, c),
        *[np.full_like(array, -7.25) for array in layers(np.float64, d, h, c)],
        *[np.full(shape, -7.25) for shape in outputs],
        np.full(n, -7),
        np.full(n * (h + c) + 1, -7.25),
    ]


def loss_arguments(dtype=np.float64, n=N, c=C):
    x = numbers(n, c, dtype=dtype)
    return [x, np.arange(n) % c, np.full_like(x, -7.25), np.full(1, -7.25, dtype), np.full(n, -7)]


def forward_arguments(dtype=np.float64, n=N, d=D, m=H, activation=kernels.TANH):
    x, W, b = (numbers(*shape, seed=m, dtype=dtype) for shape in ((n, d), (d, m), (m,)))
    return [x, W, b, activation, np.full((n, m), -7.25, dtype)]


def backward_arguments(dtype=np.float64, n=N, d=D, m=H):
    given = [numbers(*shape, seed=m, dtype=dtype) for shape in ((n, d), (d, m), (n, m))]
    return given + [np.full(shape, -7.25, dtype) for shape in ((n, d), (d, m), m)]


def same(arguments, before):
    for one, two in zip(arguments, before, strict=True):
        assert_array_equal(np.asarray(one), np.asarray(two))
