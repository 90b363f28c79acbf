"""What a model is used for: predict, evaluate, summary; and the memory that it takes."""

import copy
import os
import sys

import children
import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from made_layers import read_only
from numpy.testing import assert_allclose, assert_array_equal
from small_models import CHANGES, SQUARED_ERROR, assert_whole, data, drawn, small

from fastnet.layers import (
    Conv2D,
    Dense,
    Flatten,
    MatMul,
    Reshape,
    Sigmoid,
    Tanh,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


def test_predict_and_predict_proba():
    x, t = data(700, d=5)  # more rows than are predicted at a time
    model = small(dtype="float64")
    y = model.predict(x)
    (W, b), (V, c) = (layer.params for layer in model.layers)
    assert_allclose(y, np.tanh(x @ W + b) @ V + c, rtol=1e-12, atol=1e-14)
    p = model.predict_proba(x)
    assert_allclose(p, np.exp(y) / np.exp(y).sum(axis=1, keepdims=True), rtol=1e-13)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    assert y.dtype == p.dtype == np.float64
    seen = model.evaluate(x, t)
    assert_allclose(seen["loss"], -np.log(p[np.arange(700), t]).mean(), rtol=1e-12)
    assert seen["accuracy"] == np.mean(y.argmax(axis=1) == t)
    assert all(type(value) is float for value in seen.values())
    for i in (0, 255, 256, 699):  # a batch equals its rows one by one
        assert_allclose(model.predict(x[i : i + 1])[0], y[i], rtol=1e-13, atol=1e-15)
    kept = y.copy()
    y[:] = 0  # fresh: the caller's to change
    assert_array_equal(model.predict(x), kept)


@with_each("kind", ["float32", "float64", "uint8"])
@with_each("n", [1, 2, 17, 31, 32])
@every_dtype_name
def test_few_rows_have_the_bits_of_the_general_way(dtype, n, kind):
    model = Sequential([Dense(50, "tanh"), MatMul(drawn(50, 7)), Tanh()], dtype=dtype, seed=0)
    x = (255 * np.random.default_rng(0).random((n, 100))).astype(kind)
    y = model.predict(read_only(x))  # which the way for few rows leaves to the other
    assert y.shape == (n, 7) and y.dtype == dtype and np.ptp(y) > 0.1
    kept = x.copy()
    again = model.predict(x)
    assert_array_equal(again, y)
    assert_array_equal(x, kept)
    again[...] = 0  # fresh: the caller's to change
    for other in (x, x.astype(x.dtype.newbyteorder()), np.asfortranarray(x), x.reshape(n, 10, 10)):
        assert_array_equal(model.predict(other), y)
    assert_array_equal(Sequential.predict(copy.deepcopy(model), x), y)


SHAPED = {
    "steps out": ((12,), lambda: [Dense(12), Reshape((4, 3))]),
    "steps in": ((4, 3), lambda: [Flatten(), Dense(2)]),
    "an image out": ((12,), lambda: [Reshape((2, 2, 3)), Conv2D(2, 1)]),
    "an image in": ((2, 2, 3), lambda: [Flatten(), Dense(2)]),
}


@with_each("name", SHAPED)
def test_few_rows_have_the_shapes_of_many(name):
    shape, make = SHAPED[name]
    model = Sequential(make(), loss="mean_squared_error", seed=0)
    model.build(shape if len(shape) > 1 else shape[0])
    x = np.random.default_rng(0).random((40, *shape), np.float32)
    out = model.predict(x)
    for few in (1, 2, 5):
        assert_array_equal(model.predict(x[:few]), out[:few])
    if len(shape) > 1:
        for rows in (2, 40):
            with pytest.raises(ValueError, match=r"^Sequential\.predict: x must be"):
                model.predict(x[:rows].reshape(rows, -1))


@with_each(
    "change",
    [
        *CHANGES.values(),
        lambda m: setattr(m.layers[0], "W", drawn(5, 4)),
        lambda m: m.layers[2].params.__setitem__(1, drawn(3)),
        lambda m: m.layers[2].W.fill(0.5),
    ],
)
def test_few_rows_see_what_has_changed(change):
    x = data()[0][:3]
    model = Sequential([Dense(4, "tanh", 5), Sigmoid(), Dense(3)], seed=0)
    y = model.predict(x)
    twin = copy.deepcopy(model)
    assert_array_equal(twin.predict(x), y)
    change(model), change(twin)
    found = model.predict(x)
    assert not np.array_equal(found, y)
    assert_array_equal(found, twin.predict(read_only(x)))
    assert_whole(model)


def test_a_gradient_that_was_replaced_is_put_back_by_few_rows():
    model, x = small(), data()[0][:3]
    model.predict(x)
    grad = model.layers[0].grads[0]
    model.layers[0].grads[0] = np.ones((5, 4), np.float32)
    model.predict(x)
    assert model.layers[0].grads[0] is grad


def test_equal_logits_lose_the_logarithm_of_the_classes():
    model = Sequential([MatMul(np.zeros((4, 10)))], dtype="float64")
    x, t = data(30, 4, 10)
    assert_allclose(model.evaluate(x, t)["loss"], np.log(10), rtol=1e-14)
    assert model.evaluate(x, t)["accuracy"] == np.mean(t == 0)  # the first of the largest


def test_evaluate_the_squared_error():
    model = Sequential([MatMul(np.eye(3))], SQUARED_ERROR, "float64")
    x = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.4, 0.4, 0.1], [0.0, 0.0, 0.0]])
    t = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    seen = model.evaluate(x, t, metrics=["accuracy"])
    assert_allclose(seen["loss"], ((x - t) ** 2).sum() / 2 / 4, rtol=1e-14)
    assert seen["accuracy"] == 0.5  # the first and the third


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_output_is_right_on_the_targets_side_of_a_half(shape):
    model = Sequential([MatMul([[1.0]])], SQUARED_ERROR, "float64")
    x = np.array([[0.2], [0.5], [0.6], [0.9], [0.51]])
    t = np.array([0, 0, 1, 0, 1]).reshape(shape)
    seen = model.evaluate(x, t, metrics=["accuracy"])
    assert seen["accuracy"] == 0.8  # 0.5 is not above a half; 0.9 is, and should not be
    assert_allclose(seen["loss"], ((x[:, 0] - t.ravel()) ** 2).sum() / 2 / 5, rtol=1e-14)
    assert model.fit(x, t, optimizer=SGD(0), verbose=0, metrics=["accuracy"]).accuracy == [0.8]


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc/self/status")
def test_training_from_uint8_copies_no_data(warm_cache):
    """At most 1.5 times the peak of a process that has only loaded arrays of MNIST's size.

    Most of what comes on top, 55 of 150 MB, is what Numba loads before its first kernel runs.
    """
    load = """
import numpy as np
from fastnet.layers import Dense, Rescaling
from fastnet.models import Sequential
x, t = np.ones((60000, 784), np.uint8), np.arange(60000, dtype=np.uint8) % 10
"""
    fit = """
model = Sequential([Rescaling(1 / 255), Dense(50, activation="relu"), Dense(10)], seed=0)
model.fit(x, t, 2, 100, validation_data=(x[:10000], t[:10000]), verbose=0)
assert model.predict(x).shape == (60000, 10) and model.evaluate(x, t)
"""
    # Not getrusage's peak: after an exec that still counts the memory of the process before it.
    peak = """
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
    loaded, trained = (
        int(children.run([sys.executable, "-c", code + peak]).stdout) for code in (load, load + fit)
    )
    assert trained / loaded <= 1.5
