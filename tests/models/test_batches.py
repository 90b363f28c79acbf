"""Training and evaluation on samples that come in batches: the bits of the same in arrays."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_models import data, refused, small, state

from fastnet.callbacks import LambdaCallback, TerminateOnNaN
from fastnet.layers import BatchNormalization, Dense, Dropout
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

N, SIZE = 20, 8


def cut(*arrays, size=SIZE):
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, N, size)]


def net(*layers, **named):
    return Sequential([Dense(7, activation="tanh"), *layers, Dense(3)], seed=0, **named)


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


CASES = {
    "plain": (lambda: [], {}),
    "dropout": (lambda: [Dropout(0.5)], {}),
    "statistics": (lambda: [BatchNormalization()], {}),
    "penalty": (lambda: [], {"l2": 0.1}),
    "float64": (lambda: [], {"dtype": "float64"}),
    "probabilities": (lambda: [], {"loss": "softmax_cross_entropy"}),
    "numbers": (lambda: [], {"loss": "mean_squared_error"}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
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


def test_nan_in_a_batch_is_named():
    x, t = data(N)
    x[9, 1] = np.nan
    model = net()
    with pytest.raises(FloatingPointError, match=r"x must be finite, got x\[1, 1\]=nan"):
        model.fit(cut(x, t), verbose=0)
    terminate = TerminateOnNaN()
    assert model.fit(cut(x, t), callbacks=[terminate], verbose=0).loss == []
    assert terminate.stopped_epoch == 0 and np.isfinite(model.parameter_vector).all()


X, T = data(N)
PLACE = "Sequential.fit: "
REFUSED = {
    "no t": (
        lambda m: m.fit(X),
        TypeError,
        "t must be given with x, got a ndarray alone. Give targets t, or for x an iterable of "
        "batches (x, t).",
    ),
    "t beside batches": (
        lambda m: m.fit(iter(cut(X, T)), T),
        ValueError,
        "t must be left out where x gives batches, got a ndarray. Let x give (x, t), or "
        "(x, t, sample_weight).",
    ),
    "sample_weight": (
        lambda m: m.fit(cut(X, T), sample_weight=np.ones(N)),
        ValueError,
        "sample_weight must be left out where x gives batches, got a ndarray. Let x give (x, t), "
        "or (x, t, sample_weight).",
    ),
    "batch_size": (
        lambda m: m.fit(cut(X, T), batch_size=8),
        ValueError,
        "batch_size must be left out where x gives batches, got 8. Let x give batches of that size "
        "and order.",
    ),
    "shuffle": (
        lambda m: m.fit(cut(X, T), shuffle=True),
        ValueError,
        "shuffle must be left out where x gives batches, got True. Let x give batches of that size "
        "and order.",
    ),
    "split": (
        lambda m: m.fit(cut(X, T), validation_split=0.5),
        ValueError,
        "validation_split must be left out where x gives batches, got a float. Let x give (x, t), "
        "or (x, t, sample_weight).",
    ),
    "number": (
        lambda m: m.fit(3),
        TypeError,
        "x must be an array, an iterable of batches or a function that returns one, got a int. "
        "Give an array with t, or batches (x, t).",
    ),
    "no batch": (
        lambda m: m.fit([]),
        ValueError,
        "x must give a batch, got a list that gives none. Give batches (x, t).",
    ),
    "no pairs": (
        lambda m: m.fit(iter(X)),
        TypeError,
        "x must give batches (x, t) or (x, t, sample_weight), got a ndarray. Give pairs; samples "
        "in one array need t beside them.",
    ),
    "four": (
        lambda m: m.fit([(X, T, T, T)]),
        TypeError,
        "x must give batches (x, t) or (x, t, sample_weight), got a tuple of 4. Give pairs; "
        "samples in one array need t beside them.",
    ),
    "a generator for two epochs": (
        lambda m: m.fit((batch for batch in cut(X, T)), epochs=2),
        ValueError,
        "x must begin anew for each of 2 epochs, got a generator, which ends once. Give a "
        "function that returns it, a list, or steps_per_epoch.",
    ),
    "a function of nothing": (
        lambda m: m.fit(lambda: None),
        TypeError,
        "x must return an iterable of batches, got a NoneType. Write a function that yields "
        "(x, t).",
    ),
    "a generator to validate": (
        lambda m: m.fit(X, T, validation_data=iter(cut(X, T))),
        ValueError,
        "validation_data must begin anew for each epoch, got a list_iterator, which ends once. "
        "Give a function that returns it, or a list.",
    ),
    "steps": (
        lambda m: m.fit(X, T, steps_per_epoch=0),
        ValueError,
        "steps_per_epoch must be at least 1, got 0. Give a positive int.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_before_anything_changes(case):
    call, error, text = REFUSED[case]
    model = small()
    model.build(5)
    before = state(model)
    refused(lambda: call(model), error, PLACE + text)
    assert state(model) == before


def test_a_later_batch_that_does_not_fit_is_named():
    x, t = data(N)
    model, expected = net(), net()
    refused(
        lambda: model.fit([(x[:8], t[:8]), (x[8:, :3], t[8:])], verbose=0),
        ValueError,
        "Sequential.fit: batch 1 of epoch 0: x must have 5 features, got 3. Give x the width that "
        "the first layer takes.",
    )
    expected.fit(x[:8], t[:8], 1, 8, shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize("weighed", [False, True])
def test_train_on_batch_does_one_update_of_fit(optimizer, weighed):
    x, t = data(N)
    weight = np.linspace(0, 1, N) if weighed else None
    one, other = net(Dropout(0.5)), net(Dropout(0.5))
    for step in range(6):
        if step == 3:
            one.layers[0].trainable = other.layers[0].trainable = False
        if step == 4:
            one.optimizer.lr = other.optimizer.lr = 0.5
        given = optimizer() if step == 0 else None
        found = one.train_on_batch(x, t, weight, optimizer=given, return_dict=True)
        given = optimizer() if step == 0 else None
        seen = other.fit(x, t, 1, N, given, shuffle=False, sample_weight=weight, verbose=0)
        assert found == {"loss": seen.loss[0], "accuracy": seen.accuracy[0]}
        assert_array_equal(one.parameter_vector, other.parameter_vector)
        if step == 2:
            one.fit(x, t, 1, 8, verbose=0)
            other.fit(x, t, 1, 8, verbose=0)
    assert one.optimizer.iter == other.optimizer.iter
    assert type(one.train_on_batch(x, t)) is float
    copied = pickle.loads(pickle.dumps(one))
    again = copy.deepcopy(one)
    assert one.train_on_batch(x, t) == copied.train_on_batch(x, t) == again.train_on_batch(x, t)
    assert_array_equal(copied.parameter_vector, one.parameter_vector)


def test_train_on_batch_goes_on_with_what_it_made_for_the_last_update():
    x, t = data(N)
    model = net()
    model.train_on_batch(x, t, optimizer=Adam())
    steps = model._stepped[1]
    model.train_on_batch(x, t)
    assert model._stepped[1] is steps
    model.train_on_batch(x, t, optimizer=Adam())
    assert model._stepped[1] is not steps


def test_train_on_batch_keeps_finite_weights():
    x, t = data(N)
    model = net()
    model.train_on_batch(x, t)
    before = model.parameter_vector.copy()
    x[2, 3] = np.nan
    refused(
        lambda: model.train_on_batch(x, t),
        FloatingPointError,
        "Sequential.train_on_batch: x must be finite, got x[2, 3]=nan. The model keeps its last "
        "finite weights. Leave the sample out, or put a number in its place.",
    )
    assert_array_equal(model.parameter_vector, before)


def test_test_on_batch_is_the_loss_that_evaluate_gives():
    x, t = data(N)
    model = net()
    assert model.test_on_batch(x, t) == model.evaluate(x, t)["loss"]
    assert model.test_on_batch(x, t, return_dict=True) == model.evaluate(x, t)


def test_drop_last_is_refused_where_x_gives_batches():
    x, t = data(N)
    model = net()
    with pytest.raises(ValueError, match=r"^Sequential.fit: drop_last must be False where x gives"):
        model.fit(cut(x, t), drop_last=True, verbose=0)
    assert model.optimizer is None


def test_an_epoch_of_none_but_batches_that_are_too_small_is_an_error():
    x, t = data(N)
    model = net(BatchNormalization())
    whole, single = [(x, t)], [(x[:1], t[:1])]
    with pytest.raises(ValueError, match=r"^Sequential.fit: epoch 1: x must give a batch of at l"):
        model.fit(lambda epoch: single if epoch else whole, epochs=3, verbose=0)
    assert model.optimizer.iter == 1


def test_no_batch_is_taken_after_training_was_ended_in_an_epoch():
    x, t = data(N)
    model, given = net(), iter(cut(x, t) * 2)

    def stop(batch, logs):
        model.stop_training = True

    model.fit(
        given, epochs=3, steps_per_epoch=2, callbacks=[LambdaCallback(on_batch_end=stop)], verbose=0
    )
    assert len(list(given)) == 5


def test_the_warning_of_an_iterator_that_ended_names_the_line_that_calls_fit():
    x, t = data(N)
    with pytest.warns(UserWarning, match="ran out of batches") as seen:
        net().fit(iter(cut(x, t)), epochs=3, steps_per_epoch=3, verbose=0)
    assert seen[0].filename == __file__


def test_a_batch_that_does_not_fit_leaves_the_updates_before_it():
    x, t = data(N)
    model, other = net(), net()
    good = cut(x, t)[:2]
    with pytest.raises(ValueError, match=r"^Sequential.fit: batch 2 of epoch 0: x must have"):
        model.fit([*good, (x[:, :3], t)], verbose=0)
    other.fit(good, verbose=0)
    assert_array_equal(model.parameter_vector, other.parameter_vector)
    model.fit(good, verbose=0)
    other.fit(good, verbose=0)
    assert_array_equal(model.parameter_vector, other.parameter_vector)


def test_a_share_that_is_nan_is_refused():
    x, t = data(N)
    with pytest.raises(ValueError, match=r"^Sequential.fit: validation_split must leave a sample"):
        net().fit(x, t, validation_split=np.nan, verbose=0)


def test_weights_that_are_nan_are_named_by_a_single_update_too():
    x, t = data(N)
    model = net()
    model.train_on_batch(x, t)
    model.layers[0].W[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^Sequential.train_on_batch: layers\[0\].W must be fin"):
        model.train_on_batch(x, t)
    assert model.optimizer.iter == 1
