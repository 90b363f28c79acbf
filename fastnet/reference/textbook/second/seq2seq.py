"""Networks from one sequence to another: an encoder reads it, a decoder writes."""

from typing import Any

import numpy as np

from ...layers import TimeAttention, TimeSoftmaxWithLoss
from .language_models import _affine, _embedding, _lstm


def _lists(network: Any, parts: list[Any]) -> None:
    network.params = [param for part in parts for param in part.params]
    network.grads = [grad for part in parts for grad in part.grads]


class Encoder:
    """Characters to one vector: the last state of an LSTM."""

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: Any = "float32"
    ) -> None:
        self.embed = _embedding(vocab_size, wordvec_size, dtype)
        self.lstm = _lstm(wordvec_size, hidden_size, dtype, stateful=False)
        _lists(self, [self.embed, self.lstm])

    def forward(self, xs: np.ndarray) -> np.ndarray:
        """Return the last state (N, hidden_size) of characters xs (N, T)."""
        self._hs = self.lstm.forward(self.embed.forward(xs))
        return self._hs[:, -1]

    def backward(self, dh: np.ndarray) -> None:
        """Fill `grads` from the gradient of what forward returned."""
        dhs = np.zeros_like(self._hs)
        dhs[:, -1] = dh
        self.embed.backward(self.lstm.backward(dhs))


class Decoder:
    """Characters from the vector that an encoder made: the first state of an LSTM."""

    _beside = (0, 0)  # how many times h stands beside the inputs of the LSTM and of the scores

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: Any = "float32"
    ) -> None:
        to_lstm, to_scores = (times * hidden_size for times in self._beside)
        self.embed = _embedding(vocab_size, wordvec_size, dtype)
        self.lstm = _lstm(to_lstm + wordvec_size, hidden_size, dtype)
        self.affine = _affine(to_scores + hidden_size, vocab_size, dtype)
        _lists(self, [self.embed, self.lstm, self.affine])

    def forward(self, xs: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return the scores (N, T, vocab_size) of the characters after xs (N, T)."""
        self.lstm.set_state(h)
        return self._scores(xs, h)

    def _scores(self, xs: np.ndarray, h: np.ndarray) -> np.ndarray:
        return self.affine.forward(self.lstm.forward(self.embed.forward(xs)))

    def backward(self, dscore: np.ndarray) -> Any:
        """Fill `grads` from the gradient of the scores; return that of h."""
        self.embed.backward(self.lstm.backward(self.affine.backward(dscore)))
        return self.lstm.dh

    def generate(self, h: np.ndarray, start_id: int, sample_size: int) -> list[Any]:
        """Return the likeliest character after those before it, again and again."""
        self.lstm.set_state(h if h.ndim == 2 else h[:, -1])
        found = [np.full((len(h), 1), start_id)]
        for _ in range(sample_size):
            found.append(self._scores(found[-1], h).argmax(axis=2))
        rows = np.concatenate(found[1:], axis=1).tolist()
        return rows if len(rows) > 1 else rows[0]


class PeekyDecoder(Decoder):
    """A `Decoder` whose layers see the encoder's vector at every step."""

    _beside = (1, 1)

    def _scores(self, xs: np.ndarray, h: np.ndarray) -> np.ndarray:
        hs = np.repeat(h[:, None], xs.shape[1], axis=1)
        out = np.concatenate([hs, self.embed.forward(xs)], axis=2)
        return self.affine.forward(np.concatenate([hs, self.lstm.forward(out)], axis=2))

    def backward(self, dscore: np.ndarray) -> Any:
        """Fill `grads` from the gradient of the scores; return that of h."""
        dhs, dout = np.split(self.affine.backward(dscore), 2, axis=2)
        more, dx = np.split(self.lstm.backward(dout), [dhs.shape[2]], axis=2)
        self.embed.backward(dx)
        return self.lstm.dh + (dhs + more).sum(axis=1)


class AttentionEncoder(Encoder):
    """Characters to vectors: the state of an LSTM at every step."""

    def forward(self, xs: np.ndarray) -> np.ndarray:
        """Return the states (N, T, hidden_size) of characters xs (N, T)."""
        return self.lstm.forward(self.embed.forward(xs))

    def backward(self, dhs: np.ndarray) -> None:
        """Fill `grads` from the gradient of what forward returned."""
        self.embed.backward(self.lstm.backward(dhs))


class AttentionDecoder(Decoder):
    """A `Decoder` whose scores see the sum of the encoder's states that its own state asks for."""

    _beside = (0, 1)

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: Any = "float32"
    ) -> None:
        super().__init__(vocab_size, wordvec_size, hidden_size, dtype)
        self.attention = TimeAttention()

    def forward(self, xs: np.ndarray, enc_hs: np.ndarray) -> np.ndarray:
        """Return the scores (N, T, vocab_size) of the characters after xs (N, T)."""
        self.lstm.set_state(enc_hs[:, -1])
        return self._scores(xs, enc_hs)

    def _scores(self, xs: np.ndarray, enc_hs: np.ndarray) -> np.ndarray:
        dec_hs = self.lstm.forward(self.embed.forward(xs))
        c = self.attention.forward(enc_hs, dec_hs)
        return self.affine.forward(np.concatenate([c, dec_hs], axis=2))

    def backward(self, dscore: np.ndarray) -> Any:
        """Fill `grads` from the gradient of the scores; return that of enc_hs."""
        dc, ddec_hs = np.split(self.affine.backward(dscore), 2, axis=2)
        denc_hs, more = self.attention.backward(dc)
        self.embed.backward(self.lstm.backward(ddec_hs + more))
        denc_hs[:, -1] += self.lstm.dh
        return denc_hs


class Seq2seq:
    """An encoder and a decoder, trained together."""

    _halves: tuple[Any, Any] = (Encoder, Decoder)

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: Any = "float32"
    ) -> None:
        self.encoder, self.decoder = (
            half(vocab_size, wordvec_size, hidden_size, dtype) for half in self._halves
        )
        self.softmax = TimeSoftmaxWithLoss()
        _lists(self, [self.encoder, self.decoder])

    def forward(self, xs: np.ndarray, ts: np.ndarray) -> float:
        """Return the mean loss of questions xs (N, T) and answers ts (N, A)."""
        score = self.decoder.forward(ts[:, :-1], self.encoder.forward(xs))
        return self.softmax.forward(score, ts[:, 1:])

    def backward(self, dout: float = 1) -> None:
        """Fill `grads`."""
        self.encoder.backward(self.decoder.backward(self.softmax.backward(dout)))

    def generate(self, xs: np.ndarray, start_id: int, sample_size: int) -> list[Any]:
        """Return the answer to a question, or a list of answers to several."""
        return self.decoder.generate(self.encoder.forward(xs), start_id, sample_size)


class PeekySeq2seq(Seq2seq):
    """A `Seq2seq` with a `PeekyDecoder`."""

    _halves = (Encoder, PeekyDecoder)


class AttentionSeq2seq(Seq2seq):
    """A `Seq2seq` with attention."""

    _halves = (AttentionEncoder, AttentionDecoder)
