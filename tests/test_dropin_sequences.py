"""The drop-in's names of words and sequences: what they leave behind, and who answers what.

dropin/test_whole_scripts.py runs the script that uses them.
"""

# ruff: noqa: NPY002  the book draws from NumPy's global generator

import contextlib
import copy
import importlib
import pickle
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import dropin
from fastnet.dropin import hook, known, second
from fastnet.dropin.examples import EXAMPLES, alike, outcome
from fastnet.dropin.known import KNOWN
from fastnet.dropin.later import Later, layers_of, taken
from fastnet.dropin.replaced import _with

ROOM = {
    "common.time_layers": hook.MODULES["common.time_layers"],
    "common.util": hook.MODULES["common.util"],
    "ch04.negative_sampling_layer": hook.WORDS,
    "ch08.attention_layer": hook.ATTENTION,
}
# im2col and col2im are those of the first book, in dropin/test_images.py.
NAMES = [
    (module, name)
    for module, names in ROOM.items()
    for name in names
    if name not in ("im2col", "col2im")
]
CLASSES = [(module, name) for module, name in NAMES if KNOWN[name].methods]
every_name = pytest.mark.parametrize(("module", "name"), NAMES)
every_class = pytest.mark.parametrize(("module", "name"), CLASSES)


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in ("common", *ROOMS)]:
        del sys.modules[name]


ROOMS = ("ch04", "ch08")


@pytest.fixture
def book(root, monkeypatch):
    """Return a function that gives a module's class or function, the own one and on kernels."""
    monkeypatch.syspath_prepend(root / "tests" / "dropin" / "second")
    monkeypatch.setattr(known, "ENOUGH", 0)
    forget()
    dropin.install()

    def find(module, name):
        kind = vars(importlib.import_module(module))[name]
        with contextlib.suppress(Exception):
            outcome(EXAMPLES[name], kind)  # kernels come at the first call
        return kind

    yield find
    dropin.uninstall()
    forget()


def owns(kind):
    """Return the script's own methods that fastnet's stand before."""
    found = {}
    for name in KNOWN[kind.__name__].methods:
        options = getattr(vars(kind)[name], "__kwdefaults__", None) or {}
        if "own" in options:
            found[name] = options["own"]
    return found


@every_class
def test_all_methods_are_on_kernels(module, name, book):
    assert owns(book(module, name)).keys() == KNOWN[name].methods.keys()


@every_name
def test_a_function_or_class_that_gives_other_numbers_stays_the_scripts_own(module, name, book):
    """Each one is compared with what the own one gives: a single number that differs is seen."""
    kind = book(module, name)
    found = outcome(EXAMPLES[name], kind)

    def spoiled(value):
        if isinstance(value, (list, tuple)):
            return type(value)(map(spoiled, value))
        if isinstance(value, (np.ndarray, np.generic)):
            return value + value.dtype.type(1)
        return value

    assert alike(found, copy.deepcopy(found))
    assert not alike(found, spoiled(found)) or name == "most_similar"
    assert name != "most_similar" or not alike(found, (found[0], found[1] + "."))


@every_class
@pytest.mark.parametrize("who", ["forward", "backward", "get_negative_sample"])
def test_either_may_answer_the_next_call(module, name, who, book):
    """One method the script's own, the others on kernels: the same numbers."""
    kind = book(module, name)
    own = owns(kind)
    if who not in own:
        pytest.skip("it has no such method")
    expected = outcome(EXAMPLES[name], type(name, (kind,), own))
    assert alike(expected, outcome(EXAMPLES[name], type(name, (kind,), {who: own[who]})))


class Plain(np.ndarray):
    """A subclass, which no kernel takes."""


ONES, STEPS = np.ones((2, 3), np.float32), np.ones((2, 3, 4), np.float32)
NUMBERS = np.array([[0, 1, 2], [2, 0, 1]])
# What no kernel takes: the script's own answers, or says what is wrong in its own words.
UNUSUAL = {
    "TimeEmbedding": [[NUMBERS - 1], [NUMBERS + 9], [NUMBERS[0]], [NUMBERS * 1.0]],
    "TimeAffine": [[np.ones((2, 3, 4), int)], [ONES], [STEPS[:, :, :3]], [STEPS.view(Plain)]],
    **{
        name: [[ONES], [STEPS.astype(float)], [STEPS[:, :, :2]], [STEPS.view(Plain)], [STEPS[:0]]]
        for name in ("TimeGRU", "TimeLSTM", "TimeRNN")
    },
    "TimeDropout": [[np.ones((2, 3), int)], [STEPS.view(Plain)], [3.0]],
    "TimeSoftmaxWithLoss": [
        *([STEPS, NUMBERS - 5], [STEPS, NUMBERS + 9], [STEPS, NUMBERS * 1.0]),
        *([ONES, NUMBERS], [STEPS.astype(int), NUMBERS], [STEPS, NUMBERS[:, :2]]),
    ],
    "TimeSigmoidWithLoss": [[ONES, NUMBERS], [ONES, NUMBERS[:1]], [ONES[:1], NUMBERS[:1] % 2]],
    "EmbeddingDot": [[ONES, NUMBERS[0]], [STEPS[0], NUMBERS[0] + 9], [STEPS[0], NUMBERS[0] - 1]],
    "UnigramSampler": [[NUMBERS[0] + 99], [NUMBERS[0] - 1], [NUMBERS[0].tolist()]],
    "WeightSum": [[STEPS, NUMBERS], [STEPS, ONES.ravel()], [ONES, ONES]],
    "AttentionWeight": [[STEPS, np.ones((2, 4), int)], [STEPS, ONES], [ONES, ONES]],
    "Attention": [[STEPS, np.ones((2, 4), int)], [STEPS, ONES], [ONES, ONES]],
    "TimeAttention": [
        *([STEPS, STEPS.astype(int)], [STEPS, ONES], [ONES, STEPS], [STEPS, STEPS[:, :, :2]]),
    ],
}
MADE = {
    "TimeEmbedding": [np.ones((3, 4), np.float32)],
    "TimeAffine": [np.ones((4, 2), np.float32), np.ones(2, np.float32)],
    **{
        name: [np.ones((4, k), np.float32), np.ones((2, k), np.float32), np.ones(k, np.float32)]
        for name, k in (("TimeGRU", 6), ("TimeLSTM", 8), ("TimeRNN", 2))
    },
    "EmbeddingDot": [np.ones((3, 4), np.float32)],
    "UnigramSampler": [np.array([0, 1, 2, 3, 3]), 0.75, 2],
}


def answer(method, *arguments):
    """Return what a call gives, an error as its type and text."""
    np.random.seed(0)
    with np.errstate(all="ignore"):
        try:
            return method(*[copy.deepcopy(argument) for argument in arguments])
        except Exception as error:
            return type(error), str(error)


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_no_kernel_takes_is_the_scripts_own(name, book):
    module = next(module for module, known in NAMES if known == name)
    kind = book(module, name)
    first = next(iter(KNOWN[name].methods))
    for arguments in UNUSUAL[name]:
        ours, theirs = kind(*MADE.get(name, [])), kind(*MADE.get(name, []))
        found = answer(getattr(ours, first), *arguments)
        expected = answer(getattr(type(name, (kind,), owns(kind)), first), theirs, *arguments)
        assert alike(expected, found), arguments


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("clip_grads", [([np.ones(3, int)], 5.0), ([], 1.0), (np.ones((2, 2)), 1.0)]),
        ("convert_one_hot", [(NUMBERS - 1, 3), (NUMBERS, 2), (NUMBERS[None], 3)]),
        ("create_co_matrix", [(NUMBERS[0].tolist(), 3), (NUMBERS[0] + 1, 3), (NUMBERS[0], 3, 0)]),
        ("create_contexts_target", [(NUMBERS[0].tolist(),), (NUMBERS[0], 2), (NUMBERS * 1.0,)]),
        (
            "ppmi",
            [(np.eye(3, dtype=int) * [[1], [1], [0]],), (np.eye(2),), (np.eye(2, dtype=int),)],
        ),
    ],
)
def test_unusual_calls_of_functions_are_the_scripts_own(name, calls, book):
    function = book("common.util", name)
    (own,) = [
        cell.now.__kwdefaults__["own"]
        for cell in (c.cell_contents for c in function.__closure__)
        if hasattr(cell, "now")
    ]
    for call in calls:
        assert alike(answer(own, *call), answer(function, *call)), call


def test_negative_samples_in_float32_leave_float64_as_the_book_does(book):
    """Of a sigmoid in float32 and labels int32 the slopes are float64."""
    kind = book("ch04.negative_sampling_layer", "NegativeSamplingLoss")
    rng, results = np.random.default_rng(0), []
    W, h = rng.standard_normal((9, 4)).astype("f"), rng.standard_normal((5, 4)).astype("f")
    target, corpus = rng.integers(9, size=5), np.arange(90) % 9
    for methods in ({}, owns(kind)):
        layer = type("NegativeSamplingLoss", (kind,), methods)(W.copy(), corpus, 0.75, 3)
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
    methods = {name: _with(vars(second.MatMul)[name], never) for name in ("forward", "backward")}
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


def test_a_later_list_is_a_list():
    def made():
        return Later("kept", lambda: [3, 1, 2])

    assert made() == [3, 1, 2] and made()[1:] == [1, 2] and len(made()) == 3 and 2 in made()
    assert list(reversed(made())) == [2, 1, 3] and repr(made()) == "[3, 1, 2]" and bool(made())
    assert [*made()] == sorted(made())[::-1] or sorted(made()) == [1, 2, 3]
    changed = made()
    assert taken(changed) == "kept"
    changed[0] = 9
    assert changed == [9, 1, 2] and taken(changed) is None
    changed = made()
    changed.append(5)
    assert changed == [3, 1, 2, 5] and taken(changed) is None and taken([1]) is None

    class Layer:
        layers = None

        def forward(self, x):
            self.layers = [x + self.start]

    layer = Layer()
    make = layers_of(Layer.forward, layer, 4, start=2)
    assert make() == [6] and layer.layers is None


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


def test_every_method_of_a_list_sees_the_list():
    for name, arguments in {
        **{"__add__": ([3],), "__mul__": (2,), "__rmul__": (2,), "copy": (), "count": (1,)},
        **{"index": (2,), "pop": (), "insert": (0, 5), "extend": ([7],), "remove": (1,)},
        **{"__iadd__": ([3],), "__imul__": (2,), "__delitem__": (0,), "__setitem__": (0, 9)},
        **{"clear": (), "reverse": (), "sort": (), "append": (4,)},
    }.items():
        plain, later = [1, 2], Later(5, lambda: [1, 2])
        wanted, found = getattr(plain, name)(*arguments), getattr(later, name)(*arguments)
        assert found == wanted and list(later) == plain, name
        assert (taken(later) is None) == (plain != [1, 2] or name in ("sort",)), name
