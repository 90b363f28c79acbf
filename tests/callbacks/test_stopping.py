"""Early stopping and lower rates decide as Keras does."""

import numpy as np
import pytest
from called_back import data, small, state
from numpy.testing import assert_array_equal

from fastnet.callbacks import (
    Callback,
    EarlyStopping,
    ReduceLROnPlateau,
)
from fastnet.layers import BatchNormalization, Branches, Dense
from fastnet.models import Sequential
from fastnet.optimizer import SGD


def test_early_stopping_restores_the_best_weights_also_after_ctrl_c():
    x, t = data()

    class Interrupt(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch == 4:
                raise KeyboardInterrupt

    values = iter([3.0, 2.0, 1.0, 2.0, 3.0])

    def invent(epoch, logs):
        logs["loss"] = next(values)

    kept = {}

    def keep(epoch, logs):
        kept[epoch] = model.parameter_vector.copy()

    model = small(BatchNormalization())
    stop = EarlyStopping("loss", patience=9, restore_best_weights=True)
    history = model.fit(x, t, 9, callbacks=[keep, invent, stop, Interrupt()], verbose=0)
    assert history.interrupted and stop.best_epoch == 2
    assert_array_equal(model.parameter_vector, kept[2])


class Recorded:
    """A model that callbacks decide about, and Keras' too."""

    class Optimizer:
        def __init__(self):
            self.lr = self.learning_rate = 1.0

    def __init__(self):
        self.stop_training, self.optimizer, self.weights = False, self.Optimizer(), []

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def series(seed, n=60):
    """Losses that fall, stay, rise, with ties and steps about as large as min_delta."""
    rng = np.random.default_rng(seed)
    return (2 + np.round(np.cumsum(rng.standard_normal(n)) / 4, 1)).tolist()


ARGUMENTS = [
    {},
    {"patience": 3},
    {"patience": 2, "min_delta": 0.25},  # no tie: Keras compares in float32
    {"patience": 4, "mode": "max"},
]


@pytest.fixture(scope="module")
def of_keras():
    """Return keras.callbacks."""
    pytest.importorskip("torch", reason="Keras computes on it")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        return pytest.importorskip("keras", reason="compared with Keras' own").callbacks


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("given", ARGUMENTS, ids=str)
def test_early_stopping_decides_as_keras_does(of_keras, seed, given):
    Keras = of_keras.EarlyStopping
    for more in ({}, {"baseline": 1.5}, {"start_from_epoch": 5}, {"restore_best_weights": True}):
        found = []
        for kind in (EarlyStopping, Keras):
            callback, model = kind("loss", **given, **more), Recorded()
            callback.set_model(model) if kind is Keras else setattr(callback, "model", model)
            callback.on_train_begin({})
            for epoch, value in enumerate(series(seed)):
                callback.on_epoch_end(epoch, {"loss": value})
                if model.stop_training:
                    break
            callback.on_train_end({})
            found.append((epoch, callback.stopped_epoch, callback.best, callback.best_epoch))
        assert found[0] == found[1], (given, more)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("given", ARGUMENTS, ids=str)
def test_reduce_lr_on_plateau_decides_as_keras_does(of_keras, seed, given):
    Keras = of_keras.ReduceLROnPlateau
    for more in ({}, {"cooldown": 3}, {"min_lr": 0.01, "factor": 0.5}):
        rates = []
        for kind, name in ((ReduceLROnPlateau, "lr"), (Keras, "learning_rate")):
            callback, model = kind("loss", **given, **more), Recorded()
            callback.set_model(model) if kind is Keras else setattr(callback, "model", model)
            callback.on_train_begin({})
            seen = []
            for epoch, value in enumerate(series(seed)):
                callback.on_epoch_end(epoch, {"loss": value})
                seen.append(getattr(model.optimizer, name))
            rates.append(seen)
        np.testing.assert_allclose(*rates, rtol=1e-12)


@pytest.mark.parametrize(("mode", "value"), [("max", 0.5), ("min", 2.0)])
def test_a_number_is_better_than_a_first_one_of_nan(mode, value):
    """Keras holds on to NaN; an epoch of NaN is no improvement, neither there nor here."""
    stop, model = EarlyStopping("f1", mode=mode, patience=2), Recorded()
    stop.model = model
    for epoch, seen in enumerate([np.nan, np.nan, value, np.nan]):
        stop.on_epoch_end(epoch, {"f1": seen})
    assert (stop.best, stop.best_epoch, model.stop_training) == (value, 2, False)
    stop.on_epoch_end(4, {"f1": np.nan})
    assert model.stop_training and stop.best == value


def test_reduce_lr_on_plateau_trains_with_the_lower_rate():
    x, t = data()
    model, expected = small(), small()
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=9.0)
    history = model.fit(x, t, 4, 8, SGD(0.4), callbacks=[reduce], verbose=0)
    assert history.lr == [0.4, 0.4, 0.2, 0.1]
    for rate in history.lr:
        expected.fit(x, t, 1, 8, SGD(rate), verbose=0)
    assert state(model) == state(expected)


@pytest.mark.parametrize("monitor", ["val_size_loss", "size_r2", "val_kind_accuracy"])
def test_auto_knows_the_numbers_of_a_head(monitor):
    x, t = data()
    heads = Branches({"kind": [Dense(3)], "size": [Dense(1)]})
    losses = {"kind": "softmax_cross_entropy", "size": "mean_squared_error"}
    model = Sequential([heads], loss=losses, seed=0)
    given = {"metrics": {"kind": ["accuracy"], "size": ["r2"]}, "validation_split": 0.5}
    stop = EarlyStopping(monitor, patience=1)
    targets = {"kind": t, "size": t / 2}
    history = model.fit(x, targets, 4, callbacks=[stop], verbose=0, **given)
    seen = getattr(history, monitor)
    assert stop.best == (min if monitor.endswith("loss") else max)(seen)


def test_auto_does_not_know_a_function_of_your_own():
    x, t = data()

    def mine(t, y):
        return 0.5

    text = (
        "EarlyStopping: mode must be 'min' or 'max' for a monitor that is no name of "
        "fastnet.metrics, got 'auto' for 'mine'. Give mode='max' where more is better."
    )
    with pytest.raises(ValueError) as caught:
        small().fit(x, t, metrics=[mine], callbacks=[EarlyStopping("mine")], verbose=0)
    assert caught.value.args[0] == text
