"""train_on_batch and test_on_batch: one update of fit, one loss of evaluate."""

import copy
import pickle
import weakref

import numpy as np
import pytest
from batched import N, net
from numpy.testing import assert_array_equal
from small_models import data, refused

from fastnet.layers import Dropout
from fastnet.optimizer import SGD, Adam


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


def test_what_its_program_points_to_lives_on():
    """With a frozen layer each update makes a network, with a table and ranges of its own."""
    (x, t), model = data(N), net()
    model.layers[0].trainable = False
    model.train_on_batch(x, t, optimizer=Adam())
    steps = model._stepped[1]
    arrays = [weakref.ref(steps.network.table), weakref.ref(steps.network.ranges)]
    assert steps.record["layers"] == arrays[0]().ctypes.data
    steps.go_on_with(model._network.freezing())
    assert all(array() is not None for array in arrays)


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


def test_weights_that_are_nan_are_named_by_a_single_update_too():
    x, t = data(N)
    model = net()
    model.train_on_batch(x, t)
    model.layers[0].W[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^Sequential.train_on_batch: layers\[0\].W must be fin"):
        model.train_on_batch(x, t)
    assert model.optimizer.iter == 1
