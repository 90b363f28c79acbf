"""Language models: the next word of a text from those before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks
from fastnet.layers import TimeAffine, TimeDropout, TimeSoftmaxWithLoss
from fastnet.textbook.second import drawn
from fastnet.textbook.second.model import BaseModel

__all__ = ["BetterRnnlm", "Rnnlm", "SimpleRnnlm"]


class SimpleRnnlm(BaseModel):
    """A language model of one simple recurrent layer.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        The table of words (vocab_size, wordvec_size), Wx, Wh, b, then W and b of the scores.
    layers : list
        TimeEmbedding, TimeRNN, TimeAffine.
    loss_layer : TimeSoftmaxWithLoss
    rnn_layer : TimeRNN
        Its state goes on from call to call.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them. Source:
    Saitoh, Deep Learning from Scratch 2, section 5.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import SimpleRnnlm
    >>> np.random.seed(0)
    >>> model = SimpleRnnlm(vocab_size=50, wordvec_size=8, hidden_size=8)
    >>> xs = np.arange(20).reshape(2, 10)
    >>> model.predict(xs).shape
    (2, 10, 50)
    >>> bool(3.8 < model.forward(xs, xs + 1) < 4.2)  # about that of a guess, log(50)
    True
    >>> model.backward()
    """

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: DTypeLike = "float32"
    ) -> None:
        V, D, H, dtype = _sizes(self, vocab_size, wordvec_size, hidden_size, dtype)
        self.rnn_layer: Any
        self._take(
            [drawn.embedding(V, D, dtype), drawn.rnn(D, H, dtype), drawn.affine(H, V, dtype)]
        )
        self.rnn_layer = self.layers[1]

    def _take(self, layers: list[Any]) -> None:
        self.layers, self.loss_layer = layers, TimeSoftmaxWithLoss()
        self.params, self.grads = drawn.lists_of(layers)

    def predict(self, xs: ArrayLike) -> NDArray[Any]:
        """Return the scores (N, T, vocab_size) of the words after xs (N, T), before the softmax."""
        out: Any = xs
        for layer in self.layers:
            out = layer.forward(out)
        scores: NDArray[Any] = out
        return scores

    def forward(self, xs: ArrayLike, ts: ArrayLike) -> Any:
        """Return the mean loss of words xs (N, T) and the next ones ts; -1 does not count."""
        return self.loss_layer.forward(self.predict(xs), ts)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads` with the gradient of the last `forward`, times dout."""
        dx = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dx = layer.backward(dx)

    def reset_state(self) -> None:
        """Forget what was read."""
        self.rnn_layer.reset_state()


class Rnnlm(SimpleRnnlm):
    """A language model of one LSTM.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        The table of words (vocab_size, wordvec_size), Wx, Wh, b, then W and b of the scores.
    layers : list
        TimeEmbedding, TimeLSTM, TimeAffine.
    loss_layer : TimeSoftmaxWithLoss
    lstm_layer : TimeLSTM
        Its state goes on from call to call.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them. Source:
    Saitoh, Deep Learning from Scratch 2, section 6.4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import Rnnlm
    >>> np.random.seed(0)
    >>> model = Rnnlm(vocab_size=50, wordvec_size=8, hidden_size=8)
    >>> xs = np.arange(20).reshape(2, 10)
    >>> model.predict(xs).shape
    (2, 10, 50)
    >>> round(float(model.forward(xs, xs + 1)), 1)  # that of a guess, log(50)
    3.9
    >>> model.backward()
    >>> [grad.shape for grad in model.grads]
    [(50, 8), (8, 32), (8, 32), (32,), (8, 50), (50,)]
    """

    def __init__(
        self,
        vocab_size: int = 10000,
        wordvec_size: int = 100,
        hidden_size: int = 100,
        dtype: DTypeLike = "float32",
    ) -> None:
        V, D, H, dtype = _sizes(self, vocab_size, wordvec_size, hidden_size, dtype)
        table = drawn.embedding(V, D, dtype)
        self.lstm_layer = drawn.lstm(D, H, dtype)
        self._take([table, self.lstm_layer, drawn.affine(H, V, dtype)])

    def reset_state(self) -> None:
        """Forget what was read."""
        self.lstm_layer.reset_state()


class BetterRnnlm(SimpleRnnlm):
    """A language model of two LSTMs with dropout, whose scores take the table of words itself.

    Parameters
    ----------
    vocab_size : int
    wordvec_size, hidden_size : int
        The same.
    dropout_ratio : float
        In [0, 1): the share that is dropped.
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        The table of words W (vocab_size, wordvec_size), Wx, Wh, b of either LSTM, then W.T, a view,
        and b of the scores; the trainers add the gradients of W and W.T up.
    layers : list
        TimeEmbedding, TimeDropout, TimeLSTM, TimeDropout, TimeLSTM, TimeDropout, TimeAffine.
    loss_layer : TimeSoftmaxWithLoss
    lstm_layers, drop_layers : lists
        Those of `layers`.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights, and masks, are drawn from NumPy's global generator. Source: Saitoh, Deep Learning from
    Scratch 2, section 6.5.3; Zaremba et al., Recurrent Neural Network Regularization; Press and
    Wolf, Using the Output Embedding to Improve Language Models.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import BetterRnnlm
    >>> np.random.seed(0)
    >>> model = BetterRnnlm(vocab_size=50, wordvec_size=8, hidden_size=8)
    >>> model.params[7].base is model.params[0]
    True
    """

    def __init__(
        self,
        vocab_size: int = 10000,
        wordvec_size: int = 650,
        hidden_size: int = 650,
        dropout_ratio: float = 0.5,
        dtype: DTypeLike = "float32",
    ) -> None:
        V, D, H, dtype = _sizes(self, vocab_size, wordvec_size, hidden_size, dtype)
        where = type(self).__name__
        if D != H:
            raise ValueError(
                f"{where}: hidden_size must be wordvec_size, as the scores take the table of "
                f"words, got {H} and {D}. Give the same number."
            )
        checks.share(where, "dropout_ratio", dropout_ratio)
        table = drawn.embedding(V, D, dtype)
        self.lstm_layers = [drawn.lstm(D, H, dtype), drawn.lstm(H, H, dtype)]
        self.drop_layers = [TimeDropout(dropout_ratio) for _ in range(3)]
        scores = TimeAffine(table.params[0].T, np.zeros(V, dtype))
        (first, second), drops = self.lstm_layers, self.drop_layers
        self._take([table, drops[0], first, drops[1], second, drops[2], scores])

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copied view is no view: copies and pickles tie the scores to the table anew.
        self.__dict__.update(state)
        scores, tied = self.layers[-1], self.layers[0].params[0].T
        self.params = [tied if array is scores.params[0] else array for array in self.params]
        scores.params[0] = tied

    def predict(self, xs: ArrayLike, train_flg: bool = False) -> NDArray[Any]:
        """Return the scores (N, T, vocab_size) of the words after xs (N, T), before the softmax.

        Where train_flg is True, with random masks.
        """
        for layer in self.drop_layers:
            layer.train_flg = train_flg
        return super().predict(xs)

    def forward(self, xs: ArrayLike, ts: ArrayLike, train_flg: bool = True) -> Any:
        """Return the mean loss of words xs (N, T) and the next ones ts; -1 does not count."""
        return self.loss_layer.forward(self.predict(xs, train_flg), ts)

    def reset_state(self) -> None:
        """Forget what was read."""
        for layer in self.lstm_layers:
            layer.reset_state()


def _sizes(
    network: Any, vocab_size: Any, wordvec_size: Any, hidden_size: Any, dtype: Any
) -> tuple[int, int, int, Any]:
    """Return the sizes of the weights, and the dtype, once they are checked."""
    sizes = {"vocab_size": vocab_size, "wordvec_size": wordvec_size, "hidden_size": hidden_size}
    V, D, H, kind = drawn.sizes_of(type(network).__name__, sizes, dtype)
    return V, D, H, kind
