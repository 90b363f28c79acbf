"""Softmax, alone and with the loss."""

import numpy as np

from ..functions import _are_soft, _labels, cross_entropy_error, softmax
from ..losses import _factors, _smoothed
from .base import Layer


class Softmax(Layer):
    """Softmax over the last axis, of (N, C) or (C,)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return softmax(x) and keep it as ``out``."""
        self.out = softmax(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = out * (dout - sum(out * dout))."""
        dx = self.out * dout
        return dx - self.out * dx.sum(axis=-1, keepdims=True)


class SoftmaxWithLoss(Layer):
    """The textbook's last layer: softmax, then mean of -log(y + 1e-7).

    Targets become (1 - label_smoothing) t + label_smoothing / C. Samples with the label
    ignore_index do not count. After forward, ``y`` (N, C) holds the probabilities, ``t`` (N,) the
    labels, or the probabilities (N, C), ``loss`` the loss.
    """

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None) -> None:
        super().__init__()
        self.label_smoothing, self.ignore_index = label_smoothing, ignore_index

    def forward(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> float:
        """Return the loss of logits x (N, C); t holds labels (N,) or rows (N, C).

        With a weight for each sample, sum(weight * loss) / N.
        """
        self.y, self._factors = softmax(x), None
        if self.label_smoothing or sample_weight is not None or self.ignore_index is not None:
            known = t if _are_soft(t, x) else _labels(t, x)
            self._factors = _factors(known, self.ignore_index, sample_weight, len(x))[:, None]
            self.t = _smoothed(known, self.label_smoothing, x.shape[1])
            self.loss = -(self._factors * self.t * np.log(self.y + 1e-7)).sum()
            return self.loss
        self.t = t if _are_soft(t, self.y) else _labels(t, self.y)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - onehot(t)) * dout / N."""
        n = len(self.y)
        dx = self.y.copy()
        if self._factors is not None:
            return (dx * self.t.sum(axis=1, keepdims=True) - self.t) * self._factors * dout
        if self.t.ndim == 2:
            dx = dx * self.t.sum(axis=1, keepdims=True) - self.t
        else:
            dx[np.arange(n), self.t] -= 1
        dx *= dout
        dx /= n
        return dx
