"""The layers' arrays are views of the model's one vector, and what is assigned is honoured."""

import copy

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_array_equal
from small_models import CHANGES, ENTRIES, X, assert_whole, close, data, drawn, small

from fastnet.layers import (
    Affine,
    Dense,
    Sigmoid,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


def test_layers_are_views_of_one_vector():
    model = small()
    assert_whole(model)
    vector, params = model.parameter_vector, model.params
    grads, W = model.grads, model.layers[1].W
    assert vector.ndim == 1 and vector.size == model.parameter_count == 5 * 4 + 4 + 4 * 3 + 3
    vector[5 * 4 + 4] = 7
    assert W[0, 0] == 7
    W[-1, -1] = 8
    assert vector[-4] == 8
    model.layers[0].b[...] = 9
    assert (vector[20:24] == 9).all()
    x, t = data()
    for call in (
        lambda: model.fit(x, t, 2, verbose=0),
        lambda: model.predict(x),
        lambda: model.gradient(x, t),
        lambda: model.build(5),
        lambda: model.summary(),
    ):
        call()
        assert model.parameter_vector is vector and model.layers[1].W is W
        assert all(a is b for a, b in zip(model.params, params, strict=True))
        assert all(a is b for a, b in zip(model.grads, grads, strict=True))
    assert_whole(model)


def test_what_is_written_into_a_layer_is_used():
    x, t = data()
    model, other = small(seed=0), small(seed=1)
    assert not np.array_equal(model.predict(x), other.predict(x))
    for layer, source in zip(model.layers, other.layers, strict=True):
        layer.W[...], layer.b[...] = source.W, source.b
    assert_array_equal(model.predict(x), other.predict(x))
    model.parameter_vector[:] = small(seed=2).parameter_vector
    assert_array_equal(model.predict(x), small(seed=2).predict(x))
    assert model.forward(x, t) == small(seed=2).forward(x, t)


@with_each("entry", ENTRIES)
def test_an_assigned_array_is_honoured_at_the_next_call(entry):
    x, t = data()
    model, expected = small(), small()
    W, b = drawn(5, 4) * 2, drawn(3)  # float64, into a float32 model
    ENTRIES[entry](model, x, t) if entry == "predict" else None
    expected.layers[0].W[...], expected.layers[1].b[...] = W, b
    kept = W.copy()
    model.layers[0].W, model.layers[1].b = W, b
    result = ENTRIES[entry](model, x, t)
    assert_array_equal(result, ENTRIES[entry](expected, x, t))
    assert_array_equal(W, kept)  # copied, not taken
    assert_whole(model)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_an_array_assigned_between_forward_and_backward_is_honoured():
    x, t = data()
    model, expected = small(), small()
    model.forward(x, t), expected.forward(x, t)
    model.layers[1].W = drawn(4, 3)
    expected.layers[1].W[...] = drawn(4, 3)
    assert_array_equal(model.backward(), expected.backward())
    assert_whole(model)


@every_dtype_name
@with_each("change", CHANGES)
def test_a_changed_activation_is_honoured_at_the_next_call(change, dtype):
    x, t = data()
    stack = [Dense(4, "tanh", 5), Sigmoid(), Dense(3)]
    model = Sequential(stack, dtype=dtype, seed=0)
    y = model.fit(x, t, verbose=0) and model.predict(x)
    vector, params = model.parameter_vector, model.params
    CHANGES[change](model)
    assert not np.array_equal(model.predict(x), y)
    by_hand = copy.deepcopy(model)
    out = x.astype(dtype)
    for layer in by_hand.layers:
        out = layer.forward(out)
    close(model.predict(x), out, dtype)
    close(model.evaluate(x, t)["loss"], by_hand.forward(x, t), dtype)
    by_hand.backward()
    SGD(0.1).update(by_hand.params, by_hand.grads)
    model.fit(x, t, 1, len(x), SGD(0.1), shuffle=False, verbose=0)
    close(model.parameter_vector, by_hand.parameter_vector, dtype)
    assert model.parameter_vector is vector  # an optimizer may hold it
    assert all(a is b for a, b in zip(model.params, params, strict=True))
    assert_whole(model)


def test_a_replaced_product_is_honoured_at_the_next_call():
    x, t = data()
    model = small()
    model.layers[0] = Dense(6, "relu")
    model.layers[1] = Affine(drawn(6, 3), drawn(3))
    model.fit(x, t, verbose=0)
    assert model.parameter_count == 5 * 6 + 6 + 6 * 3 + 3
    assert_whole(model)
    close(model.predict(x), model.layers[1].forward(model.layers[0].forward(x)), "float32")


def test_an_activation_changed_between_forward_and_backward_waits_for_the_next_forward():
    x, t = data()
    model, expected = small(), small()
    model.forward(x, t), expected.forward(x, t)
    model.layers[0].activation = "relu"
    assert_array_equal(model.backward(), expected.backward())


def test_swapped_arrays_are_both_kept():
    model = Sequential([Dense(4, "tanh", 4), Dense(4)], seed=0)
    first, second = model.layers
    W, V = first.W.copy(), second.W.copy()
    first.W, second.W = second.W, first.W
    x = data(d=4)[0].astype("float32")
    close(model.predict(x), np.tanh(x @ V) @ W, "float32")
    assert_array_equal(first.W, V)
    assert_array_equal(second.W, W)
    assert_whole(model)


def test_a_refused_assignment_changes_nothing():
    model = small()
    before, vector = model.parameter_vector.copy(), model.parameter_vector
    model.layers[0].W, model.layers[1].b = np.ones((5, 4)), np.ones(7)
    with pytest.raises(ValueError):
        model.predict(X)
    assert_array_equal(vector, before)
