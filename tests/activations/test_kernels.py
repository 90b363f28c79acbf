"""Activations as kernels: the exact functions, their limits and edges, any length and shape.

What all layers have in common is in layers/, contract/ and checks/ too.
"""

from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from activation_points import MADE, NAMES, samples
from framed import assert_frame, framed
from in_turn import every_dtype
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference

FUSED = ["relu", "sigmoid", "tanh"]
ALPHA = {"leaky_relu": 0.25, "elu": 1.5}
READS = {name: made.backward.py_func.__code__.co_varnames[0] for name, made in MADE.items()}
every_name = pytest.mark.parametrize("name", NAMES)

SIZES = (*range(18), 31, 32, 33, 63, 64, 65, 200)
INF, NAN, TINY = np.inf, np.nan, "tiny"  # the smallest subnormal number of the dtype


class Exact(NamedTuple):
    """What an activation has to be."""

    function: Any  # of mpmath's numbers
    limit: float  # of the error, in ulp; 0: the reference's bits
    edges: list  # its values at EDGES
    slopes: list  # its gradient there
    far: float | dict = 80  # the error is measured up to there


EDGES = [NAN, INF, 0, -0.0, TINY, 1e30, -1e30]


def cdf(v):
    return mpmath.erfc(-v / mpmath.sqrt(2)) / 2


def tanh_gate(v):
    u = mpmath.sqrt(2 / mpmath.pi) * (v + mpmath.mpf("0.044715") * v**3)
    return (1 + mpmath.tanh(u)) / 2


# Limits: measured over 5,800 points, elu 1.0 (and one rounding for alpha), softplus 1.5, gelu 4.3,
# silu 1.9, mish 3.8; 1 + tanh cancels below 0, so that gelu_tanh is compared above only: 1.8.
EXACT = {
    "identity": Exact(lambda v: v, 0, EDGES, [1] * 7),
    "step": Exact(lambda v: mpmath.mpf(v > 0), 0, [NAN, 1, 0, 0, 1, 1, 0], [0] * 7),
    "sigmoid": Exact(
        lambda v: 1 / (1 + mpmath.exp(-v)), 2, [NAN, 1, 0.5, 0.5, 0.5, 1, 0],
        [NAN, 0, 0.25, 0.25, 0.25, 0, 0],
    ),
    "relu": Exact(lambda v: max(v, 0), 0, [NAN, INF, 0, 0, TINY, 1e30, 0], [1, 1, 0, 0, 1, 1, 0]),
    "tanh": Exact(mpmath.tanh, 2, [NAN, 1, 0, -0.0, TINY, 1, -1], [NAN, 0, 1, 1, 1, 0, 0], 20),
    "leaky_relu": Exact(
        lambda v: v if v > 0 else ALPHA["leaky_relu"] * v, 0,
        [NAN, INF, 0, -0.0, TINY, 1e30, -2.5e29], [1, 1, 0.25, 0.25, 1, 1, 0.25],
    ),
    "elu": Exact(
        lambda v: v if v > 0 else ALPHA["elu"] * mpmath.expm1(v), 2,
        [NAN, INF, 0, -0.0, TINY, 1e30, -1.5], [1, 1, 1.5, 1.5, 1, 1, 0],
    ),
    "softplus": Exact(
        lambda v: mpmath.log1p(mpmath.exp(v)), 2,
        [NAN, INF, np.log(2), np.log(2), np.log(2), 1e30, 0], [NAN, 1, 0.5, 0.5, 0.5, 1, 0],
    ),
    "gelu": Exact(
        lambda v: v * cdf(v), 5, [NAN, INF, 0, -0.0, 0, 1e30, -0.0],
        [NAN, NAN, 0.5, 0.5, 0.5, 1, 0], {np.float32: 13, np.float64: 37},
    ),
    "gelu_tanh": Exact(
        lambda v: v * tanh_gate(v), 2.5, [NAN, INF, 0, -0.0, 0, 1e30, -0.0],
        [NAN, 1, 0.5, 0.5, 0.5, 1, 0], 4,
    ),
    "silu": Exact(
        lambda v: v / (1 + mpmath.exp(-v)), 2.5, [NAN, INF, 0, -0.0, 0, 1e30, -0.0],
        [NAN, NAN, 0.5, 0.5, 0.5, 1, 0],
    ),
    "mish": Exact(
        lambda v: v * mpmath.tanh(mpmath.log1p(mpmath.exp(v))), 5,
        [NAN, INF, 0, -0.0, 0, 1e30, -0.0], [NAN, NAN, 0.6, 0.6, 0.6, 1, 0],
    ),
}  # fmt: skip


def test_every_activation_is_found():
    """An activation without a row in EXACT fails here, not in nine tests."""
    assert NAMES == sorted(EXACT)


def numbers(name, dtype):
    return [dtype(ALPHA[name])] if name in ALPHA else []


def forward(name, x, module=kernels):
    buffer, out = framed(x.shape, x.dtype)
    kept = x.copy()
    assert getattr(module, f"{name}_forward")(x, *numbers(name, x.dtype.type), out) is None
    assert_frame(buffer)
    assert_array_equal(x, kept)
    return out


def backward(name, x, out, dout, module=kernels):
    known = x if READS[name] == "x" else out
    buffer, dx = framed(out.shape, out.dtype)
    kept = known.copy(), dout.copy()
    arguments = known, *numbers(name, x.dtype.type), dout, dx
    assert getattr(module, f"{name}_backward")(*arguments) is None
    assert_frame(buffer)
    assert_array_equal(known, kept[0])
    assert_array_equal(dout, kept[1])
    return dx


def points(name, dtype):
    rng, far = np.random.default_rng(7), EXACT[name].far
    far = far if isinstance(far, int) else far[dtype]
    x = np.concatenate(
        [rng.standard_normal(200), rng.uniform(-far, far, 200), 1e-9 * rng.standard_normal(50)]
    ).astype(dtype)
    return np.abs(x) if name == "gelu_tanh" else x


@every_name
@every_dtype
def test_error(name, dtype):
    x, exact = points(name, dtype), EXACT[name]
    got, info = forward(name, x), np.finfo(dtype)
    worst = (0.0, 0.0)
    with mpmath.workprec(200):
        for v, result in zip(x.tolist(), got.tolist(), strict=True):
            value = exact.function(mpmath.mpf(v))
            exponent = max(mpmath.frexp(value)[1], info.minexp + 1)
            ulp = mpmath.ldexp(1, exponent - info.nmant - 1)
            worst = max(worst, (float(abs(result - value) / ulp), v))
    assert worst[0] <= (exact.limit or 0.5), f"{worst[0]:.2f} ulp at x={worst[1]!r}"


@pytest.mark.parametrize("name", [name for name in NAMES if EXACT[name].limit])
@every_dtype
def test_gradient_error(name, dtype):
    """Against the exact derivative. It is about 1 in size, so 12 roundings are 12 eps."""
    x = points(name, dtype)
    dx = backward(name, x, forward(name, x), np.ones_like(x))
    with mpmath.workprec(200):
        for v, result in zip(x.tolist(), dx.tolist(), strict=True):
            exact = mpmath.diff(EXACT[name].function, mpmath.mpf(v))
            assert abs(result - exact) <= 12 * float(np.finfo(dtype).eps), (v, result, exact)


def test_the_tanh_form_is_close_to_gelu():
    x = np.linspace(-10, 10, 10_001)
    difference = np.abs(forward("gelu", x) - forward("gelu_tanh", x)).max()
    assert 4e-4 < difference < 5e-4


@every_name
@every_dtype
def test_every_length(name, dtype):
    """The reference's numbers, and nothing else written or read."""
    for size in SIZES:
        x, dout = samples(dtype, size, seed=size), samples(dtype, size, seed=99)
        out, expected = forward(name, x), forward(name, x, reference)
        dx, gradient = backward(name, x, out, dout), backward(name, x, out, dout, reference)
        if not EXACT[name].limit:
            assert_array_equal(out, expected)
            assert_array_equal(dx, gradient)
        else:
            # The reference's own rounding: 1 + erf cancels, times x up to 12.
            atol = 40 * np.finfo(dtype).eps
            assert_allclose(out, expected, rtol=0, atol=atol)
            assert_allclose(dx, gradient, rtol=0, atol=12 * atol)


@every_name
@every_dtype
def test_edges(name, dtype):
    """In every lane, of a whole vector and of a tail."""
    tiny, eps = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).eps

    def of(values):
        return np.array([tiny if value is TINY else value for value in values], dtype)

    for start in range(len(EDGES)):
        shifted, wanted, slopes = (
            np.tile(np.roll(of(values), start), 4)
            for values in (EDGES, EXACT[name].edges, EXACT[name].slopes)
        )
        got = forward(name, shifted)
        # Subnormal results of a product may be rounded, and log(2) by an ulp.
        assert_allclose(got, wanted, rtol=2 * eps, atol=2 * tiny)
        dx = backward(name, shifted, got, np.ones_like(got))
        assert_allclose(dx, slopes, rtol=2 * eps, atol=0)


@every_name
@every_dtype
def test_nan_of_the_upstream_gradient_passes(name, dtype):
    x = samples(dtype, 40)
    dout = np.where(np.arange(40) % 3 == 0, np.nan, 1).astype(dtype)
    out = forward(name, x)
    dx, slope = backward(name, x, out, dout), backward(name, x, out, np.ones_like(x))
    stopped = name in ("step", "relu")  # there the gradient is 0, and not 0 times NaN
    assert_array_equal(np.isnan(dx), np.isnan(dout) & ((slope != 0) | (not stopped)))


@every_name
@every_dtype
def test_in_place(name, dtype):
    """Forward may write over x; backward over dout, or over what it reads."""
    for size in (3, 16, 37):
        x, dout = samples(dtype, size), samples(dtype, size, seed=1)
        out = forward(name, x)
        dx = backward(name, x, out, dout)
        known = x.copy() if READS[name] == "x" else out.copy()
        kernel, alpha = getattr(kernels, f"{name}_backward"), numbers(name, dtype)
        kernel(known, *alpha, dout, dout)
        assert_array_equal(dout, dx)
        kernel(known, *alpha, samples(dtype, size, seed=1), known)
        assert_array_equal(known, dx)
        getattr(kernels, f"{name}_forward")(x, *alpha, x)
        assert_array_equal(x, out)


@pytest.mark.parametrize("name", FUSED)
@every_dtype
def test_backward_of_what_products_take_in(name, dtype):
    """To the bit: the reference multiplies in the same order."""
    for size in SIZES:
        out, dout = forward(name, samples(dtype, size, seed=size)), samples(dtype, size, seed=99)
        dx = np.empty_like(out)
        getattr(reference, f"{name}_backward")(out, dout, dx)
        assert_array_equal(backward(name, out, out, dout), dx, err_msg=str(size))


@every_dtype
def test_edges_of_what_products_take_in(dtype):
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


@pytest.mark.parametrize("name", FUSED)
@every_dtype
def test_edges_backward_of_what_products_take_in(name, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, 1.0, 0.25, -0.5], dtype)
    out, dout = (grid.ravel() for grid in np.meshgrid(values, values))
    dx = np.empty_like(out)
    with np.errstate(invalid="ignore"):
        getattr(reference, f"{name}_backward")(out, dout, dx)
    assert np.isnan(dx).any() and np.isinf(dx).any() and (dx == 0).any()
    got = backward(name, out, out, dout)
    assert_array_equal(got, dx)


@every_name
@every_dtype
def test_any_shape(name, dtype):
    """A scalar array, a cube and an empty matrix hold the numbers of a flat array."""
    x, dout = samples(dtype, 30), samples(dtype, 30, seed=1)
    out = forward(name, x)
    dx, alpha = backward(name, x, out, dout), numbers(name, dtype)
    for shape, count in (((2, 3, 5), 30), ((), 1), ((0, 4), 0), ((5, 6), 30)):
        y = np.full(shape, np.nan, dtype)
        getattr(kernels, f"{name}_forward")(x[:count].reshape(shape), *alpha, y)
        assert_array_equal(y, out[:count].reshape(shape))
        known = x[:count].reshape(shape).copy() if READS[name] == "x" else y
        getattr(kernels, f"{name}_backward")(known, *alpha, dout[:count].reshape(shape), y)
        assert_array_equal(y, dx[:count].reshape(shape))
