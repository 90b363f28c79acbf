"""Keras' recurrent layers in Sequential: as by hand, with threads, files and states kept."""

import itertools

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from recurrences import model_of

from fastnet import layers
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.reference import layers as reference_layers

KERAS = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}
every_kind = pytest.mark.parametrize("name", KERAS)


def stacks(name):
    """Return stacks with such a layer, and whether each step is answered."""
    kind = KERAS[name]
    return {
        "last": (lambda: [kind(7)], False),
        "all": (lambda: [kind(7, return_sequences=True)], True),
        "two": (lambda: [kind(7, return_sequences=True), kind(18)], False),
        "both ways": (lambda: [layers.Bidirectional(kind(7)), layers.Dense(5, "relu")], False),
        "both ways, all": (
            lambda: [layers.Bidirectional(kind(7, return_sequences=True)), layers.Dropout(0.2)],
            True,
        ),
    }


def samples(n, answers_steps, dtype=np.float64, seed=1, steps=6):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, steps, 5)).astype(dtype)
    return x, rng.integers(0, 3, (n, steps) if answers_steps else n)


@every_kind
@with_each("stack, steps", itertools.product(["last", "all", "two", "both ways"], [1, 2, 6]))
def test_a_step_of_fit_is_a_step_by_hand(name, stack, steps):
    make, answers_steps = stacks(name)[stack]
    x, t = samples(50, answers_steps, steps=steps)
    fitted, stepped = (model_of(make, shape=(steps, 5)) for _ in range(2))
    fitted.fit(x, t, epochs=1, batch_size=50, optimizer=SGD(lr=0.3), shuffle=False, verbose=0)
    stepped.forward(x, t)
    stepped.backward()
    SGD(lr=0.3).update(stepped.params, stepped.grads)
    before = model_of(make, shape=(steps, 5))
    for ours, hand, old in zip(fitted.params, stepped.params, before.params, strict=True):
        assert_allclose(ours, hand, rtol=0, atol=1e-14)
        assert steps == 1 or np.abs(ours - old).max() > 1e-4  # the first state is 0
    assert_allclose(fitted.predict(x), fitted.forward(x), rtol=0, atol=1e-14)


@every_kind
@pytest.mark.parametrize("stack", ["all", "two", "both ways"])
def test_gradients_of_a_model_equal_central_differences(name, stack):
    make, answers_steps = stacks(name)[stack]
    x, t = samples(4, answers_steps)
    model = model_of(make)
    model.forward(x, t)
    model.backward()
    for numeric, exact in zip(model.numerical_gradient(x, t), model.grads, strict=True):
        assert_allclose(exact, numeric, rtol=0, atol=1e-9)


@every_kind
@pytest.mark.parametrize("stack", ["last", "two", "both ways, all"])
@every_dtype
def test_threads_and_files_leave_the_bits(name, stack, dtype, tmp_path, team_of):
    """One thread or two, and training that goes on after a file was read."""
    make, answers_steps = stacks(name)[stack]
    x, t = samples(83, answers_steps, dtype)
    results = []
    for count in (1, 2):
        team_of(count)
        model = model_of(make, np.dtype(dtype).name)
        model.fit(x, t, epochs=2, batch_size=50, optimizer=SGD(lr=0.1), verbose=0)
        model.fit(x, t, epochs=2, batch_size=83, optimizer=Adam(), verbose=0)
        results.append([model.parameter_vector.copy(), model.predict(x)])
    for one, two in zip(*results, strict=True):
        assert_array_equal(one, two)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in model.layers]
    for each in (model, again):
        each.fit(x, t, epochs=2, batch_size=20, optimizer=each.optimizer, verbose=0)
    assert_array_equal(again.parameter_vector, model.parameter_vector)


@every_kind
def test_layers_of_units_equal_the_reference(name):
    x = np.random.default_rng(1).standard_normal((4, 6, 5))
    for both, sequences in itertools.product((False, True), repeat=2):
        results = []
        for module in (layers, reference_layers):
            layer = getattr(module, name)(7, return_sequences=sequences)
            if both:
                layer = module.Bidirectional(layer)
            layer.build((6, 5), np.random.default_rng(3), np.float64)
            out = layer.forward(x)
            results.append([*layer.params, out, layer.backward(out**2), *layer.grads])
        for ours, theirs in zip(*results, strict=True):
            assert_allclose(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_states_are_carried_from_batch_to_batch(name, tmp_path):
    """A long sequence in parts, one after another, with the state and not its gradient carried."""
    kind = KERAS[name]

    def make():
        return [kind(7, return_sequences=True, stateful=True, batch_size=8)]

    x, t = samples(8 * 3, True)  # three parts of eight sequences
    fitted, stepped = model_of(make), model_of(make)
    fitted.fit(x, t, epochs=1, batch_size=8, optimizer=SGD(lr=0.3), shuffle=False, verbose=0)
    for part in range(3):
        rows = slice(8 * part, 8 * (part + 1))
        stepped.forward(x[rows], t[rows])
        stepped.backward()
        SGD(lr=0.3).update(stepped.params, stepped.grads)
    for ours, hand in zip(fitted.params, stepped.params, strict=True):
        assert_allclose(ours, hand, rtol=0, atol=1e-13)
    layer = fitted.layers[0]
    assert_allclose(layer.h, stepped.layers[0].h, rtol=0, atol=1e-13)
    assert np.abs(layer.h).min() > 0
    kept = layer.h.copy()
    fitted.predict(x)
    fitted.evaluate(x, t)
    assert_array_equal(layer.h, kept)
    fitted.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert_array_equal(again.layers[0].h, kept)
    for model in (fitted, again):
        model.fit(x, t, epochs=1, batch_size=8, optimizer=SGD(), shuffle=False, verbose=0)
    assert_array_equal(again.parameter_vector, fitted.parameter_vector)
    assert np.abs(layer.h - kept).max() > 0
    layer.reset_state()
    fresh = Sequential.load(tmp_path / "model.safetensors")
    fresh.layers[0].reset_state()
    fresh.parameter_vector[...] = fitted.parameter_vector
    for model in (fitted, fresh):
        model.fit(x, t, epochs=1, batch_size=8, optimizer=SGD(), shuffle=False, verbose=0)
    assert_array_equal(fresh.parameter_vector, fitted.parameter_vector)


def test_weights_begin_as_in_keras(rng):
    layer = layers.LSTM(6)
    layer.build((4, 9), rng, "float64")
    assert_allclose(layer.Wh @ layer.Wh.T, np.eye(6), atol=1e-14)
    assert_array_equal(layer.b, np.repeat([0, 1, 0, 0], 6))
    assert abs(layer.Wx.std() - 1 / 3) < 0.05
    with pytest.raises(RuntimeError, match=r"^LSTM.units: units must be set before build"):
        layer.units = 5
