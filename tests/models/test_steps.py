"""Models that answer each step of a sequence: as models of rows, in fit and by hand."""

import numpy as np
import pytest
from in_turn import every_dtype_name
from numpy.testing import assert_allclose, assert_array_equal
from stepped import Sequence, of_steps, sequences

from fastnet.layers import (
    GRU,
    LSTM,
    Dense,
    Dropout,
    Embedding,
    SimpleRNN,
    Tanh,
)
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@every_dtype_name
def test_each_step_is_a_row(dtype, optimizer):
    """The same as a model of rows, whose batches are all steps of as many samples."""
    x, t = sequences()
    model, rows = of_steps(dtype), Sequential([Dense(6, "tanh"), Dense(4)], dtype=dtype, seed=1)
    how = {"epochs": 2, "verbose": 0, "shuffle": False}
    history = model.fit(x, t, batch_size=8, optimizer=optimizer(), **how)
    known = rows.fit(x.reshape(-1, 5), t.reshape(-1), batch_size=24, optimizer=optimizer(), **how)
    assert_array_equal(model.parameter_vector, rows.parameter_vector)
    assert history.loss == known.loss and history.accuracy == known.accuracy
    y = model.predict(x)
    assert y.shape == (40, 3, 4) and model.predict(x[0]).shape == (3, 4)
    assert_array_equal(y.reshape(-1, 4), rows.predict(x.reshape(-1, 5)))
    metrics = ["accuracy", "macro_f1"] if "macro_f1" in model._loss.metrics else ["accuracy"]
    assert model.evaluate(x, t, metrics) == rows.evaluate(x.reshape(-1, 5), t.reshape(-1), metrics)
    assert model.predict_proba(x).sum(2) == pytest.approx(1.0)


def test_a_step_by_hand_is_that_of_the_loop():
    x, t = sequences()
    t[1, 2] = t[5] = -1
    model, same = of_steps(), of_steps()
    same.fit(x, t, 1, 40, SGD(0.1), shuffle=False, verbose=0)
    loss = model.forward(x, t)
    dx = model.backward()
    assert dx.shape == x.shape
    SGD(0.1).update(model.params, model.grads)
    assert_allclose(model.parameter_vector, same.parameter_vector, rtol=1e-13, atol=1e-15)
    assert loss == pytest.approx(of_steps().fit(x, t, 1, 40, verbose=0).loss[0], rel=1e-13)


def test_gradients_are_central_differences():
    x, t = sequences(6)
    t[0, 1] = -1
    model = of_steps()
    for exact, by_definition in zip(
        model.gradient(x, t), model.numerical_gradient(x, t), strict=True
    ):
        assert_allclose(exact, by_definition, atol=1e-8)


def test_steps_without_a_label_do_not_count():
    x, t = sequences()
    t[::2, 1:] = -1
    rows = (t >= 0).reshape(-1)
    model, of_rows = of_steps(), Sequential([Dense(6, "tanh"), Dense(4)], dtype="float64", seed=1)
    how = {"epochs": 1, "batch_size": 1000, "shuffle": False, "verbose": 0}
    history = model.fit(x, t, optimizer=SGD(0.1), **how)
    flat, labels = x.reshape(-1, 5)[rows], t.reshape(-1)[rows]
    known = of_rows.fit(flat, labels, optimizer=SGD(0.1), **how)
    assert_allclose(model.parameter_vector, of_rows.parameter_vector, rtol=1e-12)
    assert history.loss[0] == pytest.approx(known.loss[0], rel=1e-13)
    assert history.accuracy == known.accuracy
    found, wanted = model.evaluate(x, t, ["accuracy"]), of_rows.evaluate(flat, labels, ["accuracy"])
    assert found["accuracy"] == wanted["accuracy"]
    assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-13)
    with pytest.raises(ValueError, match="other than ignore_index=-1"):
        model.fit(x, np.full_like(t, -1), verbose=0)


def test_weights_of_samples_and_of_steps():
    x, t = sequences(8)
    how = {"epochs": 1, "batch_size": 8, "shuffle": False, "verbose": 0}
    weights = np.arange(8.0)
    model, same = of_steps(), of_steps()
    model.fit(x, t, sample_weight=weights, **how)
    same.fit(x, t, sample_weight=np.repeat(weights[:, None], 3, 1), **how)
    assert_array_equal(model.parameter_vector, same.parameter_vector)
    assert model.forward(x, t, weights) == pytest.approx(
        model.evaluate(x, t, sample_weight=weights)["loss"], rel=1e-13
    )


def test_an_embedding_gives_a_sequence():
    model = Sequential([Embedding(np.eye(7)), Dropout(0.5), Sequence(), Dense(7)], seed=0)
    words = np.arange(70).reshape(10, 7) % 7
    history = model.fit(words, words, 200, 5, Adam(0.1), verbose=0)
    assert history.accuracy[-1] > 0.6 and model.evaluate(words, words)["accuracy"] == 1.0
    flat = Sequential([Embedding(np.eye(7)), Dense(3)], seed=0)
    flat.build(4)
    assert flat.layers[1].W.shape == (28, 3)


def test_an_ignored_label_of_another_number():
    x, t = sequences()
    t[0] = 9
    loss = SoftmaxCrossEntropy(ignore_index=9)
    model = Sequential([Sequence(), Dense(4)], loss, dtype="float64", seed=0)
    assert np.isfinite(model.forward(x, t))
    t[0] = -1
    with pytest.raises(IndexError, match="t must be in 0"):
        model.forward(x, t)


def test_a_shape_is_saved(tmp_path):
    x, t = sequences()
    model = of_steps()
    model.fit(x, t, 1, verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors", [Sequence])
    assert_array_equal(again.predict(x), model.predict(x))
    for m in (model, again):
        m.fit(x, t, 2, verbose=0)
    assert_array_equal(again.parameter_vector, model.parameter_vector)


def test_a_sequence_of_one_step_is_a_sequence():
    x, t = sequences(steps=1)
    model, rows = of_steps(), Sequential([Dense(6, "tanh"), Dense(4)], dtype="float64", seed=1)
    how = {"epochs": 2, "verbose": 0, "shuffle": False, "batch_size": 8}
    model.fit(x, t, **how), rows.fit(x[:, 0], t[:, 0], **how)
    assert_array_equal(model.parameter_vector, rows.parameter_vector)
    one_hot = np.eye(4)[t]
    assert one_hot.shape == model.predict(x).shape == (40, 1, 4)
    assert model.evaluate(x, one_hot) == model.evaluate(x, t)
    t[3] = -1
    assert np.isfinite(model.forward(x, t)) and np.isfinite(model.evaluate(x, t)["loss"])
    with pytest.raises(ValueError, match=r"t must have shape \(40, 1\) or"):
        model.evaluate(x, t[:, 0])


@pytest.mark.parametrize("last", [Tanh, lambda: Dropout(0.0)], ids=["Tanh", "Dropout"])
def test_a_last_layer_without_parameters_has_its_gradient(last):
    x, t = sequences(6)
    t[0, 1] = -1
    model = Sequential([Sequence(), Dense(4), last()], dtype="float64", seed=1)
    for exact, by_definition in zip(
        model.gradient(x, t), model.numerical_gradient(x, t), strict=True
    ):
        assert_allclose(exact, by_definition, atol=1e-8)


def layer_states(model):
    """Return the states that the first layer, a stateful one, goes on from; None is zeros."""
    layer = model.layers[0]
    states = [getattr(layer, name) for name in layer._state_names]
    zeros = np.zeros((layer.batch_size, layer.units))
    return [(zeros if state is None else state).tolist() for state in states]


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_central_differences_begin_with_the_states_that_stateful_layers_have(kind):
    """They begin each loss there, as `gradient` does, which comes next and takes them along."""
    x, t = sequences(4)
    model = Sequential([kind(3, stateful=True, batch_size=4), Dense(4)], dtype="float64", seed=0)
    found = []
    for _ in range(2):  # from zeros, then from what the first batch left
        before = layer_states(model)
        by_definition = model.numerical_gradient(x, t[:, 0])
        assert layer_states(model) == before
        found.append(model.gradient(x, t[:, 0]))
        assert layer_states(model) != before
        for exact, other in zip(found[-1], by_definition, strict=True):
            assert_allclose(exact, other, atol=1e-8)
    assert np.abs(found[0][1] - found[1][1]).max() > 1e-4
