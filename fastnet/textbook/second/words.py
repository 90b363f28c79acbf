"""Text as numbers of words, and how often they stand near each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.co_occurrence import co_occurrence_forward, ppmi_forward

__all__ = ["convert_one_hot", "create_co_matrix", "create_contexts_target", "ppmi", "preprocess"]

INT32 = np.dtype(np.int32)


def preprocess(text: str) -> tuple[NDArray[np.int64], dict[str, int], dict[int, str]]:
    """Return a text as the numbers of its words.

    The text is put into small letters; a full stop is a word, and a blank separates two words.
    Words are numbered in the order in which they first occur.

    Parameters
    ----------
    text : str

    Returns
    -------
    corpus : (N,) int64
    word_to_id, id_to_word : dict

    Raises
    ------
    TypeError
        text is no str.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 2.3.1.

    Examples
    --------
    >>> from fastnet.textbook.second import preprocess
    >>> corpus, word_to_id, id_to_word = preprocess("You say goodbye and I say hello.")
    >>> corpus
    array([0, 1, 2, 3, 4, 1, 5, 6])
    >>> id_to_word[5], word_to_id["."]
    ('hello', 6)
    """
    if not isinstance(text, str):
        raise TypeError(
            f"preprocess: text must be a str, got {type(text).__name__}. Give the text itself."
        )
    words = text.lower().replace(".", " .").split(" ")
    word_to_id = {word: i for i, word in enumerate(dict.fromkeys(words))}
    corpus = np.array([word_to_id[word] for word in words], np.int64)
    return corpus, word_to_id, {i: word for word, i in word_to_id.items()}


def convert_one_hot(corpus: ArrayLike, vocab_size: int) -> NDArray[np.int32]:
    """Return rows with a 1 at the number of each word.

    Parameters
    ----------
    corpus : (N,) or (N, C) integers in 0..vocab_size-1
    vocab_size : int

    Returns
    -------
    (N, vocab_size) or (N, C, vocab_size) int32

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or shape.
    IndexError
        A number is negative or too large.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 3.3.2.

    Examples
    --------
    >>> from fastnet.textbook.second import convert_one_hot
    >>> convert_one_hot([2, 0], 3)
    array([[0, 0, 1],
           [1, 0, 0]], dtype=int32)
    """
    where = "convert_one_hot"
    vocab_size = checks.count(where, "vocab_size", vocab_size)
    numbers = checks.word_numbers(where, "corpus", corpus, vocab_size, ndim=2)
    rows = np.zeros((numbers.size, vocab_size), np.int32)
    rows[np.arange(numbers.size), numbers.ravel()] = 1
    return rows.reshape(*numbers.shape, vocab_size)


def create_contexts_target(
    corpus: ArrayLike, window_size: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the window_size words on either side of each word, and that word as their target.

    Parameters
    ----------
    corpus : (N,) integers
        N above 2 * window_size.
    window_size : int

    Returns
    -------
    contexts : (N - 2 * window_size, 2 * window_size) int64
        In the order of the text.
    target : (N - 2 * window_size,) int64

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is of another kind or shape, or a number negative.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 3.3.1.

    Examples
    --------
    >>> from fastnet.textbook.second import create_contexts_target
    >>> contexts, target = create_contexts_target([0, 1, 2, 3])
    >>> contexts
    array([[0, 2],
           [1, 3]])
    >>> target
    array([1, 2])
    """
    where = "create_contexts_target"
    size = checks.count(where, "window_size", window_size)
    numbers = checks.word_numbers(where, "corpus", corpus)
    if len(numbers) <= 2 * size:
        raise ValueError(
            f"{where}: corpus must have more than {2 * size} words for window_size={size}, got "
            f"{len(numbers)}. Give more, or a smaller window_size."
        )
    windows = np.lib.stride_tricks.sliding_window_view(numbers, 2 * size + 1)
    return np.delete(windows, size, axis=1), windows[:, size].copy()


def create_co_matrix(corpus: ArrayLike, vocab_size: int, window_size: int = 1) -> NDArray[np.int32]:
    """Return how often each word stands near each other one: at most window_size words away.

    Parameters
    ----------
    corpus : (N,) integers in 0..vocab_size-1
    vocab_size : int
    window_size : int

    Returns
    -------
    (vocab_size, vocab_size) int32, symmetric

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or shape.
    IndexError
        A number is negative or too large.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 2.3.4.

    Examples
    --------
    >>> from fastnet.textbook.second import create_co_matrix
    >>> create_co_matrix([0, 1, 2, 1], 3)
    array([[0, 1, 0],
           [1, 0, 2],
           [0, 2, 0]], dtype=int32)
    """
    where = "create_co_matrix"
    vocab_size = checks.count(where, "vocab_size", vocab_size)
    size = checks.count(where, "window_size", window_size)
    numbers = checks.word_numbers(where, "corpus", corpus, vocab_size)
    C = np.zeros((vocab_size, vocab_size), np.int32)
    co_occurrence_forward(numbers, size, C)
    return C


def ppmi(C: ArrayLike, verbose: bool = False, eps: float = 1e-8) -> NDArray[np.float32]:
    """Return the positive pointwise mutual information of a co-occurrence matrix.

        M[i, j] = max(0, log2(C[i, j] * sum(C) / (S[i] * S[j]) + eps)),  S = sum(C, axis=0)

    Parameters
    ----------
    C : (V, V)
        How often words stand near each other: not negative.
    verbose : bool
        Print the progress a hundred times.
    eps : float
        In [0, 1).

    Returns
    -------
    (V, V) float32
        Computed in float64.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or shape, or out of range.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 2.4.1.

    Examples
    --------
    >>> from fastnet.textbook.second import ppmi
    >>> ppmi([[0, 3, 0], [3, 0, 1], [0, 1, 0]]).round(2)
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    where = "ppmi"
    array: NDArray[Any] = np.asarray(C) if isinstance(C, np.ndarray) else np.array(C)
    array = checks.array(where, "C", array)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(
            f"{where}: C must be (V, V) with at least one word, got C.shape={array.shape}. Give "
            "what create_co_matrix returns."
        )
    if not (least := array.min()) >= 0:  # NaN, too
        raise ValueError(
            f"{where}: C must not be negative, got {least}. Give what create_co_matrix returns."
        )
    checks.flag(where, "verbose", verbose)
    eps = checks.fraction(where, "eps", eps)
    counts = np.ascontiguousarray(array, INT32 if array.dtype == INT32 else checks.FLOAT64)
    S, words = counts.sum(axis=0).astype(checks.FLOAT64), len(counts)
    total, M = float(S.sum()), np.zeros(counts.shape, np.float32)
    step = max(1, words // 100) if verbose else words
    for start in range(0, words, step):
        rows = slice(start, start + step)
        ppmi_forward(counts[rows], S[rows], S, total, eps, M[rows])
        if verbose:
            print(f"{100 * min(words, start + step) / words:.1f}% done")
    return M
