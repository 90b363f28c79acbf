"""Weights of classes are those of their samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from weighted_models import BATCH, LAST, C, drawn_weights, model, outputs, rows, targets

import fastnet
from fastnet import reference
from fastnet.layers import Dense
from fastnet.losses import (
    SoftmaxCrossEntropy,
)
from fastnet.models import Sequential

SOFTMAX = "softmax_cross_entropy"
CLASSED = {
    "softmax_cross_entropy": None,
    "sparse_categorical_cross_entropy": "softmax",
    "categorical_cross_entropy": "softmax",
    "categorical_hinge": None,
}


@pytest.mark.parametrize("name", CLASSED)
def test_class_weights_are_those_of_the_samples(name):
    x, t = rows(), targets(name)
    labels = t if t.ndim == 1 else t.argmax(axis=1)
    of_class = {0: 0.5, 3: 4}
    weights = np.array([of_class.get(int(label), 1) for label in labels], float)
    one, other, both, alike = (model(name, CLASSED[name]) for _ in range(4))
    wanted = one.fit(x, t, 3, BATCH, verbose=0, sample_weight=weights)
    seen = other.fit(x, t, 3, BATCH, verbose=0, class_weight=of_class)
    assert seen.loss == wanted.loss
    assert_array_equal(one.parameter_vector, other.parameter_vector)
    own = drawn_weights()
    wanted = both.fit(x, t, 3, BATCH, verbose=0, sample_weight=own * weights)
    seen = alike.fit(x, t, 3, BATCH, verbose=0, sample_weight=own, class_weight=of_class)
    assert seen.loss == wanted.loss


@pytest.mark.parametrize("form", ["labels", "one-hot", "one column"])
def test_the_twin_weighs_classes_alike(form):
    """Of one column a class is whether it is over a half."""
    x, t = rows(), targets("softmax_cross_entropy")
    t = {"labels": t, "one-hot": np.eye(C)[t], "one column": (t > 1)[:, None].astype(float)}[form]
    name, units = ("sigmoid_cross_entropy", 1) if t[0].size == 1 < t.ndim else (SOFTMAX, C)
    seen = [
        room.models.Sequential([room.layers.Dense(units)], name, "float64", seed=0).fit(
            x, t, 3, BATCH, room.optimizer.SGD(0.1), class_weight={0: 0.5, 1: 4}, **options
        )
        for room, options in ((fastnet, {"verbose": 0}), (reference, {}))
    ]
    assert_allclose(seen[0].loss, seen[1].loss, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "no"), [("sigmoid_cross_entropy", 0), ("binary_cross_entropy", 0), ("hinge", -1)]
)
def test_class_weights_of_yes_and_no(name, no):
    x = rows()
    t = np.where(x[:, 0] > 0.2, 1, no)
    stack = [[Dense(1, LAST.get(name))] for _ in range(2)]
    one, other = (Sequential(layers, name, "float64", seed=0) for layers in stack)
    wanted = one.fit(x, t, 3, BATCH, verbose=0, sample_weight=np.where(t == 1, 5.0, 0.5))
    seen = other.fit(x, t, 3, BATCH, verbose=0, class_weight={1: 5, 0: 0.5})
    assert seen.loss == wanted.loss


def test_class_weights_as_torch():
    """torch.nn.CrossEntropyLoss(weight=...) divides by the sum of the weights: so do we, then."""
    torch = pytest.importorskip("torch", reason="PyTorch, whose loss this is, is not installed")
    x, t = outputs("softmax_cross_entropy", "float64"), targets("softmax_cross_entropy")
    of_class = np.array([0.5, 1.0, 2.0, 4.0])
    logits = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.CrossEntropyLoss(weight=torch.tensor(of_class))(logits, torch.tensor(t))
    theirs.backward()
    weights = of_class[t]
    loss = SoftmaxCrossEntropy()
    assert_allclose(loss.forward(x, t, weights / weights.mean()), theirs.item(), rtol=1e-13)
    assert_allclose(loss.backward(), logits.grad.numpy(), rtol=0, atol=1e-15)
