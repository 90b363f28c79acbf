"""Calls in the wrong order, and numbers beyond the dtype that they meet."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import RNG, B, W, X, affine, assign, built, called

from fastnet.layers import (
    Dense,
    MatMul,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.losses import (
    LOSSES,
    MeanAbsoluteError,
    MeanSquaredError,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
    WeightedLosses,
)


def test_units_are_set_before_build():
    layer = Dense(2)
    layer.units = np.int64(3)
    assert type(layer.units) is int
    for bad in ("a", 2.5, 0):
        with pytest.raises((TypeError, ValueError), match=r"^Dense\.units: units must be "):
            layer.units = bad
    layer.build(4, RNG, "float64")
    assert layer.W.shape == (4, 3)
    with pytest.raises(RuntimeError) as raised:
        layer.units = 5
    assert str(raised.value) == (
        "Dense.units: units must be set before build, got 5 for W (4, 3). "
        "Assign layer.W and layer.b, or make another Dense."
    )
    assert layer.units == 3
    layer.params[0] = np.ones((4, 7))  # past the property
    assert layer.units == 7


@pytest.mark.parametrize(
    ("dtype", "std"), [("float32", 1e39), ("float32", 1e38), ("float64", 1e308)]
)
def test_initial_weights_beyond_their_dtype(dtype, std):
    layer = Dense(2, weight_init_std=std)
    with pytest.raises(ValueError) as raised:
        layer.build(4, RNG, dtype)
    assert str(raised.value) == (
        f"Dense.build: weight_init_std must leave the weights finite in {dtype}, got {std}. "
        "Give a number such as 0.01."
    )
    assert not layer.params
    layer.weight_init_std = -1
    with pytest.raises(ValueError, match=r"^Dense\.build: weight_init_std must be finite and not"):
        layer.build(4, RNG, dtype)
    layer.weight_init_std = float(np.finfo(dtype).max) / 16  # the largest that is taken
    layer.build(4, RNG, dtype)
    assert np.isfinite(layer.W).all()


@with_each(
    "kind",
    [
        SoftmaxWithLoss,
        SoftmaxCrossEntropy,
        MeanSquaredError,
        MeanAbsoluteError,
        SparseCategoricalCrossEntropy,
        SigmoidWithLoss,
    ],
)
@with_each("dtype, dout", [("float32", 1e300), ("float32", -1e39), ("float16", 1e5)])
def test_a_dout_beyond_the_dtype_of_the_loss(kind, dtype, dout):
    x = X.astype(dtype)
    t = [0, 1, 2]
    if kind in (MeanSquaredError, MeanAbsoluteError):
        t = x / 2
    elif kind is SigmoidWithLoss:
        t = x > 0.5
    loss = called(kind(), x, t)
    with pytest.raises(ValueError) as raised:
        loss.backward(dout)
    assert str(raised.value) == (
        f"{kind.__name__}.backward: dout must be finite in {dtype}, got {dout}. "
        "Give a number such as 1."
    )
    dx = loss.backward(np.nan)  # as NumPy's
    assert not np.isfinite(dx[loss.backward() != 0]).any()


ORDER = [
    (lambda: affine().backward(X), "Affine.backward: call forward first."),
    (lambda: MatMul(W).backward(X), "MatMul.backward: call forward first."),
    (lambda: built().backward(X), "Dense.backward: call forward first."),
    (lambda: Sigmoid().backward(X), "Sigmoid.backward: call forward first."),
    (lambda: Relu().backward(X), "Relu.backward: call forward first."),
    (lambda: Relu().mask, "Relu.mask: call forward first."),
    (lambda: Tanh().backward(X), "Tanh.backward: call forward first."),
    (lambda: Softmax().backward(X), "Softmax.backward: call forward first."),
    (lambda: SoftmaxWithLoss().backward(), "SoftmaxWithLoss.backward: call forward first."),
    (lambda: SoftmaxCrossEntropy().backward(), "SoftmaxCrossEntropy.backward: call forward first."),
    (lambda: MeanSquaredError().backward(), "MeanSquaredError.backward: call forward first."),
    (lambda: SigmoidWithLoss().backward(), "SigmoidWithLoss.backward: call forward first."),
    (
        lambda: WeightedLosses([MeanSquaredError()]).backward(),
        "WeightedLosses.backward: call forward first.",
    ),
    *[
        (kind().backward, f"{kind.__name__}.backward: call forward first.")
        for kind in LOSSES.values()
    ],
    (lambda: Dense(2).forward(X), "Dense.forward: {build}"),
    (lambda: Dense(2).backward(X), "Dense.backward: call forward first."),
    (lambda: Dense(2).W, "Dense.W: {build}"),
    (lambda: Dense(2).b, "Dense.b: {build}"),
    (lambda: Dense(2).dW, "Dense.dW: {build}"),
    (lambda: Dense(2).db, "Dense.db: {build}"),
    (lambda: assign(Dense(2), "W", W), "Dense.W: {build}"),
    (lambda: assign(Dense(2), "b", B), "Dense.b: {build}"),
]


@with_each("call, text", ORDER)
def test_order_of_calls(call, text):
    with pytest.raises(RuntimeError) as raised:
        call()
    build = (
        "call build(n_in, rng, dtype) first, or put the layer into a Sequential and build or "
        "fit that."
    )
    assert str(raised.value) == text.format(build=build)
