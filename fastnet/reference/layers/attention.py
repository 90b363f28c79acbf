"""Attention by inner products: of hs (N, T, H), looked at from h (N, H), or (N, S, H)."""

import numpy as np

from ..functions import softmax
from .base import Layer


class WeightSum(Layer):
    """The sum of steps by weights."""

    def forward(self, hs: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Return c (N, H) of hs (N, T, H) and a (N, T)."""
        self.hs, self.a = hs, a[:, :, np.newaxis]
        return np.sum(hs * self.a, axis=1)

    def backward(self, dc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dhs and da."""
        dc = dc[:, np.newaxis]
        return dc * self.a, np.sum(dc * self.hs, axis=2)


class AttentionWeight(Layer):
    """Softmax of the inner products of steps with a vector."""

    def forward(self, hs: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return a (N, T) of hs (N, T, H) and h (N, H)."""
        self.hs, self.h = hs, h[:, np.newaxis]
        self.a = softmax(np.sum(hs * self.h, axis=2))
        return self.a

    def backward(self, da: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dhs and dh."""
        ds = self.a * (da - np.sum(self.a * da, axis=1, keepdims=True))
        ds = ds[:, :, np.newaxis]
        return ds * self.h, np.sum(ds * self.hs, axis=1)


class Attention(Layer):
    """The sum of steps by how much a vector looks at each."""

    def forward(self, hs: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return c (N, H)."""
        self.weights, self.sum = AttentionWeight(), WeightSum()
        self.attention_weight = self.weights.forward(hs, h)
        return self.sum.forward(hs, self.attention_weight)

    def backward(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dhs and dh."""
        through_sum, da = self.sum.backward(dout)
        dhs, dh = self.weights.backward(da)
        return through_sum + dhs, dh


class TimeAttention(Layer):
    """Attention of every step of a decoder."""

    def forward(self, hs_enc: np.ndarray, hs_dec: np.ndarray) -> np.ndarray:
        """Return (N, S, H)."""
        self.steps = [Attention() for _ in range(hs_dec.shape[1])]
        outs = [step.forward(hs_enc, hs_dec[:, s]) for s, step in enumerate(self.steps)]
        self.attention_weights = [step.attention_weight for step in self.steps]
        return np.stack(outs, axis=1)

    def backward(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the encoder's dhs (N, T, H), added up over the steps, and the decoder's."""
        pairs = [step.backward(dout[:, s]) for s, step in enumerate(self.steps)]
        total = pairs[0][0].copy()
        for dhs, _ in pairs[1:]:
            total += dhs
        return total, np.stack([dh for _, dh in pairs], axis=1)
