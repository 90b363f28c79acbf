"""Who answers a call of words and sequences: kernels, or the script's own code."""

# ruff: noqa: NPY002  the book draws from NumPy's global generator

import copy

import numpy as np
import pytest
from books_classes import who_answers
from books_sequences import CLASSES, NAMES, owns

from fastnet.dropin import second
from fastnet.dropin.examples import EXAMPLES, alike, outcome
from fastnet.dropin.known import KNOWN

every_name = pytest.mark.parametrize(("module", "name"), NAMES)
every_class = pytest.mark.parametrize(("module", "name"), CLASSES)


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


@every_class
def test_what_kernels_can_take_they_answer(module, name, book):
    """Else the numbers would be right all the same, and only slow."""
    kind = book(module, name)
    for method, by_kernels in who_answers(kind, owns(kind)).items():
        assert any(by_kernels), method


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
        *([STEPS, STEPS.astype(int)], [STEPS, ONES], [ONES, STEPS], [ONES, ONES]),
        [STEPS, STEPS[:, :, :2]],
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


def test_a_table_by_columns_is_not_copied_for_a_word(book):
    """`take` copies all of it: 0.7 ms of 10,000 x 100, where NumPy's W[idx] takes 1 us."""
    kind = book("common.layers", "Embedding")
    method = owns(kind)["forward"]
    W, asked = np.arange(12, dtype=np.float32).reshape(3, 4), []
    for order in "CF":
        layer = kind(W.copy(order))

        def own(self, idx):
            asked.append(self.params[0].flags.c_contiguous)
            return method(self, idx)

        found = second.Embedding.forward(layer, NUMBERS[0], own=own)
        assert (found == W[NUMBERS[0]]).all() and layer.idx is not None
    assert asked == [False]


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


SHARED = np.arange(1.0, 7.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("more", "own"),
    [
        ([], False),
        ([SHARED.copy()], False),  # of the same shape, and no transpose
        ([SHARED.T + 1], False),
        ([np.where(SHARED.T == 6, 0, SHARED.T)], True),  # the first element says nothing
        ([SHARED.T.copy()], True),
        ([SHARED], True),
        ([np.ones((0, 4)), np.ones((4, 0))], True),
        ([[1.0]], True),
    ],
)
def test_shared_parameters_are_looked_for_by_the_scripts_own(book, more, own):
    function = book("common.trainer", "remove_duplicate")
    (ours,) = [
        cell.now for cell in (c.cell_contents for c in function.__closure__) if hasattr(cell, "now")
    ]
    params = [SHARED, np.ones(3), *more]
    grads = [np.ones_like(param) for param in params]
    asked = []
    found = ours(params, grads, own=lambda *args: asked.append(args))
    assert bool(asked) == own
    if not own:
        assert all(a is not b for a, b in zip(found, (params, grads), strict=True))
        for a, b in zip(found, (params, grads), strict=True):
            assert len(a) == len(b) and all(p is q for p, q in zip(a, b, strict=True))
