"""Language models: the next word of a text from those before it."""

from collections.abc import Collection
from typing import Any

import numpy as np

from ...functions import softmax
from ...layers import (
    TimeAffine,
    TimeDropout,
    TimeEmbedding,
    TimeLSTM,
    TimeRNN,
    TimeSoftmaxWithLoss,
)


def _normal(n: int, m: int, divisor: float, dtype: Any) -> np.ndarray:
    return (np.random.randn(n, m) / divisor).astype(dtype)  # noqa: NPY002


def _embedding(words: int, width: int, dtype: Any) -> TimeEmbedding:
    return TimeEmbedding(_normal(words, width, 100, dtype))


def _weights(
    inputs: int, units: int, gates: int, dtype: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    Wx = _normal(inputs, gates * units, np.sqrt(inputs), dtype)
    Wh = _normal(units, gates * units, np.sqrt(units), dtype)
    return Wx, Wh, np.zeros(gates * units, dtype)


def _lstm(inputs: int, units: int, dtype: Any, stateful: bool = True) -> TimeLSTM:
    return TimeLSTM(*_weights(inputs, units, 4, dtype), stateful=stateful)


def _affine(inputs: int, words: int, dtype: Any) -> TimeAffine:
    return TimeAffine(_normal(inputs, words, np.sqrt(inputs), dtype), np.zeros(words, dtype))


class SimpleRnnlm:
    """A language model of one simple recurrent layer."""

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: Any = "float32"
    ) -> None:
        table = _embedding(vocab_size, wordvec_size, dtype)
        self.rnn_layer = TimeRNN(*_weights(wordvec_size, hidden_size, 1, dtype), stateful=True)
        self._take([table, self.rnn_layer, _affine(hidden_size, vocab_size, dtype)])

    def _take(self, layers: list[Any]) -> None:
        self.layers, self.loss_layer = layers, TimeSoftmaxWithLoss()
        self.params = [param for layer in layers for param in layer.params]
        self.grads = [grad for layer in layers for grad in layer.grads]

    def predict(self, xs: np.ndarray) -> np.ndarray:
        """Return the scores (N, T, vocab_size) of the words after xs (N, T)."""
        for layer in self.layers:
            xs = layer.forward(xs)
        return xs

    def forward(self, xs: np.ndarray, ts: np.ndarray) -> float:
        """Return the mean loss of words xs (N, T) and the next ones ts."""
        return self.loss_layer.forward(self.predict(xs), ts)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads`."""
        dx = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dx = layer.backward(dx)

    def reset_state(self) -> None:
        """Forget what was read."""
        for layer in self.layers:
            if isinstance(layer, (TimeRNN, TimeLSTM)):
                layer.reset_state()


class Rnnlm(SimpleRnnlm):
    """A language model of one LSTM."""

    def __init__(
        self,
        vocab_size: int = 10000,
        wordvec_size: int = 100,
        hidden_size: int = 100,
        dtype: Any = "float32",
    ) -> None:
        table = _embedding(vocab_size, wordvec_size, dtype)
        self.lstm_layer = _lstm(wordvec_size, hidden_size, dtype)
        self._take([table, self.lstm_layer, _affine(hidden_size, vocab_size, dtype)])


class BetterRnnlm(SimpleRnnlm):
    """A language model of two LSTMs with dropout, whose scores take the table of words itself."""

    def __init__(
        self,
        vocab_size: int = 10000,
        wordvec_size: int = 650,
        hidden_size: int = 650,
        dropout_ratio: float = 0.5,
        dtype: Any = "float32",
    ) -> None:
        table = _embedding(vocab_size, wordvec_size, dtype)
        self.lstm_layers = [
            _lstm(wordvec_size, hidden_size, dtype),
            _lstm(hidden_size, hidden_size, dtype),
        ]
        self.drop_layers = [TimeDropout(dropout_ratio) for _ in range(3)]
        layers: list[Any] = [table]
        for drop, lstm in zip(self.drop_layers[:2], self.lstm_layers, strict=True):
            layers += [drop, lstm]
        scores = TimeAffine(table.params[0].T, np.zeros(vocab_size, dtype))
        self._take([*layers, self.drop_layers[2], scores])

    def predict(self, xs: np.ndarray, train_flg: bool = False) -> np.ndarray:
        """Return the scores (N, T, vocab_size) of the words after xs (N, T)."""
        for layer in self.drop_layers:
            layer.train_flg = train_flg
        return super().predict(xs)

    def forward(self, xs: np.ndarray, ts: np.ndarray, train_flg: bool = True) -> float:
        """Return the mean loss of words xs (N, T) and the next ones ts."""
        return self.loss_layer.forward(self.predict(xs, train_flg), ts)


class RnnlmGen(Rnnlm):
    """An `Rnnlm` that writes."""

    def generate(
        self, start_id: int, skip_ids: Collection[int] | None = None, sample_size: int = 100
    ) -> list[int]:
        """Return a text: each word is drawn by what the model expects after those before it."""
        return _written(self, start_id, skip_ids, sample_size)

    def get_state(self) -> tuple[Any, Any]:
        """Return the state h and c of the LSTM."""
        return self.lstm_layer.h, self.lstm_layer.c

    def set_state(self, state: tuple[Any, Any]) -> None:
        """Go on from a state that `get_state` returned."""
        self.lstm_layer.set_state(*state)


class BetterRnnlmGen(BetterRnnlm):
    """A `BetterRnnlm` that writes."""

    def generate(
        self, start_id: int, skip_ids: Collection[int] | None = None, sample_size: int = 100
    ) -> list[int]:
        """Return a text, as `RnnlmGen.generate` does."""
        return _written(self, start_id, skip_ids, sample_size)

    def get_state(self) -> list[tuple[Any, Any]]:
        """Return the states h and c of the LSTMs."""
        return [(layer.h, layer.c) for layer in self.lstm_layers]

    def set_state(self, states: list[tuple[Any, Any]]) -> None:
        """Go on from states that `get_state` returned."""
        for layer, state in zip(self.lstm_layers, states, strict=True):
            layer.set_state(*state)


def _written(
    model: Any, start_id: int, skip_ids: Collection[int] | None, sample_size: int
) -> list[int]:
    found = [start_id]
    while len(found) < sample_size:
        p = softmax(model.predict(np.array([found[-1:]]))[0, 0])
        x = int(np.random.choice(len(p), size=1, p=p)[0])  # noqa: NPY002
        if skip_ids is None or x not in skip_ids:
            found.append(x)
    return found
