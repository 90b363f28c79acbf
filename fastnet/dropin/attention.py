"""The second book's `ch08.attention_layer`: attention of a step, and of all, by a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty

from fastnet.dropin.first import Own
from fastnet.dropin.later import Later, layers_of, taken
from fastnet.dropin.sequences import floats
from fastnet.kernels.attention import (
    attention_backward,
    attention_forward,
    attention_weight_backward,
    attention_weight_forward,
    weight_sum_backward,
    weight_sum_forward,
)

__all__ = ["Attention", "AttentionWeight", "TimeAttention", "WeightSum"]


def _steps(hs: Any, h: Any) -> Any:
    """Return hs (N, T, H) and h (N, H) as (N, 1, H), as kernels take them, or None."""
    found = floats(hs, h)
    if found is None or found[0].ndim != 3 or not found[0].size:
        return None
    n, _, width = found[0].shape
    return (found[0], found[1][:, np.newaxis]) if found[1].shape == (n, width) else None


class WeightSum(Own):
    """Sums of the encoder's steps by weights."""

    cache: Any

    def forward(self, hs: Any, a: Any, *, own: Any) -> Any:
        """Return a new (N, H), and keep hs and a."""
        found = floats(hs, a)
        if found is None or found[0].ndim != 3 or not found[0].size:
            return own(self, hs, a)
        steps, weights = found
        n, t, width = steps.shape
        if weights.shape != (n, t):
            return own(self, hs, a)
        out = empty((n, 1, width), steps.dtype)
        weight_sum_forward(steps, weights[:, np.newaxis], out)
        self.cache = hs, a.reshape(n, t, 1)
        return out[:, 0]

    def backward(self, dc: Any, *, own: Any) -> Any:
        """Return new dhs and da."""
        hs, ar = self.cache
        found = floats(hs, ar, dc)
        if found is None or found[2].shape != (found[0].shape[0], found[0].shape[2]):
            return own(self, dc)
        steps, weights, g = found
        dhs, da = empty(steps.shape, steps.dtype), empty(weights.shape, steps.dtype)
        rows = weights.reshape(len(g), 1, -1)
        weight_sum_backward(steps, rows, g[:, np.newaxis], dhs, da.reshape(rows.shape))
        return dhs, da[:, :, 0]


class AttentionWeight(Own):
    """Softmax of the encoder's steps' inner products with the decoder's."""

    cache: Any

    def forward(self, hs: Any, h: Any, *, own: Any) -> Any:
        """Return new weights (N, T); keep hs and h, and the weights in the softmax."""
        found = _steps(hs, h)
        if found is None or not hasattr(self.softmax, "out"):
            return own(self, hs, h)
        steps, step = found
        a = empty((len(steps), 1, steps.shape[1]), steps.dtype)
        attention_weight_forward(steps, step, a)
        self.cache = hs, h.reshape(len(step), 1, -1)
        self.softmax.out = a[:, 0]
        return self.softmax.out

    def backward(self, da: Any, *, own: Any) -> Any:
        """Return new dhs and dh."""
        hs, hr = self.cache
        found = floats(hs, hr, self.softmax.out, da)
        if found is None or found[3].shape != found[2].shape:
            return own(self, da)
        steps, step, a, g = found
        if steps.shape[:2] != a.shape:
            return own(self, da)
        ds, dhs, dh = (empty(array.shape, a.dtype) for array in (a[:, np.newaxis], steps, step))
        attention_weight_backward(steps, step, a[:, np.newaxis], g[:, np.newaxis], ds, dhs, dh)
        return dhs, dh[:, 0]


class Attention(Own):
    """Both of them in one kernel; the two layers inside get what they would keep."""

    attention_weight: Any

    def forward(self, hs: Any, h: Any, *, own: Any) -> Any:
        """Return a new (N, H), and keep the weights."""
        weights, total, found = self.attention_weight_layer, self.weight_sum_layer, _steps(hs, h)
        if found is None or not hasattr(getattr(weights, "softmax", None), "out"):
            return own(self, hs, h)
        steps, step = found
        n, t, _ = steps.shape
        a, out = empty((n, 1, t), steps.dtype), empty(step.shape, steps.dtype)
        attention_forward(steps, step, a, out)
        self.attention_weight = weights.softmax.out = a[:, 0]
        weights.cache, total.cache = (hs, h.reshape(n, 1, -1)), (hs, a.reshape(n, t, 1))
        return out[:, 0]

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return new dhs and dh."""
        hs, hr = self.attention_weight_layer.cache
        found = floats(hs, hr, self.attention_weight_layer.softmax.out, dout)
        if found is None or found[3].shape != (found[0].shape[0], found[0].shape[2]):
            return own(self, dout)
        steps, step, a, g = found
        a = a[:, np.newaxis]
        ds, dhs, dh = (empty(array.shape, a.dtype) for array in (a, steps, step))
        attention_backward(steps, step, a, g[:, np.newaxis], ds, dhs, dh)
        return dhs, dh[:, 0]


class TimeAttention(Own):
    """All of a decoder's steps in one kernel; a layer for each is made if somebody looks."""

    layers: Any
    attention_weights: Any

    def forward(self, hs_enc: Any, hs_dec: Any, *, own: Any) -> Any:
        """Return a new (N, T, H), and keep the weights of every step."""
        found = floats(hs_enc, hs_dec)
        if found is None or not found[0].ndim == found[1].ndim == 3:
            return own(self, hs_enc, hs_dec)
        hs, h = found
        if not hs.size or not h.size or (len(hs), hs.shape[2]) != (len(h), h.shape[2]):
            return own(self, hs_enc, hs_dec)
        a, out = empty((len(hs), h.shape[1], hs.shape[1]), hs.dtype), empty(h.shape, hs.dtype)
        attention_forward(hs, h, a, out)
        self.layers = Later((hs, h, a), layers_of(own, self, hs_enc, hs_dec))
        self.attention_weights = list(a.swapaxes(0, 1).copy())
        return out

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return new gradients of the encoder's steps and of the decoder's."""
        kept = taken(self.layers)
        found = None if kept is None else floats(*kept, dout)
        if found is None or found[3].shape != found[1].shape:
            return own(self, dout)
        hs, h, a, g = found
        ds, dhs, dh = (empty(array.shape, a.dtype) for array in (a, hs, h))
        attention_backward(hs, h, a, g, ds, dhs, dh)
        return dhs, dh
