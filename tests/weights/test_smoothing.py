"""Smoothed labels, and losses with arguments."""

import numpy as np
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from weighted_models import BATCH, C, N, drawn_weights, model, outputs, rows, targets, with_ignored

import fastnet
import fastnet.models
import fastnet.reference
from fastnet import losses
from fastnet.layers import Dense, SoftmaxWithLoss
from fastnet.losses import (
    CategoricalCrossEntropy,
    SoftmaxCrossEntropy,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD

SMOOTHED = {
    "SoftmaxCrossEntropy": None,
    "CategoricalCrossEntropy": "softmax",
    "BinaryCrossEntropy": "sigmoid",
    "SigmoidCrossEntropy": None,
}


@with_each("given", ["labels", "one-hot", "soft"])
@with_each("name", SMOOTHED)
@every_dtype_name
def test_smoothing_is_that_of_the_targets(name, dtype, given):
    """(1 - s) t + s / C, of yes and no s / 2: by hand, in the loop, and in NumPy."""
    t = np.eye(C)[targets("softmax_cross_entropy")]
    if given == "soft":
        t = 0.7 * t + 0.3 * np.roll(t, 1, axis=1)
    share = 0.2
    by_hand = (1 - share) * t + share / (2 if SMOOTHED[name] == "sigmoid" or "Sig" in name else C)
    if given == "labels":
        if name != "SoftmaxCrossEntropy":
            return  # it takes no labels
        t = t.argmax(axis=1)
    kind, plain = getattr(losses, name), getattr(fastnet.reference.losses, name)
    y = outputs("binary_cross_entropy", dtype)
    loss, twin, exact = kind(label_smoothing=share), plain(label_smoothing=share), kind()
    bound = 20 * np.finfo(dtype).eps
    kept = t.copy()
    assert_allclose(loss.forward(y, t), exact.forward(y, by_hand.astype(dtype)), rtol=bound)
    assert_allclose(loss.backward(), exact.backward(), rtol=bound, atol=bound)
    assert_allclose(loss.forward(y, t), twin.forward(y.astype(float), t), rtol=bound)
    assert_allclose(loss.backward(), twin.backward(), rtol=0, atol=bound)
    assert_array_equal(t, kept)
    x = rows(dtype)
    smooth, other = model(loss, SMOOTHED[name], dtype), model(exact, SMOOTHED[name], dtype)
    seen = smooth.fit(x, t, 4, BATCH, SGD(0.1), verbose=0)
    wanted = other.fit(x, by_hand, 4, BATCH, SGD(0.1), verbose=0)
    assert_allclose(seen.loss, wanted.loss, rtol=10 * bound)
    assert_allclose(smooth.parameter_vector, other.parameter_vector, rtol=0, atol=20 * bound)
    assert_allclose(smooth.evaluate(x, t)["loss"], smooth.forward(x, t), rtol=4 * bound)
    for grad, slope in zip(smooth.gradient(x, t), smooth.numerical_gradient(x, t), strict=True):
        assert_allclose(grad, slope, rtol=0, atol=1e-8 + 30 * np.finfo(dtype).eps)
    weights = drawn_weights(dtype)
    value = smooth.forward(x, t, weights)
    assert_allclose(smooth.evaluate(x, t, sample_weight=weights)["loss"], value, rtol=4 * bound)


@with_each("classes", [1, 2, 3, 10, 37, 200])
@every_dtype_name
def test_the_loops_smoothing_of_any_width(dtype, classes):
    rng = np.random.default_rng(0)
    x, t = 3 * rng.standard_normal((N, classes)).astype(dtype), rng.integers(0, classes, N)
    net = Sequential([Dense(classes)], SoftmaxCrossEntropy(label_smoothing=0.3), dtype, seed=0)
    net.build(classes)
    net.layers[0].W[...] = np.eye(classes)
    bound = (classes + 20) * np.finfo(dtype).eps
    assert_allclose(net.evaluate(x, t)["loss"], net.forward(x, t), rtol=bound, atol=bound)
    assert net.evaluate(x, t)["accuracy"] == np.mean(x.argmax(axis=1) == t)


def test_the_textbooks_loss_is_smoothed():
    y, t = outputs("softmax_cross_entropy", "float64"), targets("softmax_cross_entropy")
    loss, exact = SoftmaxWithLoss(label_smoothing=0.2), SoftmaxWithLoss()
    twin = fastnet.reference.layers.SoftmaxWithLoss(label_smoothing=0.2)
    soft = 0.8 * np.eye(C)[t] + 0.05
    assert_allclose(loss.forward(y, t), exact.forward(y, soft), rtol=1e-14)
    assert_allclose(loss.backward(), exact.backward(), rtol=0, atol=1e-16)
    assert_allclose(loss.forward(y, t), twin.forward(y, t), rtol=1e-14)
    assert_allclose(loss.backward(), twin.backward(), rtol=0, atol=1e-16)
    net = fastnet.models.TwoLayerNet(5, 4, C)
    net.lastLayer = loss
    plain = fastnet.models.TwoLayerNet(5, 4, C)
    for key, array in plain.params.items():
        array[...] = net.params[key]
    found, other = net.gradient(rows(), t), plain.gradient(rows(), t)
    assert not np.allclose(found["W2"], other["W2"])


def test_losses_with_arguments_are_saved(tmp_path):
    x, (t, _) = rows(), with_ignored()
    net = model(SoftmaxCrossEntropy(label_smoothing=0.1, ignore_index=-1))
    net.fit(x, t, 2, verbose=0)
    net.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert repr(again._loss) == "SoftmaxCrossEntropy(label_smoothing=0.1, ignore_index=-1)"
    assert again.fit(x, t, 2, verbose=0).loss == net.fit(x, t, 2, verbose=0).loss
    assert repr(SoftmaxCrossEntropy()) == "SoftmaxCrossEntropy()"
    assert repr(CategoricalCrossEntropy()) == "CategoricalCrossEntropy()"
