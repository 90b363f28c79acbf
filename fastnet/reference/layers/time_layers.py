"""Layers of all steps of a sequence, xs (N, T, ...), but for the recurrent ones."""

import numpy as np

from ..functions import softmax
from .base import Layer
from .dropout import Dropout
from .embedding import Embedding
from .products import Affine


class TimeEmbedding(Embedding):
    """Rows of a table by numbers (N, T)."""

    def forward(self, xs: np.ndarray) -> np.ndarray:
        """Return W[xs]."""
        return super().forward(xs)


class TimeAffine(Affine):
    """An affine map of every step."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x @ W + b."""
        self.shape = x.shape
        return super().forward(x.reshape(-1, x.shape[2])).reshape(*x.shape[:2], -1)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout @ W.T; write dW and db, sums over all steps."""
        return super().backward(dout.reshape(-1, dout.shape[2])).reshape(self.shape)


class TimeDropout(Dropout):
    """Inverted dropout, while train_flg is true."""

    def __init__(self, dropout_ratio: float = 0.5, rng: np.random.Generator | None = None) -> None:
        super().__init__(dropout_ratio, True, rng)
        self.train_flg = True

    def forward(self, xs: np.ndarray) -> np.ndarray:  # type: ignore[override]
        """Return xs * mask / (1 - dropout_ratio) in training, else xs."""
        return super().forward(xs, self.train_flg)


class TimeSoftmaxWithLoss(Layer):
    """Softmax and mean cross entropy of the steps whose label is not ignore_label."""

    def __init__(self) -> None:
        super().__init__()
        self.ignore_label = -1

    def forward(self, xs: np.ndarray, ts: np.ndarray) -> float:
        """Return the loss of xs (N, T, V), with labels ts (N, T), or one-hot rows."""
        ts = np.asarray(ts)
        self.t = ts.argmax(axis=2) if ts.ndim == 3 else ts
        self.counts = self.t != self.ignore_label
        self.y = softmax(xs.reshape(-1, xs.shape[2])).reshape(xs.shape)
        right = np.take_along_axis(self.y, np.maximum(self.t, 0)[:, :, np.newaxis], 2)[:, :, 0]
        self.loss = -np.sum(np.log(right[self.counts])) / max(self.counts.sum(), 1)
        return xs.dtype.type(self.loss)

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - onehot(t)) * dout / steps that count."""
        dx = self.y * self.counts[:, :, np.newaxis]
        n, t = np.nonzero(self.counts)
        dx[n, t, self.t[n, t]] -= 1
        return dx * dx.dtype.type(dout / max(self.counts.sum(), 1))


class TimeSigmoidWithLoss(Layer):
    """Sigmoid and -log(p + 1e-7), the mean over all steps."""

    def forward(self, xs: np.ndarray, ts: np.ndarray) -> float:
        """Return the loss of xs (N, T), with ts (N, T) of 0 and 1."""
        self.t, self.y = ts, 1 / (1 + np.exp(-xs))
        return -np.mean(np.log(np.where(ts == 1, self.y, 1 - self.y) + xs.dtype.type(1e-7)))

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - t) * dout / (N T)."""
        return (self.y - self.t).astype(self.y.dtype) * (self.y.dtype.type(dout) / self.y.size)
