"""One step of the second book's recurrent layers: RNN, LSTM, GRU.

`fastnet.layers` has whole sequences, TimeRNN, TimeLSTM and TimeGRU, many times as fast as steps one
by one, and Keras' LSTM(units) and GRU(units) for `Sequential`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.layers import Layer, TimeGRU, TimeLSTM, TimeRNN

__all__ = ["GRU", "LSTM", "RNN"]


class _Cell(Layer):
    """A step of a layer over sequences, whose arrays it shares."""

    _kind: Any
    unstacked = TimeRNN.unstacked

    def __init__(self, Wx: ArrayLike, Wh: ArrayLike, b: ArrayLike) -> None:
        super().__init__()
        self._sequence = self._kind(Wx, Wh, b, stateful=True)
        self.params, self.grads = self._sequence.params, self._sequence.grads

    def _step(self, x: ArrayLike, *states: ArrayLike) -> NDArray[Any]:
        where = self._name("forward")
        checks.lengths(where, "params", self.params, 3)
        (d, _), (h, _) = self.params[0].shape, self.params[1].shape
        x = checks.array(where, "x", x)
        checks.same_shape(where, "x", x, (len(x) if x.ndim else 0, d))
        found = [
            checks.recurrent_state(where, f"{name}_prev", state, (len(x), h))
            for name, state in zip("hc", states, strict=False)
        ]
        self._sequence.set_state(*found)
        out: NDArray[Any] = self._sequence.forward(x[:, None])
        return out[:, 0]

    def _step_back(self, dh_next: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        checks.remembered(self._name("backward"), self._sequence, "_kept")
        dout = checks.array(self._name("backward"), "dh_next", dh_next)
        dx = self._sequence.backward(dout[:, None])
        return dx[:, 0], self._sequence.dh

    def __repr__(self) -> str:
        (d, _), (h, _) = self.params[0].shape, self.params[1].shape
        return f"{type(self).__name__}({d}, {h})"


class RNN(_Cell):
    """A step of a simple recurrent layer: h_next = tanh(h_prev @ Wh + x @ Wx + b).

    Parameters
    ----------
    Wx : (D, H) float32 or float64
    Wh : (H, H)
    b : (H,)
        All kept by reference, as in `TimeRNN`.

    Raises
    ------
    TypeError, ValueError
        As `TimeRNN`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 5.3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.cells import RNN
    >>> cell = RNN(np.eye(2), np.eye(2), np.zeros(2))
    >>> cell.forward(np.array([[0.5, 0.0]]), np.array([[0.5, 0.0]])).round(3)
    array([[0.762, 0.   ]])
    >>> dx, dh_prev = cell.backward(np.ones((1, 2)))
    >>> dx.round(3)
    array([[0.42, 1.  ]])
    """

    _kind = TimeRNN

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> NDArray[Any]:
        """Return h_next (N, H) for x (N, D) and h_prev (N, H)."""
        return self._step(x, h_prev)

    def backward(self, dh_next: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return dx and dh_prev; write the gradients. RuntimeError without forward."""
        return self._step_back(dh_next)


class LSTM(_Cell):
    """A step of long short-term memory, with the columns of f, g, i and o in this order.

    Keras' `LSTM(units)`, of whole sequences in a Sequential, is `fastnet.layers.LSTM`.

    Parameters
    ----------
    Wx : (D, 4 H) float32 or float64
    Wh : (H, 4 H)
    b : (4 H,)
        All kept by reference, as in `TimeLSTM`.

    Raises
    ------
    TypeError, ValueError
        As `TimeRNN`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.cells import LSTM
    >>> cell = LSTM(np.ones((2, 8)), np.zeros((2, 8)), np.zeros(8))
    >>> h_next, c_next = cell.forward(np.ones((1, 2)), np.zeros((1, 2)), np.ones((1, 2)))
    >>> c_next.round(3)
    array([[1.73, 1.73]])
    >>> dx, dh_prev, dc_prev = cell.backward(np.ones((1, 2)), np.zeros((1, 2)))
    >>> dc_prev.round(3)
    array([[0.092, 0.092]])
    """

    _kind = TimeLSTM

    def forward(
        self, x: ArrayLike, h_prev: ArrayLike, c_prev: ArrayLike
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return h_next and c_next (N, H) for x (N, D), h_prev and c_prev (N, H)."""
        return self._step(x, h_prev, c_prev), self._sequence.c

    def backward(
        self, dh_next: ArrayLike, dc_next: ArrayLike
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return dx, dh_prev and dc_prev; write the gradients. RuntimeError without forward."""
        where = self._name("backward")
        checks.remembered(where, self._sequence, "_kept")
        dc = checks.array(where, "dc_next", dc_next)
        self._sequence._dc_next = checks.recurrent_state(where, "dc_next", dc, np.shape(dh_next))
        return *self._step_back(dh_next), self._sequence._dc


class GRU(_Cell):
    """A step of a gated recurrent unit, reset before the product, columns of z, r and g.

    Keras' `GRU(units)`, of whole sequences in a Sequential, is `fastnet.layers.GRU`.

    Parameters
    ----------
    Wx : (D, 3 H) float32 or float64
    Wh : (H, 3 H)
    b : (3 H,)
        All kept by reference, as in `TimeGRU`.

    Raises
    ------
    TypeError, ValueError
        As `TimeRNN`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.cells import GRU
    >>> cell = GRU(np.ones((2, 6)), np.zeros((2, 6)), np.zeros(6))
    >>> cell.forward(np.ones((1, 2)), np.zeros((1, 2))).round(3)
    array([[0.849, 0.849]])
    """

    _kind = TimeGRU

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> NDArray[Any]:
        """Return h_next (N, H) for x (N, D) and h_prev (N, H)."""
        return self._step(x, h_prev)

    def backward(self, dh_next: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return dx and dh_prev; write the gradients. RuntimeError without forward."""
        return self._step_back(dh_next)
