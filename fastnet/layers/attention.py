"""Attention, for one step of a decoder and for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.attention import (
    attention_backward,
    attention_forward,
    attention_weight_backward,
    attention_weight_forward,
    weight_sum_backward,
    weight_sum_forward,
)
from fastnet.layers.base import Layer

__all__ = ["Attention", "AttentionWeight", "TimeAttention", "WeightSum"]

INPUTS = "Write a decoder by hand: it has two inputs, and Sequential's layers one."


class WeightSum(Layer):
    """Weighted sum of an encoder's states, c = sum over t of a[:, t] * hs[:, t].

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import WeightSum
    >>> layer = WeightSum()
    >>> layer.forward([[[1.0, 2.0], [3.0, 6.0]]], [[0.5, 0.5]])
    array([[2., 4.]])
    >>> dhs, da = layer.backward([[1.0, 1.0]])
    >>> da
    array([[3., 9.]])
    """

    unstacked = INPUTS

    def forward(self, hs: ArrayLike, a: ArrayLike) -> NDArray[Any]:
        """Return c (N, H), of hs (N, T, H) and weights a (N, T).

        Raises TypeError where one holds no real numbers, ValueError where hs is not (N, T, H), or
        empty, or a not (N, T).
        """
        where = self._name("forward")
        hs = checks.dimensions(where, "hs", hs, "N, T, H")
        a = checks.beside(where, "a", a, "hs", hs.shape, hs.shape[:2])
        dtype = checks.result_dtype(hs, a)
        hs, rows = checks.contiguous(hs, dtype), _as_steps(checks.contiguous(a, dtype))
        out = empty((len(hs), 1, hs.shape[2]), hs.dtype)
        weight_sum_forward(hs, rows, out)
        self._kept = hs, rows, dtype
        result: NDArray[Any] = checks.returned(out[:, 0], dtype)
        return result

    def backward(self, dc: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return dhs (N, T, H) and da (N, T), of dc (N, H).

        Raises RuntimeError where forward was not called, TypeError or ValueError where dc holds no
        real numbers, or has another shape.
        """
        where = self._name("backward")
        hs, a, given = checks.remembered(where, self, "_kept")
        dc = checks.array(where, "dc", dc)
        checks.same_shape(where, "dc", dc, (len(hs), hs.shape[2]))
        dtype = checks.result_dtype(hs, dc)
        hs, a, g = (checks.contiguous(array, dtype) for array in (hs, a, dc))
        dhs, da = empty(hs.shape, hs.dtype), empty(a.shape, hs.dtype)
        weight_sum_backward(hs, a, _as_steps(g), dhs, da)
        dtype = checks.result_dtype(np.empty(0, given), dc)
        return checks.returned(dhs, dtype), checks.returned(da[:, 0], dtype)


class AttentionWeight(Layer):
    """The weight of each of an encoder's steps for one of a decoder's, a = softmax(hs @ h).

    Attributes
    ----------
    a : (N, T)
        The weights that forward returned, a copy.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import AttentionWeight
    >>> layer = AttentionWeight()
    >>> layer.forward([[[1.0, 2.0], [1.0, 2.0]]], [[3.0, 4.0]])
    array([[0.5, 0.5]])
    >>> dhs, dh = layer.backward([[1.0, 0.0]])
    >>> dhs
    array([[[ 0.75,  1.  ],
            [-0.75, -1.  ]]])
    """

    unstacked = INPUTS

    def forward(self, hs: ArrayLike, h: ArrayLike) -> NDArray[Any]:
        """Return weights a (N, T), of hs (N, T, H) and h (N, H).

        Raises TypeError where one holds no real numbers, ValueError where hs is not (N, T, H), or
        empty, or h not (N, H).
        """
        encoder, step, dtype = _inputs(self._name("forward"), hs, "h", h, steps=False)
        a = empty((len(encoder), 1, encoder.shape[1]), encoder.dtype)
        attention_weight_forward(encoder, step, a)
        self.a, self._kept = a[:, 0].copy(), (encoder, step, a, dtype)
        result: NDArray[Any] = checks.returned(self.a.copy(), dtype)
        return result

    def backward(self, da: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return dhs (N, T, H) and dh (N, H), of da (N, T).

        Raises RuntimeError where forward was not called, TypeError or ValueError where da holds no
        real numbers, or has another shape.
        """
        where = self._name("backward")
        hs, h, a, given = checks.remembered(where, self, "_kept")
        da = checks.array(where, "da", da)
        checks.same_shape(where, "da", da, hs.shape[:2])
        dtype = checks.result_dtype(hs, da)
        hs, h, a, g = (checks.contiguous(array, dtype) for array in (hs, h, a, da))
        ds, dhs, dh = (empty(array.shape, hs.dtype) for array in (a, hs, h))
        attention_weight_backward(hs, h, a, _as_steps(g), ds, dhs, dh)
        dtype = checks.result_dtype(np.empty(0, given), da)
        return checks.returned(dhs, dtype), checks.returned(dh[:, 0], dtype)


class _Attending(Layer):
    """What attention of one step and of all have in common: both go through one kernel."""

    unstacked = INPUTS

    def _forward(self, hs: Any, name: str, h: Any, *, steps: bool) -> tuple[Any, Any]:
        """Return weights (N, S, T) and sums (N, S, H)."""
        hs, h, dtype = _inputs(self._name("forward"), hs, name, h, steps=steps)
        a, out = empty((len(hs), h.shape[1], hs.shape[1]), hs.dtype), empty(h.shape, hs.dtype)
        attention_forward(hs, h, a, out)
        self._kept = hs, h, a, dtype
        return a, checks.returned(out, dtype)

    def _backward(self, dout: Any, *, steps: bool) -> tuple[Any, Any]:
        """Return the gradients of the encoder's steps, and (N, S, H) of the decoder's."""
        where = self._name("backward")
        hs, h, a, given = checks.remembered(where, self, "_kept")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, h.shape if steps else (len(h), h.shape[2]))
        dtype = checks.result_dtype(hs, dout)
        hs, h, a, g = (checks.contiguous(array, dtype) for array in (hs, h, a, dout))
        ds, dhs, dh = (empty(array.shape, hs.dtype) for array in (a, hs, h))
        attention_backward(hs, h, a, g if steps else _as_steps(g), ds, dhs, dh)
        dtype = checks.result_dtype(np.empty(0, given), dout)
        return checks.returned(dhs, dtype), checks.returned(dh, dtype)


class Attention(_Attending):
    """Attention of one step of a decoder: an encoder's states, summed by softmax(hs @ h).

    Attributes
    ----------
    attention_weight : (N, T)
        The weights of the last forward, a copy.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Attention
    >>> layer = Attention()
    >>> layer.forward([[[1.0, 0.0], [3.0, 0.0]]], [[0.0, 1.0]])
    array([[2., 0.]])
    >>> layer.attention_weight
    array([[0.5, 0.5]])
    >>> dhs, dh = layer.backward([[1.0, 0.0]])
    >>> dh
    array([[1., 0.]])
    """

    attention_weight: NDArray[Any]

    def forward(self, hs: ArrayLike, h: ArrayLike) -> NDArray[Any]:
        """Return c (N, H), of hs (N, T, H) and h (N, H).

        Raises TypeError where one holds no real numbers, ValueError where hs is not (N, T, H), or
        empty, or h not (N, H).
        """
        a, out = self._forward(hs, "h", h, steps=False)
        self.attention_weight = a[:, 0].copy()
        result: NDArray[Any] = out[:, 0]
        return result

    def backward(self, dout: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return dhs (N, T, H) and dh (N, H), of dout (N, H).

        Raises RuntimeError where forward was not called, TypeError or ValueError where dout holds
        no real numbers, or has another shape.
        """
        dhs, dh = self._backward(dout, steps=False)
        return dhs, dh[:, 0]


class TimeAttention(_Attending):
    """Attention of all steps of a decoder to an encoder's states, in one kernel.

    Attributes
    ----------
    attention_weights : list of (N, T)
        The weights of the last forward, for each of the decoder's steps; copies.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.5.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeAttention
    >>> layer = TimeAttention()
    >>> layer.forward([[[1.0, 0.0], [3.0, 0.0]]], [[[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]])
    array([[[2., 0.],
            [2., 0.],
            [2., 0.]]])
    >>> np.shape(layer.attention_weights)
    (3, 1, 2)
    >>> dhs_enc, dhs_dec = layer.backward(np.ones((1, 3, 2)))
    >>> dhs_enc.shape, dhs_dec.shape
    ((1, 2, 2), (1, 3, 2))
    """

    attention_weights: list[NDArray[Any]]

    def forward(self, hs_enc: ArrayLike, hs_dec: ArrayLike) -> NDArray[Any]:
        """Return (N, S, H), of the encoder's (N, T, H) and the decoder's (N, S, H).

        Raises TypeError where one holds no real numbers, ValueError where one is not of three
        dimensions, or empty, or they differ in N or H.
        """
        a, out = self._forward(hs_enc, "hs_dec", hs_dec, steps=True)
        self.attention_weights = list(a.swapaxes(0, 1).copy())
        result: NDArray[Any] = out
        return result

    def backward(self, dout: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return dhs_enc (N, T, H) and dhs_dec (N, S, H), of dout (N, S, H).

        Raises RuntimeError where forward was not called, TypeError or ValueError where dout holds
        no real numbers, or has another shape.
        """
        return self._backward(dout, steps=True)


def _as_steps(rows: NDArray[Any]) -> NDArray[Any]:
    """Return (N, K) as (N, 1, K), one step of each sample; what is that stays."""
    return rows if rows.ndim == 3 else rows[:, np.newaxis]


def _inputs(where: str, hs: Any, name: str, h: Any, *, steps: bool) -> tuple[Any, Any, Any]:
    """Return the encoder's steps, the decoder's (N, S, H), as kernels take them, and the dtype."""
    encoders = "hs_enc" if steps else "hs"
    hs = checks.dimensions(where, encoders, hs, "N, T, H")
    n, _, width = hs.shape
    h = checks.beside(where, name, h, encoders, hs.shape, (n, None, width) if steps else (n, width))
    dtype = checks.result_dtype(hs, h)
    return checks.contiguous(hs, dtype), _as_steps(checks.contiguous(h, dtype)), dtype
