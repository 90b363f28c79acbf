"""An activation of a user's own, made of two functions: by hand, in a model, its docstrings."""

import inspect
import pickle

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import layers
from fastnet.kernels import elementwise, helper
from fastnet.kernels.simd import absolute
from fastnet.models import Sequential
from fastnet.optimizer import SGD


@helper
def softsign(x):
    """Return x / (1 + |x|)."""
    return x / (1.0 + absolute(x))


@helper
def softsign_gradient(x, dout):
    """Return dout / (1 + |x|)**2."""
    size = 1.0 + absolute(x)
    return dout / (size * size)


@helper
def shifted(x, alpha):
    """Return x + alpha."""
    return x + alpha


@helper
def shifted_gradient(out, dout, alpha):
    """Return dout."""
    return dout


softsign_kernels = elementwise(
    "softsign",
    softsign,
    softsign_gradient,
    reads="x",
    text="""Softsign.

        out = x / (1 + |x|)
        dx = dout / (1 + |x|)**2

    One division. Source: Turian, Bergstra and Bengio, 2009.
    """,
)
softsign_forward, softsign_backward, softsign_in_loop, softsign_gradient_in_loop = softsign_kernels
shifted_kernels = elementwise("shifted", shifted, shifted_gradient, reads="out", alpha=True)


class Softsign(layers.Activation):
    """Of a user."""

    kernels = softsign_kernels


@every_dtype
def test_by_hand(dtype):
    x, layer = np.linspace(-3, 3, 37).astype(dtype), Softsign()
    out = layer.forward(x)
    assert_array_equal(out, x / (1 + np.abs(x)))
    assert layer.x is x and not hasattr(layer, "out") and out.dtype == dtype
    assert_array_equal(layer.backward(np.ones_like(x)), 1 / ((1 + np.abs(x)) * (1 + np.abs(x))))
    assert repr(layer) == "Softsign()"


def test_in_a_model():
    """The compiled loop, and the same steps by hand."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((40, 5)), rng.integers(0, 3, 40)
    stack = [layers.Dense(6), Softsign(), layers.Dense(3)]
    model = Sequential(stack, dtype="float64", seed=1)
    model.build(5)
    first, _, last = stack
    expected = last.forward(softsign_of(first.forward(x)))
    assert_allclose(model.predict(x), expected, rtol=1e-13)
    before = [param.copy() for param in model.params]
    gradients = model.numerical_gradient(x, t)
    model.fit(x, t, 1, 40, optimizer=SGD(0.5), verbose=0)
    for old, new, gradient in zip(before, model.params, gradients, strict=True):
        assert_allclose((old - new) / 0.5, gradient, rtol=1e-5, atol=1e-8)


def softsign_of(x):
    return x / (1 + np.abs(x))


def test_a_number_comes_second():
    x, out, dx = np.zeros((1, 5)), np.empty((1, 5)), np.empty((1, 5))
    shifted_kernels.forward(x, 2.0, out)
    shifted_kernels.backward(out, 2.0, out, dx)
    assert_array_equal(out, np.full((1, 5), 2.0))
    assert_array_equal(dx, out)


def test_names_by_which_others_know_them():
    assert [made.__name__ for made in softsign_kernels] == [
        "softsign_forward", "softsign_backward", "softsign_in_loop", "softsign_gradient_in_loop"
    ]  # fmt: skip
    assert {made.__module__ for made in softsign_kernels} == {__name__}
    assert pickle.loads(pickle.dumps(softsign_forward)) is softsign_forward


def test_docstrings():
    assert inspect.getdoc(softsign_forward) == (
        "Softsign.\n\n    out = x / (1 + |x|)\n\n"
        "Parameters\n----------\n"
        "x : array of float32 or float64, C-contiguous\n    Any shape. NaN stays NaN.\n"
        "out : array, same shape and dtype as x\n    Overwritten. May be x.\n\n"
        "Notes\n-----\nOne division. Source: Turian, Bergstra and Bengio, 2009."
    )
    assert inspect.getdoc(softsign_backward) == (
        "Softsign: its gradient, from x.\n\n    dx = dout / (1 + |x|)**2\n\n"
        "Parameters\n----------\n"
        "x : array of float32 or float64, C-contiguous\n    Input of the forward pass.\n"
        "dout : array, same shape and dtype\n    Upstream gradient.\n"
        "dx : array, same shape and dtype\n    Overwritten. May be dout or x.\n\n"
        "Notes\n-----\nSource: Turian, Bergstra and Bengio, 2009."
    )
    assert "\nalpha : scalar of the dtype\n" in inspect.getdoc(shifted_kernels.backward)
    assert inspect.getdoc(shifted_kernels.forward).startswith("shifted.\n\n    out = function(x)\n")


def test_what_the_gradient_reads():
    with pytest.raises(ValueError) as raised:
        elementwise("other", softsign, softsign_gradient, reads="y")
    assert str(raised.value) == (
        "elementwise: reads must be 'x' or 'out', got 'y'. Say which of the two the gradient takes "
        "first."
    )
