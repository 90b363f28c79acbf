"""How often words stand near each other, and how much oftener than by chance."""

from numba import float32, float64, int32, int64

from ._compile import helper, jit
from .elementary import LOG2_E, log
from .simd import get, pointer, put, select, stack_buffer
from .sweep import sweep

# What is above 0 of a row is looked up by blocks: the logarithm of a vector of them at a time.
BLOCK = 256
BLOCK_BYTES = 8 * BLOCK


@jit(int64[::1], int64, int32[:, ::1])
def co_occurrence_forward(corpus, window_size, counts):
    """Co-occurrence matrix: how often word w stands at most window_size words from word v.

        counts[v, w] += 1 for every two such positions, and counts[w, v] += 1

    Parameters
    ----------
    corpus : (N,) int64, 0 <= corpus[n] < V
        Numbers of words; range checked by the caller.
    window_size : int64
        At least 1.
    counts : (V, V) int32, C-contiguous
        Added to, in place.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 2.3.4.
    """
    n, words, target = corpus.size, int64(counts.shape[1]), pointer(counts)
    for i in range(n):
        v = corpus[i]
        for j in range(i + 1, min(n, i + 1 + window_size)):
            w = corpus[j]
            for at in (v * words + w, w * words + v):
                put(target, at, int32(get(target, at) + 1))


@helper
def _binary_logarithm(x):
    """log2(x), 0 where it is below 0 or none."""
    y = LOG2_E * log(x)
    return select(y > 0.0, y, 0.0)


@jit(
    (int32[:, ::1], float64[::1], float64[::1], float64, float64, float32[:, ::1]),
    (float64[:, ::1], float64[::1], float64[::1], float64, float64, float32[:, ::1]),
)
def ppmi_forward(counts, rows, columns, total, eps, out):
    """Positive pointwise mutual information of rows of a co-occurrence matrix.

        out[v, w] = max(0, log2(counts[v, w] * total / (columns[w] * rows[v]) + eps))

    Parameters
    ----------
    counts : (R, V) int32 or float64, C-contiguous
        Not negative.
    rows, columns : (R,), (V,) float64
        How often each word stands near others.
    total : float64
        The sum of all counts.
    eps : float64
        Below 1.
    out : (R, V) float32, C-contiguous
        Overwritten where counts are not 0. Give zeros: pages of nothing else are never touched.

    Notes
    -----
    In float64, with one rounding at the end. Source: Saitoh, Deep Learning from Scratch 2, section
    2.4.1; Church and Hanks 1990.
    """
    n, words = counts.shape
    target, of_words = pointer(out), pointer(columns)
    values = stack_buffer(of_words, BLOCK_BYTES)
    # Of the positions the same, as numbers of float64: exact, and no second kind of buffer.
    places = stack_buffer(of_words, BLOCK_BYTES)
    for v in range(n):
        source, share, found = pointer(counts), total / rows[v], 0
        for w in range(words):
            count = get(source, v * words + w)
            if count != 0:
                put(values, found, float64(count) * share / get(of_words, w) + eps)
                put(places, found, float64(v * words + w))
                found += 1
            if found == BLOCK or w == words - 1:
                sweep(_binary_logarithm, (values,), (values,), 0, found, ())
                for k in range(found):
                    put(target, int64(get(places, k)), float32(get(values, k)))
                found = 0
