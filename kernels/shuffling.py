"""The orders of epochs, those of numpy.random.RandomState, whose generator is handed over.

NumPy asks its generator for each number by a function: 1,797 numbers take it 17 us, and 22 between
epochs of digits, which last 1,000; here they take 7.
"""

from numba import int64

from ._compile import helper, inline, jit
from .simd import get, index_buffer, offset, pointer, put

WORDS, MIDDLE = 624, 397  # of the generator's state; how far ahead is the word that joins one
CLASSES = 64  # labels below that are sorted
STARTS = CLASSES + 1


@inline
def _next_word(words, k, following, joined):
    y = (get(words, k) & 0x80000000) | (get(words, following) & 0x7FFFFFFF)
    put(words, k, get(words, joined) ^ (y >> 1) ^ (-(y & 1) & 0x9908B0DF))


@helper
def _next_words(words):
    """Make the generator's next words of the last ones."""
    for k in range(WORDS - MIDDLE):
        _next_word(words, k, k + 1, k + MIDDLE)
    for k in range(WORDS - MIDDLE, WORDS - 1):
        _next_word(words, k, k + 1, k + MIDDLE - WORDS)
    _next_word(words, WORDS - 1, 0, MIDDLE - 1)


@inline
def _tempered(y):
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C5680
    y ^= (y << 15) & 0xEFC60000
    return y ^ (y >> 18)


@helper
def _shuffle(words, used, order, n):
    """Shuffle order, a pointer to n numbers, and return how many of the words are used by then.

    A number from 0 to i is the last bits of a word, of as many as fit where one is too large. There
    each number stays where it is, without a branch, which would be foreseen in two of three cases.
    """
    mask = 1
    while mask < n - 1:
        mask = 2 * mask + 1
    i = n - 1
    while i > 0:
        if used == WORDS:
            _next_words(words)
            used = 0
        while used < WORDS and i > mask >> 1:
            number = _tempered(get(words, used)) & mask
            used += 1
            j = min(number, i)
            last, chosen = get(order, i), get(order, j)
            put(order, i, chosen)
            put(order, j, last)
            i -= int64(number <= i)
        if i <= mask >> 1:
            mask >>= 1
    return used


@helper
def _by_class(order, n, labels, starts, sorted_order):
    """Sort n numbers of an order by their labels; those of a label keep their order."""
    for c in range(STARTS):
        put(starts, c, 0)
    for i in range(n):
        c = get(labels, get(order, i)) + 1
        put(starts, c, get(starts, c) + 1)
    for c in range(CLASSES):
        put(starts, c + 1, get(starts, c + 1) + get(starts, c))
    for i in range(n):
        c = get(labels, get(order, i))
        put(sorted_order, int64(get(starts, c)), get(order, i))
        put(starts, c, get(starts, c) + 1)


@jit(int64[::1], int64[::1], int64[::1], int64, int64[:, ::1])
def shuffle_forward(state, order, labels, batch_size, orders):
    """Shuffle an order again and again, as numpy.random.RandomState.shuffle does, and keep each.

    Parameters
    ----------
    state : (625,) int64
        Updated in place: the words of the generator, MT19937, and how many of them are used.
    order : (n,) int64
        Updated in place: shuffled E times.
    labels : (N,) int64, 0 <= labels < 64
        Classes of the samples that an order names, by which the samples of each batch are sorted in
        what is kept; empty for as they were shuffled. Sums over a batch are the same but for their
        order, and neighbours have more zeros in common: of two small digits side by side 60 % of
        the pixels are listed, and 64 % unsorted, see `kernels.sparse`.
    batch_size : int64
    orders : (E, n) int64, C-contiguous
        Overwritten.

    Notes
    -----
    Source: Matsumoto and Nishimura, Mersenne Twister, 1998; Durstenfeld, Algorithm 235, 1964.
    """
    words, numbers, known = pointer(state), pointer(order), pointer(labels)
    used, n = get(words, WORDS), order.size
    starts = index_buffer(STARTS)
    for e in range(orders.shape[0]):
        used = _shuffle(words, used, numbers, n)
        kept = offset(pointer(orders), e * n)
        if labels.size > 0:
            for i in range(0, n, batch_size):
                count = min(batch_size, n - i)
                _by_class(offset(numbers, i), count, known, starts, offset(kept, i))
        else:
            for i in range(n):
                put(kept, i, get(numbers, i))
    put(words, WORDS, used)
