"""Copies of a model, and models in threads."""

import copy
import pickle
import sys
import threading

import children
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_models import METHODS, STACKS, T, X, assert_whole, data, refused, small, unbuilt

from fastnet import checks, layers, models
from fastnet.layers import (
    Dense,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deepcopy", "copy", "pickle"],
)
def test_a_copied_model_is_whole(duplicate):
    x, t = data()
    model = small()
    model.fit(x, t, 2, 8, verbose=0)
    twin = duplicate(model)
    assert_whole(twin)
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    assert_array_equal(twin.predict(x), model.predict(x))
    twin.fit(x, t, 2, 8, verbose=0)
    assert_array_equal(twin.layers[0].W.ravel(), twin.parameter_vector[:20])
    assert_whole(twin)
    if duplicate is copy.copy:
        assert_array_equal(twin.predict(x), model.predict(x))  # it has the same layers
        return
    assert not np.array_equal(twin.predict(x), model.predict(x))
    model.fit(x, t, 2, 8, verbose=0)  # the same generator, so the same bits
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    for array, other in zip(twin.gradient(x, t), model.gradient(x, t), strict=True):
        assert_array_equal(array, other)


@pytest.mark.parametrize("stack", ["mixed", "activation first", "activations in a row"])
def test_a_pickle_of_any_stack(stack):
    x, t = data()
    model = Sequential(STACKS[stack](layers), seed=0)
    twin = pickle.loads(pickle.dumps(model))  # before it knows its inputs
    model.fit(x, t, 2, verbose=0)
    twin.fit(x, t, 2, verbose=0)
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(x), model.predict(x))
    assert_whole(again)


def test_a_pickle_holds_the_parameters_and_gradients_once():
    model = Sequential([Dense(100, input_shape=1000)], seed=0)
    assert len(pickle.dumps(model)) < 2.1 * model.parameter_vector.nbytes


def test_two_threads_train_two_models():
    def work(i):
        x, t = data(500, dtype="float64", seed=i)
        stack = [Dense(20, activation="sigmoid"), Dense(3)]
        model = Sequential(stack, dtype=("float32", "float64")[i % 2], seed=i)
        barrier.wait()
        results[i] = model.fit(x, t, 300, 8, SGD(0.2), verbose=0).loss, model.parameter_vector

    results = {}
    barrier = threading.Barrier(1)
    for i in range(4):
        work(i)
    alone, results = results, {}
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        assert results[i][0] == alone[i][0]
        assert_array_equal(results[i][1], alone[i][1])


CHANGED_WHILE_FITTING = """
import threading, time
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential

def fit():
    while time.perf_counter() < end:
        try:
            model.fit(x, t, epochs=2, batch_size=1000, verbose=0, validation_data=(x, t))
        except RuntimeError as error:
            assert "got a change from another thread. Call again." in str(error), error

def edit():
    while time.perf_counter() < end:
        try:
            model.layers[1:1] = [Dense(2000), Dense(8)]
            model.predict(x[:2])
            del model.layers[1:3]
            model.predict(x[:2])
        except RuntimeError as error:
            assert "got a change from another thread. Call again." in str(error), error
            model.layers[1:-1] = []

failed = []
threading.excepthook = failed.append
rng = np.random.default_rng(0)
x, t = rng.random((2000, 6), np.float32), rng.integers(0, 3, 2000)
model = Sequential([Dense(8, "relu", 6), Dense(3)], seed=0)
model.fit(x, t, verbose=0, validation_data=(x, t)), model.predict(x[:2])
end = time.perf_counter() + 2
threads = [threading.Thread(target=work) for work in (fit, edit)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed
assert np.isfinite(model.predict(x)).all()
"""


def test_layers_changed_while_another_thread_fits():
    # Where a call took its table and its vector at two moments, the heap was written over.
    done = children.run([sys.executable, "-c", CHANGED_WHILE_FITTING])
    assert done.returncode == 0, done.stderr


def test_fit_goes_on_with_the_vector_that_it_began_with(monkeypatch):
    def train(*arguments):
        if arguments[5].size and len(model.layers) == 2:
            model.add(Dense(2000))  # as another thread might
        assert arguments[7].size == 39
        real(*arguments)

    real = models.network.train_epochs
    model, expected = small(), small()
    old = model.parameter_vector
    monkeypatch.setattr(models.network, "train_epochs", train)
    model.fit(X, T, 3, validation_data=(X, T), shuffle=False, verbose=0)
    monkeypatch.undo()
    expected.fit(X, T, 3, shuffle=False, verbose=0)
    assert_array_equal(old, expected.parameter_vector)
    assert model.predict(X).shape == (6, 2000)
    assert_whole(model)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_labels_are_those_of_the_network_that_is_trained(monkeypatch, method):
    def labels(*arguments):
        change()  # as another thread might, after the check for 3 classes
        return real(*arguments)

    real = checks.class_targets
    monkeypatch.setattr(checks, "class_targets", labels)
    model, expected = small(), small()
    change = lambda: model.layers.append(Dense(2))  # noqa: E731
    METHODS[method](model, X, T)
    assert len(model.layers) == 3
    change = lambda: None  # noqa: E731
    METHODS[method](expected, X, T)
    assert_array_equal(model.predict(X).shape, (6, 2))
    assert_array_equal(model.layers[1].W, expected.layers[1].W)
    # What is trained would have fewer outputs than there are labels: that is refused.
    model = unbuilt()
    change = lambda: setattr(model.layers[-1], "units", 2)  # noqa: E731
    refused(
        lambda: METHODS[method](model, X, T),
        RuntimeError,
        f"Sequential.{method}: layers must stay as they are while a call begins, got a change from "
        "another thread. Call again.",
    )
