"""How often words stand near each other, and the positive mutual information of that."""

from collections import Counter

import mpmath
import numpy as np
from in_turn import with_each
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as plain


@with_each("window", [1, 2, 5, 40])
@with_each("size, words", [(0, 3), (1, 1), (2, 2), (30, 4), (500, 70)])
def test_counts_are_those_of_pairs(window, size, words):
    corpus = np.random.default_rng(size).integers(0, words, size)
    pairs = Counter(
        (corpus[i], corpus[j])
        for i in range(size)
        for j in range(max(0, i - window), min(size, i + window + 1))
        if i != j
    )
    for side in (kernels, plain):
        counts = np.full((words, words), 3, np.int32)  # what stands there is added to
        side.co_occurrence_forward(corpus, window, counts)
        assert_array_equal(counts - 3, counts.T - 3)
        for v in range(words):
            for w in range(words):
                assert counts[v, w] - 3 == pairs[v, w]


def table(words, dtype=np.int32, share=0.4, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 50, (words, words)) * (rng.random((words, words)) < share)
    return (counts + counts.T).astype(dtype)


@with_each("dtype", [np.int32, np.float64])
@with_each("words", [*range(1, 20), 255, 256, 257, 600])
def test_ppmi_is_that_of_its_twin(words, dtype):
    counts = table(words, dtype, share=1 if words in (256, 257) else 0.4)
    sums = counts.sum(axis=0, dtype=float)
    results = []
    for side in (kernels, plain):
        out = np.zeros(counts.shape, np.float32)
        side.ppmi_forward(counts, sums, sums, float(sums.sum()), 1e-8, out)
        results.append(out)
    ours, own = results
    assert words < 3 or (own > 0).any()
    assert_array_equal(ours == 0, own == 0)
    # Both round a float64 that is right to 1e-15 or so: another float32 is the next one.
    assert (np.abs(ours - own) <= np.spacing(own)).all()
    assert (ours != own).sum() <= 1 + words * words / 1e6


def test_ppmi_against_fifty_digits():
    counts = table(30)
    sums = counts.sum(axis=0, dtype=float)
    out = np.zeros(counts.shape, np.float32)
    kernels.ppmi_forward(counts[4:9], sums[4:9], sums, float(sums.sum()), 1e-8, out[4:9])
    assert not out[:4].any() and not out[9:].any()
    with mpmath.workdps(50):
        for v in range(4, 9):
            for w in range(30):
                share = mpmath.mpf(int(counts[v, w])) * sums.sum() / (sums[v] * sums[w])
                exact = max(mpmath.mpf(0), mpmath.log(share + mpmath.mpf(1e-8), 2))
                assert abs(out[v, w] - float(exact)) <= 0.5001 * np.spacing(np.float32(exact))


def test_what_is_0_or_no_number_becomes_0():
    counts = np.array([[0.0, 2.0, np.nan], [2.0, 0.0, -1.0], [np.inf, 1.0, 0.0]])
    sums, out = np.array([2.0, 3.0, 1.0]), np.zeros((3, 3), np.float32)
    kernels.ppmi_forward(counts, sums, sums, 6.0, 1e-8, out)
    assert_array_equal(out, [[0, 1, 0], [1, 0, 0], [np.inf, 1, 0]])
    out[...] = 7  # zeros are not written
    kernels.ppmi_forward(counts, sums, sums, 6.0, 1e-8, out)
    assert_array_equal(out == 7, counts == 0)
