"""Rows of a table."""

import numpy as np

from .base import Layer


class Embedding(Layer):
    """Rows of a table W (V, H) by their numbers."""

    def __init__(
        self, W: np.ndarray, output_dim: int | None = None, weight_init_std: float = 0.01
    ) -> None:
        self.weight_init_std, self.params, self.grads = weight_init_std, [], []
        if output_dim is None:
            self.params, self.grads = [W], [np.zeros_like(W)]
        else:
            self.sizes = W, output_dim

    def build(self, n_in: int, rng: np.random.Generator, dtype: str) -> None:
        """Make W from normal random numbers."""
        W = (rng.standard_normal(self.sizes) * self.weight_init_std).astype(dtype)
        self.params, self.grads = [W], [np.zeros_like(W)]

    W = property(lambda self: self.params[0], lambda self, W: self._set(W))
    dW = property(lambda self: self.grads[0])

    def forward(self, idx: np.ndarray) -> np.ndarray:
        """Return W[idx]."""
        self.idx = idx
        return self.W[idx]

    def backward(self, dout: np.ndarray) -> None:
        """Write dW: the rows of dout, added up for each number."""
        self.grads[0][...] = 0
        np.add.at(self.grads[0], self.idx, dout)

    def _backward_params(self, dout: np.ndarray) -> None:
        self.backward(dout.reshape(*self.idx.shape, -1))

    def _set(self, W: np.ndarray) -> None:
        self.params[0] = W
        if self.grads[0].shape != W.shape or self.grads[0].dtype != W.dtype:
            self.grads[0] = np.zeros_like(W)
