"""Text as numbers of words, which stand near each other, and how alike their vectors are."""

from collections.abc import Mapping

import numpy as np

from ...kernels import co_occurrence_forward, ppmi_forward


def preprocess(text: str) -> tuple[np.ndarray, dict[str, int], dict[int, str]]:
    """Return a text as the numbers of its words, as they first occur."""
    words = text.lower().replace(".", " .").split(" ")
    word_to_id: dict[str, int] = {}
    for word in words:
        word_to_id.setdefault(word, len(word_to_id))
    corpus = np.array([word_to_id[word] for word in words])
    return corpus, word_to_id, {i: word for word, i in word_to_id.items()}


def convert_one_hot(corpus: np.ndarray, vocab_size: int) -> np.ndarray:
    """Return rows with a 1 at the number of each word of (N,) or (N, C)."""
    return np.eye(vocab_size, dtype=np.int32)[corpus]


def create_contexts_target(
    corpus: np.ndarray, window_size: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the words around each word that has window_size on either side, and these."""
    near = [i for i in range(-window_size, window_size + 1) if i != 0]
    at = np.arange(window_size, len(corpus) - window_size)
    return np.stack([np.take(corpus, at + i) for i in near], axis=1), np.take(corpus, at)


def create_co_matrix(corpus: np.ndarray, vocab_size: int, window_size: int = 1) -> np.ndarray:
    """Return how often each word stands near each other one: at most window_size words away."""
    C = np.zeros((vocab_size, vocab_size), np.int32)
    co_occurrence_forward(corpus, window_size, C)
    return C


def ppmi(C: np.ndarray, verbose: bool = False, eps: float = 1e-8) -> np.ndarray:
    """Return max(0, log2(C * sum(C) / (S[i] * S[j]) + eps)), S = sum(C, axis=0), in float32."""
    M, S = np.zeros(np.shape(C), np.float32), np.sum(C, axis=0, dtype=float)
    ppmi_forward(C, S, S, S.sum(), eps, M)
    return M


def cos_similarity(x: np.ndarray, y: np.ndarray, eps: float = 1e-8) -> np.ndarray:
    """Return the cosine of the angle between x, or each of its rows, and y."""
    lengths = np.linalg.norm(x, axis=-1) + eps
    return x @ y / lengths / (np.linalg.norm(y) + eps)


def most_similar(
    query: str,
    word_to_id: Mapping[str, int],
    id_to_word: Mapping[int, str],
    word_matrix: np.ndarray,
    top: int = 5,
) -> None:
    """Print the words whose vectors are the most like that of another one."""
    if query not in word_to_id:
        print(f"{query} is not found")
        return
    print(f"\n[query] {query}")
    similarity = cos_similarity(word_matrix, word_matrix[word_to_id[query]])
    _print_largest(similarity, id_to_word, {query}, top)


def analogy(
    a: str,
    b: str,
    c: str,
    word_to_id: Mapping[str, int],
    id_to_word: Mapping[int, str],
    word_matrix: np.ndarray,
    top: int = 5,
    answer: str | None = None,
) -> None:
    """Print the words that are to c what b is to a: those nearest to b - a + c."""
    for word in (a, b, c, answer or a):
        if word not in word_to_id:
            print(f"{word} is not found")
            return
    print(f"\n[analogy] {a}:{b} = {c}:?")
    of_a, of_b, of_c = (word_matrix[word_to_id[word]] for word in (a, b, c))
    similarity = word_matrix @ normalize(of_b - of_a + of_c)
    if answer is not None:
        print(f"==>{answer}:{similarity[word_to_id[answer]]!s}")
    _print_largest(similarity, id_to_word, {a, b, c}, top)


def _print_largest(
    similarity: np.ndarray, id_to_word: Mapping[int, str], left_out: set[str], top: int
) -> None:
    at = [i for i in (-similarity).argsort(kind="stable") if id_to_word[i] not in left_out]
    for i in [i for i in at if not np.isnan(similarity[i])][:top]:
        print(f" {id_to_word[i]}: {float(similarity[i])}")


def normalize(x: np.ndarray) -> np.ndarray:
    """Divide a vector, or every row of a matrix, by its length, in place."""
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    return x
