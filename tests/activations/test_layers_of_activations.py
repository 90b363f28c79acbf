"""Layers of activations: gradients, PyTorch, what they refuse."""

import numpy as np
import pytest
from activation_points import NAMES, samples
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet import layers
from fastnet.layers import Elu, Gelu, LeakyRelu, Silu, Step

KINDS = [getattr(layers, name) for name in [*layers.activations.__all__, *layers.gates.__all__]]
LAYERS = {kind.kernels.forward.__name__.removesuffix("_forward"): kind for kind in KINDS}
LAYERS["gelu_tanh"] = lambda: Gelu("tanh")


def test_every_activation_has_a_layer():
    assert NAMES == sorted(LAYERS)


@with_each("name", NAMES)
def test_outputs_lie_in_the_range_that_is_said_and_reach_its_ends(name):
    layer = LAYERS[name]()
    out, said = layer.forward(np.linspace(-40, 40, 80_001)), layer.outputs(None)
    low, high = (-np.inf, np.inf) if said is None else (said.low, said.high)
    assert low <= out.min() and out.max() <= high
    assert low == -np.inf or out.min() < low + 2e-4  # least outputs are rounded down to four digits
    assert high == np.inf or out.max() > high - 2e-4


@with_each("name", [name for name in NAMES if name != "step"])
def test_gradient_equals_central_differences(name):
    x, h = np.linspace(-3, 3, 40), 1e-6  # without 0, where some have no derivative
    layer = LAYERS[name]()
    difference = (layer.forward(x + h) - layer.forward(x - h)) / (2 * h)
    layer.forward(x)
    dx = layer.backward(np.ones(40))
    assert np.abs(dx).max() > 0.2
    assert_allclose(dx, difference, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "step"])
@every_dtype
def test_torch_agrees(name, dtype):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    theirs = {"identity": lambda x: x, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh")}
    called = theirs.get(name) or getattr(F, name)
    x, dout = samples(dtype, 300), samples(dtype, 300, seed=1)
    tensor = torch.tensor(x, requires_grad=True)
    expected = called(tensor)
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


@with_each("name", NAMES)
def test_a_list_may_change_after_forward(name):
    """What is kept for backward is an array of the layer's own."""
    x, layer = [-1.0, 0.5], LAYERS[name]()
    layer.forward(x)
    dx = layer.backward(np.ones(2))
    x[0] = 3.0
    assert_array_equal(layer.backward(np.ones(2)), dx)


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


@with_each(
    "call, error, text",
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
            "dtype <U4. Give an array of numbers.",
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)


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
