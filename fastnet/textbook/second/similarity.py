"""How alike the vectors of words are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks

__all__ = ["analogy", "cos_similarity", "most_similar", "normalize"]


def cos_similarity(x: ArrayLike, y: ArrayLike, eps: float = 1e-8) -> Any:
    """Return the cosine of the angle between vectors.

        x / (|x| + eps) . y / (|y| + eps)

    Parameters
    ----------
    x : (H,), or (V, H) for the cosine of every row
    y : (H,)
    eps : float
        Not negative; keeps vectors of zeros from a division by 0.

    Returns
    -------
    scalar, or (V,)

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or shape.

    Notes
    -----
    Integers are computed with in float64, float16 in float32. Source: Saitoh, Deep Learning from
    Scratch 2, section 2.3.5.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import cos_similarity
    >>> float(np.round(cos_similarity([1, 1], [1, 0]), 4))
    0.7071
    >>> cos_similarity([[1, 1], [0, 2]], [1, 0]).round(4)
    array([0.7071, 0.    ])
    """
    where = "cos_similarity"
    eps = checks.not_negative(where, "eps", eps, example="1e-8")
    rows, vector = _floats(where, "x", x), _floats(where, "y", y)
    if vector.ndim != 1 or rows.ndim not in (1, 2) or rows.shape[-1] != len(vector):
        raise ValueError(
            f"{where}: x must be (H,) or (V, H) and y (H,), got x.shape={rows.shape} and "
            f"y.shape={vector.shape}. Give vectors of one length."
        )
    # Of 4,000 rows of 100 numbers: 0.09 ms, where np.sum(rows**2, axis=1) alone takes 0.2.
    lengths = np.sqrt(np.einsum("...i,...i->...", rows, rows)) + eps
    return np.dot(rows, vector / (np.sqrt(np.dot(vector, vector)) + eps)) / lengths


def most_similar(
    query: str,
    word_to_id: Mapping[str, int],
    id_to_word: Mapping[int, str],
    word_matrix: ArrayLike,
    top: int = 5,
) -> None:
    """Print the words whose vectors are the most like that of another one, by `cos_similarity`.

    Parameters
    ----------
    query : str
        A word; where it is not known, that is printed.
    word_to_id, id_to_word : dict
    word_matrix : (V, H)
        A row for each of V words.
    top : int
        How many.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or shape.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 2.3.6.

    Examples
    --------
    >>> from fastnet.textbook.second import create_co_matrix, most_similar, preprocess
    >>> corpus, word_to_id, id_to_word = preprocess("You say goodbye and I say hello.")
    >>> C = create_co_matrix(corpus, 7)
    >>> most_similar("you", word_to_id, id_to_word, C, top=2)
    <BLANKLINE>
    [query] you
     goodbye: 0.7071067691154799
     i: 0.7071067691154799
    """
    where = "most_similar"
    top = checks.count(where, "top", top)
    W = _word_vectors(where, word_matrix, id_to_word)
    if query not in word_to_id:
        print(f"{query} is not found")
        return
    print(f"\n[query] {query}")
    similarity = cos_similarity(W, W[word_to_id[query]])
    _print_largest(similarity.astype(checks.FLOAT64), id_to_word, {query}, top)


def analogy(
    a: str,
    b: str,
    c: str,
    word_to_id: Mapping[str, int],
    id_to_word: Mapping[int, str],
    word_matrix: ArrayLike,
    top: int = 5,
    answer: str | None = None,
) -> None:
    """Print the words that are to c what b is to a: those nearest to b - a + c.

    Parameters
    ----------
    a, b, c : str
        Words; where one is not known, that is printed.
    word_to_id, id_to_word : dict
    word_matrix : (V, H)
        A row for each of V words.
    top : int
        How many.
    answer : str, optional
        A word whose own similarity is printed first.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or shape.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import analogy
    >>> words = ["king", "man", "queen", "woman"]
    >>> id_to_word = dict(enumerate(words))
    >>> word_to_id = {word: i for i, word in id_to_word.items()}
    >>> W = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> analogy("king", "man", "queen", word_to_id, id_to_word, W, top=1)
    <BLANKLINE>
    [analogy] king:man = queen:?
     woman: 1.0
    """
    where = "analogy"
    top = checks.count(where, "top", top)
    W = _word_vectors(where, word_matrix, id_to_word)
    for word in (a, b, c, *([] if answer is None else [answer])):
        if word not in word_to_id:
            print(f"{word} is not found")
            return
    print(f"\n[analogy] {a}:{b} = {c}:?")
    of_a, of_b, of_c = (W[word_to_id[word]] for word in (a, b, c))
    with np.errstate(invalid="ignore"):  # of zeros: NaN, which is left out below
        query = normalize(of_b - of_a + of_c)
    similarity = np.dot(W, query)
    if answer is not None:
        print(f"==>{answer}:{similarity[word_to_id[answer]]!s}")
    _print_largest(similarity, id_to_word, {a, b, c}, top)


def normalize(x: NDArray[Any]) -> NDArray[Any]:
    """Divide a vector, or every row of a matrix, by its length, in place.

    Parameters
    ----------
    x : (H,) or (N, H) float array
        Changed. A vector of zeros becomes NaN, with a warning of NumPy's.

    Returns
    -------
    x

    Raises
    ------
    TypeError, ValueError
        x is no such array.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/util.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import normalize
    >>> normalize(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    """
    array = checks.array("normalize", "x", x)
    if array is not x or array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise TypeError(
            f"normalize: x must be a float array (H,) or (N, H), which is changed, got "
            f"{type(x).__name__} of {array.dtype} with x.shape={array.shape}. Give a float array."
        )
    x /= np.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    return x


def _floats(where: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return an array in float32 or float64."""
    array = checks.array(where, name, value)
    dtype = checks.result_dtype(array)
    return array.astype(checks.FLOAT32 if dtype == checks.FLOAT16 else dtype, copy=False)


def _word_vectors(
    where: str, word_matrix: ArrayLike, id_to_word: Mapping[int, str]
) -> NDArray[Any]:
    """Return the rows of all words in float32 or float64."""
    W = _floats(where, "word_matrix", word_matrix)
    if W.ndim != 2 or len(W) != len(id_to_word):
        raise ValueError(
            f"{where}: word_matrix must be (V, H) with a row for each of {len(id_to_word)} words, "
            f"got word_matrix.shape={W.shape}. Give the matrix of these words."
        )
    return W


def _print_largest(
    similarity: NDArray[Any], id_to_word: Mapping[int, str], left_out: set[str], top: int
) -> None:
    """Print the words of the largest numbers, but for some and those of NaN."""
    count = 0
    for i in (-similarity).argsort(kind="stable").tolist():
        if id_to_word[i] in left_out or np.isnan(similarity[i]):
            continue
        print(f" {id_to_word[i]}: {similarity[i]}")
        count += 1
        if count >= top:
            return
