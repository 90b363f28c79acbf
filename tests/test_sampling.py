"""Negative sampling's kernels: the twin, bounds, and the very words that NumPy draws."""

# ruff: noqa: NPY002  the book draws from NumPy's global generator

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet import kernels
from fastnet.layers import NegativeSamplingLoss, UnigramSampler
from fastnet.layers.unigram import draw_words
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers


@every_dtype
@with_each("each", [1, 2, 6])
@with_each("width", [1, 3, 8, 16, 17, 40])
def test_inner_products_equal_the_reference(width, each, dtype, rng):
    """The rows below the last number stay 0, and nothing is written around."""
    W, h = rng.standard_normal((9, width)).astype(dtype), rng.standard_normal((7, width))
    h, idx, dout = h.astype(dtype), rng.integers(8, size=7 * each), rng.standard_normal((7, each))
    dout, bound = dout.astype(dtype), 4 * (width + 7 * each) * np.finfo(dtype).eps * 9
    out, dh, dW = (np.full(shape, -7, dtype) for shape in [(9, each), (9, width), (11, width)])
    kernels.embedding_dot_forward(W, idx, h, out[1:-1])
    kernels.embedding_dot_backward(W, idx, h, dout, dh[1:-1], dW[1:-1])
    for frame in (out, dh, dW):
        assert (frame[[0, -1]] == -7).all()
    wide = [array.astype(np.longdouble) for array in (W, h, dout)]
    expected = [np.empty(shape, np.longdouble) for shape in [(7, each), (7, width), (9, width)]]
    reference.embedding_dot_forward(wide[0], idx, wide[1], expected[0])
    reference.embedding_dot_backward(wide[0], idx, wide[1], wide[2], *expected[1:])
    for ours, theirs in zip((out, dh, dW), expected, strict=True):
        assert_allclose(ours[1:-1], theirs, rtol=0, atol=bound)
    assert (dW[-2] == 0).all() and np.abs(expected[2]).max() > 0.5


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint64"])
def test_row_numbers_of_any_integer_dtype(kind, rng):
    W, h, idx = rng.standard_normal((9, 5)), rng.standard_normal((7, 5)), rng.integers(9, size=14)
    dout, p, uniform = rng.standard_normal((7, 2)), np.full(9, 1 / 9), rng.random(40)
    results = []
    for given in (idx, idx.astype(kind)):
        out, dh, dW, sample = (
            np.empty((7, 2)),
            np.empty_like(h),
            np.empty_like(W),
            np.zeros((14, 2)),
        )
        sample, state = sample.astype(np.int64), np.zeros(3, np.int64)
        kernels.embedding_dot_forward(W, given, h, out)
        kernels.embedding_dot_backward(W, given, h, dout, dh, dW)
        kernels.unigram_sampler_forward(np.cumsum(p), p, given, uniform, state, sample)
        results.append([out, dh, dW, sample, state])
    for ours, theirs in zip(*results, strict=True):
        assert_array_equal(ours, theirs)


def book(p, target, size):
    """What the book's sampler does."""
    words = []
    for word in target:
        left = p.copy()
        left[word] = 0
        left /= left.sum()
        words.append(np.random.choice(len(p), size=size, replace=False, p=left))
    return np.array(words)


@pytest.mark.parametrize(
    ("words", "size"), [(2, 1), (3, 2), (7, 6), (7, 3), (100, 5), (10_000, 5), (1000, 30)]
)
def test_the_words_are_those_of_choice_and_so_is_what_follows(words, size, rng):
    """Few words are drawn twice all the time, frequent ones often."""
    counts = np.minimum(rng.zipf(1.3, words), 10**6).astype(float)
    p = counts**0.75 / np.sum(counts**0.75)
    for seed in range(20):
        target = rng.integers(words, size=1 + seed)
        np.random.seed(seed)
        expected, following = book(p, target, size), np.random.rand()
        np.random.seed(seed)
        found = draw_words(np.cumsum(p), p, target, size, np.random.rand)
        assert_array_equal(found, expected)
        assert np.random.rand() == following


def test_the_kernel_asks_for_what_it_lacks_as_its_twin_does(rng):
    p = np.array([0.9, 0.05, 0.03, 0.02])
    target, asked = np.array([3, 1, 0, 3, 2, 1]), 0
    for stop in range(40):
        uniform = rng.random(40)[:stop]
        found = []
        for module in (kernels, reference):
            sample, state = np.full((8, 3), -7), np.array([1, 0, 0])
            module.unigram_sampler_forward(np.cumsum(p), p, target, uniform, state, sample[1:-1])
            found.append((sample, state))
        done = found[0][1][0]
        assert_array_equal(found[0][1], found[1][1])
        assert_array_equal(found[0][0][: done + 1], found[1][0][: done + 1])
        assert (found[0][0][[0, 1, -1]] == -7).all()  # it begins with the second target
        asked += found[0][1][2] > 0
        assert (done == 6) == (found[0][1][2] == 0)
    assert 10 < asked < 40


@pytest.mark.parametrize("number", [0.0, 0.25, 0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1)])
def test_on_the_border_of_two_words_numpy_decides(number):
    p = np.array([0.2, 0.2, 0.2, 0.2, 0.2])
    sample, state = np.full((1, 1), -7), np.zeros(3, np.int64)
    kernels.unigram_sampler_forward(
        np.cumsum(p), p, np.array([4]), np.array([number]), state, sample
    )
    assert (state == 0).all() or number == 0.0  # neither drawn nor asked for
    left = np.array([0.2, 0.2, 0.2, 0.2, 0.0])
    left /= left.sum()
    sums = np.cumsum(left)
    expected = int((sums / sums[-1]).searchsorted(number, side="right"))
    found = draw_words(np.cumsum(p), p, np.array([4]), 1, lambda count: np.full(count, number))
    assert found[0, 0] == expected


def test_the_sampler_is_the_reference(rng):
    corpus = np.concatenate([np.arange(30), rng.integers(30, size=500) ** 2 // 30])
    ours = UnigramSampler(corpus, 0.75, 4)
    theirs = reference_layers.UnigramSampler(corpus, 0.75, 4)
    assert ours.vocab_size == theirs.vocab_size == 30
    assert_array_equal(ours.word_p, theirs.word_p)
    target = rng.integers(30, size=200)
    drawn = []
    for sampler in (ours, theirs):
        np.random.seed(3)
        drawn.append(sampler.get_negative_sample(target))
    assert_array_equal(*drawn, strict=True)
    assert (drawn[0] != target[:, np.newaxis]).all()
    shares = np.bincount(drawn[0].ravel(), minlength=30) / drawn[0].size
    assert_allclose(shares, ours.word_p, atol=0.1)
    seeded = [UnigramSampler(corpus, 1, 2, np.random.default_rng(5)) for _ in range(2)]
    assert_array_equal(*[sampler.get_negative_sample(target) for sampler in seeded])


@with_each(
    "call, error, text",
    [
        (
            lambda: UnigramSampler([0, 1, 1], 0.75, 2),
            ValueError,
            "UnigramSampler: corpus must have more than sample_size different words, got 2 for "
            "sample_size=2. Draw fewer, or give more.",
        ),
        (
            lambda: UnigramSampler([0, 1, 3], 0.75, 1),
            ValueError,
            "UnigramSampler: corpus must have every number up to its largest, got no 2 and 3. "
            "Number the words without gaps.",
        ),
        (
            lambda: UnigramSampler([0, 1, -3], 0.75, 1),
            IndexError,
            "UnigramSampler: corpus must not be negative, got corpus[2]=-3. Count words from 0.",
        ),
        (
            lambda: UnigramSampler([[0, 1]], 0.75, 1),
            ValueError,
            "UnigramSampler: corpus must be (N,) with at least one word, got corpus.shape=(1, 2). "
            "Give an array (N,).",
        ),
        (
            lambda: UnigramSampler([0.0, 1.0], 0.75, 1),
            TypeError,
            "UnigramSampler: corpus must be integers, got corpus.dtype=float64. Give the numbers "
            "of words, as preprocess returns them.",
        ),
        (
            lambda: UnigramSampler([0, 1, 2], 0.75, 1).get_negative_sample([0, 3]),
            IndexError,
            "UnigramSampler.get_negative_sample: target must be in 0..2 for 3 words, "
            "got target[1]=3. Count words from 0.",
        ),
        (
            lambda: NegativeSamplingLoss(np.ones((2, 3)), [0, 1, 2], sample_size=1),
            IndexError,
            "NegativeSamplingLoss: corpus must be in 0..1 for W (2, 3), got corpus[2]=2. "
            "Count rows from 0.",
        ),
        (
            lambda: NegativeSamplingLoss(np.ones((3, 2)), [0, 1, 2], sample_size=1).backward(),
            RuntimeError,
            "NegativeSamplingLoss.backward: call forward first.",
        ),
        (
            lambda: NegativeSamplingLoss(np.ones((3, 2)), [0, 1, 2], sample_size=1).forward(
                np.ones((4, 2)), [1, 2]
            ),
            ValueError,
            "NegativeSamplingLoss.forward: target must have shape (4) to match h (4, 2), got "
            "target.shape=(2,). Give arrays of the same samples.",
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)
