"""fit and predict against the reference; data of any dtype and layout; what a model learns."""

import copy
import tracemalloc

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from made_layers import read_only
from numpy.testing import assert_array_equal
from small_models import (
    CROSS_ENTROPY,
    SQUARED_ERROR,
    STACKS,
    assert_whole,
    close,
    data,
    every_loss,
    every_stack,
    small,
)

from fastnet import layers, models
from fastnet.datasets import load_digits, load_mnist
from fastnet.layers import (
    Dense,
    Rescaling,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD
from fastnet.reference import layers as reference_layers
from fastnet.reference import models as reference_models
from fastnet.reference import optimizer as reference_optimizer


@every_dtype_name
@every_loss
@every_stack
def test_fit_learns_what_the_reference_learns(stack, loss, dtype):
    x, t = data(37, loss=loss, dtype=dtype)
    held_out = data(11, loss=loss, dtype=dtype, seed=2)
    results = []
    for classes, network, sgd in (
        (layers, models, SGD),
        (reference_layers, reference_models, reference_optimizer.SGD),
    ):
        model = network.Sequential(STACKS[stack](classes), loss, dtype, seed=3)
        before = None if model.layers[0].params == [] else model.parameter_vector.copy()
        seen = model.fit(x, t, 3, 8, sgd(0.3), held_out, verbose=0, metrics=["accuracy"])
        assert before is None or not np.array_equal(before, model.parameter_vector)
        results.append((model, seen))
    (model, seen), (expected, wanted) = results
    assert model.parameter_vector.dtype == dtype
    close(model.parameter_vector, expected.parameter_vector, dtype)
    assert len(model.params) == len(expected.params)
    for array, other in zip(model.params, expected.params, strict=True):
        close(array, other, dtype)
    assert len(seen.loss) == len(seen.seconds) == 3 and min(seen.seconds) > 0
    close(seen.loss, wanted.loss, dtype)
    close(seen.val_loss, wanted.val_loss, dtype)
    assert seen.accuracy == wanted.accuracy and seen.val_accuracy == wanted.val_accuracy
    close(model.predict(x), expected.predict(x), dtype)
    close(model.evaluate(x, t)["loss"], expected.evaluate(x, t)["loss"], dtype)
    ours, theirs = (each.evaluate(x, t, ["accuracy"]) for each in (model, expected))
    assert ours["accuracy"] == theirs["accuracy"]
    if loss == CROSS_ENTROPY:
        close(model.predict_proba(x), expected.predict_proba(x), dtype)
    for array, other in zip(model.gradient(x, t), expected.gradient(x, t), strict=True):
        close(array, other, dtype)
    assert_whole(model)


def swapped(x):
    return x.astype(x.dtype.newbyteorder())


def unaligned(x):
    buffer = np.zeros(x.nbytes + 1, np.uint8)
    buffer[1:] = x.view(np.uint8).ravel()
    return buffer[1:].view(x.dtype).reshape(x.shape)


def spread(x):
    """The same values between others, rows and columns alike."""
    wide = np.full((2 * len(x), 3 * x.shape[1]), 99, x.dtype)
    wide[::2, ::3] = x
    return wide[::2, ::3]


def between(x):
    """The same values as some columns of a wider matrix: rows are contiguous, not the whole."""
    wide = np.full((len(x), x.shape[1] + 4), 99, x.dtype)
    wide[:, 3:-1] = x
    return wide[:, 3:-1]


LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "columns of a wider one": between,
    "strided": spread,
    "rows backwards": lambda x: x[::-1].copy()[::-1],
    "all backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran order": np.asfortranarray,
    "byte-swapped": swapped,
    "read-only": read_only,
    "unaligned": unaligned,
    "4-D": lambda x: x.reshape(len(x), 1, x.shape[1], 1),
    "3-D transposed": lambda x: x.reshape(len(x), 3, 2).swapaxes(1, 2),
    "matrix": lambda x: x.copy().view(np.matrix),
    "list": lambda x: x.tolist(),
}


@with_each("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "int16", "float16", "bool"])
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_fit_takes_any_dtype_and_layout_and_changes_none(kind, layout):
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 256, (23, 6)) / (128 if kind == "bool" else 64)
    plain = plain.astype(int).astype(kind) if kind[:5] != "float" else plain.astype(kind)
    t = rng.integers(0, 3, 23)
    x = LAYOUTS[layout](plain)
    rows = np.asarray(x).reshape(23, -1)  # in the same order, whatever the layout made of it
    if layout != "3-D transposed":
        assert_array_equal(rows, plain)
    kept, flags = copy.deepcopy(x), str(getattr(x, "flags", ""))
    model = Sequential([Dense(4, activation="sigmoid"), Dense(3)], seed=0)
    expected = reference_models.Sequential(
        [reference_layers.Dense(4, activation="sigmoid"), reference_layers.Dense(3)], seed=0
    )
    model.fit(x, t, 2, 8, SGD(0.1), verbose=0)
    expected.fit(rows, t, 2, 8, reference_optimizer.SGD(0.1))
    close(model.parameter_vector, expected.parameter_vector, "float32")
    close(model.predict(x), expected.predict(rows), "float32")
    close(model.evaluate(x, t)["loss"], expected.evaluate(rows, t)["loss"], "float32")
    close(model.forward(x, t), expected.forward(rows, t), "float32")
    assert_array_equal(x, kept)
    assert str(getattr(x, "flags", "")) == flags


@every_loss
@with_each(
    "convert",
    [
        lambda t: t.astype(np.uint8),
        lambda t: read_only(t.astype(np.int8)),
        lambda t: swapped(t.astype(np.int32)),
        lambda t: np.repeat(t, 2, axis=0)[::2],
        lambda t: t.astype(np.float16) if t.ndim == 2 else t.astype(bool),
        lambda t: t.tolist(),
    ],
)
def test_targets_of_any_kind_are_read_and_not_changed(loss, convert):
    x, t = data(21, classes=2, loss=loss)
    given = convert(t)
    kept = copy.deepcopy(given)
    model, expected = (Sequential([Dense(3, "tanh"), Dense(2)], loss, seed=0) for _ in range(2))
    model.fit(x, given, 2, 4, SGD(0.1), validation_data=(x, given), verbose=0)
    expected.fit(x, t, 2, 4, SGD(0.1), verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    assert model.evaluate(x, given) == expected.evaluate(x, t)
    assert model.forward(x, given) == expected.forward(x, t)
    assert_array_equal(given, kept)


def test_one_hot_rows_are_labels():
    x, t = data()
    model, expected = small(), small()
    model.fit(x, np.eye(3, dtype=np.uint8)[t], 2, verbose=0)
    expected.fit(x, t, 2, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
def test_fit_reads_the_users_memory_without_a_copy(kind):
    x = np.ones((30_000, 300), kind)[:, 20:]
    t = np.zeros(len(x), int)
    model = Sequential([Dense(2)], seed=0)
    model.fit(x[:9], t[:9], validation_data=(x[:9], t[:9]), verbose=0)
    tracemalloc.start()
    model.fit(x, t, validation_data=(x, t), verbose=0)
    model.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6 < x.nbytes / 2  # order and labels take 8 bytes a sample each


@pytest.mark.parametrize(
    ("answers", "hidden"), [([0, 0, 0, 1], []), ([0, 1, 1, 0], [Dense(4, activation="sigmoid")])]
)
@every_dtype_name
def test_gates_are_learnt_by_the_squared_error(answers, hidden, dtype):
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array(answers)
    stack = [*copy.deepcopy(hidden), Dense(1, activation="sigmoid", weight_init_std=1)]
    model = Sequential(stack, SQUARED_ERROR, dtype, seed=0)
    seen = model.fit(x, t, 5000, 1, SGD(lr=0.5), verbose=0)
    found = model.evaluate(x, t, metrics=["accuracy"])
    assert found["accuracy"] == 1 and found["loss"] < 0.01
    assert ((model.predict(x) > 0.5) == t).all()
    assert seen.loss[0] > 5 * seen.loss[-1]


def test_digits():
    (x, t), (x_test, t_test) = load_digits()
    model = Sequential([Rescaling(1 / 16), Dense(50, activation="relu"), Dense(10)], seed=0)
    model.fit(x, t, 30, 32, SGD(lr=0.1), verbose=0)
    assert model.evaluate(x_test, t_test)["accuracy"] >= 0.97


@pytest.mark.parametrize(
    ("activation", "weight_init_std", "least"), [("relu", None, 0.965), ("sigmoid", 0.01, 0.945)]
)
def test_mnist(mnist_dir, activation, weight_init_std, least):
    (x, t), (x_test, t_test) = load_mnist(mnist_dir)
    assert x.dtype == np.uint8 and len(x) == 60_000
    stack = [Dense(50, activation, None, weight_init_std), Dense(10, None, None, weight_init_std)]
    model = Sequential([Rescaling(1 / 255), *stack], seed=0)
    model.fit(x, t, 17, 100, SGD(lr=0.1), verbose=0)
    assert model.evaluate(x_test, t_test)["accuracy"] >= least
