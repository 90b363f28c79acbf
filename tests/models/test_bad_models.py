"""Arguments, names and orders of calls that models refuse."""

import numpy as np
import pytest
from small_models import (
    METHODS,
    ONE_EACH,
    SAID_BY,
    SQUARED_ERROR,
    T,
    X,
    refused,
    small,
    unbuilt,
    untouched,
)

from fastnet.layers import (
    Dense,
    Tanh,
)
from fastnet.losses import LOSSES
from fastnet.models import History, Sequential, TwoLayerNet


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"loss": "softmax"}, ValueError,
            f"loss must be one of {', '.join(map(repr, LOSSES))}, got 'softmax'. "
            "Give one of these names.",
        ),
        (
            {"loss": None}, ValueError,
            f"loss must be one of {', '.join(map(repr, LOSSES))}, got None. "
            "Give one of these names.",
        ),
        (
            {"dtype": "float16"}, TypeError,
            "dtype must be float32 or float64, got 'float16'. "
            'Give dtype="float32" or dtype="float64".',
        ),
        (
            {"seed": -1}, ValueError, "seed must be at least 0, got -1. Give such a number.",
        ),
        (
            {"seed": 0.5}, TypeError, "seed must be a whole number or None, got 0.5. Give an int.",
        ),
    ],
)  # fmt: skip
def test_bad_arguments_of_sequential(options, error, text):
    refused(lambda: Sequential([Dense(3)], **options), error, f"Sequential: {text}")


@pytest.mark.parametrize(("name", "value"), [("dtype", "float64"), ("loss", SQUARED_ERROR)])
def test_what_a_model_was_made_with_stays(name, value):
    model = small()
    before = getattr(model, name)
    untouched(
        model,
        lambda: setattr(model, name, value),
        AttributeError,
        f"Sequential.{name}: {name} must stay as the model was made with, got {value!r}. "
        f"Make a new model with that {name}.",
    )
    assert getattr(model, name) == before


def test_repr():
    assert repr(small()) == (
        "<Sequential: Dense(4, activation='tanh'), Dense(3); softmax_cross_entropy, float32, "
        "39 parameters>"
    )
    assert repr(Sequential()) == (
        "<Sequential: no layers; softmax_cross_entropy, float32, not built>"
    )
    assert len(repr(Sequential([Dense(4) for _ in range(1000)]))) < 200
    history = History()
    assert repr(history) == "<History: 0 epochs>"
    history = History({"loss": [0.5, 0.25], "val_accuracy": [0.5, 1.0], "seconds": [1.0, 1.0]})
    assert repr(history) == "<History: 2 epochs, at last loss 0.2500, val_accuracy 1.0000>"


def test_dtype_may_be_any_of_numpys_names():
    for dtype in ("float64", np.float64, float, "f8", "<f8"):
        assert small(dtype=dtype).parameter_vector.dtype == np.float64


NAMES = ["params", "grads", "parameter_vector", "gradient_vector", "parameter_count"]


def test_the_number_of_inputs_must_be_known():
    model = unbuilt()
    for name in [*NAMES, "summary"]:
        untouched(
            model,
            lambda name=name: getattr(model, name)(),
            RuntimeError,
            f"Sequential.{name}: the number of inputs must be known. Call fit or build(n_in) "
            "first, or give the first Dense an input_shape.",
        )


def test_saving_needs_the_number_of_inputs_and_weights(tmp_path):
    model = unbuilt()
    untouched(
        model,
        lambda: model.save(tmp_path / "model.safetensors"),
        RuntimeError,
        "Sequential.save: the number of inputs must be known. Call fit or build(n_in) first, or "
        "give the first Dense an input_shape.",
    )
    model = Sequential([Tanh()])
    model.predict(X)
    untouched(
        model,
        lambda: model.save(tmp_path / "model.safetensors"),
        ValueError,
        "save_model: model must have a layer with weights, got none. Add a Dense before saving.",
    )
    assert not any(tmp_path.iterdir())


def test_an_empty_model():
    model = Sequential()
    calls = {name: lambda name=name: getattr(model, name)() for name in [*NAMES, "summary"]}
    for method, call in METHODS.items():
        calls[SAID_BY.get(method, method)] = lambda call=call: call(model, X, T)
    for name, call in {**calls, "build": lambda: model.build(5)}.items():
        refused(call, RuntimeError, f"Sequential.{name}: add a layer first.")


def test_bad_build():
    model = small()
    for n_in, error, text in (
        (0, ValueError, "n_in must be at least 1, got 0. Give a positive int."),
        ((5,), TypeError, "n_in must be a whole number, got (5,). Give an int."),
        (
            6, ValueError,
            "n_in must have 5 features, got 6. Give n_in the width that the first layer takes.",
        ),
    ):  # fmt: skip
        untouched(model, lambda n_in=n_in: model.build(n_in), error, f"Sequential.build: {text}")


def test_calls_out_of_order():
    model = small()
    refused(model.backward, RuntimeError, "Sequential.backward: call forward first.")
    model = small(SQUARED_ERROR)
    untouched(
        model,
        lambda: model.predict_proba(X),
        RuntimeError,
        'Sequential.predict_proba: loss must be "softmax_cross_entropy", or the last layer '
        'Softmax(), got loss="mean_squared_error". Use predict.',
    )


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0, 2, 2), ValueError, "input_size must be at least 1, got 0. Give a positive int."),
        ((2, 2.5, 2), TypeError, "hidden_size must be a whole number, got 2.5. Give an int."),
        ((2, 2, "2"), TypeError, "output_size must be a whole number, got '2'. Give an int."),
        (
            (2, 2, 2, -1), ValueError,
            "weight_init_std must be finite and not negative, got -1.0. "
            "Give a number such as 0.01.",
        ),
    ],
)  # fmt: skip
def test_bad_arguments_of_two_layer_net(arguments, error, text):
    refused(lambda: TwoLayerNet(*arguments), error, f"TwoLayerNet: {text}")


def test_bad_arrays_of_two_layer_net():
    network = TwoLayerNet(5, 4, 3)
    refused(
        lambda: network.accuracy(X[0], T[0]),
        ValueError,
        "TwoLayerNet.accuracy: x must be (N, D) with at least one sample and one feature, got "
        "x.shape=(5,). Reshape samples of one feature to (N, 1): x.reshape(-1, 1); one sample to "
        "(1, D): x.reshape(1, -1).",
    )
    refused(
        lambda: network.accuracy(X, T + 5),
        IndexError,
        "TwoLayerNet.accuracy: t must be in 0..2 for predict(x).shape=(6, 3), got "
        f"t[0]={T[0] + 5}. Give the last layer {T.max() + 6} units, one for each class.",
    )
    refused(
        lambda: network.gradient(X, T[:2]),
        ValueError,
        "SoftmaxWithLoss.forward: t must have shape (6,) or (6, 3) to match x.shape=(6, 3), got "
        f"t.shape=(2,). {ONE_EACH}",
    )
    refused(
        lambda: network.predict(X[:, :4]),
        ValueError,
        "Affine.forward: x must have 5 features to match W (5, 4), got x.shape=(6, 4). "
        "Give x of shape (N, 5).",
    )
