"""Other libraries' names of losses and activations: what is meant is told."""

import re

import numpy as np
import pytest
from in_turn import with_each
from told import NAMES, T, X, expression, fit, model, said

from fastnet.layers import Affine, Dense, Relu
from fastnet.losses import LOSSES, Huber
from fastnet.losses.names import ALIASES
from fastnet.models import Sequential
from fastnet.optimizer import Adam, Momentum, RMSprop


@pytest.mark.parametrize("kind", [Momentum, Adam, RMSprop])
def test_one_list_of_all_parameters(kind):
    stack = [Affine(X.T.copy(), np.zeros(12)), Affine(X.copy(), np.zeros(3))]
    made = kind()
    made.update(stack[0].params, stack[0].params)
    message = said(made.update, stack[1].params, stack[1].params)
    assert message.endswith(
        "Give all parameters at each step, in one list or dict, and change them in place; for "
        "others make a new optimizer, or call reset()."
    )
    made.reset()
    made.update(stack[1].params, stack[1].params)
    params = [param for layer in stack for param in layer.params]
    made = kind()
    for _ in range(2):
        made.update(params, params)


def test_other_libraries_names_of_losses():
    y, t = np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    log = np.log
    # What Keras and PyTorch document.
    means = {
        "mse": ((y - t) ** 2).mean(),
        "l1_loss": abs(y - t).mean(),
        "smooth_l1_loss": ((y - t) ** 2 / 2).mean(),
        "bce": -(t * log(y) + (1 - t) * log(1 - y)).mean(),
        "bce_with_logits": (log(1 + np.exp(y)) - t * y).mean(),
        "categorical_crossentropy": -(t * log(y)).sum(1).mean(),
        "kl_divergence": (t * log(np.where(t, t, 1) / y)).sum(1).mean(),
        "cosine_similarity": -((y * t).sum(1) / np.sqrt((y**2).sum(1))).mean(),
        "cross_entropy": (log(np.exp(y).sum(1)) - (y * t).sum(1)).mean(),
    }
    for name, value in means.items():
        loss = Sequential(loss=name)._loss
        np.testing.assert_allclose(loss.forward(y, t), value, rtol=1e-6)
    assert set(ALIASES.values()) <= {*LOSSES}


@with_each("alias", ALIASES)
def test_an_alias_is_a_loss(alias):
    assert alias not in LOSSES
    assert Sequential(loss=alias).loss == ALIASES[alias]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("swish", "silu"),
        ("linear", "identity"),
        ("logistic", "sigmoid"),
        ("leakyrelu", "leaky_relu"),
    ],
)
def test_other_libraries_names_of_activations(alias, name):
    layer = Dense(2, activation=alias)
    assert layer.activation == name
    by_name, by_alias = (Sequential([Dense(4, name), Dense(3)], seed=0) for _ in range(2))
    by_alias.layers[0].activation = alias  # set later
    by_name.fit(X, T, epochs=2, verbose=0)
    by_alias.fit(X, T, epochs=2, verbose=0)
    np.testing.assert_array_equal(by_alias.predict(X), by_name.predict(X))
    out = by_name.layers[0].forward(X.astype(np.float32))
    np.testing.assert_array_equal(by_alias.layers[0].forward(X.astype(np.float32)), out)


@pytest.mark.parametrize(
    ("make", "typed"),
    [
        (lambda name: Sequential([Dense(3)], name), "meen_squared_error"),
        (lambda name: Sequential([Dense(3)], name), "softmax-crossentropy"),
        (lambda name: Sequential([Dense(3)], name), "Huber"),
        (lambda name: Sequential(loss=name), "binary_crossentropi"),
        (lambda name: Dense(2, name), "ReLU"),
        (lambda name: Dense(2, name), "LeakyReLU"),
        (lambda name: Dense(2, name), "gellu"),
    ],
)
def test_near_misses_of_names(make, typed):
    message = said(make, typed)
    meant = re.search(r"must be one of \d+ names, got '.*'\. Did you mean '(\w+)'\?$", message)[1]
    make(meant)


def test_a_name_like_no_other_lists_all():
    message = said(Sequential, [Dense(3)], "nothing")
    assert message == (
        f"Sequential: loss must be one of {', '.join(map(repr, LOSSES))}, got 'nothing'. "
        "Give one of these names."
    )


def test_softmax_as_an_activation():
    message = said(Sequential, [Dense(3, "softmax")])
    name = re.search(r"Leave that activation out, or .* use loss=\"(\w+)\"", message)[1]
    Sequential([Dense(3, "softmax")], name).fit(X, np.eye(3)[T], verbose=0)
    fit(X, T)


def test_classes_in_the_place_of_objects():
    message = said(Sequential, [Dense(3)], Huber)
    Sequential([Dense(3)], expression(message))
    for given in (Adam, "adam", "ADAM"):
        message = said(model().fit, X, T, optimizer=given)
        assert message.endswith("Give an object, Adam().")
        model().fit(X, T, optimizer=expression(message), verbose=0)
    for given in (Relu, "relu", 3):
        message = said(Sequential, [Dense(3), given])
        Sequential([Dense(3), eval(re.search(r"Add (?:an object, )?(.*)\.$", message)[1], NAMES)])
