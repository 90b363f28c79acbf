"""Dropout."""

import numpy as np

from .base import Layer


class Dropout(Layer):
    """The textbook's dropout, or the inverted one, with a mask from NumPy's generator or rng."""

    def __init__(
        self,
        dropout_ratio: float = 0.5,
        inverted: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dropout_ratio, self.inverted, self.rng = dropout_ratio, inverted, rng

    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        """Return x * mask in training, else x * (1 - dropout_ratio)."""
        if not train_flg:
            return x.copy() if self.inverted else x * (1 - self.dropout_ratio)
        rand = np.random.rand  # as the book has it
        drawn = rand(*x.shape) if self.rng is None else self.rng.random(x.shape)
        self.mask = drawn > self.dropout_ratio
        return self._dropped(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * mask."""
        return self._dropped(dout)

    def _dropped(self, x: np.ndarray) -> np.ndarray:
        kept = x * self.mask
        return kept / (1 - self.dropout_ratio) if self.inverted else kept
