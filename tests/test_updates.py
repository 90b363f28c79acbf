"""SGD as a kernel: NumPy's bits, and nothing else written."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet.kernels import sgd_update
from fastnet.reference import kernels as reference

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SENTINEL = -7.25


def updated(grad, lr, param):
    """Return the new param, computed in the middle of a buffer of sentinels."""
    buffer = np.full(param.size + 80, SENTINEL, param.dtype)
    inside = buffer[40 : 40 + param.size].reshape(param.shape)
    inside[...] = param
    kept = grad.copy()
    assert sgd_update(grad, param.dtype.type(lr), inside) is None
    assert_array_equal(buffer[:40], SENTINEL)
    assert_array_equal(buffer[-40:], SENTINEL)
    assert_array_equal(grad, kept)
    return inside


def expected(grad, lr, param):
    param = param.copy()
    with np.errstate(invalid="ignore"):
        reference.sgd_update(grad, param.dtype.type(lr), param)
    return param


@pytest.mark.parametrize("size", [*range(18), 31, 32, 33, 64, 65, 10_001])
@pytest.mark.parametrize("lr", [0.1, -3.7, 0.0])
@every_dtype
def test_sgd(size, lr, dtype):
    rng = np.random.default_rng(size)
    grad, param = rng.standard_normal((2, size)).astype(dtype)
    assert_array_equal(updated(grad, lr, param), expected(grad, lr, param))


@every_dtype
def test_sgd_of_any_shape(dtype):
    rng = np.random.default_rng(0)
    for shape in ((4, 5), (2, 3, 7), (), (0, 3), (1, 1)):
        grad, param = rng.standard_normal((2, *shape)).astype(dtype)
        grad, param = np.asarray(grad), np.asarray(param)
        assert_array_equal(updated(grad, 0.3, param), expected(grad, 0.3, param))


@every_dtype
def test_sgd_edges(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -7 * tiny, 1.0], dtype)
    grad, param = (grid.ravel() for grid in np.meshgrid(values, values))
    for lr in (0.5, 1.0):
        assert_array_equal(updated(grad, lr, param), expected(grad, lr, param))
    assert_array_equal(updated(values[5:6], 1.0, values[6:7]), -8 * tiny)  # not flushed


@every_dtype
def test_sgd_rounds_the_product_first(dtype):
    """(1 + eps) * (1 - eps) rounds to 1; a fused update would leave eps**2."""
    eps = np.finfo(dtype).eps
    grad, param = np.full(5, 1 + eps, dtype), np.ones(5, dtype)
    assert_array_equal(updated(grad, 1 - eps, param), 0.0)
