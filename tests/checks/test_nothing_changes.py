"""What was refused changed nothing."""

import numpy as np
import pytest
from made_layers import ACTIVATION_NAMES, W, X, affine, built, read_only
from numpy.testing import assert_array_equal

from fastnet.layers import (
    Affine,
    MatMul,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
)
from fastnet.losses import (
    SoftmaxCrossEntropy,
)
from fastnet.optimizer import SGD


@pytest.mark.parametrize("layer", [affine, lambda: MatMul(W), built, Sigmoid, Softmax])
def test_a_refused_call_leaves_a_layer_as_it_was(layer):
    layer, twin = layer(), layer()
    for each in (layer, twin):
        out = each.forward(X)
        each.backward(np.ones_like(out))
    for bad in (X.astype(complex), "text", None, [[1], [2, 3]]):
        for method in (layer.forward, layer.backward):
            with pytest.raises((TypeError, ValueError)):
                method(bad)
    if layer.params:
        for shape in [(3, 5), (0, 4), (4, 4)]:
            with pytest.raises(ValueError):
                layer.backward(np.ones(shape))
            if shape != (4, 4):
                with pytest.raises(ValueError):
                    layer.forward(np.ones(shape))
    for grad, kept in zip(layer.grads, twin.grads, strict=True):
        assert_array_equal(grad, kept)
    assert_array_equal(layer.backward(out), twin.backward(out))


@pytest.mark.parametrize("wrong", ["dtype", "W", "b"])
def test_a_refused_call_leaves_a_large_x_that_was_copied(wrong):
    """A copy as large as the last one takes its place before it is made, where the call will do."""
    x = np.ones((400, 200), np.float32)
    layer = Affine(np.ones((200, 2)), np.zeros(2))
    out = layer.forward(x)
    dx = layer.backward(out)
    W, b = layer.params
    if wrong == "W":
        layer.params[0] = np.ones((3, 2))
    elif wrong == "b":
        layer.params[1] = np.zeros(3)
    with pytest.raises((TypeError, ValueError), match="must"):
        layer.forward(x.astype(complex) if wrong == "dtype" else x)
    layer.params[:] = W, b
    assert_array_equal(layer.backward(out), dx)


@pytest.mark.parametrize("kind", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_refused_labels_leave_a_loss_as_it_was(kind):
    loss = kind()
    value, t = loss.forward(X, [0, 1, 2]), loss.t
    dx, y = loss.backward(), loss.y
    for bad in ([0, 1, 4], [0, 1], np.zeros((3, 4))):
        with pytest.raises((IndexError, ValueError)):
            loss.forward(2 * X, bad)
        with pytest.raises(TypeError):
            loss.backward("1")
    assert loss.loss == value and loss.y is y and loss.t is t
    assert_array_equal(loss.backward(), dx)


@pytest.mark.parametrize(
    "bad",
    [
        (np.ones(3), np.ones(2)),
        (np.ones(3), None),
        (np.ones(3, int), np.ones(3)),
        (np.ones(3, complex), np.ones(3)),
        (read_only(np.ones(3)), np.ones(3)),
        ("W", 1.0),
    ],
)
def test_a_refused_update_changes_no_parameter(bad):
    first = np.ones(3)
    with pytest.raises((TypeError, ValueError)):
        SGD(1).update([first, bad[0]], [np.ones(3), bad[1]])
    with pytest.raises((TypeError, ValueError)):
        SGD(1).update({"a": first, "b": bad[0]}, {"a": np.ones(3), "b": bad[1]})
    with pytest.raises(KeyError):
        SGD(1).update({"a": first, "b": bad[0]}, {"a": np.ones(3)})
    optimizer = SGD(1)
    optimizer.lr = np.nan
    with pytest.raises(ValueError, match=r"^SGD\.update: lr must be finite, got nan\. Give"):
        optimizer.update([first], [np.ones(3)])
    assert_array_equal(first, np.ones(3))


@pytest.mark.parametrize(
    ("dtype", "lr"), [("float16", 1e5), ("float32", 1e300), (">f4", 1e39), ("float64", None)]
)
def test_a_learning_rate_beyond_the_parameters_dtype(dtype, lr):
    first, small = np.ones(3), np.ones(3, dtype)
    if lr is None:
        SGD(1e300).update([first, small], [np.ones(3), np.ones(3)])
        assert_array_equal(small, np.full(3, -1e300))
        return
    with pytest.raises(ValueError) as raised:
        SGD(lr).update([first, small], [np.ones(3), np.ones(3, dtype)])
    assert str(raised.value) == (
        f"SGD.update: lr must be finite in {small.dtype.name}, got {lr}. Give a number such as 0.1."
    )
    assert_array_equal(first, np.ones(3))
    assert_array_equal(small, np.ones(3))


def test_a_dense_whose_activation_was_set_to_no_name():
    layer = built()
    layer.forward(np.ones((1, layer.W.shape[0])))
    layer.activation = "nothing"
    with pytest.raises(ValueError) as raised:
        layer.forward(np.ones((1, layer.W.shape[0])))
    assert str(raised.value) == (
        f"Dense.forward: activation must be one of {ACTIVATION_NAMES}, got "
        "'nothing'. Give one of these names."
    )


def test_a_refused_dense_build_leaves_its_weights():
    layer = built()
    kept = layer.W.copy()
    with pytest.raises(TypeError):
        layer.build(4, np.random.default_rng(0), "float16")
    with pytest.raises(ValueError, match=r"^Dense\.W: W must be \(D, M\)"):
        layer.W = np.zeros(3)
    assert_array_equal(layer.W, kept)
    assert layer.units == 2
