"""Building a model: its weights, its sizes, layers added later."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_models import (
    METHODS,
    SAID_BY,
    T,
    X,
    assert_whole,
    data,
    drawn,
    refused,
    small,
    unbuilt,
    untouched,
)

from fastnet.layers import (
    Affine,
    BatchNormalization,
    Dense,
    Flatten,
    MatMul,
    MaxPooling2D,
    Relu,
    Sigmoid,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


def test_later_sizes_are_inferred(capsys):
    model = Sequential()
    model.add(Dense(32, input_shape=(784,)))
    assert model.layers[0].W.shape == (784, 32)
    model.add(Dense(10))
    assert model.layers[1].W.shape == (32, 10) and model.parameter_count == 25_450
    model.summary()
    assert capsys.readouterr().out == (
        "layer  made with  output  weights          parameters\n"
        "Dense             (32,)   (784, 32) (32,)      25,120\n"
        "Dense             (10,)   (32, 10) (10,)          330\n"
        "total                                          25,450\n"
    )


def test_summary_of_ready_made_layers(capsys):
    model = Sequential([Relu(), Dense(16, "relu"), MatMul(drawn(16, 16)), Sigmoid(), Dense(10)])
    model.build(784)
    model.summary()
    assert capsys.readouterr().out == (
        "layer    made with  output  weights          parameters\n"
        "Relu                (784,)                            0\n"
        "Dense    relu       (16,)   (784, 16) (16,)      12,560\n"
        "MatMul              (16,)   (16, 16)                256\n"
        "Sigmoid             (16,)                             0\n"
        "Dense               (10,)   (16, 10) (10,)          170\n"
        "total                                            12,986\n"
    )


def test_summary_shows_images_as_such(capsys):
    stack = [MaxPooling2D(2, input_shape=(28, 28, 1)), BatchNormalization(), Flatten(), Dense(10)]
    Sequential(stack).summary()
    head, *lines = capsys.readouterr().out.splitlines()
    at = [head.index(word) for word in ("made with", "output", "weights", "parameters")]
    found = [
        [line[a:b].strip() for a, b in zip([0, *at], [*at, None], strict=True)] for line in lines
    ]
    assert found == [
        ["MaxPooling2D", "pool_size=(2, 2), strides=(2, 2), padding=valid", "(14, 14, 1)", "", "0"],
        ["BatchNormalization", "", "(14, 14, 1)", "(1,) (1,)", "2"],
        ["Flatten", "", "(196,)", "", "0"],
        ["Dense", "", "(10,)", "(196, 10) (10,)", "1,970"],
        ["total", "", "", "", "1,972"],
    ]


@pytest.mark.parametrize("input_shape", [(28, 28), (784,), 784, [1, 28, 28]])
def test_two_hidden_layers_have_13002_parameters(input_shape):
    model = Sequential([Dense(16, "relu", input_shape), Dense(16, "relu"), Dense(10)], seed=0)
    assert model.parameter_count == 13_002
    assert model.predict(np.zeros((2, 28, 28), np.uint8)).shape == (2, 10)


def test_the_same_weights_however_the_model_is_built():
    x, t = data()
    declared = small()
    listed = Sequential([Dense(4, activation="tanh"), Dense(3)], seed=0)
    listed.build(5)
    added = Sequential(seed=0)
    added.add(Dense(4, activation="tanh"))
    added.add(Dense(3))
    added.predict(x)
    fitted = Sequential([Dense(4, activation="tanh"), Dense(3)], seed=0)
    fitted.fit(x, t, optimizer=SGD(lr=0), verbose=0)
    for model in (listed, added, fitted):
        assert_array_equal(model.parameter_vector, declared.parameter_vector)
        assert_whole(model)


def test_adding_to_a_trained_model_keeps_what_it_learnt():
    x, t = data()
    model = small()
    model.fit(x, t, verbose=0)
    before = [array.copy() for array in model.params]
    y = model.predict(x)
    model.add(Relu())
    assert_array_equal(model.predict(x), np.maximum(y, 0))
    model.add(Dense(2))
    for array, kept in zip(model.params, before, strict=False):
        assert_array_equal(array, kept)
    assert model.predict(x).shape == (37, 2)
    model.fit(x, t % 2, verbose=0)
    assert_whole(model)


def test_a_build_that_fails_leaves_the_model_as_it_was(monkeypatch):
    def fail(self, *arguments):
        if self.units == 9:
            raise MemoryError("Unable to allocate 9 TiB")
        real(self, *arguments)

    real = Dense.build
    monkeypatch.setattr(Dense, "build", fail)
    model = Sequential([Dense(4), Dense(9)], seed=0)
    for method, call in METHODS.items():
        untouched(
            model,
            lambda call=call: call(model, X, T),
            MemoryError,
            f"Sequential.{SAID_BY.get(method, method)}: layers must fit in memory, got Unable to "
            "allocate 9 TiB. Give fewer units.",
        )
    assert model.layers[0].params == model.layers[1].params == []
    model.layers[1] = Dense(3)
    model.fit(X, T, verbose=0)
    expected = unbuilt()
    expected.layers[0].activation = None
    expected.fit(X, T, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)  # no draw was lost
    before = model.parameter_vector
    untouched(
        model,
        lambda: model.add(Dense(9)),
        MemoryError,
        "Sequential.add: layers must fit in memory, got Unable to allocate 9 TiB. "
        "Give fewer units.",
    )
    assert model.parameter_vector is before


@pytest.mark.parametrize("units", [10**13, 10**19, 10**40])
def test_too_many_parameters(units):
    model = Sequential([Dense(4), Dense(units)], seed=0)
    untouched(
        model,
        lambda: model.fit(X, T, verbose=0),
        MemoryError,
        "Sequential.fit: layers[1] must leave the model at most 1,099,511,627,776 parameters, got "
        f"W (4, {units}). Give fewer units.",
    )
    refused(
        lambda: Sequential([Dense(4, input_shape=units)]),
        MemoryError,
        "Sequential.add: layers[0] must leave the model at most 1,099,511,627,776 parameters, got "
        f"W ({units}, 4). Give fewer units.",
    )


def test_layers_that_share_an_array():
    W = drawn(5, 4)
    tied = [Affine(W, drawn(4)), Affine(W.T, drawn(5)), Dense(3)]
    text = (
        "Sequential.add: layers[1] must have arrays of its own, got one that shares memory with "
        "layers[0]. Copy it; or, to keep the two tied, step the layers by hand: forward, backward, "
        "optimizer.update."
    )
    refused(lambda: Sequential(tied), ValueError, text)
    assert tied[0].W is W and tied[2].params == []
    model = small()
    model.layers.pop()
    untouched(model, lambda: model.add(MatMul(model.layers[0].W.T)), ValueError, text)
    both = drawn(5, 8)  # columns of one matrix are no part of each other
    Sequential([MatMul(both[:, ::2]), Dense(5), MatMul(both[:, 1::2])], seed=0)


def test_initial_weights():
    model = Sequential([Dense(300, "relu", 400), Dense(200), Dense(100, None, None, 0.01)], seed=0)
    for layer, std in zip(model.layers, [(2 / 400) ** 0.5, (1 / 300) ** 0.5, 0.01], strict=True):
        assert abs(layer.W.std() / std - 1) < 0.02 and abs(layer.W.mean()) < std / 20
        assert not layer.b.any()
