"""Numbers, shapes and initial weights that optimizers, schedules and losses refuse.

checks/ has the errors of single arguments, and what a refused call leaves as it was.
"""

import inspect

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal
from refused_input import INF, LABELS, NAN, RATE, SCHEDULES, X, refused

from fastnet import initializers, layers, optimizer
from fastnet import schedules as all_schedules
from fastnet.losses import LOSSES, Huber, WeightedLosses

# What is no number, anywhere.
NOT_NUMBERS = [
    ("1", "'1'"),
    (True, "True"),
    (np.True_, repr(np.True_)),  # "True" before NumPy 2
    (1j, "1j"),
    ([1.0], "[1.0]"),
    (np.ones(1), "an array of shape (1,) and dtype float64"),
]
NUMBERS = [0.5, np.float16(0.5), np.float32(0.5), np.float64(0.5), np.array(0.5)]
FRACTION = [(bad, f"must be in [0, 1), got {float(bad)}") for bad in (-0.1, 1, 1.5, INF, NAN)]
ABOVE = [(bad, f"must be above 0, got {float(bad)}") for bad in (0, -1, NAN)]
# Argument of optimizers -> what it refuses, and the number that the error names.
OF_OPTIMIZERS = {
    "lr": (RATE, "0.1"),
    "weight_decay": (RATE, "1e-4"),
    "eps": (RATE, "1e-7"),
    "momentum": (FRACTION, "0.9"),
    "decay_rate": (FRACTION, "0.9"),
    "beta1": (FRACTION, "0.9"),
    "beta2": (FRACTION, "0.9"),
    "clip_value": (ABOVE, "1"),
    "clip_norm": (ABOVE, "1"),
}
OPTIMIZERS = [
    (kind, name)
    for kind in (getattr(optimizer, each) for each in optimizer.__all__ if each[0].isupper())
    if kind is not optimizer.Optimizer
    for name in inspect.signature(kind).parameters
]


@with_each("kind, name", OPTIMIZERS)
def test_numbers_of_optimizers(kind, name):
    rules, example = OF_OPTIMIZERS[name]
    bad = [(v, ValueError, f"{rule}. Give a number such as {example}.") for v, rule in rules]
    bad += [
        (v, TypeError, f"must be a real number, got {shown}. Give a float.")
        for v, shown in NOT_NUMBERS
    ]
    for value, error, text in bad:
        refused(error, f"{kind.__name__}: {name} {text}", kind, **{name: value})
        made, W = kind(), np.ones(3)
        setattr(made, name, value)
        refused(error, f"{kind.__name__}.update: {name} {text}", made.update, [W], [W])
        assert_array_equal(W, 1)
        assert made.iter == 0 and all(getattr(made, state) is None for state in made.state_names)
    for value in NUMBERS:
        kind(**{name: value}).update([np.ones(3)], [np.ones(3)])


NOT_STEPS = [
    (-1, ValueError, "step must be at least 0, got -1. Give such a number."),
    (2.5, TypeError, "step must be a whole number, got 2.5. Give an int."),
    ("1", TypeError, "step must be a whole number, got '1'. Give an int."),
    (None, TypeError, "step must be a whole number, got None. Give an int."),
    (True, TypeError, "step must be a whole number, got True. Give an int."),
]


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=repr)
def test_steps_of_schedules(schedule):
    for bad, error, text in NOT_STEPS:
        refused(error, f"{type(schedule).__name__}: {text}", schedule, bad)
    assert schedule(np.int64(3)) == schedule(3)


def test_every_schedule_is_there():
    assert {kind.__name__ for kind in SCHEDULES} == {*all_schedules.__all__}


EMPTY = "x must have at least one row and one class, got x.shape={}. Give one sample or more."
TABLE = "x must be (N, C), got x.shape={}. Reshape x to (N, C), with one row a sample."


@with_each("name", [*LOSSES, "SoftmaxWithLoss"])
def test_shapes_of_losses(name):
    kind = LOSSES.get(name, layers.SoftmaxWithLoss)
    of_labels = name == "SoftmaxWithLoss" or kind.takes_labels
    where = f"{kind.__name__}.forward"
    t = LABELS if of_labels else np.ones((3, 4))
    loss = kind()
    value, dx = loss.forward(X, t), loss.backward()
    for shape, text in [((0, 4), EMPTY), ((3, 0), EMPTY), ((4,), TABLE), ((1, 3, 4), TABLE)]:
        refused(ValueError, f"{where}: {text.format(shape)}", loss.forward, np.ones(shape), t)
    for shape in [(2,), (3, 5), (2, 4), (0,), (), (4, 3)]:
        text = (
            f"{where}: t must have shape (3,) or (3, 4) to match x.shape=(3, 4), got t.shape="
            f"{shape}. Give one label or one one-hot row a sample."
            if of_labels
            else f"{where}: t must have shape (3, 4) to match x, got t.shape={shape}. "
            "Give one target for each output."
        )
        refused(ValueError, text, loss.forward, X, np.ones(shape, int))
    for bad, shown in NOT_NUMBERS:
        text = f"{kind.__name__}.backward: dout must be a real number, got {shown}. Give a float."
        refused(TypeError, text, loss.backward, bad)
    assert loss.loss == value
    assert_array_equal(loss.backward(np.float32(1)), dx)


def test_no_backward_of_two_batches():
    loss = WeightedLosses([Huber(), Huber()])
    loss.forward([X, X], [X, X])
    text = "Huber.forward: t must have shape (3, 4) to match x, got t.shape=(1, 4). "
    text += "Give one target for each output."
    refused(ValueError, text, loss.forward, [X, X], [X, X[:1]])
    refused(RuntimeError, "WeightedLosses.backward: call forward first.", loss.backward)
    refused(
        ValueError,
        "WeightedLosses.forward: ts must be a list of 2, one for each loss, got 1. "
        "Give as many as there are losses.",
        loss.forward,
        [X, X],
        [X],
    )


NOT_SHAPES = [
    ((0, 2), ValueError, "shape must be at least 1, got 0. Give a positive int."),
    ((2, -1), ValueError, "shape must be at least 1, got -1. Give a positive int."),
    ((2.0, 3), TypeError, "shape must be a whole number, got 2.0. Give an int."),
    ((True, 3), TypeError, "shape must be a whole number, got True. Give an int."),
    ((2,), ValueError, "shape must be (D, M), got (2,). Give two ints."),
    (3, ValueError, "shape must be (D, M), got 3. Give two ints."),
    (None, ValueError, "shape must be (D, M), got None. Give two ints."),
]


@pytest.mark.parametrize("name", initializers.__all__)
def test_initial_weights(name):
    make = getattr(initializers, name)
    for bad, error, text in NOT_SHAPES:
        refused(error, f"{name}: {text}", make, bad)
    for bad in ("float16", int, None):
        text = f"{name}: dtype must be float32 or float64, got {bad!r}. "
        text += 'Give dtype="float32" or dtype="float64".'
        refused(TypeError, text, make, (2, 3), dtype=bad)
    assert make((np.int64(2), 3)).shape == (2, 3)
    if name != "zeros":
        for bad in (0, "seed", np.random):
            text = f"{name}: rng must be a numpy.random.Generator, got {str(repr(bad))[:57]}"
            text += "..." * (len(repr(bad)) > 60) + ". Give numpy.random.default_rng(seed)."
            refused(TypeError, text, make, (2, 3), rng=bad)
