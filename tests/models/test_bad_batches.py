"""Batches that do not fit, end early or hold NaN are told, and what was learnt is kept."""

import numpy as np
import pytest
from batched import N, cut, net
from in_turn import with_each
from numpy.testing import assert_array_equal
from small_models import data, refused, small, state

from fastnet.callbacks import LambdaCallback, TerminateOnNaN
from fastnet.layers import BatchNormalization


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


@with_each("case", REFUSED)
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


@pytest.mark.parametrize("shuffle, share", [(False, 0), (np.False_, np.float32(0))])
def test_a_no_of_numpy_is_one_beside_batches_too(shuffle, share):
    x, t = data(N)
    net().fit(cut(x, t), shuffle=shuffle, validation_split=share, verbose=0)
