"""ReLU whose gradient reads a bit a number: kernels and what the layer keeps of images."""

import weakref

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.layers import Relu
from fastnet.reference import kernels as reference


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@every_dtype
def test_the_kernels_equal_their_twins(dtype, rng):
    for n in (*range(34), 63, 64, 65, 200):
        x, dout = rng.standard_normal((2, n)).astype(dtype)
        x[1:6] = [np.nan, 0, -0.0, np.inf, -np.inf][: len(x[1:6])]
        made = []
        for where in (kernels, reference):
            out, dx, bits = np.empty(n, dtype), np.empty(n, dtype), np.empty(-(-n // 8), np.uint8)
            where.relu_bits_forward(x, out, bits)
            where.relu_bits_backward(bits, dout, dx)
            made.append((out, bits, dx))
        for found, wanted in zip(*made, strict=True):
            assert_array_equal(found, wanted)
        out, dx = x.copy(), dout.copy()  # in place
        kernels.relu_bits_forward(out, out, bits)
        kernels.relu_bits_backward(bits, dx, dx)
        assert_array_equal(out, made[1][0])
        assert_array_equal(dx, made[1][2])


@pytest.mark.parametrize("last", [True, False])
def test_of_images_bits_are_kept(last, rng):
    x, dout = rng.standard_normal((2, 2, 5, 4, 3)).astype(np.float32)
    x[0, 0, 0] = np.nan, 0, -0.0
    if last:  # as a convolution returns them
        x, dout = x.transpose(0, 3, 1, 2), dout.transpose(0, 3, 1, 2)
    layer = Relu()
    out = layer.forward(x)
    assert_array_equal(out, np.where(x <= 0, 0, x))
    assert out.strides == x.strides
    assert_array_equal(layer.mask, x <= 0)
    dx = layer.backward(dout)
    assert_array_equal(dx, np.where(x <= 0, 0, dout))
    assert dx.strides == dout.strides and dx.dtype == np.float32
    assert_array_equal(layer.backward(dout.astype(float)), np.where(x <= 0, 0, dout))
    assert layer.backward(dout.astype(float)).dtype == float
    kept = weakref.ref(out if out.base is None else out.base)
    del out
    assert kept() is None

    layer.forward(x[0, 0])  # of a matrix the output
    assert_array_equal(layer.mask, x[0, 0] <= 0)
    assert_array_equal(layer.backward(dout[0, 0]), np.where(x[0, 0] <= 0, 0, dout[0, 0]))
    layer.forward(x)
    with pytest.raises(ValueError, match=r"Relu\.backward: dout must have shape"):
        layer.backward(dout[1:])


@pytest.mark.parametrize("dtype", [np.float16, np.int32])
def test_images_of_other_dtypes(dtype, rng):
    x = rng.integers(-3, 3, (2, 2, 3, 4)).astype(dtype)
    layer = Relu()
    out = layer.forward(x)
    assert_array_equal(out, np.maximum(x, 0))
    assert out.dtype == layer.backward(x).dtype == (float if dtype == np.int32 else dtype)
    assert_array_equal(layer.backward(x), np.where(x <= 0, 0, x))
