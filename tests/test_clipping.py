"""The norm of gradients as a kernel; optimizer/ has the functions that clip by it."""

import math

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal

from fastnet.kernels import squared_norm_forward


@with_each("size", [*range(40), 64, 65, 10_001])
@every_dtype
def test_squared_norm(size, dtype):
    x = np.random.default_rng(size).standard_normal(size).astype(dtype)
    total = np.full(1, np.nan)
    assert squared_norm_forward(x, total) is None
    exact = math.fsum(float(value) ** 2 for value in x)
    # Rounded squares, and additions: at most 3 or so in a row a vector of 32 numbers, and the rest.
    assert abs(total[0] - exact) <= (size / 32 + 40) * 2**-53 * exact


@every_dtype
def test_squared_norm_edges(dtype):
    total = np.empty(1)
    for i in range(45):
        for value in (np.nan, np.inf):
            x = np.ones(45, dtype)
            x[i] = value
            squared_norm_forward(x, total)
            assert_array_equal(total[0], value)
    squared_norm_forward(np.full(33, 1e30, dtype), total)  # its square is beyond float32
    assert total[0] == pytest.approx(33e60, rel=1e-6)
