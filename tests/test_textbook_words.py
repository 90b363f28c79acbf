"""The second book's utilities: against their twins, by hand, what they print, and bad arguments."""

import re

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet.reference.textbook import second as plain
from fastnet.textbook import second
from fastnet.textbook.second import (
    analogy,
    convert_one_hot,
    cos_similarity,
    create_co_matrix,
    create_contexts_target,
    most_similar,
    normalize,
    ppmi,
    preprocess,
)

TEXT = "You say goodbye and I say hello."
SIDES = pytest.mark.parametrize("side", [second, plain])
RNG = np.random.default_rng(3)
CORPUS = RNG.integers(0, 40, 700)


@SIDES
def test_words_of_a_text(side):
    corpus, word_to_id, id_to_word = side.preprocess(TEXT)
    assert_array_equal(corpus, [0, 1, 2, 3, 4, 1, 5, 6])
    assert corpus.dtype == np.int64
    assert [*word_to_id] == ["you", "say", "goodbye", "and", "i", "hello", "."]
    assert id_to_word == {i: word for word, i in word_to_id.items()}
    assert [*side.preprocess("A  b.")[1]] == ["a", "", "b", "."]  # two blanks part an empty word


@SIDES
def test_one_hot_rows(side):
    rows = side.convert_one_hot(np.array([[1, 0], [2, 2]]), 3)
    assert rows.dtype == np.int32 and rows.shape == (2, 2, 3)
    assert_array_equal(rows, [[[0, 1, 0], [1, 0, 0]], [[0, 0, 1], [0, 0, 1]]])
    assert_array_equal(side.convert_one_hot(np.array([1, 0]), 2), [[0, 1], [1, 0]])


@SIDES
def test_contexts_and_targets(side):
    contexts, target = side.create_contexts_target(np.arange(10, 16), 2)
    assert_array_equal(contexts, [[10, 11, 13, 14], [11, 12, 14, 15]])
    assert_array_equal(target, [12, 13])
    contexts, target = side.create_contexts_target([3, 4, 5])
    assert_array_equal(contexts, [[3, 5]])
    assert_array_equal(target, [4])
    contexts[...] = target[...] = 0  # fresh


@SIDES
def test_co_matrix_by_hand(side):
    corpus, word_to_id, _ = side.preprocess(TEXT)
    C = side.create_co_matrix(corpus, 7)
    assert C.dtype == np.int32
    assert_array_equal(C[word_to_id["say"]], [1, 0, 1, 0, 1, 1, 0])
    assert C.sum() == 14
    assert_array_equal(side.create_co_matrix(corpus, 9, 2)[7:], np.zeros((2, 9)))


@pytest.mark.parametrize("window", [1, 3, 800])
def test_co_matrix_and_ppmi_are_those_of_the_twin(window, capsys):
    C = create_co_matrix(CORPUS.tolist(), 40, window)
    assert_array_equal(C, plain.create_co_matrix(CORPUS, 40, window))
    M = ppmi(C)
    assert M.dtype == np.float32 and (M > 0).any()
    assert_array_equal(M, plain.ppmi(C))
    for other in (C.astype(np.int64), C.astype(np.float32), C.tolist(), np.asfortranarray(C)):
        assert_array_equal(ppmi(other), M)
    assert capsys.readouterr().out == ""
    assert_array_equal(ppmi(C, verbose=True), M)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 40 and said[0] == "2.5% done" and said[-1] == "100.0% done"
    big = ppmi(np.zeros((250, 250)), verbose=True)
    assert not big.any() and len(capsys.readouterr().out.splitlines()) == 125
    assert (ppmi(C, eps=0.9) >= M).all() and (ppmi(C, eps=0.9) > M).any()


@SIDES
def test_cosines(side):
    x, y = np.array([3.0, 4.0, 0.0]), np.array([0.0, 2.0, 0.0])
    assert side.cos_similarity(x, y) == pytest.approx(0.8, rel=1e-7)
    assert side.cos_similarity(x, x) == pytest.approx(1, rel=1e-7)
    assert side.cos_similarity(x, 0 * y) == 0
    assert side.cos_similarity(x, y, eps=1.0) == pytest.approx(8 / 18)
    W = RNG.standard_normal((20, 3))
    assert_allclose(side.cos_similarity(W, y), [side.cos_similarity(w, y) for w in W], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "u1"])
def test_cosines_of_every_dtype(dtype):
    W = RNG.integers(0, 200, (30, 8)).astype(dtype)  # whose squares a byte does not hold
    found = cos_similarity(W, W[3])
    assert found.dtype == (np.float32 if dtype in ("f2", "f4") else np.float64)
    own = plain.cos_similarity(W.astype(float), W[3].astype(float))
    assert_allclose(found, own, rtol=1e-6 if dtype in ("f2", "f4") else 1e-14)


def printed(capsys):
    return capsys.readouterr().out


WORDS = ["a", "b", "c", "d"]
IDS, NAMES = {w: i for i, w in enumerate(WORDS)}, dict(enumerate(WORDS))
VECTORS = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [3.0, 4.0]])


@SIDES
def test_similar_words(side, capsys):
    assert side.most_similar("a", IDS, NAMES, VECTORS, top=2) is None
    said = printed(capsys).splitlines()
    assert said[:2] == ["", "[query] a"] and len(said) == 4
    found = [re.fullmatch(r" (\w): ([\d.]+)", line).groups() for line in said[2:]]
    assert [word for word, _ in found] == ["b", "d"]
    assert_allclose([float(number) for _, number in found], [1, 0.6], rtol=1e-7)
    side.most_similar("e", IDS, NAMES, VECTORS)
    assert printed(capsys) == "e is not found\n"
    side.most_similar("c", IDS, NAMES, VECTORS, top=9)  # more than there are
    assert len(printed(capsys).splitlines()) == 5


def test_words_that_are_equally_alike_come_in_their_order(capsys):
    corpus, word_to_id, id_to_word = preprocess(TEXT)
    most_similar("you", word_to_id, id_to_word, create_co_matrix(corpus, 7), top=3)
    words = [line.partition(":")[0] for line in printed(capsys).splitlines()[2:]]
    assert words == [" goodbye", " i", " hello"]


@SIDES
def test_analogies(side, capsys):
    kept = VECTORS.copy()
    side.analogy("a", "b", "c", IDS, NAMES, VECTORS, answer="d")
    said = printed(capsys).splitlines()
    assert said[:2] == ["", "[analogy] a:b = c:?"] and len(said) == 4
    # b - a + c is (1, 1).
    for line, word in zip(said[2:], ["==>d:", " d: "], strict=True):
        assert line.startswith(word)
        assert float(line.removeprefix(word)) == pytest.approx(7 / np.sqrt(2))
    for words in [("a", "e", "c", None), ("a", "b", "c", "e")]:
        side.analogy(*words[:3], IDS, NAMES, VECTORS, answer=words[3])
        assert printed(capsys) == "e is not found\n"
    assert_array_equal(VECTORS, kept)


def test_words_without_a_similarity_are_left_out(capsys):
    W = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [np.nan, 1.0]])
    analogy("a", "b", "c", IDS, NAMES, W, top=3)
    assert printed(capsys).splitlines()[2:] == []
    analogy("b", "c", "a", IDS, NAMES, W)  # of zeros: no direction, and no warning
    assert printed(capsys).splitlines()[2:] == []
    most_similar("b", IDS, NAMES, W)
    assert [line[:10] for line in printed(capsys).splitlines()[2:]] == [" c: 0.9999", " a: 0.0"]


@SIDES
def test_normalize_is_in_place(side):
    for x, want in [
        (np.array([3.0, 4.0]), [0.6, 0.8]),
        (np.array([[3.0, 4.0], [0.0, 2.0]], "f4"), [[0.6, 0.8], [0, 1]]),
    ]:
        assert side.normalize(x) is x
        assert_allclose(x, want, rtol=1e-6)


# --------------------------------------------------------------------------- bad arguments

BAD = [
    (lambda: preprocess(3), TypeError,
     "preprocess: text must be a str, got int. Give the text itself."),
    (lambda: convert_one_hot([0, 3], 3), IndexError,
     "convert_one_hot: corpus must be in 0..2 for vocab_size=3, got corpus[1]=3. Count words from "
     "0, or give a larger vocab_size."),
    (lambda: convert_one_hot([[0, -1]], 3), IndexError,
     "convert_one_hot: corpus must be in 0..2 for vocab_size=3, got corpus[0, 1]=-1. Count words "
     "from 0, or give a larger vocab_size."),
    (lambda: convert_one_hot([0.5], 3), TypeError,
     "convert_one_hot: corpus must be integers, got corpus.dtype=float64. Give the numbers of "
     "words, as preprocess returns them."),
    (lambda: convert_one_hot(np.zeros((1, 1, 1), int), 3), ValueError,
     "convert_one_hot: corpus must be (N,) or (N, C) with at least one word, got "
     "corpus.shape=(1, 1, 1). Give an array (N,) or (N, C)."),
    (lambda: convert_one_hot([0], 0), ValueError,
     "convert_one_hot: vocab_size must be at least 1, got 0. Give a positive int."),
    (lambda: create_contexts_target([0, 1, 2, 3], 2), ValueError,
     "create_contexts_target: corpus must have more than 4 words for window_size=2, got 4. Give "
     "more, or a smaller window_size."),
    (lambda: create_contexts_target([0, -1, 2]), IndexError,
     "create_contexts_target: corpus must not be negative, got corpus[1]=-1. Count words from 0."),
    (lambda: create_contexts_target([[0, 1, 2]]), ValueError,
     "create_contexts_target: corpus must be (N,) with at least one word, got corpus.shape=(1, 3). "
     "Give an array (N,)."),
    (lambda: create_co_matrix([0, 7], 7), IndexError,
     "create_co_matrix: corpus must be in 0..6 for vocab_size=7, got corpus[1]=7. Count words from "
     "0, or give a larger vocab_size."),
    (lambda: create_co_matrix([0], 1, 0), ValueError,
     "create_co_matrix: window_size must be at least 1, got 0. Give a positive int."),
    (lambda: ppmi([[0, 1], [1, -1]]), ValueError,
     "ppmi: C must not be negative, got -1. Give what create_co_matrix returns."),
    (lambda: ppmi(np.full((2, 2), np.nan)), ValueError, "ppmi: C must not be negative, got nan. "
     "Give what create_co_matrix returns."),
    (lambda: ppmi(np.ones((2, 3))), ValueError,
     "ppmi: C must be (V, V) with at least one word, got C.shape=(2, 3). Give what "
     "create_co_matrix returns."),
    (lambda: ppmi(np.ones((2, 2)), eps=1), ValueError,
     "ppmi: eps must be in [0, 1), got 1.0. Give a number such as 0.9."),
    (lambda: ppmi(np.ones((2, 2)), 5), TypeError,
     "ppmi: verbose must be True or False, got 5. Give one of the two."),
    (lambda: cos_similarity([1, 2], [1]), ValueError,
     "cos_similarity: x must be (H,) or (V, H) and y (H,), got x.shape=(2,) and y.shape=(1,). Give "
     "vectors of one length."),
    (lambda: cos_similarity([1], [1], -1), ValueError,
     "cos_similarity: eps must not be negative, got -1.0. Give a number such as 1e-8."),
    (lambda: most_similar("a", IDS, NAMES, VECTORS[:3]), ValueError,
     "most_similar: word_matrix must be (V, H) with a row for each of 4 words, got "
     "word_matrix.shape=(3, 2). Give the matrix of these words."),
    (lambda: analogy("a", "b", "c", IDS, NAMES, VECTORS, 0), ValueError,
     "analogy: top must be at least 1, got 0. Give a positive int."),
    (lambda: normalize([3.0, 4.0]), TypeError,
     "normalize: x must be a float array (H,) or (N, H), which is changed, got list of float64 "
     "with x.shape=(2,). Give a float array."),
    (lambda: normalize(np.array([3, 4])), TypeError,
     "normalize: x must be a float array (H,) or (N, H), which is changed, got ndarray of int64 "
     "with x.shape=(2,). Give a float array."),
]  # fmt: skip


@with_each("call, error, text", BAD)
def test_bad_arguments(call, error, text):
    refused(call, error, text)
