"""Negative sampling: inner products with chosen rows of a table, and the draw of the rows.

The draw is by bisection on cumulated probabilities, made once: NumPy's choice adds up those of all
words for every sample, 28 of the 91 ms that a step of the book's CBOW takes with 10,000 words.
"""

from numba import float64, int64

from ._compile import helper, jit, labels, matrix
from .simd import get, offset, pointer, put, scalar
from .sweep import put_all, sum_of, sweep


@helper
def _product(x, y):
    return x * y


@jit(matrix, labels, matrix, matrix)
def embedding_dot_forward(W, idx, h, out):
    """Inner products of rows of a table with a vector for each sample.

        out[n, k] = W[idx[n K + k]] @ h[n]

    Parameters
    ----------
    W : (V, H) float32 or float64, C-contiguous
    idx : (N K,) int64, 0 <= idx < V
        Row numbers, K for each sample; range checked by the caller.
    h : (N, H), same dtype, C-contiguous
    out : (N, K), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.2.4.
    """
    (n, each), width = out.shape, h.shape[1]
    table, numbers, c = pointer(W), pointer(idx), pointer(out)
    for i in range(n):
        x = offset(pointer(h), i * width)
        for k in range(i * each, (i + 1) * each):
            row = offset(table, get(numbers, k) * width)
            put(c, k, sum_of(_product, (row, x), 0, width, ()))


@helper
def _first_gradients(dW, row, x, slope):
    return slope * row, dW + slope * x


@helper
def _next_gradients(dh, dW, row, x, slope):
    return dh + slope * row, dW + slope * x


@jit(matrix, labels, matrix, matrix, matrix, matrix)
def embedding_dot_backward(W, idx, h, dout, dh, dW):
    """Gradient of the inner products: rows that were taken twice get both gradients.

        dh[n] = sum over k of dout[n, k] * W[idx[n K + k]]
        dW[v] = sum of dout[n, k] * h[n] over the n and k with idx[n K + k] == v

    Parameters
    ----------
    W : (V, H) float32 or float64, C-contiguous
    idx : (N K,) int64, 0 <= idx < V
        Row numbers; range checked by the caller.
    h : (N, H), same dtype, C-contiguous
    dout : (N, K), same dtype, C-contiguous, K at least 1
        Upstream gradient.
    dh : (N, H), same dtype, C-contiguous
        Overwritten, like dW. Neither may overlap an input.
    dW : (V, H), same dtype, C-contiguous

    Notes
    -----
    Added in the order of idx. Source: Saitoh, Deep Learning from Scratch 2, section 4.2.4.
    """
    (n, each), width = dout.shape, h.shape[1]
    table, numbers, slopes, target = pointer(W), pointer(idx), pointer(dout), pointer(dW)
    put_all(target, dW.size, scalar(target, 0.0))
    for i in range(n):
        x, dx = offset(pointer(h), i * width), offset(pointer(dh), i * width)
        for k in range(i * each, (i + 1) * each):
            at, slope = get(numbers, k) * width, get(slopes, k)
            row, drow = offset(table, at), offset(target, at)
            if k == i * each:
                sweep(_first_gradients, (dx, drow), (drow, row, x), 0, width, (slope,))
            else:
                sweep(_next_gradients, (dx, drow), (dx, drow, row, x), 0, width, (slope,))


@helper
def _first_above(cumulated, size, value):
    """The first k with cumulated[k] > value, a pointer to rising numbers; size where none is."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if get(cumulated, middle) > value:
            high = middle
        else:
            low = middle + 1
    return low


@helper
def _word(cumulated, p, words, target, drawn, count, uniform):
    """The word that a number in 0..1 stands for, where `target` and the words drawn have none.

    -1 where it lies so near to the border of two words that rounding decides.
    """
    left = get(cumulated, words - 1) - get(p, target)
    for i in range(count):
        left -= get(p, get(drawn, i))
    value, skipped = uniform * left, 0.0
    k = _first_above(cumulated, words, value)
    while True:  # the words left out before k take no room: at most as many rounds as there are
        before = get(p, target) if target <= k else 0.0
        for i in range(count):
            if get(drawn, i) <= k:
                before += get(p, get(drawn, i))
        if before == skipped or k == words:
            break
        skipped = before
        k = _first_above(cumulated, words, value + skipped)
    # Sums of so many numbers, in either order of the roundings, differ by less.
    near, value = words * 1e-15, value + skipped
    if k == words or get(cumulated, k) - value < near:
        return -1
    if k > 0 and value - get(cumulated, k - 1) < near:
        return -1
    return k


@helper
def _draw_row(cumulated, p, words, target, uniform, at, stop, row, size):
    """Draw `size` different words into row; where uniforms end, or none is sure, stop there.

    Returns the uniforms used, how many more it asks for, and whether it is sure of its words.
    """
    count, used = 0, at
    while count < size:
        asked = size - count
        if used + asked > stop:
            return used, used + asked - stop, True
        before = count
        for j in range(asked):
            k = _word(cumulated, p, words, target, row, before, get(uniform, used + j))
            if k < 0:
                return used, 0, False
            is_other = True
            for i in range(before, count):
                is_other &= get(row, i) != k
            if is_other:
                put(row, count, k)
                count += 1
        used += asked
    return used, 0, True


@jit(float64[::1], float64[::1], labels, float64[::1], int64[::1], int64[:, ::1])
def unigram_sampler_forward(cumulated, p, target, uniform, state, sample):
    """Draw different words by their probabilities, for each target others than itself.

    The words that numpy.random.choice(V, size=S, replace=False, p=...) draws where p is without the
    target's probability, from the uniform numbers that it would take: S for each target, and for
    each word that was drawn twice another.

    Parameters
    ----------
    cumulated : (V,) float64
        Sums of p up to and with each word.
    p : (V,) float64
        Probabilities, of which S besides any target's are above 0.
    target : (N,) int64, 0 <= target < V
        Range checked by the caller.
    uniform : (U,) float64
        Random numbers, at least 0 and below 1.
    state : (3,) int64
        Updated in place: the target that it begins with, and the first of the uniform numbers; at
        the end those to go on with, and how many more numbers it asks for. Where it asks for none
        and is not at the end, NumPy has to say what that target's words are, as rounding decides.
    sample : (N, S) int64, C-contiguous
        Overwritten from that target on.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.2.6.
    """
    (n, size), words = sample.shape, p.size
    steps, stop = pointer(state), uniform.size
    i, at, more, is_sure = get(steps, 0), get(steps, 1), 0, True
    while i < n:
        used, more, is_sure = _draw_row(
            pointer(cumulated), pointer(p), words, get(pointer(target), i), pointer(uniform), at,
            stop, offset(pointer(sample), i * size), size,
        )  # fmt: skip
        if more > 0 or not is_sure:
            break
        at = used
        i += 1
    if more > 0:
        more += (n - 1 - i) * size
    put(steps, 0, i)
    put(steps, 1, at)
    put(steps, 2, more)
