"""Sigmoid, ReLU and tanh as kernels: against the reference, at the edges, in place."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_name = pytest.mark.parametrize("name", ["sigmoid", "relu", "tanh"])

SIZES = (*range(18), 31, 32, 33, 63, 64, 65, 200)
MARGIN, SENTINEL = 40, -7.25


def framed(size, dtype):
    """Return a buffer of sentinels and an array in the middle of it."""
    buffer = np.full(size + 2 * MARGIN, SENTINEL, dtype)
    return buffer, buffer[MARGIN : MARGIN + size]


def assert_frame(buffer):
    assert (buffer[:MARGIN] == SENTINEL).all() and (buffer[-MARGIN:] == SENTINEL).all()


def among_nans(array):
    buffer = np.full(array.size + 2 * MARGIN, np.nan, array.dtype)
    buffer[MARGIN : MARGIN + array.size] = array
    return buffer[MARGIN : MARGIN + array.size]


def samples(dtype, size, seed=0):
    return among_nans((3 * np.random.default_rng(seed).standard_normal(size)).astype(dtype))


def forward(name, x):
    buffer, out = framed(x.size, x.dtype)
    kept = x.copy()
    assert getattr(kernels, f"{name}_forward")(x, out) is None
    assert_frame(buffer)
    assert_array_equal(x, kept)
    return out


def backward(name, out, dout):
    buffer, dx = framed(out.size, out.dtype)
    kept = out.copy(), dout.copy()
    assert getattr(kernels, f"{name}_backward")(out, dout, dx) is None
    assert_frame(buffer)
    assert_array_equal(out, kept[0])
    assert_array_equal(dout, kept[1])
    return dx


def expected_forward(name, x):
    """The reference in the next wider type."""
    wide = x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)
    out = np.empty_like(wide)
    with np.errstate(over="ignore"):
        getattr(reference, f"{name}_forward")(wide, out)
    return out


@every_name
@every_dtype
def test_forward(name, dtype):
    for size in SIZES:
        x = samples(dtype, size, seed=size)
        expected = expected_forward(name, x)
        if name == "relu":
            assert_array_equal(forward(name, x), expected)
        else:
            ulp = np.spacing(np.abs(expected).astype(dtype))
            assert (np.abs(forward(name, x) - expected) <= 2 * ulp).all(), size


@every_name
@every_dtype
def test_backward(name, dtype):
    """To the bit: the reference multiplies in the same order."""
    for size in SIZES:
        out, dout = forward(name, samples(dtype, size, seed=size)), samples(dtype, size, seed=99)
        dx = np.empty_like(out)
        getattr(reference, f"{name}_backward")(out, dout, dx)
        assert_array_equal(backward(name, out, dout), dx, err_msg=str(size))


@every_dtype
def test_edges_forward(dtype):
    inf, nan, tiny = np.inf, np.nan, np.finfo(dtype).smallest_subnormal
    x = np.array([nan, inf, -inf, 0.0, -0.0, tiny, -tiny, 1e30, -1e30], dtype)
    for name, expected in {
        "relu": [nan, inf, 0.0, 0.0, 0.0, tiny, 0.0, 1e30, 0.0],
        "sigmoid": [nan, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5, 1.0, 0.0],
        "tanh": [nan, 1.0, -1.0, 0.0, -0.0, tiny, -tiny, 1.0, -1.0],
    }.items():
        expected = np.array(expected, dtype)
        for start in range(len(x)):  # in every lane, of a whole vector and of a tail
            for repeats in (1, 4):
                got = forward(name, np.tile(np.roll(x, start), repeats))
                wanted = np.tile(np.roll(expected, start), repeats)
                assert_array_equal(got, wanted, err_msg=name)
                number = ~np.isnan(wanted)
                assert_array_equal(np.signbit(got[number]), np.signbit(wanted[number]))


@every_name
@every_dtype
def test_edges_backward(name, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, 1.0, 0.25, -0.5], dtype)
    out, dout = (grid.ravel() for grid in np.meshgrid(values, values))
    dx = np.empty_like(out)
    with np.errstate(invalid="ignore"):
        getattr(reference, f"{name}_backward")(out, dout, dx)
    assert np.isnan(dx).any() and np.isinf(dx).any() and (dx == 0).any()
    got = backward(name, out, dout)
    assert_array_equal(got, dx)


@every_name
@every_dtype
def test_in_place(name, dtype):
    """Forward may write over x; backward over dout, or over out."""
    for size in (3, 16, 37):
        x, dout = samples(dtype, size), samples(dtype, size, seed=1)
        out = forward(name, x)
        dx = backward(name, out, dout)
        getattr(kernels, f"{name}_forward")(x, x)
        assert_array_equal(x, out)
        getattr(kernels, f"{name}_backward")(out, dout, dout)
        assert_array_equal(dout, dx)
        dout = samples(dtype, size, seed=1)
        getattr(kernels, f"{name}_backward")(out, dout, out)
        assert_array_equal(out, dx)


@every_name
@every_dtype
def test_any_shape(name, dtype):
    """A scalar array, a cube and an empty matrix hold the numbers of a flat array."""
    x, dout = samples(dtype, 30), samples(dtype, 30, seed=1)
    out = forward(name, x)
    dx = backward(name, out, dout)
    for shape, count in (((2, 3, 5), 30), ((), 1), ((0, 4), 0), ((5, 6), 30)):
        y = np.full(shape, np.nan, dtype)
        getattr(kernels, f"{name}_forward")(x[:count].reshape(shape), y)
        assert_array_equal(y, out[:count].reshape(shape))
        getattr(kernels, f"{name}_backward")(y, dout[:count].reshape(shape), y)
        assert_array_equal(y, dx[:count].reshape(shape))


@every_name
def test_gradient_equals_central_differences(name):
    x = np.linspace(-3, 3, 40)  # without 0, where relu has no derivative
    h = 1e-6
    difference = (forward(name, x + h) - forward(name, x - h)) / (2 * h)
    dx = backward(name, forward(name, x), np.ones(40))
    assert np.abs(dx).max() > 0.2
    np.testing.assert_allclose(dx, difference, rtol=0, atol=1e-9)
