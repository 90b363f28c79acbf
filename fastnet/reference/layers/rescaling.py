"""Rescaling."""

import numpy as np

from .base import Layer


class Rescaling(Layer):
    """x * scale + offset, any shape."""

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        super().__init__()
        self.scale, self.offset = float(scale), float(offset)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x * scale + offset."""
        return x * self.scale + self.offset

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * scale."""
        return dout * self.scale
