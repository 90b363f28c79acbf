"""The second book's recurrent layers of one step, `LSTM` and `GRU`: a sequence of one for kernels.

Their methods get the script's own as `own`, as those of the layers in first.py do. The cache that
forward leaves is the script's own, number for number, so that its backward may answer, too. Of 20
rows and 100 units a step forward and back takes 0.8 and 0.7 of NumPy's time; `RNN`, two products
and a tanh, would take 1.2 of it, and 2.2 of one row and 20 units: it stays the script's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import NDArray

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.recurrence import written_by_kernels
from fastnet.dropin.sequences import floats
from fastnet.kernels.gru import gru_backward, gru_forward
from fastnet.kernels.loop.record import padded
from fastnet.kernels.lstm import F_G_I_O, lstm_backward, lstm_forward
from fastnet.layers.time_layer import scratch_sizes

__all__ = ["GRU", "LSTM"]


class Kept(tuple[Any, ...]):
    """A cache, and what the kernel's backward takes in its place: `step`, once, then `room`.

    A copy, or what a pickle brings back, is a plain tuple.

    Examples
    --------
    >>> import copy
    >>> from fastnet.dropin.cells import Kept
    >>> cache = Kept((1, 2))
    >>> cache.step = "arrays"
    >>> type(copy.copy(cache)), copy.copy(cache)
    (<class 'tuple'>, (1, 2))
    """

    step: Any  # x, and what the kernels have left
    room: Any  # what the next step may work in

    def __reduce_ex__(self, protocol: Any) -> Any:
        return tuple, (tuple(self),)


def _forward(
    cell: Any, inputs: tuple[Any, ...], gates: int, kernel: Any, options: tuple[Any, ...]
) -> Any:
    """Return the states after the step, the parts of the gates (N, H), and what backward takes.

    None where an array is one that the kernels do not take. inputs: x, and the states before.
    """
    Wx, Wh, b = cell.params
    found, dtype = floats(*inputs), checks.common_dtype(Wx, Wh, b)
    if found is None or found[0].dtype != dtype or Wx.ndim != 2 or Wh.ndim != 2:
        return None
    (x, *before), (d, h) = found, (len(Wx), len(Wh))
    if Wx.shape != (d, gates * h) or Wh.shape != (h, gates * h) or b.shape != Wx.shape[1:]:
        return None
    if x.ndim != 2 or x.shape[1] != d or not x.size:
        return None
    if any(state.shape != (len(x), h) for state in before):
        return None
    n, x, states = len(x), x[:, np.newaxis], [state.copy() for state in before]
    last, sizes = getattr(cell, "cache", None), scratch_sizes(n, 1, d, h, gates)
    given = last.room if type(last) is Kept else None
    if given is None or given[0].dtype != dtype or (given[0].size, given[1].size) != sizes:
        given = [empty(size, dtype) for size in sizes]
    work, panel = given
    kernel(x, Wx, Wh, b, *states, False, *options, False, work, panel, empty((n, 1, h), dtype))
    # Behind x the kernels keep the gates, which backward overwrites.
    first = padded.py_func(n * d)
    parts = work[first : first + n * gates * h].reshape(n, gates * h).copy()
    return states, np.split(parts, gates, axis=1), (x, work, panel)


def _kept(cell: Any, cache: tuple[Any, ...], step: Any) -> None:
    cell.cache = Kept(cache)
    cell.cache.step, cell.cache.room = step, None


def _backward(
    cell: Any, douts: tuple[Any, ...], kernel: Any, options: tuple[Any, ...]
) -> list[NDArray[Any]] | None:
    """Return dx and the gradients of the states before; the gradients are overwritten.

    None where the script's own has to answer. douts: of the states after the step.
    """
    cache, (Wx, Wh, b) = cell.cache, cell.params
    step, found = cache.step if type(cache) is Kept else None, floats(*douts)
    if step is None or found is None or checks.common_dtype(Wx, Wh, b) != found[0].dtype:
        return None
    (x, work, panel), dtype, shape = step, found[0].dtype, (len(step[0]), len(Wh))
    if x.dtype != dtype or Wx.shape[0] != x.shape[2] or any(dout.shape != shape for dout in found):
        return None
    cache.step, cache.room = None, (work, panel)  # a second backward is the script's own
    dx, dh, states = empty(x.shape, dtype), empty(shape, dtype), [d.copy() for d in found[1:]]
    grads = written_by_kernels(cell, (x, found[0], Wx, Wh), dtype)
    kernel(x, Wx, Wh, found[0][:, np.newaxis], False, *options, False, work, panel, dh, *states,
           dx, *grads)  # fmt: skip
    checks.copy_back(cell.grads, grads)
    return [dx[:, 0], dh, *states]


class LSTM(Own):
    """A step of long short-term memory, its gates in the book's order f, g, i, o."""

    def forward(self, x: Any, h_prev: Any, c_prev: Any, *, own: Any) -> Any:
        """Return new h_next and c_next, and keep the gates in the cache."""
        x, h_prev, c_prev = settled(x), settled(h_prev), settled(c_prev)
        found = _forward(self, (x, h_prev, c_prev), 4, lstm_forward, (F_G_I_O,))
        if found is None:
            return own(self, x, h_prev, c_prev)
        (h_next, c_next), (f, g, i, o), step = found
        _kept(self, (x, h_prev, c_prev, i, f, g, o, c_next), step)
        return h_next, c_next

    def backward(self, dh_next: Any, dc_next: Any, *, own: Any) -> Any:
        """Return new dx, dh_prev and dc_prev; the gradients are overwritten."""
        found = _backward(self, (dh_next, dc_next), lstm_backward, (F_G_I_O,))
        return own(self, dh_next, dc_next) if found is None else tuple(found)


class GRU(Own):
    """A step of a gated recurrent unit, reset before the product."""

    def forward(self, x: Any, h_prev: Any, *, own: Any) -> Any:
        """Return a new h_next, and keep the gates in the cache."""
        x, h_prev = settled(x), settled(h_prev)
        found = _forward(self, (x, h_prev), 3, gru_forward, ())
        if found is None:
            return own(self, x, h_prev)
        (h_next,), (z, r, h_hat), step = found
        _kept(self, (x, h_prev, z, r, h_hat), step)
        return h_next

    def backward(self, dh_next: Any, *, own: Any) -> Any:
        """Return new dx and dh_prev; the gradients are overwritten, and kept as attributes."""
        found = _backward(self, (dh_next,), gru_backward, ())
        if found is None:
            return own(self, dh_next)
        self.dWx, self.dWh, self.db = (grad.copy() for grad in self.grads)
        return tuple(found)
