"""The second book's `ch04.negative_sampling_layer`, and what of `common.util` takes time.

Their methods get the script's own as `own`, as those of the layers in first.py do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import empty, ndarray

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.sequences import floats, row_numbers
from fastnet.kernels.clipping import squared_norm_forward
from fastnet.kernels.cross_entropy import sigmoid_with_loss_forward
from fastnet.kernels.embedding import embedding_backward
from fastnet.kernels.sampling import embedding_dot_forward
from fastnet.layers.unigram import draw_words

__all__ = [
    "EmbeddingDot",
    "NegativeSamplingLoss",
    "UnigramSampler",
    "clip_grads",
    "convert_one_hot",
    "create_co_matrix",
    "create_contexts_target",
    "most_similar",
    "ppmi",
    "remove_duplicate",
]

CLOSE = 1e-6  # to 1: what probabilities add up to


class EmbeddingDot(Own):
    """The inner product of each sample with a row of a table."""

    cache: Any

    def forward(self, h: Any, idx: Any, *, own: Any) -> Any:
        """Return a new (N,); keep h and the rows, and the row numbers in `embed`."""
        (W,), found = self.embed.params, floats(h)
        rows = None
        if found is not None and checks.common_dtype(W, found[0]) is not None and W.ndim == 2:
            rows = row_numbers(idx, len(W))
        if rows is None or found[0].shape != (len(rows), W.shape[1]) or idx.ndim != 1:
            return own(self, h, idx)
        out = empty((len(rows), 1), W.dtype)
        embedding_dot_forward(W, rows, found[0], out)
        self.embed.idx, self.cache = idx, (h, W[rows])
        return out[:, 0]

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return a new dh; grads[0] of `embed` is overwritten."""
        (h, target_W), (dW,) = self.cache, self.embed.grads
        found, dout, rows = floats(h, target_W), settled(dout), None
        if found is not None and checks.is_canonical(dW, found[0].dtype) and dW.ndim == 2:
            rows = row_numbers(self.embed.idx, len(dW))
        if rows is None or found[0].shape != (len(rows), dW.shape[1]):
            return own(self, dout)
        if found[1].shape != found[0].shape or np.shape(dout) != rows.shape:
            return own(self, dout)
        # Of a sigmoid in float32 and labels int32 the slopes are float64, and so is dh.
        slopes = dout[:, np.newaxis]
        embedding_backward(rows, (slopes * found[0]).astype(dW.dtype, "C", copy=False), dW)
        return slopes * found[1]


class UnigramSampler(Own):
    """The words that np.random.choice draws, from the same random numbers, by bisection."""

    def get_negative_sample(self, target: Any, *, own: Any) -> Any:
        """Return a new (N, sample_size) int32."""
        p, size, words = self.word_p, self.sample_size, None
        if checks.is_canonical(p, checks.FLOAT64) and p.ndim == 1 and len(p) == self.vocab_size:
            words = row_numbers(target, len(p))
        if words is None or target.ndim != 1 or type(size) is not int or size < 1:
            return own(self, target)
        sums = np.cumsum(p)
        if not (p >= 0).all() or abs(sums[-1] - 1) > CLOSE or np.count_nonzero(p) <= size:
            return own(self, target)
        return draw_words(sums, p, words, size, np.random.rand).astype(np.int32)


class NegativeSamplingLoss(Own):
    """Yes for the target, no for the words drawn: the inner products of all in one kernel."""

    def forward(self, h: Any, target: Any, *, own: Any) -> Any:
        """Return the loss; leave in the layers inside what they would keep."""
        dots, losses, found = self.embed_dot_layers, self.loss_layers, floats(h)
        tables = [layer.embed.params[0] for layer in dots]
        words = None
        if found is not None and checks.common_dtype(tables[0], found[0]) is not None:
            if all(table is tables[0] for table in tables) and tables[0].ndim == 2:
                words = row_numbers(target, len(tables[0]))
        if words is None or target.ndim != 1 or found[0].shape != (len(words), tables[0].shape[1]):
            return own(self, h, target)
        n, each, (rows,) = len(words), 1 + self.sample_size, found
        if len(words) == 1 or not len(dots) == len(losses) == each:
            return own(self, h, target)
        drawn = self.sampler.get_negative_sample(target)
        idx = [target, *drawn.T]
        numbers = row_numbers(np.stack(idx, axis=1), len(tables[0]))
        if numbers is None:  # a sampler of the script's own
            raise IndexError("get_negative_sample has returned a word that is out of range")
        scores, y = empty((2, n, each), rows.dtype)
        embedding_dot_forward(tables[0], numbers, rows, scores)
        t, loss, total = np.zeros_like(scores), empty(1, rows.dtype), 0.0
        t[:, 0] = 1
        sigmoid_with_loss_forward(scores, t, y, loss)
        taken = tables[0][numbers.reshape(n, each).T]
        right = np.log(np.where(t == 1, y, 1 - y) + rows.dtype.type(1e-7))
        for k, (dot, last) in enumerate(zip(dots, losses, strict=True)):
            dot.embed.idx, dot.cache = idx[k], (h, taken[k])
            last.t = np.full(n, k == 0, np.int32)
            last.y, last.loss = y[:, k].copy(), -np.sum(right[:, k]) / n
            total = last.loss if k == 0 else total + last.loss
        return total

    def backward(self, dout: Any = 1, *, own: Any) -> Any:
        """Return a new dh; the gradient of each layer's table is overwritten."""
        dh: Any = 0
        for last, dot in zip(self.loss_layers, self.embed_dot_layers, strict=False):
            dh += dot.backward((last.y - last.t) * dout / len(last.t))
        return dh


def clip_grads(grads: Any, max_norm: Any, *, own: Any) -> Any:
    """Scale gradients down, in place, until the norm of all together is max_norm."""
    arrays = [settled(grad) for grad in grads] if type(grads) in (list, tuple) else []
    if not arrays or type(max_norm) not in (int, float):
        return own(grads, max_norm)
    if any(type(array) is not ndarray or array.dtype not in checks.COMPUTED for array in arrays):
        return own(grads, max_norm)
    total, squares = 0.0, empty(1)
    for array in arrays:
        if not array.flags.c_contiguous and array.flags.f_contiguous:
            array = array.T
        squared_norm_forward(checks.contiguous(array, array.dtype).reshape(-1), squares)
        total += float(squares[0])
    rate = max_norm / (math.sqrt(total) + 1e-6)
    if rate < 1:
        for array in arrays:
            array *= rate
    return None


def remove_duplicate(params: Any, grads: Any, *, own: Any) -> Any:
    """The lists with what layers share standing there once: nearly always, the same lists.

    The script's own compares all of each two matrices of transposed shapes, in every step. Those
    that differ in their first element are no transposes.
    """
    if type(params) is not list or type(grads) is not list:
        return own(params, grads)
    for j, other in enumerate(params):
        if type(other) is not ndarray:
            return own(params, grads)
        for param in params[:j]:
            if param is other:
                return own(params, grads)
            if param.ndim == other.ndim == 2 and param.shape == other.shape[::-1]:
                if not param.size or param[0, 0] == other[0, 0]:
                    return own(params, grads)
    return params[:], grads[:]


def create_contexts_target(corpus: Any, window_size: Any = 1, *, own: Any) -> Any:
    """The words around each word, and the words: columns of the corpus, shifted."""
    if not _is_corpus(corpus) or type(window_size) is not int or not 0 < window_size:
        return own(corpus, window_size)
    n = len(corpus) - 2 * window_size
    if n < 1:
        return own(corpus, window_size)
    contexts = empty((n, 2 * window_size), corpus.dtype)
    shifts = [t for t in range(2 * window_size + 1) if t != window_size]
    for k, t in enumerate(shifts):
        contexts[:, k] = corpus[t : t + n]
    return contexts, np.array(corpus[window_size:-window_size])


def convert_one_hot(corpus: Any, vocab_size: Any, *, own: Any) -> Any:
    """Rows with a 1 at each word, int32."""
    words = row_numbers(corpus, vocab_size) if type(vocab_size) is int and vocab_size > 0 else None
    if words is None or corpus.ndim not in (1, 2):
        return own(corpus, vocab_size)
    one_hot = np.zeros((len(words), vocab_size), np.int32)
    one_hot[np.arange(len(words)), words] = 1
    return one_hot.reshape(*corpus.shape, vocab_size)


def create_co_matrix(corpus: Any, vocab_size: Any, window_size: Any = 1, *, own: Any) -> Any:
    """How often each word stands beside each other: pairs are sorted, and counted once."""
    if type(vocab_size) is not int or type(window_size) is not int or vocab_size < 1:
        return own(corpus, vocab_size, window_size)
    words = row_numbers(corpus, vocab_size) if _is_corpus(corpus) else None
    if words is None:
        return own(corpus, vocab_size, window_size)
    counts = np.zeros(vocab_size * vocab_size, np.int32)
    for i in range(1, window_size + 1):
        left, right = words[:-i], words[i:]
        for word, other in ((right, left), (left, right)):
            pairs, times = np.unique(word * vocab_size + other, return_counts=True)
            counts[pairs] += times.astype(np.int32)
    return counts.reshape(vocab_size, vocab_size)


def ppmi(C: Any, verbose: Any = False, eps: Any = 1e-8, *, own: Any) -> Any:
    """Positive mutual information: the logarithm is taken where words stand beside each other."""
    if type(C) is not ndarray or C.ndim != 2 or C.dtype.kind not in "iu" or not C.size:
        return own(C, verbose, eps)
    if C.shape[0] != C.shape[1] or type(eps) is not float or not 0 < eps < 1 or C.min() < 0:
        return own(C, verbose, eps)
    M, N, S = np.zeros_like(C, dtype=np.float32), np.sum(C), np.sum(C, axis=0)
    if not S.all() or int(N) * int(C.max()) >= 2**53 or int(S.max()) ** 2 >= 2**53:
        return own(C, verbose, eps)
    for i in range(len(C)):
        (found,) = np.nonzero(C[i])
        pmi = np.log2(C[i, found].astype(S.dtype) * N / (S[found] * S[i]) + eps)
        M[i, found] = np.maximum(0, pmi)
    if verbose:
        every = C.size // 100 + 1
        for count in range(every, C.size + 1, every):
            print(f"{100 * count / C.size:.1f}% done")
    return M


def most_similar(
    query: Any, word_to_id: Any, id_to_word: Any, word_matrix: Any, top: Any = 5, *, own: Any
) -> Any:
    """Print the words whose vectors have the largest cosine: lengths are taken of all at once."""
    if query not in word_to_id or type(word_matrix) is not ndarray or word_matrix.ndim != 2:
        return own(query, word_to_id, id_to_word, word_matrix, top)
    words = len(id_to_word)
    rows = np.ascontiguousarray(word_matrix[:words])
    if len(rows) != words or rows.dtype.kind not in "iuf" or not rows.size:
        return own(query, word_to_id, id_to_word, word_matrix, top)
    print("\n[query] " + query)
    rows = rows / (np.sqrt(np.sum(rows**2, axis=1)) + 1e-8)[:, np.newaxis]
    one = rows[word_to_id[query]]
    similarity = np.array([np.dot(row, one) for row in rows], float)
    count = 0
    for i in (-1 * similarity).argsort():
        if id_to_word[i] == query:
            continue
        print(f" {id_to_word[i]}: {similarity[i]}")
        count += 1
        if count >= top:
            return None
    return None


def _is_corpus(corpus: Any) -> bool:
    return type(corpus) is ndarray and corpus.ndim == 1 and corpus.dtype.kind in "iu"
