"""Options of fit, layers and changes that a model refuses."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal
from small_models import (
    ENTRIES,
    METHODS,
    ONE_ROW,
    SAID_BY,
    T,
    X,
    drawn,
    refused,
    small,
    unbuilt,
    untouched,
)

from fastnet.layers import (
    ACTIVATIONS,
    Affine,
    Dense,
    MatMul,
    Relu,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.models import Sequential
from fastnet.models.loaded import CLASSES
from fastnet.optimizer import SGD

LAYERS = ", ".join(CLASSES) + ", or of a class of your own that derives from Layer"


def spoilt(lr):
    """An SGD whose lr was set after it was made, and so not checked."""
    optimizer = SGD()
    optimizer.lr = lr
    return optimizer


def replaced():
    """An SGD whose own update was replaced."""
    optimizer = SGD()
    optimizer.update = print
    return optimizer


class Momentum(SGD):
    def update(self, params, grads):
        raise NotImplementedError


BAD_OPTIONS = {
    "no epochs": (
        {"epochs": 0}, ValueError, "epochs must be at least 1, got 0. Give a positive int."
    ),
    "half an epoch": (
        {"epochs": 0.5}, TypeError, "epochs must be a whole number, got 0.5. Give an int."
    ),
    "batch_size 0": (
        {"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0. Give a positive int."
    ),
    "batch_size True": (
        {"batch_size": True}, TypeError, "batch_size must be a whole number, got True. Give an int."
    ),
    "optimizer's name": (
        {"optimizer": "sgd"}, TypeError,
        "optimizer must be one of fastnet.optimizer, got 'sgd'. Give an object, SGD().",
    ),
    "lr NaN": (
        {"optimizer": spoilt(np.nan)}, ValueError,
        "lr must be finite, got nan. Give a number such as 0.1.",
    ),
    "lr infinite": (
        {"optimizer": spoilt(-np.inf)}, ValueError,
        "lr must be finite, got -inf. Give a number such as 0.1.",
    ),
    "lr beyond float32": (
        {"optimizer": SGD(1e300)}, ValueError,
        "lr must be finite in float32, got 1e+300. Give a number such as 0.1.",
    ),
    "shuffle array": (
        {"shuffle": np.array([1, 2])}, TypeError,
        "shuffle must be True or False, got an array of shape (2,) and dtype int64. "
        "Give one of the two.",
    ),
    "shuffle text": (
        {"shuffle": "no"}, TypeError,
        "shuffle must be True or False, got 'no'. Give one of the two.",
    ),
    "an update of its own": (
        {"optimizer": replaced()}, TypeError,
        "optimizer must update as SGD does, got a SGD with an update of its own. Step by hand: "
        "forward, backward, optimizer.update(model.params, model.grads).",
    ),
    "lr text": (
        {"optimizer": spoilt("0.1")}, TypeError,
        "lr must be a real number, got '0.1'. Give a float.",
    ),
    "validation x alone": (
        {"validation_data": X}, TypeError,
        "validation_data must be a pair, got an array of shape (6, 5) and dtype float64. "
        "Give (x, t).",
    ),
    "validation triple": (
        {"validation_data": (X, T, T, T)}, TypeError,
        "validation_data must be a pair, got 4 parts. Give (x, t).",
    ),
    "validation x of other width": (
        {"validation_data": (X[:, 1:], T)}, ValueError,
        "validation_data[0] must have 5 features, got 4. "
        "Give validation_data[0] the width that the first layer takes.",
    ),
    "validation x empty": (
        {"validation_data": (X[:0], T[:0])}, ValueError,
        f"validation_data[0] must be (N, D) {ONE_ROW}, got validation_data[0].shape=(0, 5). "
        "Give an array of samples, one a row.",
    ),
    "validation labels": (
        {"validation_data": (X, T + 3)}, IndexError,
        f"validation_data[1]: t must be in 0..2 for predict(validation_data[0]).shape=(6, 3), "
        f"got t[0]={T[0] + 3}. Give the last layer 6 units, one for each class.",
    ),
}  # fmt: skip


@with_each("case", BAD_OPTIONS)
@with_each("make", [small, unbuilt])
def test_bad_options_of_fit(make, case):
    options, error, text = BAD_OPTIONS[case]
    model = make()
    untouched(
        model,
        lambda: model.fit(X, T, **{"verbose": 0, **options}),
        error,
        f"Sequential.fit: {text}",
    )


def test_an_optimizer_of_the_users_own_is_not_taken_for_sgd():
    model = small()
    untouched(
        model,
        lambda: model.fit(X, T, optimizer=Momentum(), verbose=0),
        TypeError,
        "Sequential.fit: optimizer must update as SGD does, got a Momentum with an update of its "
        "own. Step by hand: forward, backward, optimizer.update(model.params, model.grads).",
    )

    class Named(SGD):
        pass

    model.fit(X, T, optimizer=Named(), verbose=0)


def test_bad_layers():
    refused(
        lambda: Sequential([Dense(3), "relu"]),
        TypeError,
        f"Sequential.add: layer must be one of {LAYERS}, got str. Add Relu().",
    )
    refused(
        lambda: Sequential([Dense(3), SoftmaxWithLoss()]),
        TypeError,
        f"Sequential.add: layer must be one of {LAYERS}, got SoftmaxWithLoss. "
        'Leave it out: loss="softmax_cross_entropy" includes the softmax.',
    )

    class Own(Relu):
        def forward(self, x):
            return super().forward(-x)

    refused(
        lambda: Sequential([Own()]),
        TypeError,
        "Sequential.add: layer must compute what its in_loop says, got Own, whose forward or "
        "backward is another. Give it an in_loop, too.",
    )
    layer = Tanh()
    refused(
        lambda: Sequential([Dense(3), layer, Dense(3), layer]),
        ValueError,
        "Sequential.add: layer must be a new object, got one that is in the model already. "
        "Make another layer with the same arguments.",
    )
    refused(
        lambda: Sequential(Dense(3)),
        TypeError,
        "Sequential: layers must be a list, got Dense. Give [Dense(...), ...].",
    )


BAD_CHANGES = {
    "no activation of that name": (
        lambda m: setattr(m.layers[0], "activation", "nothing"), ValueError,
        f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}, got 'nothing'. "
        "Give one of these names.",
    ),
    "no layer of a model": (
        lambda m: m.layers.append(SoftmaxWithLoss()), TypeError,
        f"layer must be one of {LAYERS}, got SoftmaxWithLoss. "
        'Leave it out: loss="softmax_cross_entropy" includes the softmax.',
    ),
    "a layer twice": (
        lambda m: m.layers.extend([Tanh()] * 2), ValueError,
        "layer must be a new object, got one that is in the model already. "
        "Make another layer with the same arguments.",
    ),
    "a layer that does not fit": (
        lambda m: m.layers.__setitem__(1, Affine(drawn(3, 3), drawn(3))), ValueError,
        "layers[1] must take 4 features, got Affine, which takes 3. "
        "Match each layer to the output of the one before it.",
    ),
}  # fmt: skip


@with_each("method", METHODS)
@with_each("case", BAD_CHANGES)
def test_a_change_that_cannot_be_honoured(case, method):
    change, error, text = BAD_CHANGES[case]
    model = small()
    kept = model.layers[:], model.layers[0].activation, model.predict(X)
    change(model)
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    untouched(model, lambda: METHODS[method](model, X, T), error, text)
    model.layers[:], model.layers[0].activation = kept[:2]
    assert_array_equal(model.predict(X), kept[2])


def test_layers_that_do_not_fit_each_other():
    advice = "Match each layer to the output of the one before it."
    refused(
        lambda: Sequential([Affine(drawn(5, 4), drawn(4)), Relu(), MatMul(drawn(3, 2))]),
        ValueError,
        f"Sequential.add: layers[2] must take 4 features, got MatMul, which takes 3. {advice}",
    )
    model = small()
    y = model.predict(X)
    untouched(
        model,
        lambda: model.add(Dense(2, input_shape=(2, 2))),
        ValueError,
        f"Sequential.add: layers[2] must take 3 features, got Dense, which takes 4. {advice}",
    )
    assert_array_equal(model.predict(X), y)
    late = Sequential([Dense(4), Dense(3, input_shape=(7,))])
    for method, call in METHODS.items():
        untouched(
            late,
            lambda call=call: call(late, X, T),
            ValueError,
            f"Sequential.{SAID_BY.get(method, method)}: layers[1] must take 4 features, got "
            f"Dense, which takes 7. {advice}",
        )


def test_a_bias_that_does_not_match_its_weights():
    # Accepted, it would have the kernel read beyond the parameters.
    layer = Affine(drawn(5, 4), drawn(4))
    layer.W = drawn(5, 6)
    refused(
        lambda: Sequential([layer]),
        ValueError,
        "Sequential.add: b must have shape (6,) to match W (5, 6), got b.shape=(4,). "
        "Assign W and b of the same M.",
    )
    layer.b = drawn(6)
    assert Sequential([layer]).predict(X).shape == (6, 6)


@with_each("entry", ENTRIES)
def test_an_assigned_array_of_another_shape(entry):
    model = small()
    kept = model.parameter_vector.copy()
    model.layers[1].W = drawn(4, 2)
    with pytest.raises(ValueError) as caught:
        ENTRIES[entry](model, X, np.minimum(T, 1))
    assert "must keep their shape (4, 3), got (4, 2)" in str(caught.value) or (
        "b must have shape (2,) to match W (4, 2), got b.shape=(3,)" in str(caught.value)
    )
    assert str(caught.value).startswith("Sequential")
    model.layers[1].W = kept[24:36].reshape(4, 3)
    assert_array_equal(model.parameter_vector, kept)


def test_an_assigned_array_of_another_shape_is_named():
    model = small()
    model.layers[1].b = drawn(2)
    refused(
        lambda: model.parameter_vector,
        ValueError,
        "Sequential.parameter_vector: the arrays assigned to a layer must keep their shape (3,), "
        "got (2,). Make a new model.",
    )
