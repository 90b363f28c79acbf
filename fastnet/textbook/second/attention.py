"""Networks from one sequence to another whose decoder looks back at every step of the first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet.layers import TimeAttention
from fastnet.textbook.second.coders import Decoder, Encoder
from fastnet.textbook.second.seq2seq import Seq2seq

__all__ = ["AttentionDecoder", "AttentionEncoder", "AttentionSeq2seq"]


class AttentionEncoder(Encoder):
    """Reads characters into vectors, the states of an LSTM at every step.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads, embed, lstm
        As `Encoder`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import AttentionEncoder
    >>> np.random.seed(0)
    >>> encoder = AttentionEncoder(vocab_size=13, wordvec_size=4, hidden_size=6)
    >>> encoder.forward(np.arange(10).reshape(2, 5)).shape
    (2, 5, 6)
    """

    def forward(self, xs: ArrayLike) -> NDArray[Any]:
        """Return the states (N, T, hidden_size) of characters xs (N, T)."""
        hs: NDArray[Any] = self.lstm.forward(self.embed.forward(xs))
        return hs

    def backward(self, dhs: NDArray[Any]) -> None:
        """Fill `grads` from the gradient (N, T, hidden_size) of what forward returned."""
        self.embed.backward(self.lstm.backward(dhs))


class AttentionDecoder(Decoder):
    """A `Decoder` whose scores also see a sum of the encoder's states, weighted by attention.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads, embed, lstm, affine
        As `Decoder`; the rows of W (2 * hidden_size, ...) begin with those for the sum.
    attention : TimeAttention
        Whose `attention_weights` say where it looked.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import AttentionDecoder
    >>> np.random.seed(0)
    >>> decoder = AttentionDecoder(vocab_size=13, wordvec_size=4, hidden_size=6)
    >>> states = np.ones((2, 5, 6), np.float32)
    >>> decoder.forward(np.arange(6).reshape(2, 3), states).shape
    (2, 3, 13)
    >>> np.shape(decoder.attention.attention_weights)  # of 3 characters, to 5 of the question
    (3, 2, 5)
    """

    _beside_scores = 1

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: DTypeLike = "float32"
    ) -> None:
        super().__init__(vocab_size, wordvec_size, hidden_size, dtype)
        self.attention = TimeAttention()

    def forward(self, xs: ArrayLike, enc_hs: NDArray[Any]) -> NDArray[Any]:
        """Return the scores (N, T, vocab_size) of the characters after xs (N, T).

        enc_hs are the encoder's states, (N, S, hidden_size).
        """
        self.lstm.set_state(enc_hs[:, -1])
        return self._scores(xs, enc_hs)

    def _scores(self, xs: ArrayLike, enc_hs: NDArray[Any]) -> NDArray[Any]:
        dec_hs = self.lstm.forward(self.embed.forward(xs))
        c = self.attention.forward(enc_hs, dec_hs)
        scores: NDArray[Any] = self.affine.forward(np.concatenate([c, dec_hs], axis=2))
        return scores

    def backward(self, dscore: NDArray[Any]) -> Any:
        """Fill `grads` from the gradient of the scores; return that of enc_hs."""
        both = self.affine.backward(dscore)
        H = both.shape[2] // 2
        denc_hs, ddec_hs = self.attention.backward(both[:, :, :H])
        self.embed.backward(self.lstm.backward(both[:, :, H:] + ddec_hs))
        denc_hs[:, -1] += self.lstm.dh
        return denc_hs


class AttentionSeq2seq(Seq2seq):
    """A `Seq2seq` with attention: the decoder looks back at every step of the question.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads, softmax
        As `Seq2seq`.
    encoder, decoder : AttentionEncoder, AttentionDecoder

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.2.3; Luong et al., Effective Approaches
    to Attention-based Neural Machine Translation.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import AttentionSeq2seq
    >>> np.random.seed(0)
    >>> model, questions = AttentionSeq2seq(12, 8, 16), np.arange(10).reshape(2, 5)
    >>> loss = model.forward(questions, questions[:, :4])
    >>> maps = model.decoder.attention.attention_weights
    >>> len(maps), maps[0].shape, maps[0].sum(axis=1).round(6)
    (3, (2, 5), array([1., 1.], dtype=float32))
    """

    _halves = (AttentionEncoder, AttentionDecoder)
