"""Softmax, alone and with the loss."""

import numpy as np

from ..functions import _are_soft, _labels, cross_entropy_error, softmax
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

    After forward, ``y`` (N, C) holds the probabilities, ``t`` (N,) the labels, or the
    probabilities (N, C) that were given, ``loss`` the loss.
    """

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the loss of logits x (N, C); t holds labels (N,) or rows (N, C)."""
        self.y = softmax(x)
        self.t = t if _are_soft(t, self.y) else _labels(t, self.y)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - onehot(t)) * dout / N."""
        n = len(self.y)
        dx = self.y.copy()
        if self.t.ndim == 2:
            dx = dx * self.t.sum(axis=1, keepdims=True) - self.t
        else:
            dx[np.arange(n), self.t] -= 1
        dx *= dout
        dx /= n
        return dx
