"""What is refused of weights, labels and smoothing."""

import numpy as np
import pytest
from in_turn import with_each
from refused import refused
from weighted_models import C, N, model, rows, targets, with_ignored

from fastnet import layers
from fastnet.layers import SoftmaxWithLoss
from fastnet.losses import (
    BinaryCrossEntropy,
    CategoricalHinge,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)

ARGUMENTS = [
    (
        lambda: SoftmaxCrossEntropy(label_smoothing=1),
        ValueError,
        "SoftmaxCrossEntropy: label_smoothing must be at least 0 and below 1, got 1.0. Give a "
        "number such as 0.5.",
    ),
    (
        lambda: SoftmaxWithLoss(ignore_index=True),
        TypeError,
        "SoftmaxWithLoss: ignore_index must be a whole number or None, got True. Give a label "
        "such as -1.",
    ),
    (
        lambda: setattr(BinaryCrossEntropy(), "label_smoothing", -0.1),
        ValueError,
        "BinaryCrossEntropy.label_smoothing: label_smoothing must be at least 0 and below 1, got "
        "-0.1. Give a number such as 0.5.",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), ARGUMENTS)
def test_bad_arguments(call, error, text):
    refused(call, error, text)


NEGATIVE = "must be finite and not negative, got"
BAD = {
    "too few": (
        {"sample_weight": np.ones(N - 1)}, ValueError,
        f"sample_weight must have shape ({N},), got sample_weight.shape=({N - 1},). "
        "Give one number a sample.",
    ),
    "negative": (
        {"sample_weight": np.r_[np.ones(N - 1), -1]}, ValueError,
        f"sample_weight {NEGATIVE} sample_weight[{N - 1}]=-1.0. Give 0 to leave a sample out.",
    ),
    "NaN": (
        {"sample_weight": np.r_[np.nan, np.ones(N - 1)]}, ValueError,
        f"sample_weight {NEGATIVE} sample_weight[0]=nan. Give 0 to leave a sample out.",
    ),
    "too large": (
        {"sample_weight": np.r_[1e300, np.ones(N - 1)]}, ValueError,
        f"sample_weight {NEGATIVE} sample_weight[0]=1e+300. Give 0 to leave a sample out.",
    ),
    "strings": (
        {"sample_weight": ["a"] * N}, TypeError,
        "sample_weight must be an array of integers, float16, float32 or float64, got list of "
        "dtype <U1 with sample_weight[0]='a'. Number what are names, of all sample_weight at once: "
        "numpy.unique(sample_weight, return_inverse=True)[1].",
    ),
    "no dict": (
        {"class_weight": [1, 2]}, TypeError,
        "class_weight must be a dict of class -> weight, got [1, 2]. "
        "Give one such as {0: 1.0, 1: 5.0}.",
    ),
    "no class": (
        {"class_weight": {"a": 1}}, TypeError,
        "class_weight must have classes for keys, got 'a'. Give whole numbers.",
    ),
    "another class": (
        {"class_weight": {C: 1}}, ValueError,
        f"class_weight must have keys in 0..{C - 1}, got {C}. Count classes from 0.",
    ),
    "no number": (
        {"class_weight": {1: None}}, TypeError,
        "class_weight[1] must be a real number, got None. Give a float.",
    ),
    "negative class": (
        {"class_weight": {1: -2}}, ValueError,
        f"class_weight[1] {NEGATIVE} -2.0. Give 0 to leave a class out.",
    ),
}  # fmt: skip


@with_each("case", BAD)
def test_bad_weights(case):
    arguments, error, text = BAD[case]
    net, x, t = (
        model("softmax_cross_entropy", dtype="float32"),
        rows(),
        targets("categorical_hinge"),
    )
    calls = {"fit": lambda: net.fit(x, t, verbose=0, **arguments)}
    if "sample_weight" in arguments:
        calls |= {
            "evaluate": lambda: net.evaluate(x, t, **arguments),
            "forward": lambda: net.forward(x, t, **arguments),
            "numerical_gradient": lambda: net.numerical_gradient(x, t, **arguments),
        }
    for name, call in calls.items():
        before = net._rng.bit_generator.state
        with pytest.raises(error) as raised:
            call()
        assert str(raised.value) == f"Sequential.{name}: {text}"
        assert net._rng.bit_generator.state == before
    if "sample_weight" in arguments:
        for kind in (SoftmaxCrossEntropy, SoftmaxWithLoss, CategoricalHinge):
            with pytest.raises(error) as raised:
                kind().forward(np.ones((N, C), np.float32), t, **arguments)
            assert str(raised.value) == f"{kind.__name__}.forward: {text}"


@pytest.mark.parametrize("name", ["mean_squared_error", "sigmoid_cross_entropy", "hinge"])
def test_class_weights_without_classes(name):
    with pytest.raises(TypeError) as raised:
        model(name).fit(rows(), targets(name), class_weight={0: 1})
    assert str(raised.value) == (
        f'Sequential.fit: class_weight must be None for loss="{name}", whose targets are no '
        "classes, got a value. Give sample_weight."
    )


def test_nothing_that_counts():
    net, t = model(SoftmaxCrossEntropy(ignore_index=-1)), np.full(N, -1)
    text = "t must have a label other than ignore_index=-1, got no other. Give samples that count."
    for name, call in {"fit": net.fit, "evaluate": net.evaluate, "forward": net.forward}.items():
        with pytest.raises(ValueError) as raised:
            call(rows(), t)
        assert str(raised.value) == f"Sequential.{name}: {text}"
    with pytest.raises(ValueError, match=r"^Sequential\.fit: validation_data\[1\]: t must have"):
        net.fit(rows(), targets("categorical_hinge"), validation_data=(rows(), t), verbose=0)


def test_labels_that_are_ignored_are_no_others():
    net, (t, _) = model("softmax_cross_entropy"), with_ignored()
    with pytest.raises(IndexError, match=r"t\[1\]=-1\. Leave such samples out by"):
        net.fit(rows(), t)
    assert SigmoidCrossEntropy().label_smoothing == 0
    assert isinstance(layers.SoftmaxWithLoss().ignore_index, type(None))
