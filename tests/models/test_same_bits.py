"""The same bits, however fit is cut into calls and whoever is told of it."""

import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from in_turn import every_dtype_name
from numpy.testing import assert_allclose, assert_array_equal
from small_models import close, data, every_loss, small, trained

from fastnet import models
from fastnet.layers import (
    Dense,
)
from fastnet.models import History, Sequential
from fastnet.optimizer import SGD


@every_dtype_name
@every_loss
def test_the_same_seed_gives_the_same_bits(loss, dtype):
    first, second = trained(loss, dtype), trained(loss, dtype)
    assert_array_equal(first.parameter_vector, second.parameter_vector)
    ours, theirs = (model.history.to_dict() for model in (first, second))
    assert ours | {"seconds": None} == theirs | {"seconds": None}
    assert not np.array_equal(first.parameter_vector, trained(loss, dtype, 5).parameter_vector)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("cut", "calls"),
    [
        (1, 7 * 7),  # a batch a call
        (3 * 1.2e5, 7 * 3),  # three, three and one
        (14 * 1.2e5, 4),  # two epochs a call, the last alone
        (1e12, 1),
    ],
)
def test_the_same_bits_however_the_work_is_cut(monkeypatch, cut, calls, shuffle):
    expected = trained(validation=True, shuffle=shuffle)  # an epoch a call
    counted = []

    def count(*arguments):
        if arguments[5].size:  # else nothing but compiling is asked for
            counted.append(arguments)
        real(*arguments)

    real = models.network.train_epochs
    monkeypatch.setattr(models.network, "train_epochs", count)
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    model = trained(shuffle=shuffle)
    assert len(counted) == calls
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    assert_allclose(model.history.loss, expected.history.loss, rtol=1e-14)
    assert model.history.accuracy == expected.history.accuracy
    assert model._rng.bit_generator.state == expected._rng.bit_generator.state
    # Validation, which ends a call at every epoch, changes nothing.
    again = trained(validation=True, shuffle=shuffle)
    assert_array_equal(again.parameter_vector, expected.parameter_vector)
    assert again.history.val_loss == expected.history.val_loss


def test_an_epoch_in_a_call_takes_no_more_memory_than_a_few():
    # One batch an epoch, and next to no arithmetic: a call could do hundreds of epochs.
    x, t = np.ones((40_000, 1), np.uint8), np.zeros(40_000, int)
    model = Sequential([Dense(2)], seed=0)
    tracemalloc.start()
    model.fit(x, t, 150, len(x), verbose=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_fit_again_goes_on():
    x, t = data()
    once, twice = small(), small()
    whole = once.fit(x, t, 5, 8, verbose=0)
    parts = twice.fit(x, t, 2, 8, verbose=0), twice.fit(x, t, 3, 8, verbose=0)
    assert_array_equal(once.parameter_vector, twice.parameter_vector)
    assert whole.loss == parts[0].loss + parts[1].loss
    assert [len(part.loss) for part in parts] == [2, 3]
    # The learning rate is read anew.
    optimizer = SGD(0.1)
    twice.fit(x, t, 1, 8, optimizer, verbose=0)
    optimizer.lr = 0
    before = twice.parameter_vector.copy()
    twice.fit(x, t, 1, 8, optimizer, verbose=0)
    assert_array_equal(twice.parameter_vector, before)


def test_the_default_optimizer_is_sgd_with_its_default():
    x, t = data()
    model, expected = small(), small()
    model.fit(x, t, verbose=0)
    expected.fit(x, t, optimizer=SGD(lr=0.01), verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_without_shuffle_the_order_is_the_datas():
    x, t = data(20)
    model, expected = small(), small()
    model.fit(x, t, 2, 8, SGD(0.1), shuffle=False, verbose=0)
    for _ in range(2):
        for part in (slice(0, 8), slice(8, 16), slice(16, 20)):  # the last is smaller
            expected.fit(x[part], t[part], 1, 8, SGD(0.1), shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model.fit(x, t, 1, 8, SGD(0.1), verbose=0)
    expected.fit(x, t, 1, 8, SGD(0.1), shuffle=False, verbose=0)
    assert not np.array_equal(model.parameter_vector, expected.parameter_vector)


@pytest.mark.parametrize("batch_size", [20, 21, 10**12, np.int64(64)])
def test_a_batch_larger_than_the_data_is_all_of_it(batch_size):
    x, t = data(20)
    model, expected = small(), small()
    seen = model.fit(x, t, 2, batch_size, SGD(0.1), shuffle=False, verbose=0)
    for i in range(2):
        close(seen.loss[i], expected.evaluate(x, t)["loss"], "float32")
        assert seen.accuracy[i] == expected.evaluate(x, t)["accuracy"]
        expected.fit(x, t, 1, 20, SGD(0.1), shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_history():
    x, t = data()
    held_out = data(15, seed=2)
    model = small()
    seen = model.fit(x, t, 4, 8, SGD(0.3), verbose=0)
    assert type(seen) is History and vars(seen).keys() == {"loss", "accuracy", "seconds"}
    model = small()
    seen = model.fit(x, t, 4, 8, SGD(0.3), validation_data=list(held_out), verbose=0)
    assert vars(seen).keys() == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    for values in vars(seen).values():
        assert len(values) == 4 and all(type(value) is float for value in values)
    assert model.evaluate(*held_out) == {
        "loss": seen.val_loss[-1],
        "accuracy": seen.val_accuracy[-1],
    }
    assert all(later < earlier for earlier, later in pairwise(seen.loss))


def test_compiling_is_no_part_of_the_seconds(monkeypatch):
    def compiled(*arguments):
        if not calls:
            time.sleep(0.3)
        calls.append(arguments)
        real(*arguments)

    real, calls = models.network.train_epochs, []
    monkeypatch.setattr(models.network, "train_epochs", compiled)
    x, t = data()
    for held_out in (None, (x, t)):
        calls.clear()
        model, expected = small(), small()
        seconds = model.fit(x, t, 2, 8, SGD(0.1), held_out, verbose=0).seconds
        assert 0 < sum(seconds) < 0.3
        expected.fit(x, t, 2, 8, SGD(0.1), verbose=0)
        assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_orders_are_int64_everywhere(monkeypatch):
    """NumPy 1.26 on Windows makes 32 bits of what it is not told about."""

    def arange(*arguments, dtype=np.int32):
        return real_arange(*arguments, dtype=dtype)

    def spy(real):
        def wrapped(*arguments):
            dtypes.update(a.dtype for a in arguments if getattr(a, "dtype", x.dtype).kind == "i")
            real(*arguments)

        return wrapped

    x, t = data()
    real_arange, dtypes = np.arange, set()
    monkeypatch.setattr(models.network, "train_epochs", spy(models.network.train_epochs))
    monkeypatch.setattr(models.sequential, "predict_rows", spy(models.sequential.predict_rows))
    monkeypatch.setattr(np, "arange", arange)
    model = small()
    model.fit(x, t, 2, 8, validation_data=(x, t), verbose=0)
    model.fit(x, t, 2, 8, shuffle=False, verbose=0)
    model.predict(x)
    assert dtypes == {np.dtype(np.int64)}
