"""Products as scripts ask for them: of views and narrower numbers; dx later, if at all."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import empty, ndarray
from numpy.typing import NDArray

from fastnet.dropin.deferred import Deferred
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.affine import affine_backward_input, affine_forward
from fastnet.kernels.gemm import matmul_forward

# Rows taken at a time: converted, they stay in the L2 cache, where 70,000 of MNIST fill 440 MB. Of
# 60,000 in float64 the product takes 44 ms so, 48 of 8192 at a time.
ROWS_AT_A_TIME = 256

# Multiplications from which a dx that nobody may want is put off: 10 us, ten times what that takes.
MANY = 2**19


def product(
    x: NDArray[Any], W: NDArray[Any], b: NDArray[Any] | None = None, activation: int = IDENTITY
) -> NDArray[Any]:
    """activation(x @ W + b), of W's dtype; x (N, D) may be of a narrower dtype, or a view.

    There is no activation without b.
    """
    n, dtype = len(x), W.dtype
    out = empty((n, W.shape[1]), dtype)
    if n > ROWS_AT_A_TIME:
        parts = [
            (x[i : i + ROWS_AT_A_TIME], out[i : i + ROWS_AT_A_TIME])
            for i in range(0, n, ROWS_AT_A_TIME)
        ]
    else:
        parts = [(x, out)]
    for rows, y in parts:
        if rows.dtype != dtype or not rows.flags.carray:
            rows = rows.astype(dtype, "C")
        if b is None:
            matmul_forward(rows, W, y)
        else:
            affine_forward(rows, W, b, activation, y)
    return out


def narrower(x: Any, W: NDArray[Any]) -> bool:
    """Tell whether x is an array of numbers whose product with W has W's dtype."""
    if type(x) is not ndarray:
        return False
    return x.dtype is W.dtype or _is_narrower(x.dtype, W.dtype)


@functools.cache  # 0.1 us, where np.result_type takes 1
def _is_narrower(dtype: np.dtype[Any], wider: np.dtype[Any]) -> bool:
    return dtype.kind in "biuf" and np.result_type(dtype, wider) == wider


def dx_of(layer: Any, dout: NDArray[Any], W: NDArray[Any], shape: tuple[int, ...]) -> Any:
    """dout @ W.T in the shape of x, later if nobody has asked this layer for it so far."""
    n, m = dout.shape
    d = len(W)
    if layer.__dict__.get("_dx_is_read") or n * d * m < MANY:
        dx = empty((n, d), W.dtype)
        affine_backward_input(dout, W, dx, IDENTITY, dx)
        return dx if len(shape) == 2 else dx.reshape(shape)
    dout, W = dout.copy(), W.copy()  # the optimizer is about to change W: 3 us of 80 for 784-50

    def compute() -> NDArray[Any]:
        layer._dx_is_read = True
        dx: NDArray[Any] = dx_of(layer, dout, W, shape)
        return dx

    return Deferred(compute)
