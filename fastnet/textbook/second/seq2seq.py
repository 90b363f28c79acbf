"""Networks from one sequence to another: an encoder reads it, a decoder writes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastnet import checks
from fastnet.layers import TimeSoftmaxWithLoss
from fastnet.textbook.second import drawn
from fastnet.textbook.second.coders import Decoder, Encoder, PeekyDecoder, sizes_of
from fastnet.textbook.second.model import BaseModel

__all__ = ["PeekySeq2seq", "Seq2seq"]


class Seq2seq(BaseModel):
    """An encoder and a decoder, trained together.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        Those of the encoder, then those of the decoder.
    encoder, decoder : Encoder, Decoder
    softmax : TimeSoftmaxWithLoss

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them. Source:
    Saitoh, Deep Learning from Scratch 2, section 7.3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.datasets import load_sequence, make_addition
    >>> from fastnet.optimizer import Adam
    >>> from fastnet.textbook.second import PeekySeq2seq, Trainer, eval_seq2seq
    >>> (x, t), (x_test, t_test), (char_to_id, id_to_char) = load_sequence(make_addition(2000))
    >>> np.random.seed(0)
    >>> model = PeekySeq2seq(len(char_to_id), wordvec_size=16, hidden_size=32)
    >>> trainer = Trainer(model, Adam())
    >>> trainer.fit(x[:, ::-1], t, max_epoch=1, batch_size=100, max_grad=5.0, eval_interval=None)
    >>> right = eval_seq2seq(model, x_test[:, ::-1], t_test, id_to_char)
    >>> right < 20  # of 200; 0.95 of them take 25 epochs of 50,000 sums and a hidden_size of 128
    True
    >>> len(model.generate(x_test[:1, ::-1], start_id=char_to_id["_"], sample_size=4))
    4
    """

    _halves: tuple[Any, Any] = (Encoder, Decoder)

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, dtype: DTypeLike = "float32"
    ) -> None:
        sizes = sizes_of(self, vocab_size, wordvec_size, hidden_size, dtype)
        encoder, decoder = self._halves
        self.encoder, self.decoder = encoder(*sizes), decoder(*sizes)
        self.softmax = TimeSoftmaxWithLoss()
        self.params, self.grads = drawn.lists_of([self.encoder, self.decoder])

    def forward(self, xs: ArrayLike, ts: ArrayLike) -> Any:
        """Return the mean loss of questions xs (N, T) and answers ts (N, A).

        Each character of an answer is expected after those before it; the first is only given.
        """
        where, t = f"{type(self).__name__}.forward", np.asarray(ts)
        if t.ndim != 2 or t.shape[1] < 2:
            raise ValueError(
                f"{where}: ts must be (N, A) with two characters or more, got ts.shape={t.shape}. "
                "Give answers that begin with a mark."
            )
        score = self.decoder.forward(t[:, :-1], self.encoder.forward(xs))
        return self.softmax.forward(score, t[:, 1:])

    def backward(self, dout: float = 1) -> None:
        """Fill `grads` with the gradient of the last `forward`, times dout."""
        self.encoder.backward(self.decoder.backward(self.softmax.backward(dout)))

    def generate(self, xs: ArrayLike, start_id: int, sample_size: int) -> list[Any]:
        """Return the answer to a question.

        Parameters
        ----------
        xs : (N, T) integers
        start_id : int
            What every answer begins with, and is left out.
        sample_size : int
            Characters of the answer.

        Returns
        -------
        list of sample_size ints; where N is above 1, a list of N of these

        Raises
        ------
        TypeError, ValueError, IndexError
            An argument is of another kind, or out of range.
        """
        where, words = f"{type(self).__name__}.generate", len(self.params[0])
        sample_size = checks.count(where, "sample_size", sample_size)
        start = checks.word_numbers(where, "start_id", [start_id], words)
        return self.decoder.generate(self.encoder.forward(xs), int(start[0]), sample_size)


class PeekySeq2seq(Seq2seq):
    """A `Seq2seq` with a `PeekyDecoder`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 7.4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import PeekySeq2seq
    >>> np.random.seed(0)
    >>> model = PeekySeq2seq(vocab_size=13, wordvec_size=4, hidden_size=6)
    >>> question, answer = np.arange(10).reshape(2, 5), np.arange(8).reshape(2, 4)
    >>> round(float(model.forward(question, answer)), 1)  # that of a guess, log(13)
    2.6
    """

    _halves = (Encoder, PeekyDecoder)
