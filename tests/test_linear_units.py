"""Leaky ReLU, ELU, softplus, GELU, SiLU, identity, step as kernels: error, edges, tails, in place.

Their layers stand in test_layers.py, test_contract.py and test_checks.py too.
"""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.layers import Elu, Gelu, Identity, LeakyRelu, Silu, Softplus, Step
from fastnet.reference import kernels as reference

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

SLOPED = {"leaky_relu": 0.25, "elu": 1.5}  # with their alpha
OF_INPUT = {"gelu", "gelu_tanh", "silu"}  # backward takes x, the others out
EXACT = {"identity", "step", "leaky_relu"}  # the reference's bits
NAMES = ["identity", "step", "leaky_relu", "elu", "softplus", "gelu", "gelu_tanh", "silu"]
every_name = pytest.mark.parametrize("name", NAMES)

SIZES = (*range(18), 31, 32, 33, 63, 64, 65, 200)
MARGIN, SENTINEL = 40, -7.25


def framed(size, dtype):
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


def numbers(name, dtype):
    return [dtype(SLOPED[name])] if name in SLOPED else []


def forward(name, x, module=kernels):
    buffer, out = framed(x.size, x.dtype)
    kept = x.copy()
    assert getattr(module, f"{name}_forward")(x, *numbers(name, x.dtype.type), out) is None
    assert_frame(buffer)
    assert_array_equal(x, kept)
    return out


def backward(name, x, out, dout, module=kernels):
    known = x if name in OF_INPUT else out
    buffer, dx = framed(out.size, out.dtype)
    kept = known.copy(), dout.copy()
    getattr(module, f"{name}_backward")(known, *numbers(name, x.dtype.type), dout, dx)
    assert_frame(buffer)
    assert_array_equal(known, kept[0])
    assert_array_equal(dout, kept[1])
    return dx


def cdf(v):
    return mpmath.erfc(-v / mpmath.sqrt(2)) / 2


def tanh_gate(v):
    u = mpmath.sqrt(2 / mpmath.pi) * (v + mpmath.mpf("0.044715") * v**3)
    return (1 + mpmath.tanh(u)) / 2


FUNCTIONS = {
    "elu": lambda v: v if v > 0 else SLOPED["elu"] * mpmath.expm1(v),
    "softplus": lambda v: mpmath.log1p(mpmath.exp(v)),
    "gelu": lambda v: v * cdf(v),
    "gelu_tanh": lambda v: v * tanh_gate(v),
    "silu": lambda v: v / (1 + mpmath.exp(-v)),
}
# Measured over 5,800 points: elu 1.0 (and one rounding for alpha), softplus 1.5, gelu 4.3, silu
# 1.9; 1 + tanh cancels below 0, so that gelu_tanh is compared above only: 1.8.
LIMITS = {"elu": 2.0, "softplus": 2.0, "gelu": 5.0, "gelu_tanh": 2.5, "silu": 2.5}


def points(name, dtype):
    rng = np.random.default_rng(7)
    far = {"gelu": 13 if dtype == np.float32 else 37, "gelu_tanh": 4}.get(name, 80)
    x = np.concatenate(
        [rng.standard_normal(200), rng.uniform(-far, far, 200), 1e-9 * rng.standard_normal(50)]
    ).astype(dtype)
    return np.abs(x) if name == "gelu_tanh" else x


@pytest.mark.parametrize("name", FUNCTIONS)
@every_dtype
def test_error(name, dtype):
    x = points(name, dtype)
    got, info = forward(name, x), np.finfo(dtype)
    worst = (0.0, 0.0)
    with mpmath.workprec(200):
        for v, result in zip(x.tolist(), got.tolist(), strict=True):
            exact = FUNCTIONS[name](mpmath.mpf(v))
            exponent = max(mpmath.frexp(exact)[1], info.minexp + 1)
            ulp = mpmath.ldexp(1, exponent - info.nmant - 1)
            worst = max(worst, (float(abs(result - exact) / ulp), v))
    assert worst[0] <= LIMITS[name], f"{worst[0]:.2f} ulp at x={worst[1]!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
@every_dtype
def test_gradient_error(name, dtype):
    """Against the exact derivative. It is about 1 in size, so 12 roundings are 12 eps."""
    x = points(name, dtype)
    dx = backward(name, x, forward(name, x), np.ones_like(x))
    with mpmath.workprec(200):
        for v, result in zip(x.tolist(), dx.tolist(), strict=True):
            exact = mpmath.diff(FUNCTIONS[name], mpmath.mpf(v))
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
        if name in EXACT:
            assert_array_equal(out, expected)
            assert_array_equal(dx, gradient)
        else:
            # The reference's own rounding: 1 + erf cancels, times x up to 12.
            atol = 40 * np.finfo(dtype).eps
            assert_allclose(out, expected, rtol=0, atol=atol)
            assert_allclose(dx, gradient, rtol=0, atol=12 * atol)


@every_dtype
def test_edges(dtype):
    inf, nan, tiny = np.inf, np.nan, np.finfo(dtype).smallest_subnormal
    x = np.array([nan, inf, 0.0, -0.0, tiny, 1e30, -1e30], dtype)
    half = dtype(np.log(2))
    for name, expected, slopes in [
        ("identity", x, [1] * 7),
        ("step", [nan, 1, 0, 0, 1, 1, 0], [0] * 7),
        ("leaky_relu", [nan, inf, 0, -0.0, tiny, 1e30, -2.5e29], [1, 1, 0.25, 0.25, 1, 1, 0.25]),
        ("elu", [nan, inf, 0, -0.0, tiny, 1e30, -1.5], [1, 1, 1.5, 1.5, 1, 1, 0]),
        ("softplus", [nan, inf, half, half, half, 1e30, 0], [nan, 1, 0.5, 0.5, 0.5, 1, 0]),
        ("gelu", [nan, inf, 0, -0.0, 0, 1e30, -0.0], [nan, nan, 0.5, 0.5, 0.5, 1, 0]),
        ("gelu_tanh", [nan, inf, 0, -0.0, 0, 1e30, -0.0], [nan, 1, 0.5, 0.5, 0.5, 1, 0]),
        ("silu", [nan, inf, 0, -0.0, 0, 1e30, -0.0], [nan, nan, 0.5, 0.5, 0.5, 1, 0]),
    ]:
        for start in range(len(x)):  # in every lane, of a whole vector and of a tail
            shifted = np.tile(np.roll(x, start), 4)
            got = forward(name, shifted)
            wanted = np.tile(np.roll(np.array(expected, dtype), start), 4)
            # subnormal results of a product may be rounded, and log(2) by an ulp
            assert_allclose(got, wanted, rtol=2 * np.finfo(dtype).eps, atol=2 * tiny, err_msg=name)
            dx = backward(name, shifted, got, np.ones_like(got))
            wanted = np.tile(np.roll(np.array(slopes, dtype), start), 4)
            assert_allclose(dx, wanted, rtol=2 * np.finfo(dtype).eps, atol=0, err_msg=name)


@every_name
@every_dtype
def test_nan_of_the_upstream_gradient_passes(name, dtype):
    x = samples(dtype, 40)
    dout = np.where(np.arange(40) % 3 == 0, np.nan, 1).astype(dtype)
    dx = backward(name, x, forward(name, x), dout)
    assert_array_equal(np.isnan(dx), np.isnan(dout) & (name != "step"))


@every_name
@every_dtype
def test_in_place(name, dtype):
    """Forward may write over x; backward over dout, or over what it reads."""
    for size in (3, 16, 37):
        x, dout = samples(dtype, size), samples(dtype, size, seed=1)
        out = forward(name, x)
        dx = backward(name, x, out, dout)
        known = x.copy() if name in OF_INPUT else out.copy()
        kernel, alpha = getattr(kernels, f"{name}_backward"), numbers(name, dtype)
        kernel(known, *alpha, dout, dout)
        assert_array_equal(dout, dx)
        kernel(known, *alpha, samples(dtype, size, seed=1), known)
        assert_array_equal(known, dx)
        getattr(kernels, f"{name}_forward")(x, *alpha, x)
        assert_array_equal(x, out)


LAYERS = {
    "identity": Identity,
    "step": Step,
    "leaky_relu": lambda: LeakyRelu(0.2),
    "elu": lambda: Elu(0.7),
    "softplus": Softplus,
    "gelu": Gelu,
    "gelu_tanh": lambda: Gelu("tanh"),
    "silu": Silu,
}


@pytest.mark.parametrize("name", set(NAMES) - {"step"})
def test_gradient_equals_central_differences(name):
    x, h = np.linspace(-3, 3, 40), 1e-6  # without 0, where some have no derivative
    layer = LAYERS[name]()
    difference = (layer.forward(x + h) - layer.forward(x - h)) / (2 * h)
    layer.forward(x)
    dx = layer.backward(np.ones(40))
    assert np.abs(dx).max() > 0.2
    assert_allclose(dx, difference, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", set(NAMES) - {"step"})
@every_dtype
def test_torch_agrees(name, dtype):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    theirs = {
        "identity": lambda x: x,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
        "elu": lambda x: F.elu(x, 0.7),
        "softplus": F.softplus,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "silu": F.silu,
    }
    x, dout = samples(dtype, 300), samples(dtype, 300, seed=1)
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs[name](tensor)
    expected.backward(torch.tensor(dout))
    layer = LAYERS[name]()
    eps = np.finfo(dtype).eps
    assert_allclose(layer.forward(x), expected.detach().numpy(), rtol=0, atol=16 * eps)
    assert_allclose(layer.backward(dout), tensor.grad.numpy(), rtol=0, atol=100 * eps)


def test_layers_say_what_they_are():
    made = [LeakyRelu(), Elu(2), Gelu(), Gelu("tanh"), Silu(), Step()]
    assert repr(made) == (
        "[LeakyRelu(alpha=0.01), Elu(alpha=2.0), Gelu(), Gelu(approximate='tanh'), Silu(), Step()]"
    )
    assert all(layer.params == layer.grads == [] for layer in made)


def test_what_was_set_between_forward_and_backward_waits():
    x = np.array([-1.0, 2.0])
    layer = LeakyRelu(0.5)
    layer.forward(x)
    layer.alpha = 0.1
    assert_array_equal(layer.backward(np.ones(2)), [0.5, 1])
    assert_array_equal(layer.forward(x), [-0.1, 2])
    layer = Gelu()
    layer.forward(x)
    layer.approximate = "tanh"
    exact = Gelu()
    exact.forward(x)
    assert_array_equal(layer.backward(np.ones(2)), exact.backward(np.ones(2)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: LeakyRelu(-0.1),
            ValueError,
            "LeakyRelu: alpha must be finite and not negative, got -0.1. Give a number such as "
            "0.01.",
        ),
        (
            lambda: Elu(np.inf),
            ValueError,
            "Elu: alpha must be finite and not negative, got inf. Give a number such as 0.01.",
        ),
        (lambda: Elu("1"), TypeError, "Elu: alpha must be a real number, got '1'. Give a float."),
        (
            lambda: LeakyRelu(1e39).forward(np.ones(2, np.float32)),
            ValueError,
            "LeakyRelu.forward: alpha must be finite in float32, got 1e+39. Give a number such as "
            "1.",
        ),
        (
            lambda: Gelu("erf"),
            ValueError,
            "Gelu: approximate must be one of 'none', 'tanh', got 'erf'. Give one of these names.",
        ),
        (lambda: Gelu().backward(1.0), RuntimeError, "Gelu.backward: call forward first."),
        (lambda: Elu().backward(1.0), RuntimeError, "Elu.backward: call forward first."),
        (
            lambda: Silu().forward("text"),
            TypeError,
            "Silu.forward: x must be an array of integers, float16, float32 or float64, got str of "
            "dtype <U4. Convert it to float32 or float64.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text


def test_a_wrong_upstream_shape():
    for make in LAYERS.values():
        layer = make()
        layer.forward(np.ones((3, 4)))
        with pytest.raises(ValueError) as raised:
            layer.backward(np.ones(12))
        assert str(raised.value) == (
            f"{type(layer).__name__}.backward: dout must have shape (3, 4), got dout.shape=(12,). "
            "Give one number for each output of forward."
        )
