"""Every loss with every last layer: what goes together, and advice that works."""

import numpy as np
import pytest
from in_turn import with_each
from last_layers import C, N, data, made
from numpy.testing import assert_allclose

from fastnet import layers
from fastnet.layers import Dense, Dropout, Elu, Identity, LeakyRelu, Outputs, Sigmoid, Softmax
from fastnet.losses import LOSSES
from fastnet.models import Sequential
from fastnet.optimizer import Adam

# None is a Dense alone. Step is left out: nothing before it learns, whatever the loss.
LAST = [None, *(name for name in layers.ACTIVATIONS if name != "step")]
ANY = set(LAST)
OF_BOTH_SIGNS = ANY - {"softmax", "sigmoid", "relu", "softplus"}
TABLE = dict.fromkeys(LOSSES, ANY) | {
    "softmax_cross_entropy": ANY - {"softmax", "sigmoid"},
    "sigmoid_cross_entropy": OF_BOTH_SIGNS,
    "hinge": OF_BOTH_SIGNS,
    "squared_hinge": OF_BOTH_SIGNS,
    "binary_cross_entropy": {"softmax", "sigmoid"},
    "categorical_cross_entropy": {"softmax"},
    "sparse_categorical_cross_entropy": {"softmax"},
    "kullback_leibler_divergence": {"softmax"},
    "poisson": {"softmax", "sigmoid", "relu", "softplus"},
}
REFUSED = [(loss, last) for loss in LOSSES for last in LAST if last not in TABLE[loss]]


@with_each("alone", [True, False])
@with_each("last", LAST)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_cell(loss, last, alone):
    if last not in TABLE[loss]:
        with pytest.raises(ValueError, match=f'^Sequential: layers must end with .* loss="{loss}"'):
            made(loss, last, alone)
        return
    x, t = data(loss)
    model = made(loss, last, alone)
    seen = model.fit(x, t, 60, 20, Adam(0.02), verbose=0)
    assert np.isfinite(seen.loss).all() and seen.loss[-1] < seen.loss[0]
    assert_allclose(model.evaluate(x, t)["loss"], model.forward(x, t), rtol=1e-12)


def test_every_loss_and_last_layer_is_in_the_table():
    assert set(TABLE) == set(LOSSES)
    assert len(LAST) > 11 and "softmax" in LAST and "step" not in LAST


# What an error advises -> last layer and loss, None: the same.
WAYS_OUT = {
    'Use loss="softmax_cross_entropy", or end with Softmax().': [
        (None, "softmax_cross_entropy"), ("softmax", None)
    ],
    'Use loss="sigmoid_cross_entropy", or end with Sigmoid().': [
        (None, "sigmoid_cross_entropy"), ("sigmoid", None)
    ],
    "End with Softplus() or Relu().": [("softplus", None), ("relu", None)],
    "Leave that activation out, or end with Tanh().": [(None, None), ("tanh", None)],
    'Leave that activation out, or end with Softmax() and use loss="categorical_cross_entropy" or '
    '"sparse_categorical_cross_entropy".': [
        (None, None),
        ("softmax", "categorical_cross_entropy"),
        ("softmax", "sparse_categorical_cross_entropy"),
    ],
    'Leave that activation out, or end with Sigmoid() and use loss="binary_cross_entropy".': [
        (None, None), ("sigmoid", "binary_cross_entropy")
    ],
}  # fmt: skip


@with_each("loss, last", REFUSED)
def test_the_advice_works(loss, last):
    """Each of the ways out that an error names gives a model that learns."""
    with pytest.raises(ValueError) as raised:
        made(loss, last)
    advice = str(raised.value).partition(", whose outputs ")[2]
    ways = WAYS_OUT[advice.partition(". ")[2]]
    assert len(ways) > 1
    for end, other in ways:
        other = other or loss
        x, t = data(other)
        seen = made(other, end).fit(x, t, 40, 20, Adam(0.02), verbose=0)
        assert seen.loss[-1] < seen.loss[0]


TEXTS = {
    ("sparse_categorical_cross_entropy", None): (
        'layers must end with probabilities of classes, which add up to 1, for loss="sparse_'
        'categorical_cross_entropy", got Dense(3), whose outputs are any numbers. '
        'Use loss="softmax_cross_entropy", or end with Softmax().'
    ),
    ("categorical_cross_entropy", "sigmoid"): (
        'layers must end with probabilities of classes, which add up to 1, for loss="categorical_'
        "cross_entropy\", got Dense(3, activation='sigmoid'), whose outputs lie in 0..1. "
        'Use loss="softmax_cross_entropy", or end with Softmax().'
    ),
    ("binary_cross_entropy", "relu"): (
        'layers must end with probabilities, numbers in 0..1, for loss="binary_cross_entropy", got '
        "Dense(3, activation='relu'), whose outputs are at least 0. "
        'Use loss="sigmoid_cross_entropy", or end with Sigmoid().'
    ),
    ("poisson", "tanh"): (
        'layers must end with numbers of at least 0, for loss="poisson", got '
        "Dense(3, activation='tanh'), whose outputs lie in -1..1. "
        "End with Softplus() or Relu()."
    ),
    ("softmax_cross_entropy", "softmax"): (
        "layers must end with logits, of which it takes the softmax itself, for loss="
        "\"softmax_cross_entropy\", got Dense(3, activation='softmax'), whose outputs add up to 1. "
        "Leave that activation out, or end with Softmax() and use "
        'loss="categorical_cross_entropy" or "sparse_categorical_cross_entropy".'
    ),
    ("sigmoid_cross_entropy", "relu"): (
        "layers must end with logits of either sign, of which it takes the sigmoid itself, for "
        "loss=\"sigmoid_cross_entropy\", got Dense(3, activation='relu'), whose outputs are at "
        "least 0. Leave that activation out, or end with Sigmoid() and use "
        'loss="binary_cross_entropy".'
    ),
    ("hinge", "sigmoid"): (
        'layers must end with scores of either sign, for loss="hinge", got '
        "Dense(3, activation='sigmoid'), whose outputs lie in 0..1. "
        "Leave that activation out, or end with Tanh()."
    ),
}
CALLS = {
    "fit": lambda model, x, t: model.fit(x, t, verbose=0),
    "evaluate": lambda model, x, t: model.evaluate(x, t),
    "forward": lambda model, x, t: model.forward(x, t),
    "numerical_gradient": lambda model, x, t: model.numerical_gradient(x, t),
    "build": lambda model, x, t: model.build(5),
}


@with_each("call", CALLS)
@with_each("loss, last", TEXTS)
def test_what_is_added_later_is_looked_at_by_what_needs_the_loss(loss, last, call):
    model = Sequential(loss=loss, seed=0)
    model.add(Dense(C, last))
    before = model._rng.bit_generator.state
    with pytest.raises(ValueError) as raised:
        CALLS[call](model, *data(loss))
    assert str(raised.value) == f"Sequential.{call}: {TEXTS[loss, last]}"
    assert model._rng.bit_generator.state == before and not model.layers[0].params
    assert model.predict(data(loss)[0]).shape == (N, C)  # which needs no loss


def test_layers_one_by_one():
    """A Softmax may come after what the loss could not take alone."""
    x, t = data("sparse_categorical_cross_entropy")
    model = Sequential(loss="sparse_categorical_cross_entropy", seed=0)
    model.add(Dense(C, input_shape=5))
    model.add(Softmax())
    assert len(model.fit(x, t, verbose=0).loss) == 1
    model.layers.pop()
    with pytest.raises(ValueError, match="end with Softmax"):
        model.fit(x, t, verbose=0)


def test_an_activation_that_is_set_later():
    x, t = data("poisson")
    model = made("poisson", "softplus")
    model.fit(x, t, verbose=0)
    model.layers[1].activation = "tanh"
    with pytest.raises(ValueError, match=r"^Sequential\.fit: layers must end with numbers of at"):
        model.fit(x, t, verbose=0)


def test_where_outputs_lie():
    def lie(*stack):
        from fastnet.models.layer_list import outputs_of

        return outputs_of(list(stack))

    assert lie(Sigmoid(), Identity()) == Outputs(0, 1)
    assert lie(Softmax(), Identity()) == Outputs(0, 1, True)
    assert lie(Softmax(), Dropout(0.5)) == Outputs(0, 1)  # what is dropped adds up no longer
    assert lie(Sigmoid(), Dropout(0.5, inverted=True)) == Outputs(0, 2)
    assert lie(LeakyRelu(0)).low == lie(Elu(0)).low == 0 and lie(Elu(0.5)).low == -0.5
    assert lie(LeakyRelu(0.1)) == lie(Dense(3)) == Outputs()
    rng = np.random.default_rng(0)
    x = np.r_[3 * rng.standard_normal(10_000), -1e3, 1e3].reshape(-1, 2)
    for name in [*layers.activations.__all__, *layers.gates.__all__, "Softmax"]:
        made = getattr(layers, name)()
        low, high, adds_up = made.outputs(Outputs())
        out = made.forward(x)
        assert (out >= low).all() and (out <= high).all()
        assert not adds_up or np.allclose(out.sum(axis=1), 1)
        if np.isfinite(low):  # no wider than need be
            assert abs(out.min() - low) < 1e-3
    with pytest.raises(ValueError, match="binary"):
        Sequential([Dense(3), Sigmoid(), Dropout(0.5, inverted=True)], "binary_cross_entropy")
    Sequential([Dense(3), Sigmoid(), Dropout(0.5)], "binary_cross_entropy")


def test_softmax_of_one_number_is_told():
    x, t = data("categorical_cross_entropy")
    text = (
        "Softmax: the layer before it must give 2 numbers or more, got 1, and the softmax of one "
        "number is 1. Give that layer a unit a class, or end with Sigmoid()."
    )
    for stack in ([Dense(1), Softmax()], [Dense(1, "softmax")], [Dense(1), Softmax(), Dense(3)]):
        model = Sequential(stack, "mean_squared_error")
        with pytest.raises(ValueError) as raised:
            model.fit(x, t[:, : 1 if len(stack) < 3 else 3], verbose=0)
        assert str(raised.value) == text
