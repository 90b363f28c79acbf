"""How well language models, and networks from sequence to sequence, do."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np


def eval_perplexity(
    model: Any, corpus: np.ndarray, batch_size: int = 10, time_size: int = 35
) -> float:
    """Return e to the mean loss of a text, which is read in batch_size parts side by side."""
    given = {}
    if "train_flg" in inspect.signature(model.forward).parameters:
        given["train_flg"] = False
    words, losses = len(corpus) - 1, []
    for i in range(words // (batch_size * time_size)):
        begun = [part * (words // batch_size) + i * time_size for part in range(batch_size)]
        at = np.array([range(start, start + time_size) for start in begun])
        losses.append(model.forward(corpus[at], corpus[at + 1], **given))
    return np.exp(np.mean(losses))


def eval_seq2seq(
    model: Any,
    question: np.ndarray,
    correct: np.ndarray,
    id_to_char: Mapping[int, str],
    verbose: bool = False,
    is_reverse: bool = False,
) -> int:
    """Return how many of the questions (N, T), or of one (T,), a network answers right."""
    right = 0
    for x, t in zip(np.atleast_2d(question), np.atleast_2d(correct), strict=True):
        said = list(model.generate(x[None], int(t[0]), len(t) - 1))
        right += said == t[1:].tolist()
        if verbose:
            x = x[::-1] if is_reverse else x
            print(*("".join(id_to_char[int(i)] for i in part) for part in (x, t[1:], said)))
    return right
