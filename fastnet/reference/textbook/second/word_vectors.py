"""Networks whose weights become the vectors of words."""

from typing import Any

import numpy as np

from ...layers import Embedding, MatMul, NegativeSamplingLoss, SoftmaxWithLoss


def _small(shape: tuple[int, int], dtype: Any) -> np.ndarray:
    return np.dtype(dtype).type(0.01) * np.random.randn(*shape).astype(dtype)  # noqa: NPY002


def _lists(network: Any, layers: list[Any]) -> None:
    network.params = [param for layer in layers for param in layer.params]
    network.grads = [grad for layer in layers for grad in layer.grads]


class SimpleCBOW:
    """The word between two others, by a softmax over all words."""

    def __init__(self, vocab_size: int, hidden_size: int, dtype: Any = "float32") -> None:
        W_in = _small((vocab_size, hidden_size), dtype)
        W_out = _small((hidden_size, vocab_size), dtype)
        self.in_layer0, self.in_layer1, self.out_layer = MatMul(W_in), MatMul(W_in), MatMul(W_out)
        self.loss_layer = SoftmaxWithLoss()
        _lists(self, [self.in_layer0, self.in_layer1, self.out_layer])
        self.word_vecs = W_in

    def forward(self, contexts: np.ndarray, target: np.ndarray) -> float:
        """Return the loss of contexts (N, 2, vocab_size) and words."""
        h = self.in_layer0.forward(contexts[:, 0]) + self.in_layer1.forward(contexts[:, 1])
        return self.loss_layer.forward(self.out_layer.forward(h / 2), target)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads`."""
        da = self.out_layer.backward(self.loss_layer.backward(dout)) / 2
        self.in_layer1.backward(da)
        self.in_layer0.backward(da)


class SimpleSkipGram:
    """The two words around another one, by a softmax over all words."""

    def __init__(self, vocab_size: int, hidden_size: int, dtype: Any = "float32") -> None:
        W_in = _small((vocab_size, hidden_size), dtype)
        W_out = _small((hidden_size, vocab_size), dtype)
        self.in_layer, self.out_layer = MatMul(W_in), MatMul(W_out)
        self.loss_layer1, self.loss_layer2 = SoftmaxWithLoss(), SoftmaxWithLoss()
        _lists(self, [self.in_layer, self.out_layer])
        self.word_vecs = W_in

    def forward(self, contexts: np.ndarray, target: np.ndarray) -> float:
        """Return the loss of contexts (N, 2, vocab_size) and words (N, vocab_size), one-hot."""
        s = self.out_layer.forward(self.in_layer.forward(target))
        before, after = contexts[:, 0], contexts[:, 1]
        return self.loss_layer1.forward(s, before) + self.loss_layer2.forward(s, after)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads`."""
        ds = self.loss_layer1.backward(dout) + self.loss_layer2.backward(dout)
        self.in_layer.backward(self.out_layer.backward(ds))


class CBOW:
    """A word from those around it, right ones told from drawn ones."""

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        window_size: int,
        corpus: np.ndarray,
        dtype: Any = "float32",
    ) -> None:
        W_in, W_out = (_small((vocab_size, hidden_size), dtype) for _ in range(2))
        self.in_layers = [Embedding(W_in)]
        self.ns_loss = NegativeSamplingLoss(W_out, corpus, power=0.75, sample_size=5)
        _lists(self, [*self.in_layers, self.ns_loss])
        self.word_vecs = W_in

    def forward(self, contexts: np.ndarray, target: np.ndarray) -> float:
        """Return the loss of contexts (N, 2 * window_size) and words (N,)."""
        rows = self.in_layers[0].forward(contexts)
        self._shape = rows.shape
        return self.ns_loss.forward(rows.mean(axis=1), target)

    def backward(self, dout: float = 1) -> None:
        """Fill `grads`."""
        dh = self.ns_loss.backward(dout) / self._shape[1]
        self.in_layers[0].backward(np.broadcast_to(dh[:, None], self._shape))


class SkipGram:
    """The words around another one, right ones told from drawn ones."""

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        window_size: int,
        corpus: np.ndarray,
        dtype: Any = "float32",
    ) -> None:
        W_in, W_out = (_small((vocab_size, hidden_size), dtype) for _ in range(2))
        self.in_layer = Embedding(W_in)
        self.loss_layers = [NegativeSamplingLoss(W_out, corpus, power=0.75, sample_size=5)]
        _lists(self, [self.in_layer, *self.loss_layers])
        self.word_vecs = W_in

    def forward(self, contexts: np.ndarray, target: np.ndarray) -> float:
        """Return the loss of contexts (N, 2 * window_size) and words (N,)."""
        self._words = contexts.shape[1]
        h = np.tile(self.in_layer.forward(target), (self._words, 1))
        return self._words * self.loss_layers[0].forward(h, contexts.T.ravel())

    def backward(self, dout: float = 1) -> None:
        """Fill `grads`."""
        dh = self.loss_layers[0].backward(dout * self._words)
        self.in_layer.backward(dh.reshape(self._words, -1, dh.shape[1]).sum(axis=0))
