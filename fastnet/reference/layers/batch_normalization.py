"""Batch normalization."""

import numpy as np

from .base import Layer


class BatchNormalization(Layer):
    """Bring each feature of a batch to mean 0 and variance 1, then scale and shift it.

    (N, C, H, W) has C * H * W features, as in the textbook. Frozen it goes by the running mean and
    variance, in training too.
    """

    def __init__(
        self,
        gamma: np.ndarray | None = None,
        beta: np.ndarray | None = None,
        momentum: float = 0.9,
        running_mean: np.ndarray | None = None,
        running_var: np.ndarray | None = None,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.running_mean, self.running_var = running_mean, running_var
        if gamma is not None and beta is not None:
            self.params = [gamma, beta]
            self.grads = [np.zeros_like(gamma), np.zeros_like(beta)]

    gamma = property(lambda self: self.params[0], lambda self, a: self._set(0, a))
    beta = property(lambda self: self.params[1], lambda self, a: self._set(1, a))
    dgamma = property(lambda self: self.grads[0])
    dbeta = property(lambda self: self.grads[1])

    def build(self, n_in: int, rng: object, dtype: np.dtype) -> None:
        """Make gamma of ones and beta of zeros."""
        self.params = [np.ones(n_in, dtype), np.zeros(n_in, dtype)]
        self.grads = [np.zeros(n_in, dtype), np.zeros(n_in, dtype)]

    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        """Return gamma * (x - mean) / sqrt(var + eps) + beta."""
        shape, rows = x.shape, x.reshape(len(x), -1)
        if self.running_mean is None or self.running_var is None:
            self.running_mean, self.running_var = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
        mean, var = self.running_mean, self.running_var
        if train_flg and self.trainable:
            mean = rows.mean(axis=0)
            var = np.mean((rows - mean) ** 2, axis=0)
            rest = 1 - self.momentum
            self.running_mean = self.momentum * self.running_mean + rest * mean
            self.running_var = self.momentum * self.running_var + rest * var
        xc, std = rows - mean, np.sqrt(var + self.eps)
        if train_flg:
            self.x, self.xn, self.std = rows, xc / std, std
            self._frozen = not self.trainable
        return (self.gamma * (xc / std) + self.beta).reshape(shape)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx in the shape of dout; write dgamma and dbeta."""
        rows = dout.reshape(len(dout), -1)
        if self._frozen:
            return (self.gamma / self.std * rows).reshape(dout.shape)
        self.grads[1][...] = rows.sum(axis=0)
        self.grads[0][...] = np.sum(self.xn * rows, axis=0)
        centred = rows - rows.mean(axis=0) - self.xn * np.mean(self.xn * rows, axis=0)
        return (self.gamma / self.std * centred).reshape(dout.shape)

    def _set(self, i: int, array: np.ndarray) -> None:
        self.params[i] = array
