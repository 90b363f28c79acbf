"""Networks whose weights become the vectors of words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks
from fastnet.layers import Embedding, MatMul, NegativeSamplingLoss, SoftmaxWithLoss
from fastnet.textbook.second import drawn

__all__ = ["CBOW", "SimpleCBOW", "SimpleSkipGram", "SkipGram"]

POWER, SAMPLES = 0.75, 5  # of the unigram distribution, and wrong words for each right one


class SimpleCBOW:
    """Predicts the word between two others, by a softmax over all words.

    Parameters
    ----------
    vocab_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        W_in (vocab_size, hidden_size) twice, for either neighbour, and W_out, its transpose's
        shape; `Trainer` adds the two gradients up.
    word_vecs : (vocab_size, hidden_size)
        W_in: a row for each word.
    in_layer0, in_layer1, out_layer, loss_layer : layers

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them. Source:
    Saitoh, Deep Learning from Scratch 2, section 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Adam
    >>> from fastnet.textbook.second import (
    ...     SimpleCBOW, Trainer, convert_one_hot, create_contexts_target, preprocess
    ... )
    >>> corpus, word_to_id, _ = preprocess("You say goodbye and I say hello.")
    >>> contexts, target = create_contexts_target(corpus)
    >>> np.random.seed(0)
    >>> model = SimpleCBOW(7, 5)
    >>> trainer = Trainer(model, Adam())
    >>> contexts, target = convert_one_hot(contexts, 7), convert_one_hot(target, 7)
    >>> trainer.fit(contexts, target, max_epoch=1000, batch_size=3, eval_interval=None)
    >>> bool(model.forward(contexts, target) < 1)
    True
    """

    def __init__(self, vocab_size: int, hidden_size: int, dtype: DTypeLike = "float32") -> None:
        V, H, dtype = _sizes(self, vocab_size, hidden_size, dtype)
        W_in, W_out = drawn.small((V, H), dtype), drawn.small((H, V), dtype)
        self.in_layer0, self.in_layer1 = MatMul(W_in), MatMul(W_in)
        self.out_layer, self.loss_layer = MatMul(W_out), SoftmaxWithLoss()
        layers = self.in_layer0, self.in_layer1, self.out_layer
        self.params, self.grads = drawn.lists_of(layers)
        self.word_vecs = W_in

    def forward(self, contexts: NDArray[Any], target: ArrayLike) -> Any:
        """Return the loss of contexts (N, 2, vocab_size) and labels, or one-hot rows, of words."""
        h = self.in_layer0.forward(contexts[:, 0]) + self.in_layer1.forward(contexts[:, 1])
        h *= 0.5
        return self.loss_layer.forward(self.out_layer.forward(h), target)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads` with the gradient of the last `forward`, times dout."""
        da = self.out_layer.backward(self.loss_layer.backward(dout))
        da *= 0.5
        self.in_layer1.backward(da)
        self.in_layer0.backward(da)


class SimpleSkipGram:
    """Predicts the two words around another one, by a softmax over all words.

    Parameters
    ----------
    vocab_size, hidden_size : int
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        W_in (vocab_size, hidden_size), and W_out, its transpose's shape.
    word_vecs : (vocab_size, hidden_size)
        W_in: a row for each word.
    in_layer, out_layer, loss_layer1, loss_layer2 : layers

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    As `SimpleCBOW`. Source: Saitoh, Deep Learning from Scratch 2, section 3.5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import SimpleSkipGram, convert_one_hot
    >>> model = SimpleSkipGram(7, 5)
    >>> contexts = convert_one_hot(np.array([[0, 2], [1, 3]]), 7)
    >>> words = convert_one_hot(np.array([1, 2]), 7)
    >>> round(float(model.forward(contexts, words)), 1)  # of two guesses, 2 log(7)
    3.9
    """

    def __init__(self, vocab_size: int, hidden_size: int, dtype: DTypeLike = "float32") -> None:
        V, H, dtype = _sizes(self, vocab_size, hidden_size, dtype)
        W_in, W_out = drawn.small((V, H), dtype), drawn.small((H, V), dtype)
        self.in_layer, self.out_layer = MatMul(W_in), MatMul(W_out)
        self.loss_layer1, self.loss_layer2 = SoftmaxWithLoss(), SoftmaxWithLoss()
        self.params, self.grads = drawn.lists_of([self.in_layer, self.out_layer])
        self.word_vecs = W_in

    def forward(self, contexts: NDArray[Any], target: ArrayLike) -> Any:
        """Return the loss of contexts (N, 2, vocab_size) and words (N, vocab_size), one-hot."""
        s = self.out_layer.forward(self.in_layer.forward(target))
        loss = self.loss_layer1.forward(s, contexts[:, 0])
        return loss + self.loss_layer2.forward(s, contexts[:, 1])

    def backward(self, dout: float = 1) -> None:
        """Fill `grads` with the gradient of the last `forward`, times dout."""
        ds = self.loss_layer1.backward(dout) + self.loss_layer2.backward(dout)
        self.in_layer.backward(self.out_layer.backward(ds))


class CBOW:
    """Predicts a word from those around it, by negative sampling.

    Parameters
    ----------
    vocab_size, hidden_size, window_size : int
    corpus : (L,) integers in 0..vocab_size-1
        The text that wrong words are drawn from, as often as they stand in it to the power of 0.75.
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        W_in (vocab_size, hidden_size), then those of `ns_loss`. The book has W_in once for each
        word of a context, and adds all of their gradients up; here one layer takes all of them.
    word_vecs : (vocab_size, hidden_size)
        W_in: a row for each word.
    in_layers : list of Embedding
        One, of all words of a context.
    ns_loss : NegativeSamplingLoss

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Weights, and wrong words, are drawn from NumPy's global generator. Source: Saitoh, Deep Learning
    from Scratch 2, section 4.2; Mikolov et al., Distributed Representations of Words and Phrases.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Adam
    >>> from fastnet.textbook.second import CBOW, Trainer, create_contexts_target
    >>> np.random.seed(0)
    >>> corpus = np.tile(np.arange(10), 30)
    >>> contexts, target = create_contexts_target(corpus, window_size=2)
    >>> model = CBOW(10, 8, 2, corpus)
    >>> before = model.forward(contexts, target)
    >>> Trainer(model, Adam(lr=0.01)).fit(contexts, target, 20, eval_interval=None)
    >>> bool(model.forward(contexts, target) < 0.8 * before)
    True
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        window_size: int,
        corpus: ArrayLike,
        dtype: DTypeLike = "float32",
    ) -> None:
        V, H, dtype = _sizes(self, vocab_size, hidden_size, dtype, window_size)
        words = checks.word_numbers(type(self).__name__, "corpus", corpus, V)
        W_in, W_out = drawn.small((V, H), dtype), drawn.small((V, H), dtype)
        self.in_layers = [Embedding(W_in)]
        self.ns_loss = NegativeSamplingLoss(W_out, words, power=POWER, sample_size=SAMPLES)
        self.params, self.grads = drawn.lists_of([*self.in_layers, self.ns_loss])
        self.word_vecs = W_in

    def forward(self, contexts: ArrayLike, target: ArrayLike) -> Any:
        """Return the loss of contexts (N, 2 * window_size) and words (N,), all of them numbers."""
        (layer,) = self.in_layers
        rows = layer.forward(contexts)
        self._words = rows.shape[1]
        h = rows.sum(axis=1)
        h *= 1 / self._words
        return self.ns_loss.forward(h, target)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads` with the gradient of the last `forward`, times dout."""
        (layer,) = self.in_layers
        dh = self.ns_loss.backward(dout)
        dh *= 1 / self._words
        layer.backward(np.repeat(dh[:, None], self._words, axis=1))


class SkipGram:
    """Predicts the words around another one, by negative sampling.

    Parameters
    ----------
    vocab_size, hidden_size, window_size : int
    corpus : (L,) integers in 0..vocab_size-1
        The text that wrong words are drawn from, as often as they stand in it to the power of 0.75.
    dtype : "float32" or "float64"

    Attributes
    ----------
    params, grads : lists of arrays
        W_in (vocab_size, hidden_size), then those of the loss.
    word_vecs : (vocab_size, hidden_size)
        W_in: a row for each word.
    in_layer : Embedding
    loss_layers : list of NegativeSamplingLoss
        One, of all words of a context; the book has one for each.

    Raises
    ------
    TypeError, ValueError, IndexError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    As `CBOW`. Source: Saitoh, Deep Learning from Scratch 2, ch04/skip_gram.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import SkipGram, create_contexts_target
    >>> corpus = np.tile(np.arange(10), 30)
    >>> contexts, target = create_contexts_target(corpus, window_size=2)
    >>> model = SkipGram(10, 8, 2, corpus)
    >>> round(float(model.forward(contexts, target)), 1)  # of 24 guesses yes or no, 24 log(2)
    16.6
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        window_size: int,
        corpus: ArrayLike,
        dtype: DTypeLike = "float32",
    ) -> None:
        V, H, dtype = _sizes(self, vocab_size, hidden_size, dtype, window_size)
        words = checks.word_numbers(type(self).__name__, "corpus", corpus, V)
        W_in, W_out = drawn.small((V, H), dtype), drawn.small((V, H), dtype)
        self.in_layer = Embedding(W_in)
        self.loss_layers = [NegativeSamplingLoss(W_out, words, power=POWER, sample_size=SAMPLES)]
        self.params, self.grads = drawn.lists_of([self.in_layer, *self.loss_layers])
        self.word_vecs = W_in

    def forward(self, contexts: ArrayLike, target: ArrayLike) -> Any:
        """Return the loss of contexts (N, 2 * window_size) and words (N,), all of them numbers."""
        (layer,) = self.loss_layers
        columns = np.asarray(contexts).T  # one after another, as the book draws for them
        self._words = len(columns)
        h = np.tile(self.in_layer.forward(target), (self._words, 1))
        return layer.forward(h, columns.ravel()) * self._words  # a mean, where the book adds means

    def backward(self, dout: float = 1) -> None:
        """Fill `grads` with the gradient of the last `forward`, times dout."""
        (layer,) = self.loss_layers
        dh = layer.backward(dout * self._words)
        self.in_layer.backward(dh.reshape(self._words, -1, dh.shape[1]).sum(axis=0))


def _sizes(
    network: Any, vocab_size: Any, hidden_size: Any, dtype: Any, window_size: Any = 1
) -> tuple[int, int, np.dtype[Any]]:
    """Return the sizes of the weights, and the dtype, once they are checked."""
    sizes = {"vocab_size": vocab_size, "hidden_size": hidden_size, "window_size": window_size}
    V, H, _, kind = drawn.sizes_of(type(network).__name__, sizes, dtype)
    return V, H, kind
