"""Flatten and Reshape: samples in another shape."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet.layers import Flatten, Reshape


@pytest.mark.parametrize(
    "layer, made", [(Flatten(), (24,)), (Reshape((2, 12)), (2, 12)), (Reshape([-1, 6]), (4, 6))]
)
def test_numbers_stay_in_order(layer, made):
    x = np.arange(72.0).reshape(3, 4, 3, 2)
    out = layer.forward(x)
    assert out.shape == (3, *made) == (3, *layer.output_shape((4, 3, 2)))
    assert_array_equal(out.ravel(), x.ravel())
    assert np.shares_memory(out, x)
    assert_array_equal(layer.backward(out), x)


def test_representations():
    assert repr(Flatten()) == "Flatten()" and repr(Reshape((2, -1))) == "Reshape((2, -1))"


WRONG = [
    (lambda: Reshape(()), ValueError, r"Reshape: target_shape must have a dimension, got \(\)"),
    (lambda: Reshape((2, 0)), ValueError, "Reshape: target_shape must be at least 1, got 0"),
    (lambda: Reshape((-1, -1)), ValueError, "Reshape: target_shape must have one -1 at most, got"),
    (
        lambda: Reshape((5,)).output_shape((2, 3)),
        ValueError,
        r"Reshape: target_shape must have as many numbers as a sample of shape \(2, 3\), 6, got "
        r"\(5,\). Give such a shape, or -1 for one of its numbers.",
    ),
    (
        lambda: Reshape((-1, 4)).forward(np.ones((2, 6))),
        ValueError,
        "Reshape.forward: target_shape must have as many numbers as a sample",
    ),
    (
        lambda: Flatten().forward(np.ones(3)),
        ValueError,
        r"Flatten.forward: x must have samples of one axis and more, got x.shape=\(3,\)",
    ),
    (lambda: Flatten().backward(1), RuntimeError, "Flatten.backward: call forward first."),
]


@pytest.mark.parametrize("call, kind, message", WRONG, ids=[case[2][:40] for case in WRONG])
def test_wrong_arguments_are_told(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_dout_of_another_shape_is_told():
    layer = Flatten()
    layer.forward(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"Flatten.backward: dout must have shape \(2, 12\)"):
        layer.backward(np.ones((2, 3, 4)))
