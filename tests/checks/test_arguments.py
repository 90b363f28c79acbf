"""Arguments of layers, losses and functions: what they must be, and what was given."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import ACTIVATION_NAMES, RNG, X, called

from fastnet.layers import (
    ACTIVATIONS,
    Dense,
    Relu,
    SoftmaxWithLoss,
)
from fastnet.losses import (
    Hinge,
    Huber,
    MeanSquaredError,
    SoftmaxCrossEntropy,
    WeightedLosses,
)

SHARED = MeanSquaredError()

ARGUMENTS = [
    (lambda: Dense(2.5), TypeError, "Dense: units must be a whole number, got 2.5. Give an int."),
    (lambda: Dense(True), TypeError, "Dense: units must be a whole number, got True. Give an int."),
    (lambda: Dense(0), ValueError, "Dense: units must be at least 1, got 0. Give a positive int."),
    (
        lambda: Dense(2, activation="relux"),
        ValueError,
        f"Dense: activation must be one of {len(ACTIVATIONS)} names, got 'relux'. "
        "Did you mean 'relu'?",
    ),
    (
        lambda: Dense(2, activation=Relu),
        ValueError,
        f"Dense: activation must be one of {ACTIVATION_NAMES}, got "
        "<class 'fastnet.layers.Relu'>. Give one of these names.",
    ),
    (
        lambda: Dense(2, input_shape=()),
        ValueError,
        "Dense: input_shape must have a dimension, got (). Give the shape of one sample, such as "
        "(784,).",
    ),
    (
        lambda: Dense(2, input_shape=(28, -28)),
        ValueError,
        "Dense: input_shape must be at least 1, got -28. Give a positive int.",
    ),
    (
        lambda: Dense(2, input_shape="784"),
        TypeError,
        "Dense: input_shape must be a whole number, got '784'. Give an int.",
    ),
    (
        lambda: Dense(2, weight_init_std=-1),
        ValueError,
        "Dense: weight_init_std must be finite and not negative, got -1.0. "
        "Give a number such as 0.01.",
    ),
    (
        lambda: Dense(2, weight_init_std=np.nan),
        ValueError,
        "Dense: weight_init_std must be finite and not negative, got nan. "
        "Give a number such as 0.01.",
    ),
    (
        lambda: Dense(2, weight_init_std=np.inf),
        ValueError,
        "Dense: weight_init_std must be finite and not negative, got inf. "
        "Give a number such as 0.01.",
    ),
    (
        lambda: Dense(2, weight_init_std="He"),
        ValueError,
        "Dense: weight_init_std must be one of 'he', 'xavier', 'glorot', 'lecun', 'zeros', got "
        "'He'. Give one of these names.",
    ),
    (
        lambda: Dense(2).build(0, RNG, "float32"),
        ValueError,
        "Dense.build: n_in must be at least 1, got 0. Give a positive int.",
    ),
    (
        lambda: Dense(2).build(4, 0, "float32"),
        TypeError,
        "Dense.build: rng must be a numpy.random.Generator, got 0. "
        "Give numpy.random.default_rng(seed).",
    ),
    (
        lambda: Dense(2).build(4, RNG, "float16"),
        TypeError,
        "Dense.build: dtype must be float32 or float64, got 'float16'. "
        'Give dtype="float32" or dtype="float64".',
    ),
    (
        lambda: Dense(2).build(4, RNG, None),
        TypeError,
        "Dense.build: dtype must be float32 or float64, got None. "
        'Give dtype="float32" or dtype="float64".',
    ),
    (
        lambda: Dense(2).build(4, RNG, "no such dtype"),
        TypeError,
        "Dense.build: dtype must be float32 or float64, got 'no such dtype'. "
        'Give dtype="float32" or dtype="float64".',
    ),
    (
        lambda: called(SoftmaxWithLoss(), X, [0, 1, 2]).backward(X),
        TypeError,
        "SoftmaxWithLoss.backward: dout must be a real number, got an array of shape (3, 4) and "
        "dtype float64. Give a float.",
    ),
    (
        lambda: called(SoftmaxCrossEntropy(), X, [0, 1, 2]).backward("1"),
        TypeError,
        "SoftmaxCrossEntropy.backward: dout must be a real number, got '1'. Give a float.",
    ),
    (
        lambda: called(MeanSquaredError(), X, X).backward(None),
        TypeError,
        "MeanSquaredError.backward: dout must be a real number, got None. Give a float.",
    ),
    *[
        (
            lambda bad=bad: Huber(bad),
            ValueError,
            f"Huber: delta must be finite and positive, got {float(bad)}. Give a number such as 1.",
        )
        for bad in (0, -1, np.inf, np.nan)
    ],
    (
        lambda: Huber("1"),
        TypeError,
        "Huber: delta must be a real number, got '1'. Give a float.",
    ),
    (
        lambda: Huber(1e39).forward(X.astype(np.float32), X.astype(np.float32)),
        ValueError,
        "Huber.forward: delta must be finite in float32, got 1e+39. Give a number such as 1.",
    ),
    (
        lambda: WeightedLosses(MeanSquaredError()),
        TypeError,
        "WeightedLosses: losses must be a list of at least one loss, got MeanSquaredError(). "
        "Give one for each output.",
    ),
    (
        lambda: WeightedLosses([]),
        TypeError,
        "WeightedLosses: losses must be a list of at least one loss, got []. "
        "Give one for each output.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError(), "hinge"]),
        TypeError,
        "WeightedLosses: losses[1] must have forward and backward, got 'hinge'. "
        "Give a loss object, such as MeanSquaredError().",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError]),
        TypeError,
        "WeightedLosses: losses[0] must have forward and backward, got "
        "<class 'fastnet.losses.MeanSquaredError'>. "
        "Give a loss object, such as MeanSquaredError().",
    ),
    (
        lambda: WeightedLosses([SHARED, Hinge(), SHARED]),
        ValueError,
        "WeightedLosses: losses[2] must be an object of its own, got losses[0] again. "
        "Make one for each output: a loss remembers what it was given.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], [1, 2]),
        ValueError,
        "WeightedLosses: weights must be a list of 1, one for each loss, got 2. "
        "Give as many as there are losses.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], 1),
        ValueError,
        "WeightedLosses: weights must be a list of 1, one for each loss, got 1. "
        "Give as many as there are losses.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], [None]),
        TypeError,
        "WeightedLosses: weights[0] must be a real number, got None. Give a float.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError(), Hinge()], [1, -1]),
        ValueError,
        "WeightedLosses: weights[1] must be finite and not negative, got -1.0. "
        "Give 0 to leave a loss out.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], [0]),
        ValueError,
        "WeightedLosses: weights must have a finite sum above 0, got 0.0. Give weights such as 1.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()]).forward([X, X], [X]),
        ValueError,
        "WeightedLosses.forward: xs must be a list of 1, one for each loss, got 2. "
        "Give as many as there are losses.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()]).forward([X], []),
        ValueError,
        "WeightedLosses.forward: ts must be a list of 1, one for each loss, got 0. "
        "Give as many as there are losses.",
    ),
    (
        lambda: called(WeightedLosses([MeanSquaredError()]), [X], [X]).backward("1"),
        TypeError,
        "WeightedLosses.backward: dout must be a real number, got '1'. Give a float.",
    ),
]


@with_each("call, error, text", ARGUMENTS)
def test_arguments(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.args == (text,)
