"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx."""

import numpy as np

from .functions import _labels


class SoftmaxCrossEntropy:
    """Softmax and cross entropy in one, exact and stable for any finite logits.

    After forward, ``y`` (N, C) holds the probabilities, ``t`` (N,) the labels, ``loss`` the loss.
    """

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return mean(logsumexp(x) - x[t]); t holds labels (N,) or one-hot rows (N, C)."""
        n = len(x)
        x = x - x.max(axis=1, keepdims=True)
        self.y = np.exp(x)
        total = self.y.sum(axis=1, keepdims=True)
        self.y /= total
        self.t = _labels(t, self.y)
        self.loss = (np.log(total[:, 0]) - x[np.arange(n), self.t]).sum() / n
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - onehot(t)) * dout / N."""
        n = len(self.y)
        dx = self.y.copy()
        dx[np.arange(n), self.t] -= 1
        dx *= dout
        dx /= n
        return dx


class MeanSquaredError:
    """Half the squared error, summed over the outputs, mean over the batch (the delta rule's).

    After forward, ``y`` and ``t`` (N, C) hold outputs and targets, ``loss`` the loss.
    """

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return sum((x - t)**2) / 2 / N; x is (N, C), t (N, C), or (N,) where C is 1."""
        self.y = x
        self.t = t.reshape(x.shape)
        self.loss = ((self.y - self.t) ** 2).sum() / 2 / len(x)
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - t) * dout / N."""
        return (self.y - self.t) * dout / len(self.y)
