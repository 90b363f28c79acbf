"""Words drawn by their probabilities, as NumPy draws them, by bisection."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.sampling import unigram_sampler_forward

__all__ = ["UnigramSampler"]


class UnigramSampler:
    """Draws words by how often they stand in a corpus, to a power, and never the target itself.

    Parameters
    ----------
    corpus : (N,) integers of at least 0
        Numbers of words, one after the other.
    power : number
        0.75 makes rare words less rare.
    sample_size : int
        How many different words are drawn for each target.
    rng : numpy.random.Generator, optional
        Draws by `rng.random`. Default: NumPy's global generator, so that `np.random.seed` fixes
        the words, and they are the textbook's.

    Attributes
    ----------
    vocab_size : int
        How many different words the corpus has.
    word_p : (vocab_size,) float64
        Their probabilities.
    sample_size : int

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is of another kind, or out of range; the corpus has too few words.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.2.6.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import UnigramSampler
    >>> sampler = UnigramSampler([0, 1, 2, 3, 4, 1, 2, 3], power=0.75, sample_size=2)
    >>> np.random.seed(0)
    >>> sampler.get_negative_sample([1, 3, 0])
    array([[3, 2],
           [2, 1],
           [3, 2]], dtype=int32)
    """

    __module__ = __package__  # as that of layers

    def __init__(
        self,
        corpus: ArrayLike,
        power: float,
        sample_size: int,
        rng: np.random.Generator | None = None,
    ) -> None:
        where = "UnigramSampler"
        counts = np.bincount(checks.word_numbers(where, "corpus", corpus))
        self.vocab_size = int(np.count_nonzero(counts))
        self.sample_size = checks.count(where, "sample_size", sample_size)
        if self.vocab_size <= self.sample_size:
            raise ValueError(
                f"{where}: corpus must have more than sample_size different words, got "
                f"{self.vocab_size} for sample_size={self.sample_size}. Draw fewer, or give more."
            )
        if len(counts) != self.vocab_size:
            raise ValueError(
                f"{where}: corpus must have every number up to its largest, got no "
                f"{np.argmin(counts)} and {len(counts) - 1}. Number the words without gaps."
            )
        weights = counts ** checks.number(where, "power", power)
        self.word_p = weights / np.sum(weights)
        self._rng = None if rng is None else checks.generator(where, rng)
        self._cumulated = np.cumsum(self.word_p)

    def get_negative_sample(self, target: ArrayLike) -> NDArray[np.int32]:
        """Return words (N, sample_size) int32, of targets (N,), integers in 0..vocab_size-1.

        Raises TypeError where target holds no integers, IndexError where one is out of range.
        """
        where = "UnigramSampler.get_negative_sample"
        found = checks.indices(where, target, (self.vocab_size,), "target")
        draw = np.random.rand if self._rng is None else self._rng.random
        return draw_words(
            self._cumulated, self.word_p, found.reshape(-1), self.sample_size, draw
        ).astype(np.int32)


def draw_words(
    cumulated: NDArray[Any], p: NDArray[Any], target: NDArray[np.int64], size: int, draw: Any
) -> NDArray[np.int64]:
    """Return the words (N, size) that numpy.random.choice draws without each target.

    Parameters
    ----------
    cumulated, p : (V,) float64
        Probabilities, of which `size` besides any target's are above 0, and their sums.
    target : (N,) int64
    size : int
    draw : callable
        Returns so many uniform random numbers: choice takes as many, in the same order.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers.unigram import draw_words
    >>> p = np.array([0.5, 0.25, 0.25])
    >>> draw_words(np.cumsum(p), p, np.array([0]), 1, lambda count: np.full(count, 0.7))
    array([[2]])
    """
    sample, state = empty((len(target), size), np.int64), np.zeros(3, np.int64)
    uniform = draw(sample.size)
    while True:
        unigram_sampler_forward(cumulated, p, target, uniform, state, sample)
        done, used, more = state.tolist()
        if done == len(target):
            return sample
        uniform = uniform[used:]
        if more:
            uniform = np.concatenate([uniform, draw(more)])
        else:  # one of 10**7 words with 10,000 of them
            sample[done], uniform = _chosen(p, target[done], size, uniform, draw)
            done += 1
        state[:] = done, 0, 0


def _chosen(
    p: NDArray[Any], target: Any, size: int, uniform: NDArray[Any], draw: Any
) -> tuple[list[int], NDArray[Any]]:
    """Return the words as NumPy computes them, and the uniform numbers that are left."""
    left, row = p.copy(), list[int]()
    left[target] = 0
    left /= left.sum()
    while len(row) < size:
        asked = size - len(row)
        if asked > len(uniform):
            uniform = np.concatenate([uniform, draw(asked - len(uniform))])
        left[row] = 0
        sums = np.cumsum(left)
        sums /= sums[-1]
        row += dict.fromkeys(sums.searchsorted(uniform[:asked], side="right").tolist())
        uniform = uniform[asked:]
    return row, uniform
