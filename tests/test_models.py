"""Models: the compiled loop against the reference, the layers as its views, and bad calls."""

import contextlib
import copy
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import checks, layers, models
from fastnet.datasets import load_digits, load_mnist
from fastnet.kernels.checked import two_layer_gradient
from fastnet.layers import (
    ACTIVATIONS,
    Affine,
    Dense,
    MatMul,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.losses import LOSSES
from fastnet.models import History, Sequential, TwoLayerNet
from fastnet.models.saved import CLASSES
from fastnet.models.steps import Steps
from fastnet.optimizer import SGD
from fastnet.reference import layers as reference_layers
from fastnet.reference import models as reference_models
from fastnet.reference import optimizer as reference_optimizer

CROSS_ENTROPY, SQUARED_ERROR = "softmax_cross_entropy", "mean_squared_error"
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_loss = pytest.mark.parametrize("loss", [CROSS_ENTROPY, SQUARED_ERROR])


def drawn(*shape):
    """Weights that a ready-made layer brings along, the same at every call."""
    return np.random.default_rng(shape).standard_normal(shape) / np.sqrt(shape[0])


# 5 inputs, 3 outputs, built from the classes of fastnet.layers or of its reference.
STACKS = {
    "one layer": lambda m: [m.Dense(3)],
    "sigmoid": lambda m: [m.Dense(7, activation="sigmoid"), m.Dense(3)],
    "deep": lambda m: [m.Dense(9, "tanh"), m.Dense(6, "relu"), m.Dense(17, "identity"), m.Dense(3)],
    "small weights": lambda m: [m.Dense(7, "relu", weight_init_std=0.1), m.Dense(3)],
    "textbook": lambda m: [
        m.Affine(drawn(5, 8), drawn(8)),
        m.Relu(),
        m.Affine(drawn(8, 3), drawn(3)),
    ],
    "mixed": lambda m: [
        m.Dense(8),
        m.Sigmoid(),
        m.MatMul(drawn(8, 6)),
        m.Tanh(),
        m.Affine(drawn(6, 4), drawn(4)),
        m.Dense(3, activation="tanh"),
    ],
    "no bias": lambda m: [m.MatMul(drawn(5, 3))],
    "activation first": lambda m: [m.Tanh(), m.Dense(6, activation="relu"), m.Dense(3)],
    "activations in a row": lambda m: [m.Dense(6, "tanh"), m.Relu(), m.Sigmoid(), m.Dense(3)],
    "activation last": lambda m: [m.Dense(6), m.Dense(3), m.Sigmoid()],
}
every_stack = pytest.mark.parametrize("stack", STACKS)


def data(n=37, d=5, classes=3, loss=CROSS_ENTROPY, dtype="float64", seed=1):
    """Return x and labels, or x and targets (n, classes)."""
    rng = np.random.default_rng(seed)
    x, t = rng.standard_normal((n, d)).astype(dtype), rng.integers(0, classes, n)
    return x, t if loss == CROSS_ENTROPY else np.eye(classes)[t]


def small(loss=CROSS_ENTROPY, dtype="float32", seed=0, **options):
    """A built model, 5-4-3."""
    hidden = Dense(4, activation="tanh", input_shape=(5,))
    return Sequential([hidden, Dense(3, **options)], loss, dtype, seed)


def close(actual, desired, dtype):
    """Compare what the same few hundred operations gave in another order."""
    room = 500 * np.finfo(dtype).eps
    assert_allclose(actual, desired, rtol=room, atol=room)


def assert_whole(model):
    """The layers' arrays are views of the one vector, in order, and nothing else is in it."""
    arrays = [array for layer in model.layers for array in layer.params]
    grads = [array for layer in model.layers for array in layer.grads]
    for vector, views in ((model.parameter_vector, arrays), (model.gradient_vector, grads)):
        assert sum(view.size for view in views) == vector.size
        assert all(np.shares_memory(view, vector) for view in views)
        assert_array_equal(vector, np.concatenate([view.ravel() for view in views]))


def state(model):
    """All that a failing call must leave alone."""
    arrays = [array.tobytes() for layer in model.layers for array in layer.params]
    grads = [array.tobytes() for layer in model.layers for array in layer.grads]
    return arrays, grads, list(map(id, model.layers)), model._rng.bit_generator.state


# --------------------------------------------------------------------------- the reference


@every_dtype
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
        seen = model.fit(x, t, 3, 8, sgd(lr=0.3), validation_data=held_out, verbose=0)
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
    assert model.evaluate(x, t)["accuracy"] == expected.evaluate(x, t)["accuracy"]
    if loss == CROSS_ENTROPY:
        close(model.predict_proba(x), expected.predict_proba(x), dtype)
    for array, other in zip(model.gradient(x, t), expected.gradient(x, t), strict=True):
        close(array, other, dtype)
    assert_whole(model)


def swapped(x):
    return x.astype(x.dtype.newbyteorder())


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


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


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "int16", "float16", "bool"])
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_fit_takes_any_dtype_and_layout_and_changes_none(kind, layout):
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 256, (23, 6)) / {"uint8": 1, "bool": 128}.get(kind, 64)
    if layout == "list" and kind == "uint8":
        plain /= 64  # a list knows no uint8: nothing is scaled
    plain = plain.astype(int).astype(kind) if kind in ("int16", "bool") else plain.astype(kind)
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
@pytest.mark.parametrize(
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


# --------------------------------------------------------------------------- a step by hand


@every_dtype
@every_loss
@every_stack
def test_a_step_by_hand_is_a_step_of_fit(stack, loss, dtype):
    x, t = data(12, loss=loss)  # float64, labels int64: neither is the model's dtype
    by_hand, model = (Sequential(STACKS[stack](layers), loss, dtype, seed=0) for _ in range(2))
    sgd = SGD(lr=0.2)
    for _ in range(3):
        value = by_hand.forward(x, t)
        dx = by_hand.backward()
        sgd.update(by_hand.params, by_hand.grads)
        seen = model.fit(x, t, 1, 12, sgd, shuffle=False, verbose=0)
        assert type(value) is np.dtype(dtype).type
        assert dx.dtype == dtype and dx.shape == x.shape
        close(value, seen.loss[0], dtype)
        close(by_hand.parameter_vector, model.parameter_vector, dtype)
    assert_whole(by_hand)


def test_by_hand_with_uint8_and_images():
    x = np.random.default_rng(0).integers(0, 256, (6, 2, 2), np.uint8)
    t = np.array([0, 1, 0, 1, 1, 0])
    by_hand, model = (Sequential([Dense(2)], seed=0) for _ in range(2))
    by_hand.forward(x, t)
    by_hand.backward()
    SGD(0.5).update(by_hand.params, by_hand.grads)
    model.fit(x, t, 1, 6, SGD(0.5), shuffle=False, verbose=0)
    close(by_hand.parameter_vector, model.parameter_vector, "float32")


@every_loss
@every_stack
def test_gradient_equals_central_differences(stack, loss):
    x, t = data(9, loss=loss)
    if "relu" in stack or stack in ("deep", "textbook", "activations in a row"):
        x = x * 3  # away from the kinks
    model = Sequential(STACKS[stack](layers), loss, "float64", seed=5)
    gradients = np.concatenate([grad.ravel() for grad in model.gradient(x, t)])
    vector = model.parameter_vector
    assert gradients.size == vector.size
    assert not np.shares_memory(gradients, model.gradient_vector)
    dx = model.backward(2)  # twice the gradient
    assert_array_equal(model.gradient_vector, 2 * gradients)
    for array, grad in ((vector, gradients), (x.reshape(-1), dx.reshape(-1) / 2)):
        for i in range(array.size):
            kept, h = array[i], 1e-6
            array[i] = kept + h
            above = model.forward(x, t)
            array[i] = kept - h
            slope = (above - model.forward(x, t)) / (2 * h)
            array[i] = kept
            assert abs(slope - grad[i]) < 2e-8 * max(1, abs(slope)), (i, slope, grad[i])


def test_gradients_are_fresh_and_backward_overwrites():
    x, t = data()
    model = small()
    first = model.gradient(x, t)
    kept = [grad.copy() for grad in first]
    again = model.gradient(x[:3], t[:3])
    for grad, same, other in zip(first, kept, again, strict=True):
        assert_array_equal(grad, same)
        assert not np.array_equal(grad, other)
    for grad, same in zip(model.gradient(x, t), kept, strict=True):
        assert_array_equal(grad, same)


def test_a_model_of_activations_alone():
    x, t = data(8)
    model = Sequential([Sigmoid()])
    value = model.forward(x, t % 5)
    close(value, model.evaluate(x, t % 5)["loss"], "float32")
    model.fit(x, t % 5, verbose=0)
    assert model.parameter_count == 0 and model.params == []
    close(model.predict(x), 1 / (1 + np.exp(-x)), "float32")
    model.add(Dense(2))
    assert model.predict(x).shape == (8, 2) and model.parameter_count == 12


# --------------------------------------------------------------------------- views


def test_layers_are_views_of_one_vector():
    model = small()
    assert_whole(model)
    vector, params = model.parameter_vector, model.params
    grads, W = model.grads, model.layers[1].W
    assert vector.ndim == 1 and vector.size == model.parameter_count == 5 * 4 + 4 + 4 * 3 + 3
    vector[5 * 4 + 4] = 7
    assert W[0, 0] == 7
    W[-1, -1] = 8
    assert vector[-4] == 8
    model.layers[0].b[...] = 9
    assert (vector[20:24] == 9).all()
    x, t = data()
    for call in (
        lambda: model.fit(x, t, 2, verbose=0),
        lambda: model.predict(x),
        lambda: model.gradient(x, t),
        lambda: model.build(5),
        lambda: model.summary(),
    ):
        call()
        assert model.parameter_vector is vector and model.layers[1].W is W
        assert all(a is b for a, b in zip(model.params, params, strict=True))
        assert all(a is b for a, b in zip(model.grads, grads, strict=True))
    assert_whole(model)


def test_what_is_written_into_a_layer_is_used():
    x, t = data()
    model, other = small(seed=0), small(seed=1)
    assert not np.array_equal(model.predict(x), other.predict(x))
    for layer, source in zip(model.layers, other.layers, strict=True):
        layer.W[...], layer.b[...] = source.W, source.b
    assert_array_equal(model.predict(x), other.predict(x))
    model.parameter_vector[:] = small(seed=2).parameter_vector
    assert_array_equal(model.predict(x), small(seed=2).predict(x))
    assert model.forward(x, t) == small(seed=2).forward(x, t)


ENTRIES = {
    "fit": lambda m, x, t: m.fit(x, t, 2, shuffle=False, verbose=0).loss,
    "predict": lambda m, x, t: m.predict(x),
    "predict_proba": lambda m, x, t: m.predict_proba(x),
    "evaluate": lambda m, x, t: list(m.evaluate(x, t).values()),
    "forward": lambda m, x, t: m.forward(x, t),
    "gradient": lambda m, x, t: np.concatenate([grad.ravel() for grad in m.gradient(x, t)]),
    "params": lambda m, x, t: np.concatenate([array.ravel() for array in m.params]),
    "parameter_vector": lambda m, x, t: m.parameter_vector,
    "build": lambda m, x, t: m.build(5) or m.layers[0].W,
    "add": lambda m, x, t: m.add(Tanh()) or m.predict(x),
    "summary": lambda m, x, t: m.summary() or m.layers[0].W,
    "deepcopy": lambda m, x, t: copy.deepcopy(m).predict(x),
    "pickle": lambda m, x, t: pickle.loads(pickle.dumps(m)).predict(x),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_assigned_array_is_honoured_at_the_next_call(entry):
    x, t = data()
    model, expected = small(), small()
    W, b = drawn(5, 4) * 2, drawn(3)  # float64, into a float32 model
    ENTRIES[entry](model, x, t) if entry == "predict" else None
    expected.layers[0].W[...], expected.layers[1].b[...] = W, b
    kept = W.copy()
    model.layers[0].W, model.layers[1].b = W, b
    result = ENTRIES[entry](model, x, t)
    assert_array_equal(result, ENTRIES[entry](expected, x, t))
    assert_array_equal(W, kept)  # copied, not taken
    assert_whole(model)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_an_array_assigned_between_forward_and_backward_is_honoured():
    x, t = data()
    model, expected = small(), small()
    model.forward(x, t), expected.forward(x, t)
    model.layers[1].W = drawn(4, 3)
    expected.layers[1].W[...] = drawn(4, 3)
    assert_array_equal(model.backward(), expected.backward())
    assert_whole(model)


CHANGES = {
    "another activation": lambda m: setattr(m.layers[0], "activation", "relu"),
    "no activation": lambda m: setattr(m.layers[0], "activation", None),
    "one more": lambda m: setattr(m.layers[2], "activation", "sigmoid"),
    "another layer": lambda m: m.layers.__setitem__(1, Relu()),
    "a new layer": lambda m: m.layers.append(Tanh()),
    "a layer first": lambda m: m.layers.insert(0, Relu()),
    "a layer taken away": lambda m: m.layers.pop(1),
    "both": lambda m: [setattr(m.layers[0], "activation", None), m.layers.pop(1)],
}


@every_dtype
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_activation_is_honoured_at_the_next_call(change, dtype):
    x, t = data()
    stack = [Dense(4, "tanh", 5), Sigmoid(), Dense(3)]
    model = Sequential(stack, dtype=dtype, seed=0)
    y = model.fit(x, t, verbose=0) and model.predict(x)
    vector, params = model.parameter_vector, model.params
    CHANGES[change](model)
    assert not np.array_equal(model.predict(x), y)
    by_hand = copy.deepcopy(model)
    out = x.astype(dtype)
    for layer in by_hand.layers:
        out = layer.forward(out)
    close(model.predict(x), out, dtype)
    close(model.evaluate(x, t)["loss"], by_hand.forward(x, t), dtype)
    by_hand.backward()
    SGD(0.1).update(by_hand.params, by_hand.grads)
    model.fit(x, t, 1, len(x), SGD(0.1), shuffle=False, verbose=0)
    close(model.parameter_vector, by_hand.parameter_vector, dtype)
    assert model.parameter_vector is vector  # an optimizer may hold it
    assert all(a is b for a, b in zip(model.params, params, strict=True))
    assert_whole(model)


def test_a_replaced_product_is_honoured_at_the_next_call():
    x, t = data()
    model = small()
    model.layers[0] = Dense(6, "relu")
    model.layers[1] = Affine(drawn(6, 3), drawn(3))
    model.fit(x, t, verbose=0)
    assert model.parameter_count == 5 * 6 + 6 + 6 * 3 + 3
    assert_whole(model)
    close(model.predict(x), model.layers[1].forward(model.layers[0].forward(x)), "float32")


def test_an_activation_changed_between_forward_and_backward_waits_for_the_next_forward():
    x, t = data()
    model, expected = small(), small()
    model.forward(x, t), expected.forward(x, t)
    model.layers[0].activation = "relu"
    assert_array_equal(model.backward(), expected.backward())


def test_swapped_arrays_are_both_kept():
    model = Sequential([Dense(4, "tanh", 4), Dense(4)], seed=0)
    first, second = model.layers
    W, V = first.W.copy(), second.W.copy()
    first.W, second.W = second.W, first.W
    x = data(d=4)[0].astype("float32")
    close(model.predict(x), np.tanh(x @ V) @ W, "float32")
    assert_array_equal(first.W, V)
    assert_array_equal(second.W, W)
    assert_whole(model)


def test_a_refused_assignment_changes_nothing():
    model = small()
    before, vector = model.parameter_vector.copy(), model.parameter_vector
    model.layers[0].W, model.layers[1].b = np.ones((5, 4)), np.ones(7)
    with pytest.raises(ValueError):
        model.predict(X)
    assert_array_equal(vector, before)


# --------------------------------------------------------------------------- building


def test_later_sizes_are_inferred(capsys):
    model = Sequential()
    model.add(Dense(32, input_shape=(784,)))
    assert model.layers[0].W.shape == (784, 32)
    model.add(Dense(10))
    assert model.layers[1].W.shape == (32, 10) and model.parameter_count == 25_450
    model.summary()
    assert capsys.readouterr().out == (
        "layer         activation  W               b           parameters\n"
        "Dense                     (784, 32)       (32,)           25,120\n"
        "Dense                     (32, 10)        (10,)              330\n"
        "total                                                     25,450\n"
    )


def test_summary_of_ready_made_layers(capsys):
    model = Sequential([Relu(), Dense(16, "relu"), MatMul(drawn(16, 16)), Sigmoid(), Dense(10)])
    model.build(784)
    model.summary()
    assert capsys.readouterr().out == (
        "layer         activation  W               b           parameters\n"
        "Relu                                                           0\n"
        "Dense         relu        (784, 16)       (16,)           12,560\n"
        "MatMul                    (16, 16)                           256\n"
        "Sigmoid                                                        0\n"
        "Dense                     (16, 10)        (10,)              170\n"
        "total                                                     12,986\n"
    )


@pytest.mark.parametrize("input_shape", [(28, 28), (784,), 784, [1, 28, 28]])
def test_two_hidden_layers_have_13002_parameters(input_shape):
    model = Sequential([Dense(16, "relu", input_shape), Dense(16, "relu"), Dense(10)], seed=0)
    assert model.parameter_count == 13_002
    assert model.predict(np.zeros((2, 28, 28), np.uint8)).shape == (2, 10)


def test_the_same_weights_however_the_model_is_built():
    x, t = data()
    declared = small()
    listed = Sequential([Dense(4, activation="tanh"), Dense(3)], seed=0)
    listed.build(5)
    added = Sequential(seed=0)
    added.add(Dense(4, activation="tanh"))
    added.add(Dense(3))
    added.predict(x)
    fitted = Sequential([Dense(4, activation="tanh"), Dense(3)], seed=0)
    fitted.fit(x, t, optimizer=SGD(lr=0), verbose=0)
    for model in (listed, added, fitted):
        assert_array_equal(model.parameter_vector, declared.parameter_vector)
        assert_whole(model)


def test_adding_to_a_trained_model_keeps_what_it_learnt():
    x, t = data()
    model = small()
    model.fit(x, t, verbose=0)
    before = [array.copy() for array in model.params]
    y = model.predict(x)
    model.add(Relu())
    assert_array_equal(model.predict(x), np.maximum(y, 0))
    model.add(Dense(2))
    for array, kept in zip(model.params, before, strict=False):
        assert_array_equal(array, kept)
    assert model.predict(x).shape == (37, 2)
    model.fit(x, t % 2, verbose=0)
    assert_whole(model)


def test_a_build_that_fails_leaves_the_model_as_it_was(monkeypatch):
    def fail(self, *arguments):
        if self.units == 9:
            raise MemoryError("Unable to allocate 9 TiB")
        real(self, *arguments)

    real = Dense.build
    monkeypatch.setattr(Dense, "build", fail)
    model = Sequential([Dense(4), Dense(9)], seed=0)
    for method, call in METHODS.items():
        untouched(
            model,
            lambda call=call: call(model, X, T),
            MemoryError,
            f"Sequential.{SAID_BY.get(method, method)}: layers must fit in memory, got Unable to "
            "allocate 9 TiB. Give fewer units.",
        )
    assert model.layers[0].params == model.layers[1].params == []
    model.layers[1] = Dense(3)
    model.fit(X, T, verbose=0)
    expected = unbuilt()
    expected.layers[0].activation = None
    expected.fit(X, T, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)  # no draw was lost
    before = model.parameter_vector
    untouched(
        model,
        lambda: model.add(Dense(9)),
        MemoryError,
        "Sequential.add: layers must fit in memory, got Unable to allocate 9 TiB. "
        "Give fewer units.",
    )
    assert model.parameter_vector is before


@pytest.mark.parametrize("units", [10**13, 10**19, 10**40])
def test_too_many_parameters(units):
    model = Sequential([Dense(4), Dense(units)], seed=0)
    untouched(
        model,
        lambda: model.fit(X, T, verbose=0),
        MemoryError,
        "Sequential.fit: layers[1] must leave the model at most 1,099,511,627,776 parameters, got "
        f"W (4, {units}). Give fewer units.",
    )
    refused(
        lambda: Sequential([Dense(4, input_shape=units)]),
        MemoryError,
        "Sequential.add: layers[0] must leave the model at most 1,099,511,627,776 parameters, got "
        f"W ({units}, 4). Give fewer units.",
    )


def test_layers_that_share_an_array():
    W = drawn(5, 4)
    tied = [Affine(W, drawn(4)), Affine(W.T, drawn(5)), Dense(3)]
    text = (
        "Sequential.add: layers[1] must have arrays of its own, got one that shares memory with "
        "layers[0]. Copy it; or, to keep the two tied, step the layers by hand: forward, backward, "
        "optimizer.update."
    )
    refused(lambda: Sequential(tied), ValueError, text)
    assert tied[0].W is W and tied[2].params == []
    model = small()
    model.layers.pop()
    untouched(model, lambda: model.add(MatMul(model.layers[0].W.T)), ValueError, text)
    both = drawn(5, 8)  # columns of one matrix are no part of each other
    Sequential([MatMul(both[:, ::2]), Dense(5), MatMul(both[:, 1::2])], seed=0)


def test_initial_weights():
    model = Sequential([Dense(300, "relu", 400), Dense(200), Dense(100, None, None, 0.01)], seed=0)
    for layer, std in zip(model.layers, [(2 / 400) ** 0.5, (1 / 300) ** 0.5, 0.01], strict=True):
        assert abs(layer.W.std() / std - 1) < 0.02 and abs(layer.W.mean()) < std / 20
        assert not layer.b.any()


# --------------------------------------------------------------------------- the same bits


def trained(loss=CROSS_ENTROPY, dtype="float32", seed=4, validation=False, **options):
    x, t = data(53, loss=loss, dtype=dtype)
    model = small(loss, dtype, seed)
    held_out = (x[:9], t[:9]) if validation else None
    model.history = model.fit(x, t, 7, 8, SGD(0.2), validation_data=held_out, verbose=0, **options)
    return model


@every_dtype
@every_loss
def test_the_same_seed_gives_the_same_bits(loss, dtype):
    first, second = trained(loss, dtype), trained(loss, dtype)
    assert_array_equal(first.parameter_vector, second.parameter_vector)
    assert first.history.loss == second.history.loss
    assert first.history.accuracy == second.history.accuracy
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
        if arguments[6].size:  # else nothing but compiling is asked for
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
    assert type(seen) is History and seen.val_loss == seen.val_accuracy == []
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


# --------------------------------------------------------------------------- interrupted


@pytest.fixture
def interrupt(monkeypatch):
    """interrupt(k, when): raise KeyboardInterrupt at the k-th compiled call, or right after it."""

    def arm(k, when="after", learn=True):
        calls = []

        def wrapped(*arguments):
            calls.append(arguments[11] == learn and arguments[6].size > 0)  # some samples
            hit = calls[-1] and sum(calls) == k
            if hit and when == "before":
                raise KeyboardInterrupt
            real(*arguments)
            if hit:
                raise KeyboardInterrupt

        monkeypatch.setattr(models.network, "train_epochs", wrapped)

    real = models.network.train_epochs
    return arm


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("validation", [False, True])
def test_ctrl_c_returns_what_was_learnt(interrupt, monkeypatch, when, validation):
    x, t = data(40)
    held_out = (x[:7], t[:7]) if validation else None
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", 1)
    model, expected = small(), small()
    interrupt(8, when)  # 5 batches an epoch: the third of the second epoch
    seen = model.fit(x, t, 9, 8, SGD(0.2), held_out, False, verbose=0)
    monkeypatch.undo()
    wanted = expected.fit(x, t, 1, 8, SGD(0.2), held_out, False, verbose=0)
    assert_allclose(seen.loss, wanted.loss, rtol=1e-14)
    assert seen.accuracy == wanted.accuracy and seen.val_loss == wanted.val_loss
    done = 24 if when == "after" else 16
    expected.fit(x[:done], t[:done], 1, 8, SGD(0.2), None, False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    assert np.isfinite(model.predict(x)).all()
    assert len(model.fit(x, t, 2, verbose=0).loss) == 2
    assert_whole(model)


def test_ctrl_c_waits_until_the_kernels_are_loaded(monkeypatch):
    """Numba crashes, now and then, where it is interrupted while it loads one."""
    finished = []

    def load(*arguments):
        signal.raise_signal(signal.SIGINT)
        finished.append(sum(range(1000)))  # a Ctrl-C that did not wait would be raised by now
        real(*arguments)

    real = models.network.train_epochs
    x, t = data(40)
    model, handler = small(), signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(models.network, "train_epochs", load)
    assert model.fit(x, t, 3, verbose=0).loss == []
    assert len(finished) == 1 and signal.getsignal(signal.SIGINT) is handler
    monkeypatch.undo()
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(model.fit(x, t, 3, verbose=0)))
    thread.start()
    thread.join()
    assert len(elsewhere[0].loss) == 3
    assert_whole(model)


def test_ctrl_c_in_validation_leaves_a_history_of_equal_lengths(interrupt):
    x, t = data(40)
    model = small()
    interrupt(3, learn=False)
    seen = model.fit(x, t, 9, 8, validation_data=(x, t), verbose=0)
    assert {key: len(values) for key, values in vars(seen).items()} == dict.fromkeys(vars(seen), 2)


def test_ctrl_c_while_the_weights_explode_keeps_finite_ones(interrupt):
    x, t = np.full((40, 5), 1e38), np.arange(40) % 3
    model = small(weight_init_std=1)
    model.layers[0].W[...] = 0
    before = model.parameter_vector.copy()
    interrupt(1)
    assert model.fit(x, t, 50, 8, SGD(1e3), verbose=0).loss == []
    assert_array_equal(model.parameter_vector, before)
    stops(model, x, t, 1, 8, lr=1e3)


CTRL_C = """
import json, os, signal, sys, threading, time
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential

rng = np.random.default_rng(0)
x, t = rng.standard_normal((3000, 20)), rng.integers(0, 3, 3000)
model = Sequential([Dense(30, activation="sigmoid"), Dense(3)], seed=0)
model.fit(x, t, 1)
before = model.parameter_vector.copy()
stopped = []

def stop():
    stopped.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(0.3, stop).start()
seen = model.fit(x, t, 10**7, {batch_size})
seconds = time.perf_counter() - stopped[0]
print(json.dumps({{
    "epochs": len(seen.loss),
    "lengths": len({{len(v) for k, v in vars(seen).items() if not k.startswith("val")}}),
    "learnt": not np.array_equal(before, model.parameter_vector),
    "finite": bool(np.isfinite(model.predict(x)).all()),
    "again": len(model.fit(x, t, 2).loss),
    "seconds": seconds,
    "tqdm": "tqdm" in sys.modules,
}}))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("batch_size", [32, 3000])
def test_a_real_ctrl_c(batch_size, warm_cache):
    program = CTRL_C.format(batch_size=batch_size)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("epochs") >= 1 and seen.pop("seconds") < 2
    assert seen == {"lengths": 1, "learnt": True, "finite": True, "again": 2, "tqdm": False}


# --------------------------------------------------------------------------- not finite

cuts = pytest.mark.parametrize("cut", [1, 3 * 1.2e5, 1e12])


def stops(model, *arguments, lr, what="weights"):
    """Fit, and match the message with which it stops."""
    with pytest.raises(FloatingPointError) as caught:
        model.fit(*arguments, optimizer=SGD(lr), shuffle=False, verbose=0)
    assert str(caught.value) in [
        f"Sequential.fit: loss must stay finite, got {found} that overflowed or NaN in the data at "
        f"lr={lr:g}. The model keeps its last finite weights. Lower the learning rate, or look "
        "for NaN and large numbers in x and t."
        for found in what.split("|")
    ]
    assert np.isfinite(model.parameter_vector).all()
    assert_whole(model)


@cuts
@every_loss
@every_dtype
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


def test_nan_in_the_targets_stops_too():
    x, t = data(40, loss=SQUARED_ERROR)
    t[3, 1] = np.nan
    stops(small(SQUARED_ERROR), x, t, lr=0.1, what="a loss")


@cuts
@every_loss
@every_dtype
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
    options = {"optimizer": SGD(15), "shuffle": False, "verbose": 0}
    with pytest.raises(FloatingPointError) as caught:
        model.fit(x, t, 100, 5, **options)
    history = caught.value.history
    assert 0 < len(history.loss) < 100
    wanted = expected.fit(x, t, len(history.loss), 5, **options)
    assert_allclose(history.loss, wanted.loss, rtol=1e-14)
    assert history.accuracy == wanted.accuracy and len(history.seconds) == len(history.loss)


# --------------------------------------------------------------------------- use


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


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("n", [1, 2, 17, 31, 32])
@every_dtype
def test_few_rows_have_the_bits_of_the_general_way(dtype, n, kind):
    model = Sequential([Dense(50, "tanh"), MatMul(drawn(50, 7)), Sigmoid()], dtype=dtype, seed=0)
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


@pytest.mark.parametrize(
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
    seen = model.evaluate(x, t)
    assert_allclose(seen["loss"], ((x - t) ** 2).sum() / 2 / 4, rtol=1e-14)
    assert seen["accuracy"] == 0.5  # the first and the third


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_output_is_right_on_the_targets_side_of_a_half(shape):
    model = Sequential([MatMul([[1.0]])], SQUARED_ERROR, "float64")
    x = np.array([[0.2], [0.5], [0.6], [0.9], [0.51]])
    t = np.array([0, 0, 1, 0, 0.7]).reshape(shape)
    seen = model.evaluate(x, t)
    assert seen["accuracy"] == 0.8  # 0.5 is not above a half; 0.9 is, and should not be
    assert_allclose(seen["loss"], ((x[:, 0] - t.ravel()) ** 2).sum() / 2 / 5, rtol=1e-14)
    assert model.fit(x, t, optimizer=SGD(0), verbose=0).accuracy == [0.8]


# --------------------------------------------------------------------------- memory


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc/self/status")
def test_training_from_uint8_copies_no_data(warm_cache):
    """At most 1.5 times the peak of a process that has only loaded arrays of MNIST's size.

    Most of what comes on top, 55 of 150 MB, is what Numba loads before its first kernel runs.
    """
    load = """
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential
x, t = np.ones((60000, 784), np.uint8), np.arange(60000, dtype=np.uint8) % 10
"""
    fit = """
model = Sequential([Dense(50, activation="relu"), Dense(10)], seed=0)
model.fit(x, t, 2, 100, validation_data=(x[:10000], t[:10000]), verbose=0)
assert model.predict(x).shape == (60000, 10) and model.evaluate(x, t)
"""
    # Not getrusage's peak: after an exec that still counts the memory of the process before it.
    peak = """
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
    loaded, trained = (
        int(subprocess.check_output([sys.executable, "-c", code + peak], timeout=120))
        for code in (load, load + fit)
    )
    assert trained / loaded <= 1.5


# --------------------------------------------------------------------------- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_progress(monkeypatch):
    x, t = data()
    monkeypatch.setattr(sys, "stderr", Terminal())
    seen = small().fit(x, t, 3, validation_data=(x, t))
    text = sys.stderr.getvalue()
    assert "3/3" in text and "epoch" in text and text.endswith("\n")
    last = text.split("\r")[-1]
    for name in ("loss", "accuracy", "val_accuracy"):
        assert f"{name}={getattr(seen, name)[-1]:.4f}" in last


def test_the_bar_comes_when_the_kernels_are_there(monkeypatch):
    """A line that says that they are compiled stands above it."""
    order, run = [], Steps.run
    monkeypatch.setattr(Steps, "run", lambda *a, **k: order.append("run") or run(*a, **k))
    monkeypatch.setattr(models.training, "progress_bar", lambda *_: order.append("bar"))
    small().fit(*data(), 1)
    assert order == ["run", "bar", "run"]


@pytest.mark.parametrize(
    ("stream", "verbose"),
    [(Terminal, 0), (io.StringIO, 1), (object, 1), (lambda: None, 1)],
    ids=["verbose=0", "a pipe", "no stream", "None"],
)
def test_elsewhere_nothing_is_shown_and_tqdm_not_imported(monkeypatch, capsys, stream, verbose):
    x, t = data()
    fake = stream()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", fake)
        patch.setitem(sys.modules, "tqdm", None)  # an import would fail
        small().fit(x, t, 3, verbose=verbose)
    assert not isinstance(fake, io.StringIO) or fake.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_closed_when_training_ends_early(monkeypatch, interrupt):
    x, t = data()
    bars = []  # held: a bar that is collected closes itself
    real = models.training.progress_bar
    monkeypatch.setattr(
        models.training, "progress_bar", lambda *a: bars.append(real(*a)) or bars[-1]
    )
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(FloatingPointError):
        small().fit(x * np.nan, t, 3)
    interrupt(1)
    small().fit(x, t, 3)
    assert len(bars) == 2 and all(bar.disable and bar.n == 0 for bar in bars)
    assert sys.stderr.getvalue().count("0/3") >= 2 and sys.stderr.getvalue().endswith("\n")


# --------------------------------------------------------------------------- copies, threads


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deepcopy", "copy", "pickle"],
)
def test_a_copied_model_is_whole(duplicate):
    x, t = data()
    model = small()
    model.fit(x, t, 2, 8, verbose=0)
    twin = duplicate(model)
    assert_whole(twin)
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    assert_array_equal(twin.predict(x), model.predict(x))
    twin.fit(x, t, 2, 8, verbose=0)
    assert_array_equal(twin.layers[0].W.ravel(), twin.parameter_vector[:20])
    assert_whole(twin)
    if duplicate is copy.copy:
        assert_array_equal(twin.predict(x), model.predict(x))  # it has the same layers
        return
    assert not np.array_equal(twin.predict(x), model.predict(x))
    model.fit(x, t, 2, 8, verbose=0)  # the same generator, so the same bits
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    for array, other in zip(twin.gradient(x, t), model.gradient(x, t), strict=True):
        assert_array_equal(array, other)


@pytest.mark.parametrize("stack", ["mixed", "activation first", "activations in a row"])
def test_a_pickle_of_any_stack(stack):
    x, t = data()
    model = Sequential(STACKS[stack](layers), seed=0)
    twin = pickle.loads(pickle.dumps(model))  # before it knows its inputs
    model.fit(x, t, 2, verbose=0)
    twin.fit(x, t, 2, verbose=0)
    assert_array_equal(twin.parameter_vector, model.parameter_vector)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(x), model.predict(x))
    assert_whole(again)


def test_a_pickle_holds_the_parameters_and_gradients_once():
    model = Sequential([Dense(100, input_shape=1000)], seed=0)
    assert len(pickle.dumps(model)) < 2.1 * model.parameter_vector.nbytes


def test_two_models_that_share_a_layer():
    x, t = data()
    shared = Dense(4, activation="tanh")
    first = Sequential([shared, Dense(3)], seed=0)
    second = Sequential([shared, Dense(2)], seed=1)
    first.fit(x, t, 2, verbose=0)
    W = shared.W.copy()
    second.fit(x, t % 2, optimizer=SGD(lr=0), verbose=0)
    assert_array_equal(shared.W, W)  # what the first has learnt
    assert_array_equal(second.parameter_vector[:20], W.ravel())
    second.fit(x, t % 2, 2, verbose=0)
    W = shared.W.copy()
    first.predict(x)
    assert_array_equal(first.parameter_vector[:20], W.ravel())
    assert_array_equal(shared.W, W)


def test_two_threads_train_two_models():
    def work(i):
        x, t = data(500, dtype="float64", seed=i)
        stack = [Dense(20, activation="sigmoid"), Dense(3)]
        model = Sequential(stack, dtype=("float32", "float64")[i % 2], seed=i)
        barrier.wait()
        results[i] = model.fit(x, t, 300, 8, SGD(0.2), verbose=0).loss, model.parameter_vector

    results = {}
    barrier = threading.Barrier(1)
    for i in range(4):
        work(i)
    alone, results = results, {}
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        assert results[i][0] == alone[i][0]
        assert_array_equal(results[i][1], alone[i][1])


# --------------------------------------------------------------------------- TwoLayerNet


CHANGED_WHILE_FITTING = """
import threading, time
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential

def fit():
    while time.perf_counter() < end:
        try:
            model.fit(x, t, epochs=2, batch_size=1000, verbose=0, validation_data=(x, t))
        except RuntimeError as error:
            assert "got a change from another thread. Call again." in str(error), error

def edit():
    while time.perf_counter() < end:
        try:
            model.layers[1:1] = [Dense(2000), Dense(8)]
            model.predict(x[:2])
            del model.layers[1:3]
            model.predict(x[:2])
        except RuntimeError as error:
            assert "got a change from another thread. Call again." in str(error), error
            model.layers[1:-1] = []

failed = []
threading.excepthook = failed.append
rng = np.random.default_rng(0)
x, t = rng.random((2000, 6), np.float32), rng.integers(0, 3, 2000)
model = Sequential([Dense(8, "relu", 6), Dense(3)], seed=0)
model.fit(x, t, verbose=0, validation_data=(x, t)), model.predict(x[:2])
end = time.perf_counter() + 2
threads = [threading.Thread(target=work) for work in (fit, edit)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed
assert np.isfinite(model.predict(x)).all()
"""


def test_layers_changed_while_another_thread_fits():
    # Where a call took its table and its vector at two moments, the heap was written over.
    done = subprocess.run(
        [sys.executable, "-c", CHANGED_WHILE_FITTING], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_fit_goes_on_with_the_vector_that_it_began_with(monkeypatch):
    def train(*arguments):
        if arguments[6].size and len(model.layers) == 2:
            model.add(Dense(2000))  # as another thread might
        assert arguments[8].size == 39
        real(*arguments)

    real = models.network.train_epochs
    model, expected = small(), small()
    old = model.parameter_vector
    monkeypatch.setattr(models.network, "train_epochs", train)
    model.fit(X, T, 3, validation_data=(X, T), shuffle=False, verbose=0)
    monkeypatch.undo()
    expected.fit(X, T, 3, shuffle=False, verbose=0)
    assert_array_equal(old, expected.parameter_vector)
    assert model.predict(X).shape == (6, 2000)
    assert_whole(model)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_labels_are_those_of_the_network_that_is_trained(monkeypatch, method):
    def labels(*arguments):
        change()  # as another thread might, after the check for 3 classes
        return real(*arguments)

    real = checks.labels
    monkeypatch.setattr(checks, "labels", labels)
    model, expected = small(), small()
    change = lambda: model.layers.append(Dense(2))  # noqa: E731
    METHODS[method](model, X, T)
    assert len(model.layers) == 3
    change = lambda: None  # noqa: E731
    METHODS[method](expected, X, T)
    assert_array_equal(model.predict(X).shape, (6, 2))
    assert_array_equal(model.layers[1].W, expected.layers[1].W)
    # What is trained would have fewer outputs than there are labels: that is refused.
    model = unbuilt()
    change = lambda: setattr(model.layers[-1], "units", 2)  # noqa: E731
    refused(
        lambda: METHODS[method](model, X, T),
        RuntimeError,
        f"Sequential.{method}: layers must stay as they are while a call begins, got a change from "
        "another thread. Call again.",
    )


def two_networks(*sizes, seed=0, **options):
    for network in (TwoLayerNet, reference_models.TwoLayerNet):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        yield network(*sizes, **options)


def test_two_layer_net_is_the_textbooks():
    network, expected = two_networks(6, 9, 4, weight_init_std=0.7)
    x, t = data(25, 6, 4)
    assert list(network.params) == ["W1", "b1", "W2", "b2"]
    for key, array in expected.params.items():
        assert_array_equal(network.params[key], array)
        assert network.params[key].dtype == np.float64
    for answers in (t, np.eye(4)[t]):
        assert_allclose(network.loss(x, answers), expected.loss(x, answers), rtol=1e-13)
        assert network.accuracy(x, answers) == expected.accuracy(x, answers)
        gradient, wanted = network.gradient(x, answers), expected.gradient(x, answers)
        assert list(gradient) == list(wanted)
        for key in wanted:
            assert_allclose(gradient[key], wanted[key], rtol=1e-11, atol=1e-14)
    assert_allclose(network.predict(x), expected.predict(x), rtol=1e-13, atol=1e-14)
    assert_allclose(network.predict(x[0]), expected.predict(x)[0], rtol=1e-13, atol=1e-14)


def test_two_layer_net_gradient_equals_its_numerical_gradient():
    # Weights that leave no probability so small that the 1e-7 in the logarithm is felt.
    network, _ = two_networks(5, 6, 3, weight_init_std=0.3)
    x, t = data(8)
    kept = {key: array.copy() for key, array in network.params.items()}
    numerical, gradient = network.numerical_gradient(x, t), network.gradient(x, t)
    assert list(numerical) == list(gradient) == list(kept)
    for key, array in network.params.items():
        assert numerical[key].shape == gradient[key].shape == array.shape
        assert_allclose(gradient[key], numerical[key], rtol=1e-5, atol=1e-7)
        assert np.abs(gradient[key]).max() > 1e-3
        assert_array_equal(array, kept[key])  # put back
        assert not any(np.shares_memory(gradient[key], grad) for grad in layer_grads(network))


def layer_grads(network):
    return [grad for layer in network.layers.values() for grad in layer.grads]


class LayerByLayer(TwoLayerNet):
    """A subclass may override a method: its gradient goes through the layers."""


def two_ways(*sizes, seed=0, **options):
    """The same network twice: one whose gradient is one kernel's, and one that calls the layers."""
    for kind in (TwoLayerNet, LayerByLayer):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        yield kind(*sizes, **options)


def left_behind(network):
    """What gradient leaves in the layers."""
    first, relu, second = network.layers.values()
    last = network.lastLayer
    kept = [first.x, relu.out, second.x, last.y, last.t, last.loss]
    kept += [grad.copy() for grad in layer_grads(network)]
    return [*kept, last.backward(3), second.backward(np.ones_like(second.x @ second.W))]


SAMPLES = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "uint8": lambda x: (40 * abs(x)).astype(np.uint8),
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "byte-swapped": lambda x: x.astype(">f8"),
    "read-only": lambda x: np.broadcast_to(x[0], x.shape),
    "masked": np.ma.array,
    "list": lambda x: x.tolist(),
    "images": lambda x: x.reshape(len(x), 2, 3),
    "one row": lambda x: x[:1],
}
ANSWERS = {
    "int64": lambda t: t,
    "uint8": lambda t: t.astype(np.uint8),
    "byte-swapped": lambda t: t.astype(">i8"),
    "strided": lambda t: np.repeat(t, 2)[::2],
    "list": lambda t: t.tolist(),
    "column": lambda t: t[:, np.newaxis],
    "one-hot": lambda t: np.eye(4)[t],
    "one-hot uint8": lambda t: np.eye(4, dtype=np.uint8)[t],
    "one-hot Fortran": lambda t: np.asfortranarray(np.eye(4)[t]),
}


@pytest.mark.parametrize("answers", ANSWERS)
@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.usefixtures("dispatcher_confused")
def test_the_gradient_at_once_is_that_of_the_layers(samples, answers):
    """Its bits, and the bits of all that it leaves in the layers."""
    x, t = data(25, 6, 4)
    x = SAMPLES[samples](x)
    t = ANSWERS[answers](t[: len(x)])
    ours, theirs = two_ways(6, 9, 4, weight_init_std=0.7)
    made = []
    for network in (ours, theirs):
        held = layer_grads(network)
        made.append([*network.gradient(x, t).values(), *left_behind(network)])
        network.gradient(x, t)
        assert all(a is b for a, b in zip(held, layer_grads(network), strict=True))
    for one, other in zip(*made, strict=True):
        assert_array_equal(one, other, strict=True)
        assert type(one) is type(other)
    assert ours.layers["Affine2"].x is ours.layers["Relu1"].out


def test_the_usual_gradient_is_one_kernels(monkeypatch):
    """Else the test above would compare the layers with themselves."""
    calls = []

    def spy(*arguments):
        calls.append(arguments)
        return kernel(*arguments)

    kernel = models.two_layer_net.two_layer_gradient
    monkeypatch.setattr(models.two_layer_net, "two_layer_gradient", spy)
    x, t = data(25, 6, 4)
    network, by_layers = two_ways(6, 9, 4)
    by_layers.gradient(x, t)
    assert not calls
    for samples in SAMPLES.keys() - {"images"}:
        for answers in ANSWERS:
            calls.clear()
            given = SAMPLES[samples](x)
            network.gradient(given, ANSWERS[answers](t[: len(given)]))
            assert len(calls) == 1, (samples, answers)
    assert len(two_layer_gradient.signatures) == 1


def other_layer(name, make):
    def change(network):
        network.layers[name] = make(network.layers[name])

    return change


def assigned(name, attribute, make):
    def change(network):
        layer = network.layers[name]
        setattr(layer, attribute, make(getattr(layer, attribute)))

    return change


def entry(name, held, i, make):
    def change(network):
        arrays = getattr(network.layers[name], held)
        arrays[i] = make(arrays[i])

    return change


class Doubled(Affine):
    def forward(self, x):
        return 2 * super().forward(x)


def last_layer(network):
    class Twice(SoftmaxWithLoss):
        def backward(self, dout=1):
            return super().backward(2 * dout)

    network.lastLayer = Twice()


def more_layers(network):
    second = network.layers.pop("Affine2")
    network.layers |= {"Sigmoid1": Sigmoid(), "Affine2": second}


def swapped_names(network):
    first, relu, second = network.layers.values()
    network.layers = {"Affine2": first, "Relu1": relu, "Affine1": second}


NETWORK_CHANGES = {
    "another activation": other_layer("Relu1", lambda old: Tanh()),
    "a subclass": other_layer("Affine1", lambda old: Doubled(old.W, old.b)),
    "a subclass at the end": other_layer("Affine2", lambda old: Doubled(old.W, old.b)),
    "a subclass between": other_layer("Relu1", lambda old: type("Mine", (Tanh, Relu), {})()),
    "an affine layer of its own": other_layer("Affine1", lambda old: Affine(2 * old.W, old.b + 1)),
    "another last layer": last_layer,
    "one layer more": more_layers,
    "swapped names": swapped_names,
    "W": assigned("Affine1", "W", lambda W: W + 1),
    "W in float32": assigned("Affine1", "W", lambda W: W.astype(np.float32)),
    "all in float32": lambda network: [
        assigned(name, attribute, lambda a: a.astype(np.float32))(network)
        for name in ("Affine1", "Affine2")
        for attribute in ("W", "b")
    ],
    "W in Fortran order": assigned("Affine2", "W", np.asfortranarray),
    "W byte-swapped": assigned("Affine2", "W", lambda W: W.astype(">f8")),
    "b byte-swapped": assigned("Affine1", "b", lambda b: b.astype(">f8")),
    "W masked": entry("Affine1", "params", 0, np.ma.array),
    "W of another width": assigned("Affine1", "W", lambda W: np.ones((6, 9))),
    "dW strided": entry("Affine1", "grads", 0, lambda a: np.repeat(a, 2, axis=1)[:, ::2]),
    "dW byte-swapped": entry("Affine2", "grads", 0, lambda a: a.astype(">f8")),
    "db masked": entry("Affine2", "grads", 1, np.ma.array),
    "db in float32": entry("Affine2", "grads", 1, lambda a: a.astype(np.float32)),
}


@pytest.mark.usefixtures("dispatcher_confused")
@pytest.mark.parametrize("change", NETWORK_CHANGES)
def test_changed_layers_of_the_two_layer_net_are_honoured(change):
    ours, theirs = two_ways(6, 9, 4, weight_init_std=0.7)
    x, t = data(25, 6, 4)
    before = ours.gradient(x, t)
    made = []
    for network in (ours, theirs):
        NETWORK_CHANGES[change](network)
        held = layer_grads(network)
        made.append([*network.gradient(x, t).values()])
        made[-1] += [array.copy() for array in layer_grads(network)]
        assert all(a is b for a, b in zip(held, layer_grads(network), strict=True))
    for one, other in zip(*made, strict=True):
        assert_array_equal(one, other, strict=True)
    if change.split()[0] in ("another", "an", "W") and "byte" not in change:
        same = [np.array_equal(a, b) for a, b in zip(made[0], before.values(), strict=False)]
        assert change in ("W in Fortran order", "W masked", "W in float32") or not all(same)


@pytest.mark.parametrize(
    ("x", "t"),
    [
        (np.ones((3, 7)), [0, 1, 2]),
        (np.ones((0, 6)), []),
        (np.ones((3, 6), complex), [0, 1, 2]),
        ([[1, 2], [3]], [0, 1]),
        (np.ones((3, 6)), np.array([0, 1, 4])),
        (np.ones((3, 6)), np.array([0, -1, 2])),
        (np.ones((3, 6)), np.array([0, 1])),
        (np.ones((3, 6)), np.array([0, 1, 2**63], np.uint64)),
        (np.ones((3, 6)), [0.0, 1.0, 2.0]),
        (np.ones((3, 6)), np.eye(4)[[1, 0, 2]] * 2),
        (np.ones((3, 6)), np.eye(3)),
        (np.ones((3, 7)), np.eye(4)[[1, 0, 2]] * 2),
    ],
)
def test_the_gradient_at_once_words_the_layers_errors(x, t):
    raised = []
    for network in two_ways(6, 9, 4):
        before = [array.copy() for array in layer_grads(network)]
        with pytest.raises((TypeError, ValueError, IndexError)) as error:
            network.gradient(x, t)
        raised.append((error.type, str(error.value)))
        for array, kept in zip(layer_grads(network), before, strict=True):
            assert_array_equal(array, kept)
    assert raised[0] == raised[1]


@pytest.mark.parametrize("name", ["Affine1", "Affine2"])
def test_a_layer_of_the_two_layer_net_under_another_name(name):
    for network in two_ways(6, 9, 4):
        network.layers = {
            "Other" if key == name else key: layer for key, layer in network.layers.items()
        }
        with pytest.raises(KeyError, match=name):
            network.gradient(*data(25, 6, 4))


@pytest.mark.parametrize("held", ["params", "grads"])
def test_lists_of_the_two_layer_net_that_lost_an_array(held):
    for network in two_ways(6, 9, 4):
        getattr(network.layers["Affine2"], held).pop()
        with pytest.raises(ValueError, match=rf"^Affine\.\w+: {held} must hold 2 arrays, got 1"):
            network.gradient(*data(25, 6, 4))


def test_two_layer_net_learns_as_in_the_book():
    network, expected = two_networks(64, 30, 10, weight_init_std=0.1)
    (x, t), (x_test, t_test) = load_digits(normalize=True, one_hot=True)
    rng = np.random.default_rng(0)
    optimizer = SGD(lr=0.1)
    for step in range(600):
        batch = rng.choice(len(x), 100)
        if step < 50:
            gradient = expected.gradient(x[batch], t[batch])
            for key in gradient:
                expected.params[key] -= 0.1 * gradient[key]
        if step == 50:
            for key, array in expected.params.items():
                assert_allclose(network.params[key], array, rtol=1e-9, atol=1e-12)
        gradient = network.gradient(x[batch], t[batch])
        if step % 2:
            optimizer.update(network.params, gradient)
        else:
            for key in network.params:
                network.params[key] -= 0.1 * gradient[key]
    assert network.accuracy(x_test, t_test) > 0.9
    twin = copy.deepcopy(network)
    optimizer.update(twin.params, gradient)
    assert twin.loss(x, t) != network.loss(x, t)


# --------------------------------------------------------------------------- learning


@pytest.mark.parametrize(
    ("answers", "hidden"), [([0, 0, 0, 1], []), ([0, 1, 1, 0], [Dense(4, activation="sigmoid")])]
)
@every_dtype
def test_gates_are_learnt_by_the_squared_error(answers, hidden, dtype):
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array(answers)
    stack = [*copy.deepcopy(hidden), Dense(1, activation="sigmoid", weight_init_std=1)]
    model = Sequential(stack, SQUARED_ERROR, dtype, seed=0)
    seen = model.fit(x, t, 5000, 1, SGD(lr=0.5), verbose=0)
    assert model.evaluate(x, t)["accuracy"] == 1 and model.evaluate(x, t)["loss"] < 0.01
    assert ((model.predict(x)[:, 0] > 0.5) == t).all()
    assert seen.loss[0] > 5 * seen.loss[-1]


def test_digits():
    (x, t), (x_test, t_test) = load_digits()
    model = Sequential([Dense(50, activation="relu"), Dense(10)], seed=0)
    model.fit(x * (255 // 16), t, 30, 32, SGD(lr=0.1), verbose=0)
    assert model.evaluate(x_test * (255 // 16), t_test)["accuracy"] >= 0.96


@pytest.mark.parametrize(
    ("activation", "weight_init_std", "least"), [("relu", None, 0.965), ("sigmoid", 0.01, 0.945)]
)
def test_mnist(mnist_dir, activation, weight_init_std, least):
    (x, t), (x_test, t_test) = load_mnist(mnist_dir)
    assert x.dtype == np.uint8 and len(x) == 60_000
    stack = [Dense(50, activation, None, weight_init_std), Dense(10, None, None, weight_init_std)]
    model = Sequential(stack, seed=0)
    model.fit(x, t, 17, 100, SGD(lr=0.1), verbose=0)
    assert model.evaluate(x_test, t_test)["accuracy"] >= least


# --------------------------------------------------------------------------- bad calls


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    message = caught.value.args[0]
    assert message == text
    assert "\n" not in message


def unbuilt():
    return Sequential([Dense(4, activation="tanh"), Dense(3)], seed=0)


X, T = data(6)
NO_KIND = "Convert it to float32 or float64."
ONE_ROW = "with at least one sample and one feature"
LAYERS = ", ".join(CLASSES) + ", or of a class of your own that derives from Layer"

# x, the error and its text after "<method>: ", for every method that takes x.
BAD_X = {
    "object": (
        X.astype(object), TypeError,
        f"x must be an array of integers, float16, float32 or float64, got dtype object. {NO_KIND}",
    ),
    "complex": (
        X + 1j, TypeError,
        f"x must be an array of integers, float16, float32 or float64, got dtype complex128. "
        f"{NO_KIND}",
    ),
    "strings": (
        [["a"] * 5], TypeError,
        "x must be an array of integers, float16, float32 or float64, got list of dtype <U1. "
        f"{NO_KIND}",
    ),
    "ragged": (
        [[1.0], [1.0, 2.0]], ValueError,
        "x must be an array, got a list whose parts differ in length. "
        "Give every row the same length.",
    ),
    "None": (
        None, TypeError,
        "x must be an array of integers, float16, float32 or float64, got NoneType of dtype "
        f"object. {NO_KIND}",
    ),
    "one sample": (
        X[0], ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(5,). Reshape one sample to (1, D).",
    ),
    "a number": (
        1.0, ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(). Reshape one sample to (1, D).",
    ),
    "no samples": (
        X[:0], ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(0, 5). Reshape one sample to (1, D).",
    ),
    "no features": (
        X[:, :0], ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(6, 0). Reshape one sample to (1, D).",
    ),
    "too wide": (
        np.ones((6, 7)), ValueError,
        "x must have 5 features, got 7. Give x the width that the first layer takes.",
    ),
    "too wide an image": (
        np.ones((6, 2, 3), np.uint8), ValueError,
        "x must have 5 features, got 6. Give x the width that the first layer takes.",
    ),
}  # fmt: skip
METHODS = {
    "fit": lambda m, x, t: m.fit(x, t, verbose=0),
    "evaluate": lambda m, x, t: m.evaluate(x, t),
    "forward": lambda m, x, t: m.forward(x, t),
    "gradient": lambda m, x, t: m.gradient(x, t),
    "predict": lambda m, x, t: m.predict(x),
    "predict_proba": lambda m, x, t: m.predict_proba(x),
}
SAID_BY = {"gradient": "forward", "predict_proba": "predict"}
takes_x = pytest.mark.parametrize("method", METHODS)
takes_t = pytest.mark.parametrize("method", ["fit", "evaluate", "forward", "gradient"])


def untouched(model, call, error, text):
    """The call is refused with that text, and the model is as it was."""
    before = state(model)
    refused(call, error, text)
    assert state(model) == before


@takes_x
@pytest.mark.parametrize("case", BAD_X)
def test_bad_x(case, method):
    x, error, text = BAD_X[case]
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    for make in (small, unbuilt):
        if make is small or not case.startswith("too wide"):  # any width will do there
            model = make()
            untouched(model, lambda m=model: METHODS[method](m, x, T), error, text)


ONE_EACH = "Give one label or one one-hot row a sample."
BAD_LABELS = {
    "too large": (
        [0, 1, 2, 0, 3, 1], IndexError,
        "t must be in 0..2 for predict(x).shape=(6, 3), got t[4]=3. Count classes from 0.",
    ),
    "negative": (
        np.array([0, -1, 2, 0, 2, 1], np.int8), IndexError,
        "t must be in 0..2 for predict(x).shape=(6, 3), got t[1]=-1. Count classes from 0.",
    ),
    "huge": (
        np.array([0, 1, 2, 0, 2**64 - 1, 1], np.uint64), IndexError,
        "t must be in 0..2 for predict(x).shape=(6, 3), got t[4]=18446744073709551615. "
        "Count classes from 0.",
    ),
    "real numbers": (
        T.astype(float), TypeError,
        "t must be integer labels or one-hot rows, got dtype float64 with t.shape=(6,). "
        "Convert labels with t.astype(int).",
    ),
    "too few": (
        T[:5], ValueError,
        "t must have shape (6,) or (6, 3) to match predict(x).shape=(6, 3), got t.shape=(5,). "
        + ONE_EACH,
    ),
    "one-hot of another width": (
        np.eye(4)[T], ValueError,
        "t must have shape (6,) or (6, 3) to match predict(x).shape=(6, 3), got t.shape=(6, 4). "
        + ONE_EACH,
    ),
    "none": (
        [], ValueError,
        "t must have shape (6,) or (6, 3) to match predict(x).shape=(6, 3), got t.shape=(0,). "
        + ONE_EACH,
    ),
    "two ones": (
        np.array([[1, 0, 0]] * 4 + [[0, 1, 1]] * 2), ValueError,
        "t must be one-hot, a single 1 and zeros in each row, got t[4]=[0 1 1]. "
        "Give labels (N,) or one-hot rows (N, C).",
    ),
    "probabilities": (
        np.full((6, 3), 0.25), ValueError,
        "t must be one-hot, a single 1 and zeros in each row, got t[0]=[0.25 0.25 0.25]. "
        "Give labels (N,) or one-hot rows (N, C).",
    ),
    "strings": (
        ["a"] * 6, TypeError,
        "t must be an array of integers, float16, float32 or float64, got list of dtype <U1. "
        f"{NO_KIND}",
    ),
}  # fmt: skip
BAD_TARGETS = {
    "too few": (
        np.ones((5, 3)), ValueError,
        "t must have shape (6, 3) to match x, got t.shape=(5, 3). Give one target for each output.",
    ),
    "labels": (
        T, ValueError,
        "t must have shape (6, 3) to match x, got t.shape=(6,). Give one target for each output.",
    ),
    "complex": (
        np.ones((6, 3), complex), TypeError,
        "t must be an array of integers, float16, float32 or float64, got dtype complex128. "
        f"{NO_KIND}",
    ),
}  # fmt: skip


@takes_t
@pytest.mark.parametrize("case", BAD_LABELS)
@pytest.mark.parametrize("make", [small, unbuilt])
def test_bad_labels(make, case, method):
    t, error, text = BAD_LABELS[case]
    model = make()
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    untouched(model, lambda: METHODS[method](model, X, t), error, text)


@takes_t
@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets(case, method):
    t, error, text = BAD_TARGETS[case]
    model = small(SQUARED_ERROR)
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    untouched(model, lambda: METHODS[method](model, X, t), error, text)


def spoilt(lr):
    """An SGD whose lr was set after it was made, and so not checked."""
    optimizer = SGD()
    optimizer.lr = lr
    return optimizer


def replaced():
    """An SGD whose own update was replaced."""
    optimizer = SGD()
    optimizer.update = print
    return optimizer


class Momentum(SGD):
    def update(self, params, grads):
        raise NotImplementedError


BAD_OPTIONS = {
    "no epochs": (
        {"epochs": 0}, ValueError, "epochs must be at least 1, got 0. Give a positive int."
    ),
    "half an epoch": (
        {"epochs": 0.5}, TypeError, "epochs must be a whole number, got 0.5. Give an int."
    ),
    "batch_size 0": (
        {"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0. Give a positive int."
    ),
    "batch_size True": (
        {"batch_size": True}, TypeError, "batch_size must be a whole number, got True. Give an int."
    ),
    "optimizer's name": (
        {"optimizer": "sgd"}, TypeError,
        "optimizer must be one of fastnet.optimizer, got 'sgd'. Give one, such as SGD().",
    ),
    "lr NaN": (
        {"optimizer": spoilt(np.nan)}, ValueError,
        "lr must be finite, got nan. Give a number such as 0.1.",
    ),
    "lr infinite": (
        {"optimizer": spoilt(-np.inf)}, ValueError,
        "lr must be finite, got -inf. Give a number such as 0.1.",
    ),
    "lr beyond float32": (
        {"optimizer": SGD(1e300)}, ValueError,
        "lr must be finite in float32, got 1e+300. Give a number such as 0.1.",
    ),
    "shuffle array": (
        {"shuffle": np.array([1, 2])}, TypeError,
        "shuffle must be True or False, got an array of shape (2,) and dtype int64. "
        "Give one of the two.",
    ),
    "shuffle text": (
        {"shuffle": "no"}, TypeError,
        "shuffle must be True or False, got 'no'. Give one of the two.",
    ),
    "an update of its own": (
        {"optimizer": replaced()}, TypeError,
        "optimizer must update as SGD does, got a SGD with an update of its own. Step by hand: "
        "forward, backward, optimizer.update(model.params, model.grads).",
    ),
    "lr text": (
        {"optimizer": spoilt("0.1")}, TypeError,
        "lr must be a real number, got '0.1'. Give a float.",
    ),
    "validation x alone": (
        {"validation_data": X}, TypeError,
        "validation_data must be a pair, got an array of shape (6, 5) and dtype float64. "
        "Give (x, t).",
    ),
    "validation triple": (
        {"validation_data": (X, T, T)}, TypeError,
        "validation_data must be a pair, got 3 parts. Give (x, t).",
    ),
    "validation x of other width": (
        {"validation_data": (X[:, 1:], T)}, ValueError,
        "validation_data[0] must have 5 features, got 4. "
        "Give validation_data[0] the width that the first layer takes.",
    ),
    "validation x empty": (
        {"validation_data": (X[:0], T[:0])}, ValueError,
        f"validation_data[0] must be (N, D) {ONE_ROW}, got validation_data[0].shape=(0, 5). "
        "Reshape one sample to (1, D).",
    ),
    "validation labels": (
        {"validation_data": (X, T + 3)}, IndexError,
        f"validation_data[1]: t must be in 0..2 for predict(validation_data[0]).shape=(6, 3), "
        f"got t[0]={T[0] + 3}. Count classes from 0.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_OPTIONS)
@pytest.mark.parametrize("make", [small, unbuilt])
def test_bad_options_of_fit(make, case):
    options, error, text = BAD_OPTIONS[case]
    model = make()
    untouched(
        model,
        lambda: model.fit(X, T, **{"verbose": 0, **options}),
        error,
        f"Sequential.fit: {text}",
    )


def test_an_optimizer_of_the_users_own_is_not_taken_for_sgd():
    model = small()
    untouched(
        model,
        lambda: model.fit(X, T, optimizer=Momentum(), verbose=0),
        TypeError,
        "Sequential.fit: optimizer must update as SGD does, got a Momentum with an update of its "
        "own. Step by hand: forward, backward, optimizer.update(model.params, model.grads).",
    )

    class Named(SGD):
        pass

    model.fit(X, T, optimizer=Named(), verbose=0)


def test_bad_layers():
    refused(
        lambda: Sequential([Dense(3), "relu"]),
        TypeError,
        f"Sequential.add: layer must be one of {LAYERS}, got str. Add one of these layers.",
    )
    refused(
        lambda: Sequential([Dense(3), Softmax()]),
        TypeError,
        f"Sequential.add: layer must be one of {LAYERS}, got Softmax. "
        'Leave it out: loss="softmax_cross_entropy" includes the softmax.',
    )

    class Own(Relu):
        def forward(self, x):
            return super().forward(-x)

    refused(
        lambda: Sequential([Own()]),
        TypeError,
        "Sequential.add: layer must compute what its in_loop says, got Own, whose forward or "
        "backward is another. Give it an in_loop, too.",
    )
    layer = Sigmoid()
    refused(
        lambda: Sequential([Dense(3), layer, Dense(3), layer]),
        ValueError,
        "Sequential.add: layer must be a new object, got one that is in the model already. "
        "Make another layer with the same arguments.",
    )
    refused(
        lambda: Sequential(Dense(3)),
        TypeError,
        "Sequential: layers must be a list of layers, got Dense. Give [Dense(...), ...].",
    )


BAD_CHANGES = {
    "no activation of that name": (
        lambda m: setattr(m.layers[0], "activation", "swish"), ValueError,
        f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}, got 'swish'. "
        "Give one of these names.",
    ),
    "no layer of a model": (
        lambda m: m.layers.append(Softmax()), TypeError,
        f"layer must be one of {LAYERS}, got Softmax. "
        'Leave it out: loss="softmax_cross_entropy" includes the softmax.',
    ),
    "a layer twice": (
        lambda m: m.layers.extend([Tanh()] * 2), ValueError,
        "layer must be a new object, got one that is in the model already. "
        "Make another layer with the same arguments.",
    ),
    "a layer that does not fit": (
        lambda m: m.layers.__setitem__(1, Affine(drawn(3, 3), drawn(3))), ValueError,
        "layers[1] must take 4 features, got Affine, which takes 3. "
        "Match each layer to the output of the one before it.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", BAD_CHANGES)
def test_a_change_that_cannot_be_honoured(case, method):
    change, error, text = BAD_CHANGES[case]
    model = small()
    kept = model.layers[:], model.layers[0].activation, model.predict(X)
    change(model)
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    untouched(model, lambda: METHODS[method](model, X, T), error, text)
    model.layers[:], model.layers[0].activation = kept[:2]
    assert_array_equal(model.predict(X), kept[2])


def test_layers_that_do_not_fit_each_other():
    advice = "Match each layer to the output of the one before it."
    refused(
        lambda: Sequential([Affine(drawn(5, 4), drawn(4)), Relu(), MatMul(drawn(3, 2))]),
        ValueError,
        f"Sequential.add: layers[2] must take 4 features, got MatMul, which takes 3. {advice}",
    )
    model = small()
    y = model.predict(X)
    untouched(
        model,
        lambda: model.add(Dense(2, input_shape=(2, 2))),
        ValueError,
        f"Sequential.add: layers[2] must take 3 features, got Dense, which takes 4. {advice}",
    )
    assert_array_equal(model.predict(X), y)
    late = Sequential([Dense(4), Dense(3, input_shape=(7,))])
    for method, call in METHODS.items():
        untouched(
            late,
            lambda call=call: call(late, X, T),
            ValueError,
            f"Sequential.{SAID_BY.get(method, method)}: layers[1] must take 4 features, got "
            f"Dense, which takes 7. {advice}",
        )


def test_a_bias_that_does_not_match_its_weights():
    # Accepted, it would have the kernel read beyond the parameters.
    layer = Affine(drawn(5, 4), drawn(4))
    layer.W = drawn(5, 6)
    refused(
        lambda: Sequential([layer]),
        ValueError,
        "Sequential.add: b must have shape (6,) to match W (5, 6), got b.shape=(4,). "
        "Assign W and b of the same M.",
    )
    layer.b = drawn(6)
    assert Sequential([layer]).predict(X).shape == (6, 6)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_assigned_array_of_another_shape(entry):
    model = small()
    kept = model.parameter_vector.copy()
    model.layers[1].W = drawn(4, 2)
    with pytest.raises(ValueError) as caught:
        ENTRIES[entry](model, X, np.minimum(T, 1))
    assert "must keep their shape (4, 3), got (4, 2)" in str(caught.value) or (
        "b must have shape (2,) to match W (4, 2), got b.shape=(3,)" in str(caught.value)
    )
    assert str(caught.value).startswith("Sequential")
    model.layers[1].W = kept[24:36].reshape(4, 3)
    assert_array_equal(model.parameter_vector, kept)


def test_an_assigned_array_of_another_shape_is_named():
    model = small()
    model.layers[1].b = drawn(2)
    refused(
        lambda: model.parameter_vector,
        ValueError,
        "Sequential.parameter_vector: the arrays assigned to a layer must keep their shape (3,), "
        "got (2,). Make a new model.",
    )


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"loss": "softmax"}, ValueError,
            f"loss must be one of {', '.join(map(repr, LOSSES))}, got 'softmax'. "
            "Give one of these names.",
        ),
        (
            {"loss": None}, ValueError,
            f"loss must be one of {', '.join(map(repr, LOSSES))}, got None. "
            "Give one of these names.",
        ),
        (
            {"dtype": "float16"}, TypeError,
            "dtype must be float32 or float64, got 'float16'. "
            'Give dtype="float32" or dtype="float64".',
        ),
        (
            {"seed": -1}, ValueError, "seed must be at least 0, got -1. Give such a number.",
        ),
        (
            {"seed": 0.5}, TypeError, "seed must be a whole number or None, got 0.5. Give an int.",
        ),
    ],
)  # fmt: skip
def test_bad_arguments_of_sequential(options, error, text):
    refused(lambda: Sequential([Dense(3)], **options), error, f"Sequential: {text}")


@pytest.mark.parametrize(("name", "value"), [("dtype", "float64"), ("loss", SQUARED_ERROR)])
def test_what_a_model_was_made_with_stays(name, value):
    model = small()
    before = getattr(model, name)
    untouched(
        model,
        lambda: setattr(model, name, value),
        AttributeError,
        f"Sequential.{name}: {name} must stay as the model was made with, got {value!r}. "
        f"Make a new model with that {name}.",
    )
    assert getattr(model, name) == before


def test_repr():
    assert repr(small()) == (
        "<Sequential: Dense(4, activation='tanh'), Dense(3); softmax_cross_entropy, float32, "
        "39 parameters>"
    )
    assert repr(Sequential()) == (
        "<Sequential: no layers; softmax_cross_entropy, float32, not built>"
    )
    assert len(repr(Sequential([Dense(4) for _ in range(1000)]))) < 200
    history = History()
    assert repr(history) == "<History: 0 epochs>"
    history.loss, history.val_accuracy = [0.5, 0.25], [0.5, 1.0]
    assert repr(history) == "<History: 2 epochs, at last loss 0.2500, val_accuracy 1.0000>"


def test_dtype_may_be_any_of_numpys_names():
    for dtype in ("float64", np.float64, float, "f8", "<f8"):
        assert small(dtype=dtype).parameter_vector.dtype == np.float64


NAMES = ["params", "grads", "parameter_vector", "gradient_vector", "parameter_count"]


def test_the_number_of_inputs_must_be_known():
    model = unbuilt()
    for name in [*NAMES, "summary"]:
        untouched(
            model,
            lambda name=name: getattr(model, name)(),
            RuntimeError,
            f"Sequential.{name}: the number of inputs must be known. Call fit or build(n_in) "
            "first, or give the first Dense an input_shape.",
        )


def test_saving_needs_the_number_of_inputs_and_weights(tmp_path):
    model = unbuilt()
    untouched(
        model,
        lambda: model.save(tmp_path / "model.safetensors"),
        RuntimeError,
        "Sequential.save: the number of inputs must be known. Call fit or build(n_in) first, or "
        "give the first Dense an input_shape.",
    )
    model = Sequential([Sigmoid()])
    model.predict(X)
    untouched(
        model,
        lambda: model.save(tmp_path / "model.safetensors"),
        ValueError,
        "save_model: model must have a layer with weights, got none. Add a Dense before saving.",
    )
    assert not any(tmp_path.iterdir())


def test_an_empty_model():
    model = Sequential()
    calls = {name: lambda name=name: getattr(model, name)() for name in [*NAMES, "summary"]}
    for method, call in METHODS.items():
        calls[SAID_BY.get(method, method)] = lambda call=call: call(model, X, T)
    for name, call in {**calls, "build": lambda: model.build(5)}.items():
        refused(call, RuntimeError, f"Sequential.{name}: add a layer first.")


def test_bad_build():
    model = small()
    for n_in, error, text in (
        (0, ValueError, "n_in must be at least 1, got 0. Give a positive int."),
        ((5,), TypeError, "n_in must be a whole number, got (5,). Give an int."),
        (
            6, ValueError,
            "n_in must have 5 features, got 6. Give n_in the width that the first layer takes.",
        ),
    ):  # fmt: skip
        untouched(model, lambda n_in=n_in: model.build(n_in), error, f"Sequential.build: {text}")


def test_calls_out_of_order():
    model = small()
    refused(model.backward, RuntimeError, "Sequential.backward: call forward first.")
    model = small(SQUARED_ERROR)
    untouched(
        model,
        lambda: model.predict_proba(X),
        RuntimeError,
        'Sequential.predict_proba: loss must be "softmax_cross_entropy", got '
        '"mean_squared_error". Use predict.',
    )


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0, 2, 2), ValueError, "input_size must be at least 1, got 0. Give a positive int."),
        ((2, 2.5, 2), TypeError, "hidden_size must be a whole number, got 2.5. Give an int."),
        ((2, 2, "2"), TypeError, "output_size must be a whole number, got '2'. Give an int."),
        (
            (2, 2, 2, -1), ValueError,
            "weight_init_std must be finite and not negative, got -1.0. "
            "Give a number such as 0.01.",
        ),
    ],
)  # fmt: skip
def test_bad_arguments_of_two_layer_net(arguments, error, text):
    refused(lambda: TwoLayerNet(*arguments), error, f"TwoLayerNet: {text}")


def test_bad_arrays_of_two_layer_net():
    network = TwoLayerNet(5, 4, 3)
    refused(
        lambda: network.accuracy(X[0], T[0]),
        ValueError,
        "TwoLayerNet.accuracy: x must be (N, D) with at least one sample and one feature, got "
        "x.shape=(5,). Reshape one sample to (1, D).",
    )
    refused(
        lambda: network.accuracy(X, T + 5),
        IndexError,
        "TwoLayerNet.accuracy: t must be in 0..2 for predict(x).shape=(6, 3), got "
        f"t[0]={T[0] + 5}. Count classes from 0.",
    )
    refused(
        lambda: network.gradient(X, T[:2]),
        ValueError,
        "SoftmaxWithLoss.forward: t must have shape (6,) or (6, 3) to match x.shape=(6, 3), got "
        f"t.shape=(2,). {ONE_EACH}",
    )
    refused(
        lambda: network.predict(X[:, :4]),
        ValueError,
        "Affine.forward: x must have 5 features to match W (5, 4), got x.shape=(6, 4). "
        "Reshape x to (N, 5).",
    )
