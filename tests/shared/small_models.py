"""Small models and data that the tests of models share."""

import copy
import pickle

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import (
    Dense,
    Relu,
    Rescaling,
    Tanh,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD

CROSS_ENTROPY, SQUARED_ERROR = "softmax_cross_entropy", "mean_squared_error"
every_loss = pytest.mark.parametrize("loss", [CROSS_ENTROPY, SQUARED_ERROR])


def drawn(*shape):
    """Weights that a ready-made layer brings along, the same at every call."""
    return np.random.default_rng(shape).standard_normal(shape) / np.sqrt(shape[0])


# 5 inputs, 3 outputs, built from the classes of fastnet.layers or of its reference.
STACKS = {
    "one layer": lambda m: [m.Dense(3)],
    "sigmoid": lambda m: [m.Dense(7, activation="sigmoid"), m.Dense(3)],
    "deep": lambda m: [m.Dense(9, "tanh"), m.Dense(6, "relu"), m.Dense(17, "identity"), m.Dense(3)],
    "small weights": lambda m: [m.Dense(7, "relu", weight_init_std=0.1), m.Dense(3)],
    "textbook": lambda m: [
        m.Affine(drawn(5, 8), drawn(8)),
        m.Relu(),
        m.Affine(drawn(8, 3), drawn(3)),
    ],
    "mixed": lambda m: [
        m.Dense(8),
        m.Sigmoid(),
        m.MatMul(drawn(8, 6)),
        m.Tanh(),
        m.Affine(drawn(6, 4), drawn(4)),
        m.Dense(3, activation="tanh"),
    ],
    "rescaled": lambda m: [
        m.Rescaling(0.5, 0.25),
        m.Dense(7, activation="tanh"),
        m.Rescaling(2.0),
        m.Dense(3),
    ],
    "no bias": lambda m: [m.MatMul(drawn(5, 3))],
    "activation first": lambda m: [m.Tanh(), m.Dense(6, activation="relu"), m.Dense(3)],
    "activations in a row": lambda m: [m.Dense(6, "tanh"), m.Relu(), m.Sigmoid(), m.Dense(3)],
    "activation last": lambda m: [m.Dense(6), m.Dense(3), m.Tanh()],
}
every_stack = with_each("stack", STACKS)


def data(n=37, d=5, classes=3, loss=CROSS_ENTROPY, dtype="float64", seed=1):
    """Return x and labels, or x and targets (n, classes)."""
    rng = np.random.default_rng(seed)
    x, t = rng.standard_normal((n, d)).astype(dtype), rng.integers(0, classes, n)
    return x, t if loss == CROSS_ENTROPY else np.eye(classes)[t]


def small(loss=CROSS_ENTROPY, dtype="float32", seed=0, **options):
    """A built model, 5-4-3."""
    hidden = Dense(4, activation="tanh", input_shape=(5,))
    return Sequential([hidden, Dense(3, **options)], loss, dtype, seed)


def close(actual, desired, dtype):
    """Compare what the same few hundred operations gave in another order."""
    room = 500 * np.finfo(dtype).eps
    assert_allclose(actual, desired, rtol=room, atol=room)


def assert_whole(model):
    """The layers' arrays are views of the one vector, in order, and nothing else is in it."""
    arrays = [array for layer in model.layers for array in layer.params]
    grads = [array for layer in model.layers for array in layer.grads]
    for vector, views in ((model.parameter_vector, arrays), (model.gradient_vector, grads)):
        assert sum(view.size for view in views) == vector.size
        assert all(np.shares_memory(view, vector) for view in views)
        assert_array_equal(vector, np.concatenate([view.ravel() for view in views]))


def state(model):
    """All that a failing call must leave alone."""
    arrays = [array.tobytes() for layer in model.layers for array in layer.params]
    grads = [array.tobytes() for layer in model.layers for array in layer.grads]
    return arrays, grads, list(map(id, model.layers)), model._rng.bit_generator.state


ENTRIES = {
    "fit": lambda m, x, t: m.fit(x, t, 2, shuffle=False, verbose=0).loss,
    "predict": lambda m, x, t: m.predict(x),
    "predict_proba": lambda m, x, t: m.predict_proba(x),
    "evaluate": lambda m, x, t: list(m.evaluate(x, t).values()),
    "forward": lambda m, x, t: m.forward(x, t),
    "gradient": lambda m, x, t: np.concatenate([grad.ravel() for grad in m.gradient(x, t)]),
    "params": lambda m, x, t: np.concatenate([array.ravel() for array in m.params]),
    "parameter_vector": lambda m, x, t: m.parameter_vector,
    "build": lambda m, x, t: m.build(5) or m.layers[0].W,
    "add": lambda m, x, t: m.add(Tanh()) or m.predict(x),
    "summary": lambda m, x, t: m.summary() or m.layers[0].W,
    "deepcopy": lambda m, x, t: copy.deepcopy(m).predict(x),
    "pickle": lambda m, x, t: pickle.loads(pickle.dumps(m)).predict(x),
}
CHANGES = {
    "another activation": lambda m: setattr(m.layers[0], "activation", "relu"),
    "no activation": lambda m: setattr(m.layers[0], "activation", None),
    "one more": lambda m: setattr(m.layers[2], "activation", "softplus"),
    "another layer": lambda m: m.layers.__setitem__(1, Relu()),
    "a new layer": lambda m: m.layers.append(Tanh()),
    "a layer first": lambda m: m.layers.insert(0, Relu()),
    "rescaled rows": lambda m: m.layers.insert(0, Rescaling(2, 1)),
    "rescaled outputs": lambda m: m.layers.append(Rescaling(2, 1)),
    "a layer taken away": lambda m: m.layers.pop(1),
    "both": lambda m: [setattr(m.layers[0], "activation", None), m.layers.pop(1)],
}


def trained(loss=CROSS_ENTROPY, dtype="float32", seed=4, validation=False, **options):
    x, t = data(53, loss=loss, dtype=dtype)
    model = small(loss, dtype, seed)
    held_out = (x[:9], t[:9]) if validation else None
    model.history = model.fit(x, t, 7, 8, SGD(0.2), validation_data=held_out, verbose=0, **options)
    return model


def stops(model, *arguments, lr, what="weights"):
    """Fit, and match the message with which it stops."""
    with pytest.raises(FloatingPointError) as caught:
        model.fit(*arguments, optimizer=SGD(lr), shuffle=False, verbose=0)
    for name, array in zip("xt", arguments[:2], strict=True):
        if np.isnan(array).any():
            i, j = np.argwhere(np.isnan(array.reshape(len(array), -1)))[0]
            assert str(caught.value) == (
                f"Sequential.fit: {name} must be finite, got {name}[{i}, {j}]=nan. The model keeps "
                "its last finite weights. Leave the sample out, or put a number in its place."
            )
            what = ""
    assert not what or str(caught.value) in [
        f"Sequential.fit: loss must stay finite, got {found} that overflowed or NaN in the data at "
        f"lr={lr:g}. The model keeps its last finite weights. Lower the learning rate, or look "
        "for NaN and large numbers in x and t."
        for found in what.split("|")
    ]
    assert np.isfinite(model.parameter_vector).all()
    assert_whole(model)


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    message = caught.value.args[0]
    assert message == text
    assert "\n" not in message


def unbuilt():
    return Sequential([Dense(4, activation="tanh"), Dense(3)], seed=0)


X, T = data(6)
ONE_ROW = "with at least one sample and one feature"
METHODS = {
    "fit": lambda m, x, t: m.fit(x, t, verbose=0),
    "evaluate": lambda m, x, t: m.evaluate(x, t),
    "forward": lambda m, x, t: m.forward(x, t),
    "gradient": lambda m, x, t: m.gradient(x, t),
    "predict": lambda m, x, t: m.predict(x),
    "predict_proba": lambda m, x, t: m.predict_proba(x),
}
SAID_BY = {"gradient": "forward", "predict_proba": "predict"}


def untouched(model, call, error, text):
    """The call is refused with that text, and the model is as it was."""
    before = state(model)
    refused(call, error, text)
    assert state(model) == before


ONE_EACH = "Give one label or one one-hot row a sample."
