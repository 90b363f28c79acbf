"""Halves of a network from one sequence to another: what reads, and what writes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks
from fastnet.textbook.second import drawn

__all__ = ["Decoder", "Encoder", "PeekyDecoder"]


class Encoder:
    """Reads characters into one vector, the last state of an LSTM.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        The table of characters (vocab_size, wordvec_size), Wx, Wh, b.
    embed, lstm : TimeEmbedding, TimeLSTM

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights are drawn from NumPy's global generator. Source: Saitoh, Deep Learning from Scratch 2,
    section 7.3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import Encoder
    >>> np.random.seed(0)
    >>> encoder = Encoder(vocab_size=13, wordvec_size=4, hidden_size=6)
    >>> encoder.forward(np.arange(10).reshape(2, 5)).shape
    (2, 6)
    """

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: DTypeLike = "float32"
    ) -> None:
        V, D, H, kind = sizes_of(self, vocab_size, wordvec_size, hidden_size, dtype)
        self.embed = drawn.embedding(V, D, kind)
        self.lstm = drawn.lstm(D, H, kind, stateful=False)
        self.params, self.grads = drawn.lists_of([self.embed, self.lstm])

    def forward(self, xs: ArrayLike) -> NDArray[Any]:
        """Return the last state (N, hidden_size) of characters xs (N, T)."""
        hs = self.lstm.forward(self.embed.forward(xs))
        self._shape = hs.shape
        last: NDArray[Any] = hs[:, -1]
        return last

    def backward(self, dh: NDArray[Any]) -> None:
        """Fill `grads` from the gradient (N, hidden_size) of what forward returned."""
        dhs = np.zeros(
            checks.remembered(f"{type(self).__name__}.backward", self, "_shape"), dh.dtype
        )
        dhs[:, -1] = dh
        self.embed.backward(self.lstm.backward(dhs))


class Decoder:
    """Writes characters from the vector of an encoder, which is the first state of its LSTM.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        The table of characters (vocab_size, wordvec_size), Wx, Wh, b, then W and b of the scores.
    embed, lstm, affine : TimeEmbedding, TimeLSTM, TimeAffine

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights are drawn from NumPy's global generator. Source: Saitoh, Deep Learning from Scratch 2,
    section 7.3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import Decoder
    >>> np.random.seed(0)
    >>> decoder = Decoder(vocab_size=13, wordvec_size=4, hidden_size=6)
    >>> decoder.forward(np.arange(6).reshape(2, 3), np.ones((2, 6), np.float32)).shape
    (2, 3, 13)
    >>> len(decoder.generate(np.ones((1, 6), np.float32), start_id=0, sample_size=4))
    4
    """

    # How many times the encoder's state stands beside the inputs of the LSTM and of the scores.
    _beside_lstm, _beside_scores = 0, 0

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: DTypeLike = "float32"
    ) -> None:
        V, D, H, kind = sizes_of(self, vocab_size, wordvec_size, hidden_size, dtype)
        self.embed = drawn.embedding(V, D, kind)
        self.lstm = drawn.lstm(D + self._beside_lstm * H, H, kind)
        self.affine = drawn.affine(H + self._beside_scores * H, V, kind)
        self.params, self.grads = drawn.lists_of([self.embed, self.lstm, self.affine])

    def forward(self, xs: ArrayLike, h: NDArray[Any]) -> NDArray[Any]:
        """Return the scores (N, T, vocab_size) of the characters after xs (N, T).

        h is the encoder's state, (N, hidden_size).
        """
        self.lstm.set_state(h)
        return self._scores(xs, h)

    def _scores(self, xs: ArrayLike, h: NDArray[Any]) -> NDArray[Any]:
        """Return the scores, from the LSTM's state as it stands."""
        scores: NDArray[Any] = self.affine.forward(self.lstm.forward(self.embed.forward(xs)))
        return scores

    def backward(self, dscore: NDArray[Any]) -> Any:
        """Fill `grads` from the gradient of the scores; return that of h."""
        self.embed.backward(self.lstm.backward(self.affine.backward(dscore)))
        return self.lstm.dh

    def generate(self, h: NDArray[Any], start_id: int, sample_size: int) -> list[Any]:
        """Return characters, each the likeliest after those before it.

        Parameters
        ----------
        h : what the encoder returned, of N sequences
        start_id : int
            What the first one comes after.
        sample_size : int
            How many.

        Returns
        -------
        list of sample_size ints; where N is above 1, a list of N of these
        """
        self.lstm.set_state(first_state(h))
        found, x = [], np.full((len(h), 1), start_id)
        for _ in range(sample_size):
            x = self._scores(x, h).argmax(axis=2)
            found.append(x)
        rows: list[Any] = np.concatenate(found, axis=1).tolist()
        return rows if len(rows) > 1 else rows[0]


class PeekyDecoder(Decoder):
    """A `Decoder` whose layers see the encoder's vector at every step.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads, embed, lstm, affine
        As `Decoder`; the rows of Wx (hidden_size + wordvec_size, ...) and of W (2 * hidden_size,
        ...) begin with those for the encoder's vector.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 7.4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import PeekyDecoder
    >>> np.random.seed(0)
    >>> decoder = PeekyDecoder(vocab_size=13, wordvec_size=4, hidden_size=6)
    >>> decoder.forward(np.arange(6).reshape(2, 3), np.ones((2, 6), np.float32)).shape
    (2, 3, 13)
    >>> decoder.lstm.params[0].shape  # 6 + 4 features: the encoder's vector, then the character's
    (10, 24)
    """

    _beside_lstm, _beside_scores = 1, 1

    def _scores(self, xs: ArrayLike, h: NDArray[Any]) -> NDArray[Any]:
        out = self.embed.forward(xs)
        n, steps, _ = out.shape
        if len(h) != n:
            raise ValueError(
                f"{type(self).__name__}.forward: h must have a row for each of the {n} sequences "
                f"of xs, got {len(h)}. Give as many questions as answers."
            )
        hs = np.broadcast_to(h[:, None], (n, steps, h.shape[1]))
        out = self.lstm.forward(np.concatenate([hs, out], axis=2))
        scores: NDArray[Any] = self.affine.forward(np.concatenate([hs, out], axis=2))
        return scores

    def backward(self, dscore: NDArray[Any]) -> Any:
        """Fill `grads` from the gradient of the scores; return that of h."""
        both = self.affine.backward(dscore)
        H = both.shape[2] // 2
        dx = self.lstm.backward(both[:, :, H:])
        self.embed.backward(dx[:, :, H:])
        return self.lstm.dh + (both[:, :, :H] + dx[:, :, :H]).sum(axis=1)


def first_state(h: NDArray[Any]) -> NDArray[Any]:
    """Return what a decoder's LSTM begins with: the vector of an encoder, or its last."""
    return h if h.ndim == 2 else h[:, -1]


def sizes_of(
    network: Any, vocab_size: Any, wordvec_size: Any, hidden_size: Any, dtype: Any
) -> tuple[int, int, int, Any]:
    """Return the sizes of the weights, and the dtype, once they are checked."""
    sizes = {"vocab_size": vocab_size, "wordvec_size": wordvec_size, "hidden_size": hidden_size}
    V, D, H, kind = drawn.sizes_of(type(network).__name__, sizes, dtype)
    return V, D, H, kind
