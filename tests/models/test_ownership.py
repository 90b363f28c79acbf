"""What belongs to one model: its layers, and the states of the optimizer that trains it."""

import copy
import gc
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_models import data, refused, small, untouched

from fastnet.layers import Affine, Dense, Relu
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum
from fastnet.schedules import StepDecay

X, T = data(40)


def another(where, i, layer):
    return (
        f"{where}: layers[{i}] must belong to no other model, got {layer!r}, which was taken over "
        "by one. Make new layers, or give copy.deepcopy(layers), which begin with what these have "
        "learnt."
    )


def of_others(optimizer):
    return (
        "Sequential.fit: optimizer must be a new one, or have trained this model, got "
        f"{optimizer!r} after {optimizer.iter} updates of other arrays. Make a new one, or call "
        "its reset()."
    )


# --------------------------------------------------------------------------- layers


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("deleted", [False, True])
def test_the_layers_of_a_model_are_refused_by_another(built, deleted):
    layers = [Dense(4, "tanh", 5 if built else None), Relu(), Dense(3)]
    model = Sequential(layers, seed=0)
    model.fit(X, T, 2, verbose=0)
    W = layers[0].W.copy()
    if deleted:
        del model
        gc.collect()
    refused(lambda: Sequential(layers), ValueError, another("Sequential.add", 0, layers[0]))
    refused(
        lambda: Sequential([Dense(5), layers[1]]),
        ValueError,
        another("Sequential.add", 1, layers[1]),
    )
    other = small()
    before = other.predict(X)
    untouched(
        other, lambda: other.add(layers[2]), ValueError, another("Sequential.add", 2, layers[2])
    )
    other.layers[0] = layers[0]
    refused(lambda: other.fit(X, T, verbose=0), ValueError, another("Sequential.fit", 0, layers[0]))
    other.layers[0] = Dense(4, "tanh")
    assert other.predict(X).shape == before.shape
    assert_array_equal(layers[0].W, W)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_of_layers_begin_with_what_those_have_learnt(duplicate):
    layers = [Dense(4, "tanh"), Dense(3)]
    model = Sequential(layers, seed=0)
    model.fit(X, T, 2, verbose=0)
    twin = Sequential(duplicate(layers))
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    twin.fit(X, T, verbose=0)
    assert not np.array_equal(twin.parameter_vector, model.parameter_vector)


class Own(Dense):
    """A layer that says what its pickle holds."""

    def __getstate__(self):
        return self.__dict__


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_layers_with_a_getstate_of_their_own(duplicate):
    model = Sequential([Own(4), Dense(3)], seed=0)
    model.build(5)
    twin = duplicate(model.layers[0])
    assert twin._model is None
    assert_array_equal(Sequential([twin]).params[0], model.params[0])
    assert_array_equal(duplicate(model).predict(X), model.predict(X))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_model_owns_its_layers(duplicate):
    model = duplicate(small())
    refused(
        lambda: Sequential(model.layers), ValueError, another("Sequential.add", 0, model.layers[0])
    )


def test_a_layer_that_was_taken_out_is_free():
    model = small()
    layer = model.layers.pop()
    other = Sequential([layer], seed=1)
    assert other.predict(X[:, :4]).shape == (40, 3)
    model.add(Dense(3))
    model.fit(X, T, verbose=0)


def test_a_call_that_failed_takes_no_layer():
    layers = [Dense(4, input_shape=5), Affine(np.ones((6, 3)), np.zeros(3))]
    with pytest.raises(ValueError):
        Sequential(layers)
    Sequential(layers[:1])


# --------------------------------------------------------------------------- optimizers


@pytest.mark.parametrize("make", [Adam, Momentum, lambda: SGD(StepDecay(0.1, 5))])
@pytest.mark.parametrize("deleted", [False, True])
def test_an_optimizer_of_another_model_says_so(make, deleted):
    optimizer = make()
    first = small()
    first.fit(X, T, 2, optimizer=optimizer, verbose=0)
    if deleted:
        del first
        gc.collect()
    model, expected = small(), small()
    untouched(
        model,
        lambda: model.fit(X, T, optimizer=optimizer, verbose=0),
        ValueError,
        of_others(optimizer),
    )
    assert model.optimizer is None
    carried = copy.deepcopy(optimizer)  # the way to take its states along
    optimizer.reset()
    assert optimizer.iter == 0
    model.fit(X, T, optimizer=optimizer, verbose=0)
    expected.fit(X, T, optimizer=make(), verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    other = small()
    other.fit(X, T, optimizer=carried, verbose=0)
    assert not np.array_equal(other.parameter_vector, expected.parameter_vector)
    with pytest.raises(ValueError, match=r"after \d+ updates of other arrays"):
        small().fit(X, T, optimizer=carried, verbose=0)


def test_one_without_states_trains_any_number_of_models():
    optimizer = SGD(0.1, weight_decay=0.1)
    for _ in range(2):
        small().fit(X, T, optimizer=optimizer, verbose=0)


def test_steps_by_hand_go_on_from_fit_and_back():
    model, optimizer = small(), Adam()
    model.fit(X, T, optimizer=optimizer, verbose=0)
    for _ in range(2):
        model.forward(X, T)
        model.backward()
        optimizer.update(model.params, model.grads)
    model.fit(X, T, verbose=0)
    assert model.optimizer is optimizer and optimizer.iter == 2 * 2 + 2
    model = small()
    with pytest.raises(
        ValueError, match=r"^Adam\.update: params\[0\] must be the array of which it has m"
    ):
        optimizer.update(model.params, model.grads)


def test_fit_without_an_optimizer_goes_on_with_the_last_one():
    model, expected, optimizer = small(), small(), Momentum(0.1)
    assert model.optimizer is None
    model.fit(X, T, verbose=0)
    assert type(model.optimizer) is SGD
    model = small()
    model.fit(X, T, 2, optimizer=optimizer, verbose=0)
    model.fit(X, T, 3, verbose=0)
    expected.fit(X, T, 5, optimizer=Momentum(0.1), verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model.optimizer = None
    model.fit(X, T, verbose=0)
    assert type(model.optimizer) is SGD


def test_the_states_go_with_their_layers():
    model, optimizer = small(), Momentum(0.1)
    model.fit(X, T, optimizer=optimizer, verbose=0)
    v = [state.copy() for state in optimizer.v]
    model.layers.insert(0, Dense(5))
    model.fit(X, T, optimizer=Momentum(0), verbose=0)  # builds
    model.fit(X, T, 1, 40, SGD(0), verbose=0)
    model.optimizer = optimizer
    model.layers.append(Dense(3))
    _ = model.params
    optimizer.lr = 0.0
    model.fit(X, T, 1, 40, shuffle=False, verbose=0)
    for state, old in zip(optimizer.v[2:6], v, strict=True):
        assert_array_equal(state, np.float32(0.9) * old)
    model.layers[1] = Dense(4, "tanh")
    with pytest.raises(ValueError, match="of other arrays"):
        model.fit(X, T, verbose=0)
