"""Parameters, inputs and outputs that were replaced or reshaped between two calls."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import W, X, affine, called
from numpy.testing import assert_array_equal

from fastnet.layers import (
    Dense,
    MatMul,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.losses import (
    CategoricalHinge,
    Huber,
    MeanSquaredError,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
)


def dense(activation):
    layer = Dense(2, activation=activation)
    layer.build(4, np.random.default_rng(0), "float64")
    return layer


def test_parameters_that_no_longer_fit():
    layer = called(affine(), X)
    layer.W = np.ones((4, 3))
    text = (
        "Affine.forward: b must have shape (3,) to match W (4, 3), got b.shape=(2,). "
        "Assign W and b of the same M."
    )
    with pytest.raises(ValueError) as raised:
        layer.forward(X)
    assert str(raised.value) == text
    layer.b = np.ones(3)
    layer.W = np.ones((5, 3))  # not forward's any more
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, 3)))
    assert str(raised.value) == (
        "Affine.backward: x must have 5 features to match W (5, 3), got x.shape=(3, 4). "
        "Give x of shape (N, 5)."
    )
    layer = called(affine(), X)
    layer.params[1] = np.ones(3)  # past the property
    with pytest.raises(ValueError, match=r"^Affine\.forward: b must have shape \(2,\) to match"):
        layer.forward(X)
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, 2)))
    assert str(raised.value) == (
        "Affine.backward: grads[1] must have shape (3,) to match params[1], got (2,). "
        "Assign layer.W and layer.b, which remake the gradients."
    )
    layer.params[0] = np.ones((4, 3))
    layer.forward(X)
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, 3)))
    assert str(raised.value) == (
        "Affine.backward: grads[0] must have shape (4, 3) to match params[0], got (4, 2). "
        "Assign layer.W and layer.b, which remake the gradients."
    )


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("m", [1, 300])
def test_another_width_between_forward_and_backward(m, activation):
    layer = called(dense(activation), X)
    layer.W, layer.b = np.ones((4, m)), np.ones(m)
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, m)))
    assert str(raised.value) == (
        f"Dense.backward: out must have shape (3, {m}), got out.shape=(3, 2). "
        "Call forward first, and leave its out as it is."
    )
    layer.forward(X)
    assert layer.backward(np.ones((3, m))).shape == X.shape


@pytest.mark.parametrize("m", [1, 300])
def test_a_bias_left_behind_between_forward_and_backward(m):
    layer = called(affine(), X)
    layer.W = np.ones((4, m))
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, m)))
    assert str(raised.value) == (
        f"Affine.backward: b must have shape ({m},) to match W (4, {m}), got b.shape=(2,). "
        "Assign W and b of the same M."
    )


# What forward leaves in public for backward, replaced by an array of another shape.
REPLACED = [
    ("MatMul", "x", lambda: called(MatMul(W), X), np.ones((3, 2))),
    ("MatMul", "x", lambda: called(MatMul(W), X.reshape(3, 2, 2)), np.ones((3, 2))),
    ("MatMul", "x", lambda: called(MatMul(W), X[0]), np.ones(2)),
    ("Affine", "x", lambda: called(affine(), X), np.ones((3, 2))),
    ("Affine", "x", lambda: called(affine(), X[0]), np.ones(2)),
    ("Affine", "x", lambda: called(affine(), X.reshape(3, 2, 2)), np.ones((3, 2))),
    ("Dense", "out", lambda: called(dense("relu"), X), np.ones((3, 2))),
    ("SoftmaxWithLoss", "y", lambda: called(SoftmaxWithLoss(), X, [0, 1, 2]), 1),
    ("SoftmaxCrossEntropy", "y", lambda: called(SoftmaxCrossEntropy(), X, [0, 1, 2]), 1),
    ("MeanSquaredError", "y", lambda: called(MeanSquaredError(), X, X), 1),
    ("MeanSquaredError", "t", lambda: called(MeanSquaredError(), X, X), 1),
    ("Huber", "y", lambda: called(Huber(), X, X * 2), 1),
    ("Huber", "t", lambda: called(Huber(), X, X * 2), 1),
    ("CategoricalHinge", "y", lambda: called(CategoricalHinge(), X, [0, 1, 2]), 1),
    ("SigmoidWithLoss", "y", lambda: called(SigmoidWithLoss(), X, X > 0.5), 1),
    ("SigmoidWithLoss", "t", lambda: called(SigmoidWithLoss(), X, X > 0.5), 1),
]


@with_each("name, attribute, make, dout", REPLACED)
def test_what_forward_left_must_keep_its_shape(name, attribute, make, dout):
    layer = make()
    kept = getattr(layer, attribute)
    for other in (np.ones((1, 1)), np.ones((300, 4)), np.ones(kept.size), kept.T, [[1, 2]]):
        setattr(layer, attribute, other)
        with pytest.raises(ValueError) as raised:
            layer.backward(dout)
        assert str(raised.value) == (
            f"{name}.backward: {attribute} must have shape {kept.shape}, got "
            f"{attribute}.shape={np.shape(other)}. Call forward first, and leave its {attribute} "
            "as it is."
        )
    setattr(layer, attribute, "text")
    with pytest.raises(TypeError, match=rf"^{name}\.backward: {attribute} must be an array of"):
        layer.backward(dout)
    for other in (kept.copy(), np.asfortranarray(kept), kept.tolist()):  # that is allowed
        setattr(layer, attribute, kept)
        expected = layer.backward(dout)
        setattr(layer, attribute, other)
        assert_array_equal(layer.backward(dout), expected)


def test_rows_that_were_given_without_their_axis_or_as_images():
    for x, dout in [(X[0], np.ones((4, 2))), (X.reshape(3, 2, 2), np.ones((3, 2)))]:
        layer = called(MatMul(W), x)
        layer.x = x.copy()  # of the shape of x, not of its rows
        layer.W = np.ones((2, 2)) if x.ndim == 3 else W
        with pytest.raises(ValueError, match=r"^MatMul\.backward: x must have shape"):
            layer.backward(dout)


@pytest.mark.parametrize("kind", [Sigmoid, Relu, Tanh])
def test_an_activations_out_may_be_replaced(kind):
    layer = called(kind(), X)
    layer.out = np.full((2, 5), 0.5).tolist()
    assert layer.backward(np.ones((2, 5))).shape == (2, 5)
    with pytest.raises(ValueError, match=r"dout must have shape \(2, 5\), got"):
        layer.backward(X)


@pytest.mark.parametrize("kind", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_probabilities_reshaped_in_place(kind):
    loss = called(kind(), X, [0, 1, 2])
    loss.y.shape = (12, 1)
    with pytest.raises(ValueError, match=r"y must have shape \(3, 4\), got y.shape=\(12, 1\)"):
        loss.backward()


@pytest.mark.parametrize(
    ("make", "count"), [(lambda: MatMul(W), 1), (affine, 2), (lambda: dense("relu"), 2)]
)
def test_lists_that_lost_or_got_an_array(make, count):
    name = type(make()).__name__
    for change, number in [(list.pop, count - 1), (lambda held: held.append(X), count + 1)]:
        text = (
            f" must hold {count} array{'s' * (count > 1)}, got {number}. "
            "Assign to its entries; add and remove none."
        )
        layer = called(make(), X)
        change(layer.params)
        for method, argument in [("forward", X), ("backward", np.ones((3, 2)))]:
            with pytest.raises(ValueError) as raised:
                getattr(layer, method)(argument)
            assert str(raised.value) == f"{name}.{method}: params{text}"
        layer = called(make(), X)
        change(layer.grads)
        with pytest.raises(ValueError) as raised:
            layer.backward(np.ones((3, 2)))
        assert str(raised.value) == f"{name}.backward: grads{text}"
