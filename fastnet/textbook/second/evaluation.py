"""How well language models, and networks from sequence to sequence, do."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnet import checks

__all__ = ["eval_perplexity", "eval_seq2seq"]

BLOCK = 128  # questions at a time: of 5,000 dates at once the encoder's states alone are 148 MB
RIGHT, WRONG, CLOSE = "\033[92m", "\033[91m", "\033[0m"  # green, red, and back


def eval_perplexity(
    model: Any, corpus: ArrayLike, batch_size: int = 10, time_size: int = 35
) -> Any:
    """Return the perplexity of a language model on a text: e to the mean loss.

    The text is read in batch_size parts side by side, from the model's state as it stands: call
    `reset_state` before.

    Parameters
    ----------
    model : object with `forward(xs, ts)`, the loss
        Where it takes `train_flg`, it is given False.
    corpus : (N,) integers
    batch_size, time_size : int
        N must be above their product.

    Returns
    -------
    scalar

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is of another kind or shape.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 6.4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import Rnnlm, eval_perplexity
    >>> np.random.seed(0)
    >>> model = Rnnlm(vocab_size=50, wordvec_size=8, hidden_size=8)
    >>> text = np.random.randint(0, 50, 1000)
    >>> round(float(eval_perplexity(model, text)))  # doctest: +ELLIPSIS
    evaluating perplexity ...
    50
    """
    where = "eval_perplexity"
    checks.members(where, "model", model, ("forward",))
    batch_size = checks.count(where, "batch_size", batch_size)
    time_size = checks.count(where, "time_size", time_size)
    numbers = checks.word_numbers(where, "corpus", corpus)
    batches = (len(numbers) - 1) // (batch_size * time_size)
    if not batches:
        raise ValueError(
            f"{where}: corpus must have more than {batch_size * time_size} words for batch_size="
            f"{batch_size} and time_size={time_size}, got {len(numbers)}. Give more, or smaller "
            "batches."
        )
    print("evaluating perplexity ...")
    given = {}
    if "train_flg" in inspect.signature(model.forward).parameters:
        given["train_flg"] = False
    jump, total = (len(numbers) - 1) // batch_size, 0.0
    words = np.arange(batch_size)[:, None] * jump + np.arange(time_size)
    for i in range(batches):
        at = words + i * time_size
        total += model.forward(numbers[at], numbers[at + 1], **given)
        sys.stdout.write(f"\r{i} / {batches}")
        sys.stdout.flush()
    print()
    return np.exp(total / batches)


def eval_seq2seq(
    model: Any,
    question: ArrayLike,
    correct: ArrayLike,
    id_to_char: Mapping[int, str],
    verbose: bool = False,
    is_reverse: bool = False,
) -> int:
    """Return how many questions a network answers right: of one question 1 or 0.

    Parameters
    ----------
    model : object with `generate(xs, start_id, sample_size)`
        Which returns a list of numbers of characters; for more than one question, a list of these.
    question : (T,) or (N, T) integers
    correct : (A,) or (N, A) integers
        The answers, which all begin with the same number: the one to start with.
    id_to_char : dict
    verbose : bool
        Print each question, its answer and what the network says.
    is_reverse : bool
        Whether the questions are given from right to left; they are printed from left to right.

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is of another kind or shape.

    Notes
    -----
    A thousand questions at once take a fiftieth of the time of one after another. Source: Saitoh,
    Deep Learning from Scratch 2, section 7.3.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import Seq2seq, eval_seq2seq
    >>> class Adder:
    ...     def generate(self, xs, start_id, sample_size):
    ...         return [int(xs[0, 0] + xs[0, 1])]
    >>> names = {i: str(i) for i in range(11)} | {10: "_"}
    >>> eval_seq2seq(Adder(), np.array([[2, 3]]), np.array([[10, 5]]), names)
    1
    >>> eval_seq2seq(Adder(), np.array([[2, 3]]), np.array([[10, 6]]), names)
    0
    """
    where = "eval_seq2seq"
    checks.members(where, "model", model, ("generate",))
    questions, answers = (
        np.atleast_2d(checks.word_numbers(where, name, value, ndim=2))
        for name, value in (("question", question), ("correct", correct))
    )
    if len(questions) != len(answers) or answers.shape[1] < 2:
        raise ValueError(
            f"{where}: correct must have an answer of two characters or more for each question, "
            f"got question.shape={questions.shape} and correct.shape={answers.shape}. Give equally "
            "many."
        )
    start = int(answers[0, 0])
    if (answers[:, 0] != start).any():
        raise ValueError(
            f"{where}: correct must begin with the same number in every row, got "
            f"{np.unique(answers[:, 0])[:2].tolist()}. Give answers that begin with a mark."
        )
    size = answers.shape[1] - 1
    blocks = [
        np.reshape(model.generate(questions[i : i + BLOCK], start, size), (-1, size))
        for i in range(0, len(questions), BLOCK)
    ]
    said = np.concatenate(blocks)
    if verbose:
        for rows in zip(questions, answers[:, 1:], said, strict=True):
            words = ["".join(id_to_char[int(i)] for i in row) for row in rows]
            _print(words, is_reverse)
    return int(np.count_nonzero((said == answers[:, 1:]).all(axis=1)))


def _print(words: list[str], is_reverse: bool) -> None:
    """Print what was asked, the right answer and what the network said, marked."""
    question, answer, said = words
    marks = ("O", "X") if os.name == "nt" else (f"{RIGHT}☑{CLOSE}", f"{WRONG}☒{CLOSE}")
    print("Q", question[::-1] if is_reverse else question)
    print("T", answer)
    print(marks[said != answer], said)
    print("---")
