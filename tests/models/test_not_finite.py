"""A loss that is no longer finite stops fit, and says where."""

import contextlib
import copy

import numpy as np
import pytest
from in_turn import every_dtype_name
from numpy.testing import assert_allclose, assert_array_equal
from small_models import (
    SQUARED_ERROR,
    T,
    X,
    data,
    drawn,
    every_loss,
    refused,
    small,
    stops,
    untouched,
)

from fastnet import models
from fastnet.layers import (
    Affine,
    BatchNormalization,
    Dense,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD

cuts = pytest.mark.parametrize("cut", [1, 3 * 1.2e5, 1e12])


@cuts
@every_loss
@every_dtype_name
def test_nan_stops_before_its_update(monkeypatch, cut, loss, dtype):
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    x, t = data(40, loss=loss, dtype=dtype)
    model, expected = small(loss, dtype), small(loss, dtype)
    x[19, 2] = np.nan  # the third batch
    what = "weights" if cut > 1 else "a loss"
    stops(model, x, t, 4, 8, lr=0.1, what=what)
    expected.fit(x[:16], t[:16], 1, 8, SGD(0.1), shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    # NaN in the first batch: nothing was learnt.
    before = model.parameter_vector.copy()
    stops(model, x[16:], t[16:], 4, 8, lr=0.1, what="a loss")
    assert_array_equal(model.parameter_vector, before)
    # It is no error elsewhere.
    assert np.isnan(model.predict(x)).any(axis=1).tolist() == [i == 19 for i in range(40)]
    assert np.isnan(model.evaluate(x, t)["loss"]) and np.isnan(model.forward(x, t))
    seen = model.fit(x[:16], t[:16], 1, validation_data=(x, t), verbose=0)
    assert np.isnan(seen.val_loss[0])


@cuts
@pytest.mark.parametrize("late", [0, 2])
def test_statistics_of_a_batch_whose_loss_is_not_finite_are_not_kept(monkeypatch, cut, late):
    """Outputs and weights are finite: the errors' squares alone are too large."""
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    x, t = data(40, loss=SQUARED_ERROR)
    t[8 * late] = 1e30

    def model():
        return Sequential([BatchNormalization(), Dense(t.shape[1])], SQUARED_ERROR, seed=0)

    found, expected = model(), model()
    for each in (found, expected):
        each.fit(x[32:], t[32:], 2, 8, SGD(0.1), shuffle=False, verbose=0)
    stops(found, x, t, 3, 8, lr=0.1, what="a loss|weights")
    if late:
        expected.fit(x[:16], t[:16], 1, 8, SGD(0.1), shuffle=False, verbose=0)
    for name in ("running_mean", "running_var"):
        ours, wanted = (getattr(each.layers[0], name) for each in (found, expected))
        assert_array_equal(ours, wanted)
    assert_array_equal(found.parameter_vector, expected.parameter_vector)


def test_nan_in_the_targets_stops_too():
    x, t = data(40, loss=SQUARED_ERROR)
    t[3, 1] = np.nan
    stops(small(SQUARED_ERROR), x, t, lr=0.1, what="a loss")


@cuts
@every_loss
@every_dtype_name
def test_an_explosion_keeps_the_last_finite_weights(monkeypatch, cut, loss, dtype):
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    x, t = data(40, loss=loss, dtype=dtype)
    lr = 1e18 if dtype == "float32" else 1e150
    if loss == SQUARED_ERROR:
        lr = 1e3

    def build():
        stack = [Dense(6, "relu", 5), Dense(4, "identity"), Dense(3)]
        return Sequential(stack, loss, dtype, seed=0)

    model = build()
    stops(model, x, t, 50, 8, lr=lr, what="weights|a loss")
    # The last finite step, found by fitting ever more batches one by one.
    expected, learnt = build(), 0
    with contextlib.suppress(FloatingPointError):
        for i in range(0, 50 * 40, 8):
            part = slice(i % 40, i % 40 + 8)
            expected.fit(x[part], t[part], 1, 8, SGD(lr), shuffle=False, verbose=0)
            learnt += 1
    assert 0 < learnt < 250
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    assert np.abs(model.parameter_vector).max() > 10


@cuts
def test_weights_that_overflow_while_the_loss_stays_finite(monkeypatch, cut):
    # An infinite weight saturates the sigmoid, and every later loss is finite.
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    x, t = np.full((40, 2), 3e38, np.float32), np.zeros(40, int)
    x[:16], t[1:16:3] = 0, 1  # two batches that do no harm
    stack = [Dense(3, "sigmoid", 2, 0), Affine([[1.0, -1.0], [1.0, -1.0], [-2.0, 2.0]], [0.0, 0.0])]
    model, expected = (Sequential(copy.deepcopy(stack)) for _ in range(2))
    before = model.parameter_vector.copy()
    stops(model, x, t, 3, 8, lr=10)
    expected.fit(x[:16], t[:16], 1, 8, SGD(10), shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    assert not np.array_equal(model.parameter_vector, before)


@cuts
def test_a_batch_that_was_not_reached_is_not_named(monkeypatch, cut):
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    x, t = data(40, loss=SQUARED_ERROR, dtype="float32")
    x[8:16], x[16, 1] = 3e38, np.nan  # outputs of the second batch overflow
    with pytest.raises(FloatingPointError, match="loss must stay finite, got "):
        Sequential([Dense(3)], SQUARED_ERROR).fit(x, t, 2, 8, SGD(0.1), shuffle=False, verbose=0)


@cuts
@pytest.mark.parametrize("name", "xt")  # NaN in t leaves the statistics finite
def test_running_statistics_have_none_of_a_batch_without_a_loss(monkeypatch, name, cut):
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    x, t = data(40, loss=SQUARED_ERROR, dtype="float32")
    (x if name == "x" else t)[19, 2] = np.nan  # the third batch
    model, expected = (
        Sequential([Dense(4), BatchNormalization(), Dense(3)], SQUARED_ERROR, seed=0)
        for _ in range(2)
    )
    stops(model, x, t, 3, 8, lr=0.1, what="")
    expected.fit(x[:16], t[:16], 1, 8, SGD(0.1), shuffle=False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    for name in ("running_mean", "running_var"):
        found, wanted = (getattr(each.layers[1], name) for each in (model, expected))
        assert_array_equal(found, wanted)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_before_training(value):
    model = small()
    model.layers[1].b[2] = value
    untouched(
        model,
        lambda: model.fit(X, T, verbose=0),
        ValueError,
        "Sequential.fit: layers[1].b must be finite before training, got NaN or infinity in it. "
        "Assign finite numbers.",
    )
    assert not np.isfinite(model.predict(X)[:, 2]).any()  # elsewhere it is no error


def test_arrays_beyond_the_models_dtype():
    model = small()
    before = model.parameter_vector.copy()
    model.layers[0].W, model.layers[1].W = np.ones((5, 4)), np.full((4, 3), -1e300)
    text = "must be finite in float32, got numbers up to 1e+300. Scale it down, or make a model of "
    refused(lambda: model.predict(X), ValueError, f"Sequential.predict: layers[1].W {text}float64.")
    model.layers[0].W, model.layers[1].W = before[:20].reshape(5, 4), before[24:36].reshape(4, 3)
    assert_array_equal(model.parameter_vector, before)
    layer = Affine(drawn(5, 3), [1e300, 0, np.inf])
    refused(lambda: Sequential([layer]), ValueError, f"Sequential.add: layers[0].b {text}float64.")
    assert layer.b[0] == 1e300
    Sequential([layer], dtype="float64").predict(X)


@cuts
def test_the_epochs_before_an_explosion_are_kept(monkeypatch, cut):
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", cut)
    model, expected = small(SQUARED_ERROR, seed=1), small(SQUARED_ERROR, seed=1)
    x, t = data(20, loss=SQUARED_ERROR, dtype="float32")
    options = {"optimizer": SGD(15), "shuffle": False, "verbose": 0, "metrics": ["accuracy"]}
    with pytest.raises(FloatingPointError) as caught:
        model.fit(x, t, 100, 5, **options)
    history = caught.value.history
    assert 0 < len(history.loss) < 100
    wanted = expected.fit(x, t, len(history.loss), 5, **options)
    assert_allclose(history.loss, wanted.loss, rtol=1e-14)
    assert history.accuracy == wanted.accuracy and len(history.seconds) == len(history.loss)
