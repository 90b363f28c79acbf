"""The second book's networks of words, made, and what they refuse."""

# ruff: noqa: NPY002

import numpy as np
import pytest

from fastnet.textbook.second import (
    convert_one_hot,
    create_contexts_target,
)

RNG = np.random.default_rng(1)
V = 11
CORPUS = np.concatenate([np.arange(V), RNG.integers(0, V, 150)])
NEAR, MIDDLE = create_contexts_target(CORPUS, 1)
ONE_HOT = convert_one_hot(NEAR, V), convert_one_hot(MIDDLE, V)
FAR = tuple(array[:30] for array in create_contexts_target(CORPUS, 2))
WORDS = RNG.integers(0, V, (3, 6)), RNG.integers(0, V, (3, 6))
WORDS[1][1, 2:] = -1  # do not count
ASKED = RNG.integers(0, V, (4, 6)), RNG.integers(0, V, (4, 5))
# Name -> arguments, and what forward takes.
NETWORKS = {
    "SimpleCBOW": ((V, 5), ONE_HOT),
    "SimpleSkipGram": ((V, 5), ONE_HOT),
    "CBOW": ((V, 5, 2, CORPUS), FAR),
    "SkipGram": ((V, 5, 2, CORPUS), FAR),
    "SimpleRnnlm": ((V, 4, 5), WORDS),
    "Rnnlm": ((V, 4, 5), WORDS),
    "RnnlmGen": ((V, 4, 5), WORDS),
    "BetterRnnlm": ((V, 5, 5, 0.3), WORDS),
    "BetterRnnlmGen": ((V, 5, 5), WORDS),
    "Seq2seq": ((V, 4, 5), ASKED),
    "PeekySeq2seq": ((V, 4, 5), ASKED),
    "AttentionSeq2seq": ((V, 4, 5), ASKED),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def made(side, name, dtype="float64", seed=3):
    np.random.seed(seed)
    return getattr(side, name)(*NETWORKS[name][0], dtype=dtype)
