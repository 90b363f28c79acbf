"""Attributes that are set later, and calls, that are refused."""

from functools import partial

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal
from refused_input import INF, LABELS, NAN, RATE, SCHEDULES, X, refused

from fastnet import functions, gradient, initializers, penalties
from fastnet.layers import BatchNormalization, Dense, Dropout, Elu, Gelu, LeakyRelu
from fastnet.losses import Huber, WeightedLosses
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum, clip_by_norm, clip_by_value
from fastnet.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup


def read_only(array):
    array.flags.writeable = False
    return array


FEATURES = "Give one number for each feature."
STATISTICS = [
    (np.ones(3), ValueError, "must have shape (4,), got {name}.shape=(3,). " + FEATURES),
    (
        np.ones((1, 4)),
        ValueError,
        "must be (M,) with at least one entry, got {name}.shape=(1, 4). Give an array (M,).",
    ),
    (
        "text",
        TypeError,
        "must be an array of integers, float16, float32 or float64, got str of dtype <U4. "
        "Give an array of numbers.",
    ),
    (
        read_only(np.ones(4)),
        ValueError,
        "must be writeable, as it is changed in place, got a read-only array. Give {name}.copy().",
    ),
]
SLOPES = [
    (
        bad,
        ValueError,
        f"must be finite and not negative, got {float(bad)}. Give a number such as 0.01.",
    )
    for bad in (-1, NAN, INF)
]
NONE = [(None, TypeError, "must be a real number, got None. Give a float.")]


NONE += [(True, TypeError, "must be a real number, got True. Give a float.")]
RATES = [(bad, ValueError, f"{rule}. Give a number such as 0.1.") for bad, rule in RATE]
COUNTS = [
    (0, ValueError, "must be at least 1, got 0. Give a positive int."),
    (2.5, TypeError, "must be a whole number, got 2.5. Give an int."),
]
# Class and attribute -> what it refuses; the compiled loop reads that of a layer as it is.
ATTRIBUTES = {
    (LeakyRelu, "alpha"): [*SLOPES, *NONE],
    (Elu, "alpha"): [*SLOPES, *NONE],
    (Gelu, "approximate"): [
        (bad, ValueError, f"must be one of 'none', 'tanh', got {bad!r}. Give one of these names.")
        for bad in ("erf", None, 1)
    ],
    (Dropout, "dropout_ratio"): NONE
    + [
        (
            bad,
            ValueError,
            f"must be at least 0 and below 1, got {float(bad)}. Give a number such as 0.5.",
        )
        for bad in (1, -0.1, NAN)
    ],
    (Dropout, "inverted"): [
        (bad, TypeError, f"must be True or False, got {bad!r}. Give one of the two.")
        for bad in ("no", None, 1)
    ],
    (Dropout, "rng"): [
        (
            0,
            TypeError,
            "must be a numpy.random.Generator, got 0. Give numpy.random.default_rng(seed).",
        )
    ],
    (Huber, "delta"): NONE
    + [
        (
            bad,
            ValueError,
            f"must be finite and positive, got {float(bad)}. Give a number such as 1.",
        )
        for bad in (0, -1, INF, NAN)
    ],
    **{(kind, "lr"): [*RATES, *NONE] for kind in SCHEDULES},
    **{(kind, "steps"): COUNTS for kind in (CosineDecay, Warmup)},
    **{(kind, "every"): COUNTS for kind in (StepDecay, ExponentialDecay)},
    **{
        (kind, "factor"): [
            (bad, ValueError, f"must be in (0, 1], got {float(bad)}. Give a number such as 0.1.")
            for bad in (0, 1.5, NAN)
        ]
        for kind in (StepDecay, ExponentialDecay)
    },
    (CosineDecay, "last"): [*RATES, *NONE],
    (BatchNormalization, "momentum"): NONE
    + [
        (bad, ValueError, f"must be in 0..1, got {float(bad)}. Give a number such as 0.9.")
        for bad in (2, -0.1, NAN)
    ],
    (BatchNormalization, "eps"): NONE
    + [
        (
            bad,
            ValueError,
            f"must be above 0 and finite in float64, got {float(bad)}. Give a number such as 1e-6.",
        )
        for bad in (0, -1, INF, NAN)
    ],
    (BatchNormalization, "running_mean"): STATISTICS,
    (BatchNormalization, "running_var"): [
        *STATISTICS,
        (
            np.array([1.0, 0.0, -2.0, -1.0]),
            ValueError,
            "must not be negative, got {name}[2]=-2.0. Give variances.",
        ),
    ],
}


@with_each("kind, name", ATTRIBUTES)
@with_each("where", ["alone", "in a model"])
def test_attributes_set_later(kind, name, where):
    layer = SCHEDULES[kind] if kind in SCHEDULES else kind()
    fit = None
    if where == "in a model":
        if kind in SCHEDULES:
            fit = partial(Sequential([Dense(3)], seed=0).fit, X, LABELS, optimizer=SGD(layer))
        elif kind is Huber:
            fit = partial(Sequential([Dense(4)], loss=layer, seed=0).fit, X, X)
        else:
            fit = partial(Sequential([Dense(4), layer, Dense(3)], seed=0).fit, X, LABELS)
        fit(epochs=1, verbose=0)
    elif kind is BatchNormalization:
        layer.build(4, None, "float64")
    for bad, error, text in ATTRIBUTES[kind, name]:
        before = getattr(layer, name)
        text = f"{kind.__name__}.{name}: {name} {text.format(name=name)}"
        refused(error, text, setattr, layer, name, bad)
        assert getattr(layer, name) is before
    if fit is not None:
        fit(epochs=1, verbose=0)


def test_running_statistics_may_be_assigned():
    layer = BatchNormalization(np.ones(4), np.zeros(4), eps=1.0)
    layer.running_mean, layer.running_var = [1, 2, 3, 4], np.full(4, 3.0)
    assert_array_equal(layer.forward(np.full((1, 4), 5.0), False), [[2, 1.5, 1, 0.5]])
    model = Sequential([layer, Dense(3)], seed=0, dtype="float64")
    model.fit(X, LABELS, epochs=1, verbose=0)
    layer.running_mean = np.zeros(4)
    plain = layer.forward(X, False) @ model.layers[1].W + model.layers[1].b
    np.testing.assert_allclose(model.predict_proba(X), functions.softmax(plain), rtol=1e-14)
    layer.running_mean = None
    assert_array_equal(model.predict_proba(X), functions.softmax(plain))


NUMBER = "must be a real number, got True. Give a float."
CALLS = [
    (lambda: Huber(True), TypeError, f"Huber: delta {NUMBER}"),
    (
        lambda: WeightedLosses([Huber()], [True]),
        TypeError,
        f"WeightedLosses: weights[0] {NUMBER}",
    ),
    (lambda: Elu(True), TypeError, f"Elu: alpha {NUMBER}"),
    (
        lambda: Dropout(False),
        TypeError,
        "Dropout: dropout_ratio must be a real number, got False. Give a float.",
    ),
    (lambda: initializers.normal((2, 3), True), TypeError, f"normal: std {NUMBER}"),
    (lambda: clip_by_norm([X.copy()], True), TypeError, f"clip_by_norm: max_norm {NUMBER}"),
    (lambda: clip_by_value([X.copy()], True), TypeError, f"clip_by_value: clip_value {NUMBER}"),
    *[
        (
            lambda name=name: getattr(penalties, name)(X, True),
            TypeError,
            f"{name}: strength {NUMBER}",
        )
        for name in penalties.__all__
    ],
    (
        lambda: gradient.numerical_gradient(lambda x: True, X.copy()),
        TypeError,
        f"numerical_gradient: f(x) {NUMBER}",
    ),
    (
        lambda: gradient.gradient_descent(lambda x: 0.0, X.copy(), lr=True),
        TypeError,
        f"gradient_descent: lr {NUMBER}",
    ),
    (
        lambda: SGD().update({"x": True}, {"x": 1.0}),
        TypeError,
        f"SGD.update: params['x'] {NUMBER}",
    ),
    (
        lambda: Warmup(lambda step: "0.1", 2)(0),
        TypeError,
        "Warmup: lr must be a real number, got '0.1'. Give a float.",
    ),
    (
        lambda: Warmup(lambda step: -0.1, 2)(5),
        ValueError,
        "Warmup: lr must not be negative, got -0.1. Give a number such as 0.1.",
    ),
    *[
        (
            lambda make=make: make().forward(X, "no"),
            TypeError,
            f"{name}.forward: train_flg must be True or False, got 'no'. Give one of the two.",
        )
        for name, make in {
            "Dropout": Dropout,
            "BatchNormalization": lambda: BatchNormalization(np.ones(4), np.ones(4)),
        }.items()
    ],
    (
        lambda: BatchNormalization(running_mean=np.ones(2), running_var=[1, -1]),
        ValueError,
        "BatchNormalization: running_var must not be negative, got running_var[1]=-1.0. "
        "Give variances.",
    ),
]


@with_each("call, error, text", CALLS)
def test_calls(call, error, text):
    refused(error, text, call)


@pytest.mark.parametrize("kind", [Momentum, Adam])
def test_a_state_that_cannot_be_written(kind):
    made, W = kind(), np.ones(3)
    made.update([W], [W])
    state = made.state_names[0]
    read_only(getattr(made, state)[0])
    before = W.copy()
    text = f"{kind.__name__}.update: {state}[0] must be writeable, got a read-only array. "
    refused(ValueError, f"{text}Assign a copy.", made.update, [W], [np.ones(3)])
    assert made.iter == 1
    assert_array_equal(W, before)
