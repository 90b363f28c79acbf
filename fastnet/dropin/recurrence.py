"""The second book's recurrent layers over sequences, in float32: all steps in one kernel.

Their methods get the script's own as `own`, as those of the layers in first.py do. Their layers of
single steps are made by the script's own code for whoever looks at them; cells.py has those that a
script steps through itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import NDArray

from fastnet import checks
from fastnet.dropin.first import Own
from fastnet.dropin.later import Later, layers_of, taken
from fastnet.dropin.sequences import floats
from fastnet.kernels.activations import TANH
from fastnet.kernels.gru import gru_backward, gru_forward
from fastnet.kernels.lstm import F_G_I_O, lstm_backward, lstm_forward
from fastnet.kernels.rnn import rnn_backward, rnn_forward
from fastnet.layers.time_layer import scratch_sizes

__all__ = ["TimeGRU", "TimeLSTM", "TimeRNN", "written_by_kernels"]

FLOAT32 = checks.FLOAT32


def _before(layer: Any, xs: Any, gates: int, names: tuple[str, ...]) -> Any:
    """Return xs, the parameters, the states before and whether they are 0; None where one is odd.

    The states are copies: a kernel leaves the last ones in them.
    """
    found = floats(xs)
    if found is None or found[0].dtype != FLOAT32 or found[0].ndim != 3 or not found[0].size:
        return None
    (x,), (Wx, Wh, b) = found, layer.params
    if checks.common_dtype(Wx, Wh, b) != FLOAT32 or Wx.ndim != 2 or Wh.ndim != 2:
        return None
    h = len(Wh)
    if Wx.shape != (x.shape[2], gates * h) or Wh.shape != (h, gates * h) or b.shape != Wx.shape[1:]:
        return None
    states, starts = [], True
    for name in names:
        given = getattr(layer, name) if layer.stateful else None
        if given is None:
            states.append(np.zeros((len(x), h), FLOAT32))
            continue
        state = floats(given)
        if state is None or state[0].dtype != FLOAT32 or state[0].shape != (len(x), h):
            return None
        states.append(state[0].copy())
        starts = False
    return x, Wx, Wh, b, states, starts


def _buffers(layer: Any, x: NDArray[Any], h: int, gates: int) -> list[NDArray[Any]]:
    """Return what the kernels work in: that of the last call where it has the size."""
    (n, steps, d), last = x.shape, layer.layers
    sizes = scratch_sizes(n, steps, d, h, gates)
    spare = last.spare if type(last) is Later else None
    if type(last) is Later:  # whoever else holds that list has its layers made
        last.spare = last.kept = None
    if spare is None or (spare[0].size, spare[1].size) != sizes:
        spare = [empty(size, FLOAT32) for size in sizes]
    return spare


def _forward(
    layer: Any, xs: Any, own: Any, gates: int, names: tuple[str, ...], kernel: Any, options: Any
) -> Any:
    found = _before(layer, xs, gates, names)
    if found is None:
        return own(layer, xs)
    x, Wx, Wh, b, states, starts = found
    work = _buffers(layer, x, len(Wh), gates)
    before = {name: getattr(layer, name) for name in names}
    hs = empty((*x.shape[:2], len(Wh)), FLOAT32)
    kernel(x, Wx, Wh, b, *states, starts, *options, False, *work, hs)
    layer.layers = Later((x, starts), layers_of(own, layer, xs, **before))
    layer.layers.spare = work
    for name, state in zip(names, states, strict=True):
        setattr(layer, name, state)
    return hs


def written_by_kernels(
    layer: Any, inputs: tuple[NDArray[Any], ...], dtype: np.dtype[Any]
) -> list[NDArray[Any]]:
    """Return the layer's gradients where kernels can write them, else arrays in their places."""
    return [
        grad
        if checks.is_canonical(grad, dtype)
        and grad.shape == param.shape
        and not any(np.may_share_memory(grad, other) for other in inputs)
        else empty(param.shape, dtype)
        for grad, param in zip(layer.grads, layer.params, strict=True)
    ]


def _backward(layer: Any, dhs: Any, own: Any, states: int, kernel: Any, options: Any) -> Any:
    kept, found, (Wx, Wh, b) = taken(layer.layers), floats(dhs), layer.params
    if kept is None or found is None or checks.common_dtype(Wx, Wh, b) != FLOAT32:
        return own(layer, dhs)
    (x, starts), (dout,) = kept, found
    if dout.dtype != FLOAT32 or dout.shape != (*x.shape[:2], len(Wh)):
        return own(layer, dhs)
    work, layer.layers.kept = layer.layers.spare, None  # a second backward is the script's own
    before = [np.zeros((len(x), len(Wh)), FLOAT32) for _ in range(states)]
    dxs, grads = empty(x.shape, FLOAT32), written_by_kernels(layer, (x, dout, Wx, Wh), FLOAT32)
    kernel(x, Wx, Wh, dout, starts, *options, False, *work, *before, dxs, *grads)
    checks.copy_back(layer.grads, grads)
    layer.dh = before[0]
    return dxs


class TimeRNN(Own):
    """h = tanh(x @ Wx + h @ Wh + b) of every step."""

    def forward(self, xs: Any, *, own: Any) -> Any:
        """Return new states (N, T, H), and keep the last."""
        return _forward(self, xs, own, 1, ("h",), rnn_forward, (TANH,))

    def backward(self, dhs: Any, *, own: Any) -> Any:
        """Return new dxs; the gradients are overwritten, and dh is kept."""
        return _backward(self, dhs, own, 1, rnn_backward, (TANH,))


class TimeLSTM(Own):
    """Long short-term memory of every step, its gates in the book's order f, g, i, o."""

    def forward(self, xs: Any, *, own: Any) -> Any:
        """Return new states (N, T, H), and keep the last h and c."""
        return _forward(self, xs, own, 4, ("h", "c"), lstm_forward, (F_G_I_O,))

    def backward(self, dhs: Any, *, own: Any) -> Any:
        """Return new dxs; the gradients are overwritten, and dh is kept."""
        return _backward(self, dhs, own, 2, lstm_backward, (F_G_I_O,))


class TimeGRU(Own):
    """Gated recurrent unit of every step, reset before the product."""

    def forward(self, xs: Any, *, own: Any) -> Any:
        """Return new states (N, T, H), and keep the last."""
        return _forward(self, xs, own, 3, ("h",), gru_forward, ())

    def backward(self, dhs: Any, *, own: Any) -> Any:
        """Return new dxs; the gradients are overwritten, and dh is kept."""
        return _backward(self, dhs, own, 1, gru_backward, ())
