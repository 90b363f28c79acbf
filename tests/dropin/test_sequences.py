"""The drop-in's layers and functions of words and sequences: what they leave behind, to the dtype.

test_whole_scripts.py runs the script that uses them.
"""

# ruff: noqa: NPY002  the book draws from NumPy's global generator

import copy
import pickle

import numpy as np
import pytest
from books_sequences import owns
from numpy.testing import assert_array_equal

from fastnet.dropin import second
from fastnet.dropin.examples import alike
from fastnet.dropin.later import Later, taken
from fastnet.dropin.methods import with_own


@pytest.mark.parametrize("size", [0, 3])
def test_negative_samples_in_float32_leave_float64_as_the_book_does(book, size):
    """Of a sigmoid in float32 and labels int32 the slopes are float64."""
    kind = book("ch04.negative_sampling_layer", "NegativeSamplingLoss")
    rng, results = np.random.default_rng(0), []
    W, h = rng.standard_normal((9, 4)).astype("f"), rng.standard_normal((5, 4)).astype("f")
    target, corpus = rng.integers(9, size=5), np.arange(90) % 9
    for methods in ({}, owns(kind)):
        layer = type("NegativeSamplingLoss", (kind,), methods)(W.copy(), corpus, 0.75, size)
        np.random.seed(2)
        loss, dh = layer.forward(h, target), layer.backward()
        results.append([loss, dh, layer.grads, np.random.rand()])
        assert dh.dtype == np.float64 and layer.grads[0].dtype == np.float32
    for ours, theirs in zip(results[0][2], results[1][2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5, atol=1e-7)
    assert results[0][3] == results[1][3]  # as many random numbers


def test_steps_are_made_by_the_scripts_own_code_for_whoever_looks(book):
    kind = book("ch08.attention_layer", "TimeAttention")
    rng = np.random.default_rng(0)
    hs, h = (rng.standard_normal((2, k, 4)).astype("f") for k in (3, 5))
    layer = kind()
    layer.forward(hs, h)
    dout = np.ones((2, 5, 4), np.float32)
    expected = layer.backward(dout)
    assert type(layer.layers) is Later and taken(layer.layers) is not None
    restored = pickle.loads(pickle.dumps(layer))
    assert type(restored.layers) is list and len(restored.layers) == 5
    for other in (restored, copy.deepcopy(layer)):
        for ours, theirs in zip(other.backward(dout), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    for step, weights in zip(layer.layers, layer.attention_weights, strict=True):
        np.testing.assert_allclose(step.attention_weight, weights, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_one_hot_integers_are_multiplied_in_float64_by_kernels(dtype, book):
    """As NumPy multiplies them with weights in float32: SimpleCBOW's first layers."""
    kind = book("common.layers", "MatMul")

    def never(*arguments):
        raise AssertionError("passed on")

    rng, results = np.random.default_rng(0), []
    W, x = rng.standard_normal((7, 5)).astype("f"), np.eye(7, dtype=dtype)[[1, 2, 6]]
    dout = rng.standard_normal((3, 5))
    methods = {
        name: with_own(vars(second.MatMul)[name], never, {}) for name in ("forward", "backward")
    }
    for given in (methods, owns(kind)):
        layer = type("MatMul", (kind,), given)(W.copy())
        results.append([layer.forward(x), np.asarray(layer.backward(dout)), layer.grads])
        assert layer.x is x
    assert results[0][0].dtype == results[0][1].dtype == np.float64
    assert alike(results[1], results[0])


@pytest.mark.parametrize("name", ["TimeGRU", "TimeLSTM", "TimeRNN"])
def test_recurrent_layers_that_share_their_steps_do_not_share_the_kernels_room(name, book):
    """A shallow copy holds the same list: the one that goes on first has the room for itself."""
    kind = book("common.time_layers", name)
    k = {"TimeGRU": 3, "TimeLSTM": 4, "TimeRNN": 1}[name]
    rng, results = np.random.default_rng(0), []
    arrays = [rng.standard_normal(shape).astype("f") for shape in ((5, 4 * k), (4, 4 * k), 4 * k)]
    xs, others, dhs = (rng.standard_normal((3, 6, n)).astype("f") for n in (5, 5, 4))
    for methods in ({}, owns(kind)):
        layer = type(name, (kind,), methods)(*[array.copy() for array in arrays])
        layer.forward(xs)
        twin = copy.copy(layer)
        twin.forward(others)
        found = [layer.backward(dhs), [grad.copy() for grad in layer.grads], layer.dh]
        found += [twin.backward(dhs), [grad.copy() for grad in twin.grads], twin.dh]
        found += [twin.backward(dhs), twin.forward(xs), twin.h]  # and once more, by itself
        results.append(found)
    assert alike(results[1], results[0])


def test_a_state_that_is_given_is_not_written(book):
    """The decoder begins with the encoder's last state, a view of what goes on elsewhere."""
    kind = book("common.time_layers", "TimeLSTM")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype("f") for shape in ((5, 16), (4, 16), 16)]
    layer, hs = kind(*arrays, stateful=True), rng.standard_normal((3, 2, 4)).astype("f")
    kept = hs.copy()
    layer.set_state(hs[:, -1])
    layer.forward(rng.standard_normal((3, 6, 5)).astype("f"))
    assert_array_equal(hs, kept)
    assert layer.h is not None and not np.shares_memory(layer.h, hs)


def test_most_similar_prints_the_same_digits(book, capsys):
    """To the last one: ties go by it."""
    function = book("common.util", "most_similar")
    own = function.__wrapped__
    rng = np.random.default_rng(0)
    names = {i: f"word{i}" for i in range(300)}
    numbers = {name: i for i, name in names.items()}
    counts = rng.integers(0, 2, (300, 300)).astype(np.int32)
    tables = rng.standard_normal((300, 100)), counts
    for table in (*tables, tables[0].astype("f"), tables[0].astype(np.float16)):
        for given in (own, function):
            given("word7", numbers, names, table, 20)
        printed = capsys.readouterr().out
        half = len(printed) // 2
        assert printed[:half] == printed[half:] and printed.count("\n") == 44


def test_contexts_and_counts_of_a_corpus(book):
    rng = np.random.default_rng(0)
    corpus = rng.integers(0, 30, 500)
    for dtype in (np.int64, np.int32, np.uint8):
        for name, *arguments in (
            ("create_contexts_target", 5),
            ("create_co_matrix", 30, 4),
            ("create_co_matrix", 40, 600),
            ("convert_one_hot", 31),
        ):
            function = book("common.util", name)
            given = corpus.astype(dtype) if name != "create_co_matrix" else corpus
            found = function(given, *arguments), function.__wrapped__(given, *arguments)
            for ours, theirs in zip(*found, strict=True):  # rows, or contexts and targets
                assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_words_that_count_from_the_tables_end(dtype, book):
    """NumPy's rows of negative numbers: the script's own backward adds up their gradients."""
    kind = book("common.time_layers", "TimeEmbedding")
    W = np.arange(20, dtype=np.float32).reshape(5, 4)
    xs, dout = np.array([[0, -1, 4], [-5, 2, -1]], dtype), np.ones((2, 3, 4), np.float32)
    layer, own = kind(W), type("TimeEmbedding", (kind,), owns(kind))(W)
    for each in (layer, own):
        assert_array_equal(each.forward(xs), W[xs])
        each.backward(dout)
    assert_array_equal(layer.grads[0], own.grads[0])
    assert layer.grads[0][:, 0].tolist() == [2, 0, 1, 0, 3]
