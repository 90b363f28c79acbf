"""The twin of the compiled loop is the fit of the reference."""

import numpy as np
import pytest
from differences import ALL
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.reference import kernels
from fastnet.reference.functions import sigmoid
from fastnet.reference.kernels.record import layers_of, program_of
from fastnet.reference.layers import (
    Dense,
    Relu,
    Sigmoid,
)
from fastnet.reference.models import Sequential
from fastnet.reference.optimizer import SGD


def layers_in(model):
    """Describe a built model's layers as train_epochs has them."""
    stack, start = [], 0
    for layer in model.layers:
        if isinstance(layer, Dense):
            n_in, n_out = layer.W.shape
            bias = start + n_in * n_out
            code = ALL.index(layer.activation or "identity")
            stack.append((n_in, n_out, start, bias, code))
            start = bias + n_out
        else:
            stack.append(
                (n_out, n_out, -1, -1, ["Sigmoid", "Relu"].index(type(layer).__name__) + 1)
            )
    return layers_of(stack)


ALONE = np.zeros(1, np.int64)  # no team


def run_epoch(model, x, t, order, batch_size, loss, lr=0.5, learn=1, scale=1.0):
    dtype = model.dtype.type
    layers = layers_in(model)
    programs = program_of(layers, loss, x_scale=scale)
    labels = t if loss == kernels.SOFTMAX_CROSS_ENTROPY else np.empty(0, np.int64)
    targets = np.empty((0, 0), dtype) if loss == kernels.SOFTMAX_CROSS_ENTROPY else t
    size = kernels.work_size(programs, batch_size)
    work = np.full(size + 8, np.nan, dtype)
    work[size:] = -7.25  # which no function leaves as it is
    totals = np.full((1, 3), np.nan)
    kind = [np.float32, np.float64, np.uint8].index(x.dtype)
    head = (x.ctypes.data, kind, x.strides[0])
    params = model.parameter_vector
    kernels.train_epochs(
        *head,
        labels,
        targets,
        order[None],
        batch_size,
        params,
        programs,
        dtype(lr),
        learn,
        work,
        totals,
        ALONE,
        0,
    )
    out = np.empty((len(order), layers["outputs"][-1]), dtype)
    kernels.predict_rows(*head, order, params, programs, work, batch_size, out, ALONE, 0)
    assert (work[size:] == -7.25).all()
    return totals[0], out


@every_dtype_name
@with_each("data", [np.float32, np.float64, np.uint8])
@with_each("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_train_epochs_is_fit(dtype, data, loss, rng):
    x = np.asarray(255 * rng.random((23, 8)), data)[::-1, :6]  # rows backwards, with a gap
    scale = {np.float32: 0.5, np.float64: 1.0, np.uint8: 1 / 255}[data]
    if data != np.uint8:
        x /= 255
    scaled = x * np.dtype(dtype if data == np.uint8 else data).type(scale)
    labels = rng.integers(0, 3, 23)
    t = labels if loss == "softmax_cross_entropy" else np.eye(3, dtype=dtype)[labels]
    code = ["softmax_cross_entropy", "mean_squared_error"].index(loss)

    def model():
        built = Sequential(
            [
                Dense(5, activation="tanh"),
                Relu(),
                Dense(4, activation="sigmoid"),
                Sigmoid(),
                Dense(3),
            ],
            loss=loss,
            dtype=dtype,
            seed=7,
        )
        built.build(6)
        return built

    fitted, looped = model(), model()
    history = fitted.fit(scaled, t, batch_size=5, optimizer=SGD(0.5), metrics=["accuracy"])
    before = looped.parameter_vector.copy()
    order = looped._rng.permutation(23)
    totals, out = run_epoch(looped, x, t, order, 5, code, scale=scale)
    tolerance = {"rtol": 1e-4, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-11}
    assert np.abs(before - looped.parameter_vector).max() > 0.01
    assert_allclose(looped.parameter_vector, fitted.parameter_vector, **tolerance)
    assert_allclose(totals[0] / 23, history.loss[0], **tolerance)
    assert totals[1] / 23 == history.accuracy[0]
    assert totals[2] == 5
    assert_allclose(out, fitted.predict(scaled)[order], **tolerance)

    trained = looped.parameter_vector.copy()
    totals, _ = run_epoch(looped, x, t, order, 5, code, learn=0, scale=scale)
    assert_array_equal(looped.parameter_vector, trained)
    seen = looped.evaluate(scaled, t, metrics=["accuracy"])
    assert_allclose(totals[0] / 23, seen["loss"], **tolerance)
    assert totals[1] / 23 == seen["accuracy"]


def test_train_epochs_without_bias_and_with_one_output(rng):
    x, t = rng.standard_normal((6, 2)), rng.integers(0, 2, (6, 1)).astype(float)
    params = rng.standard_normal(2)
    expected = params.copy()
    programs = program_of(layers_of([(2, 1, 0, -1, kernels.SIGMOID)]), kernels.MEAN_SQUARED_ERROR)
    work, totals = np.empty(kernels.work_size(programs, 6)), np.zeros((1, 3))
    head = (x.ctypes.data, 1, x.strides[0])
    kernels.train_epochs(
        *head,
        np.empty(0, int),
        t,
        np.arange(6)[None],
        6,
        params,
        programs,
        0.5,
        1,
        work,
        totals,
        ALONE,
        0,
    )
    y = sigmoid(x @ expected[:, None])
    expected -= 0.5 * (x.T @ ((y - t) / 6 * y * (1 - y)))[:, 0]
    assert_allclose(params, expected, rtol=1e-14)
    assert_allclose(totals[0], [((y - t) ** 2).sum() / 2, np.sum((y > 0.5) == (t > 0.5)), 1])


def test_train_epochs_stops_before_the_update_that_would_spoil_the_weights(rng):
    model = Sequential([Dense(3)], dtype="float64", seed=0)
    model.build(4)
    x = rng.standard_normal((6, 4))
    x[4] = np.nan
    t = rng.integers(0, 3, 6)
    good = Sequential([Dense(3)], dtype="float64", seed=0)
    good.fit(x[:4], t[:4], batch_size=2, optimizer=SGD(0.5), shuffle=False)
    totals, _ = run_epoch(model, x, t, np.arange(6), 2, kernels.SOFTMAX_CROSS_ENTROPY)
    assert totals[2] == 2
    assert_allclose(model.parameter_vector, good.parameter_vector, rtol=1e-13)

    model = Sequential([Dense(3)], dtype="float64", seed=0)
    with pytest.raises(
        FloatingPointError, match=r"^Sequential.fit: loss must stay finite, got nan"
    ):
        model.fit(x, t, batch_size=2, optimizer=SGD(0.5), shuffle=False)
    assert_array_equal(model.parameter_vector, good.parameter_vector)


def test_train_epochs_of_no_rows_does_nothing():
    model = Sequential([Dense(3)], dtype="float64", seed=0)
    model.build(4)
    before = model.parameter_vector.copy()
    empty = np.empty((0, 4))
    totals, _ = run_epoch(model, empty, np.empty(0, int), np.empty(0, int), 5, 0)
    assert_array_equal(totals, np.zeros(3))
    assert_array_equal(model.parameter_vector, before)
