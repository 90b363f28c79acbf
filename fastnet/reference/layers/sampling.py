"""Word vectors by negative sampling."""

import numpy as np

from ..kernels.sampling import embedding_dot_backward, embedding_dot_forward
from .base import Layer


class EmbeddingDot(Layer):
    """out[n] = W[idx[n]] @ h[n]."""

    def __init__(self, W: np.ndarray) -> None:
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    def forward(self, h: np.ndarray, idx: np.ndarray) -> np.ndarray:
        """Return (N,) of h (N, H) and row numbers (N,)."""
        self.h, self.idx = h, np.asarray(idx)
        return self._products(h, self.idx[:, np.newaxis])[:, 0]

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dh and write dW."""
        return self._gradients(dout[:, np.newaxis])

    def _products(self, h: np.ndarray, idx: np.ndarray) -> np.ndarray:
        self.h, self.idx, out = h, idx, np.empty(idx.shape, h.dtype)
        embedding_dot_forward(self.params[0], idx.reshape(-1), h, out)
        return out

    def _gradients(self, dout: np.ndarray) -> np.ndarray:
        dh = np.empty_like(self.h)
        (W,), (dW,), idx = self.params, self.grads, self.idx.reshape(-1)
        embedding_dot_backward(W, idx, self.h, dout, dh, dW)
        return dh


class UnigramSampler:
    """Words drawn by their frequency to a power, others than the target."""

    def __init__(
        self,
        corpus: np.ndarray,
        power: float,
        sample_size: int,
        rng: np.random.Generator | None = None,
    ) -> None:
        counts = np.bincount(corpus)
        self.vocab_size, self.sample_size, self.rng = len(counts), sample_size, rng
        self.word_p = counts**power / np.sum(counts**power)

    def get_negative_sample(self, target: np.ndarray) -> np.ndarray:
        """Return (N, sample_size) int32 of targets (N,)."""
        rng, rows = np.random if self.rng is None else self.rng, []
        for word in target:
            p = self.word_p.copy()
            p[word] = 0
            p /= p.sum()
            rows.append(rng.choice(self.vocab_size, size=self.sample_size, replace=False, p=p))
        return np.array(rows, np.int32)


class NegativeSamplingLoss(EmbeddingDot):
    """Yes for the target, no for the words drawn."""

    def __init__(
        self,
        W: np.ndarray,
        corpus: np.ndarray,
        power: float = 0.75,
        sample_size: int = 5,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(W)
        self.sampler = UnigramSampler(corpus, power, sample_size, rng)

    def forward(self, h: np.ndarray, target: np.ndarray) -> float:  # type: ignore[override]
        """Return the sum over the words of the mean of -log(p + 1e-7)."""
        words = self.sampler.get_negative_sample(target)
        scores = self._products(h, np.column_stack([target, words]))
        y, t = 1 / (1 + np.exp(-scores)), np.zeros_like(scores)
        t[:, 0] = 1
        self.errors = y - t
        p = np.where(t == 1, y, 1 - y) + y.dtype.type(1e-7)
        return -np.sum(np.log(p)) / y.dtype.type(len(y))

    def backward(self, dout: float = 1) -> np.ndarray:  # type: ignore[override]
        """Return dh and write dW."""
        errors = self.errors
        return self._gradients(errors * (errors.dtype.type(dout) / len(errors)))
