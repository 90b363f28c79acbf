"""Batches from iterables and functions train as arrays do."""

import itertools

import numpy as np
import pytest
from batched import SIZE, N, cut, net
from in_turn import with_each
from numpy.testing import assert_array_equal
from small_models import data, refused

from fastnet.callbacks import LambdaCallback
from fastnet.layers import BatchNormalization, Dense, Dropout
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


class Loader:
    """As a data loader is: an object with __iter__ and __len__."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return len(self.batches)


class Indexed:
    """As a Sequence is: __getitem__ and __len__ alone."""

    def __init__(self, batches):
        self.batches = batches

    def __getitem__(self, i):
        return self.batches[i]

    def __len__(self):
        return len(self.batches)


SOURCES = {
    "list": lambda batches: batches,
    "loader": Loader,
    "indexed": Indexed,
    "function": lambda batches: lambda: iter(batches),
    "of the epoch": lambda batches: lambda epoch: [batches, batches, batches][epoch],
    "lists": lambda batches: [list(batch) for batch in batches],
}


@pytest.mark.parametrize("source", SOURCES)
def test_batches_train_as_arrays_do(source):
    x, t = data(N)
    arrays, batches = net(), net()
    wanted = arrays.fit(x, t, 3, SIZE, Adam(), shuffle=False, verbose=0)
    seen = batches.fit(SOURCES[source](cut(x, t)), epochs=3, optimizer=Adam(), verbose=0)
    assert_array_equal(batches.parameter_vector, arrays.parameter_vector)
    assert seen.accuracy == wanted.accuracy
    np.testing.assert_allclose(seen.loss, wanted.loss, rtol=1e-14)  # sums in parts


def test_a_sample_alone_behind_larger_batches():
    """What trains on one sample an update is for those who have no others: its bits are its own."""
    x, t = data(2 * SIZE + 1)
    arrays, batches = net(), net()
    arrays.fit(x, t, 2, SIZE, shuffle=False, verbose=0)
    batches.fit(cut(x, t), epochs=2, verbose=0)
    assert_array_equal(batches.parameter_vector, arrays.parameter_vector)
    arrays.fit(x, t, 2, 1, shuffle=False, verbose=0)
    batches.fit([(x[i : i + 1], t[i : i + 1]) for i in range(len(x))], epochs=2, verbose=0)
    assert_array_equal(batches.parameter_vector, arrays.parameter_vector)


CASES = {
    "plain": (lambda: [], {}),
    "dropout": (lambda: [Dropout(0.5)], {}),
    "statistics": (lambda: [BatchNormalization()], {}),
    "penalty": (lambda: [], {"l2": 0.1}),
    "float64": (lambda: [], {"dtype": "float64"}),
    "probabilities": (lambda: [], {"loss": "softmax_cross_entropy"}),
    "numbers": (lambda: [], {"loss": "mean_squared_error"}),
}


@with_each("case", CASES)
@with_each("weighed", [False, True])
@with_each("optimizer", [SGD, Adam])
def test_all_kinds_of_models_and_targets(case, weighed, optimizer):
    layers, named = CASES[case]
    rng = np.random.default_rng(0)
    x, t = data(N)
    if case in ("probabilities", "numbers"):
        t = rng.dirichlet([1, 1, 1], N)
    weight = rng.random(N) if weighed else None
    given = (x, t) if weight is None else (x, t, weight)
    arrays, batches = net(*layers(), **named), net(*layers(), **named)
    wanted = arrays.fit(x, t, 2, SIZE, optimizer(), shuffle=False, sample_weight=weight, verbose=0)
    seen = batches.fit(cut(*given), epochs=2, optimizer=optimizer(), verbose=0)
    assert_array_equal(batches.parameter_vector, arrays.parameter_vector)
    for name, values in wanted.to_dict().items():
        if name != "seconds":
            np.testing.assert_allclose(getattr(seen, name), values, rtol=1e-14)
    assert batches.evaluate(cut(*given)) == pytest.approx(
        arrays.evaluate(x, t, sample_weight=weight), rel=1e-6
    )


def test_class_weights_of_batches():
    x, t = data(N)
    arrays, batches = net(), net()
    weights = {0: 2.0, 1: 0.5}
    arrays.fit(x, t, 2, SIZE, shuffle=False, class_weight=weights, verbose=0)
    batches.fit(cut(x, t), epochs=2, class_weight=weights, verbose=0)
    assert_array_equal(batches.parameter_vector, arrays.parameter_vector)


def mine(t, y):
    return float(np.abs(np.eye(3)[t] - y).max())


def test_metrics_of_batches_are_those_before_their_updates():
    x, t = data(N)
    model = net()
    model.build(5)
    names = ["f1", "auc", mine]
    wanted = model.evaluate(x, t, names)
    seen = model.fit(cut(x, t), optimizer=SGD(1e-30), metrics=names, verbose=0)
    for name in ("f1", "auc", "mine"):
        assert getattr(seen, name) == [pytest.approx(wanted[name], rel=1e-6)]
    assert model.evaluate(cut(x, t), metrics=names) == pytest.approx(wanted, rel=1e-6)


def test_metrics_of_numbers_in_batches():
    x, _ = data(N)
    t = np.random.default_rng(1).standard_normal((N, 2)) + 100
    model = Sequential([Dense(2, input_shape=5)], loss="mean_squared_error", seed=0)
    names = ["r2", "mae", "rmse"]
    wanted = model.evaluate(x, t, names)
    assert model.evaluate(cut(x, t), metrics=names) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("source", ["list", "function"])
def test_validation_data_in_batches(source):
    x, t = data(N)
    arrays, batches = net(), net()
    wanted = arrays.fit(x, t, 2, SIZE, validation_data=(x, t), metrics=["f1"], verbose=0)
    given = SOURCES[source](cut(x, t))
    seen = batches.fit(x, t, 2, SIZE, validation_data=given, metrics=["f1"], verbose=0)
    assert seen.val_f1 == wanted.val_f1
    np.testing.assert_allclose(seen.val_loss, wanted.val_loss, rtol=1e-6)


def test_steps_per_epoch_go_on_where_the_last_epoch_ended():
    x, t = data(N)
    for given in (cut(x, t), itertools.cycle(cut(x, t))):
        model, expected = net(), net()
        seen = model.fit(given, epochs=3, steps_per_epoch=2, verbose=0)
        expected.fit(x, t, 2, SIZE, shuffle=False, verbose=0)  # six batches
        assert_array_equal(model.parameter_vector, expected.parameter_vector)
        assert len(seen.loss) == 3
    for given in (cut(x, t), lambda: iter(cut(x, t))):  # an epoch ends where the batches do
        model = net()
        assert len(model.fit(given, epochs=2, steps_per_epoch=3, verbose=0).loss) == 2
        assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model = net()
    model.fit(x, t, 3, SIZE, shuffle=False, steps_per_epoch=2, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model = net()
    seen = model.fit(x, t, 1, SIZE, shuffle=False, steps_per_epoch=6, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model = net()
    model.fit(x, t, 3, SIZE, steps_per_epoch=2, verbose=0)
    expected = net()
    expected.fit(x, t, 2, SIZE, verbose=0)  # the same two orders
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_weighed_samples_by_steps():
    x, t = data(N)
    weight = np.linspace(0, 1, N)
    model, expected = net(), net()
    seen = model.fit(
        x, t, 3, SIZE, shuffle=False, steps_per_epoch=1, sample_weight=weight, verbose=0
    )
    wanted = expected.fit(cut(x, t, weight), epochs=3, steps_per_epoch=1, verbose=0)
    assert seen.loss == pytest.approx(wanted.loss, rel=1e-14)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_a_generator_that_runs_out_ends_the_fit_with_a_warning():
    x, t = data(N)
    with pytest.warns(UserWarning, match="^Sequential.fit: x ran out of batches, 3 epochs before"):
        seen = net().fit(iter(cut(x, t)), epochs=5, steps_per_epoch=2, verbose=0)
    assert len(seen.loss) == 2
    with pytest.warns(UserWarning, match="ran out of batches, 1 epoch before the end[.]$"):
        net().fit(iter(cut(x, t)), epochs=3, steps_per_epoch=2, verbose=0)
    assert len(net().fit(iter(cut(x, t)), verbose=0).loss) == 1
    assert len(net().fit(iter(cut(x, t)), epochs=1, steps_per_epoch=3, verbose=0).loss) == 1


def test_the_last_batch_is_dropped():
    x, t = data(N)
    model, expected = net(), net()
    model.fit(x, t, 2, SIZE, shuffle=False, drop_last=True, verbose=0)
    expected.fit(x[:16], t[:16], 2, SIZE, shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    refused(
        lambda: net().fit(x, t, 2, 32, drop_last=True),
        ValueError,
        "Sequential.fit: batch_size must be at most 20, the number of samples, with drop_last, "
        "got 32. Give a smaller one, or leave drop_last out.",
    )


def test_a_batch_too_small_for_its_layers_is_left_out():
    x, t = data(N)
    model, expected = net(BatchNormalization()), net(BatchNormalization())
    model.fit([(x[:8], t[:8]), (x[8:9], t[8:9]), (x[9:], t[9:])], verbose=0)
    expected.fit([(x[:8], t[:8]), (x[9:], t[9:])], verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_callbacks_of_batches():
    x, t = data(N)
    seen = []
    callbacks = [LambdaCallback(on_batch_end=lambda batch, logs: seen.append((batch, logs)))]
    model = net()
    history = model.fit(cut(x, t), epochs=2, callbacks=callbacks, verbose=0)
    assert [batch for batch, _ in seen] == [0, 1, 2] * 2
    assert seen[-1][1] == {"loss": history.loss[1], "accuracy": history.accuracy[1]}

    def stop(batch, logs):
        model.stop_training = batch == 1

    model, expected = net(), net()
    model.fit(cut(x, t), epochs=2, callbacks=[LambdaCallback(on_batch_end=stop)], verbose=0)
    expected.fit(cut(x, t)[:2], verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_ctrl_c_within_batches_keeps_what_was_learnt():
    x, t = data(N)

    def batches():
        yield from cut(x, t)[:2]
        raise KeyboardInterrupt

    model, expected = net(), net()
    seen = model.fit(batches, epochs=3, verbose=0)
    expected.fit(cut(x, t)[:2], verbose=0)
    assert seen.interrupted and seen.loss == []
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
