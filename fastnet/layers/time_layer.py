"""What recurrent layers by hand share: weights, states, and scratch for kernels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.layers.base import Layer

__all__ = ["TimeLayer", "scratch_sizes"]


class TimeLayer(Layer):
    """What recurrent layers over a sequence share: weights, states, scratch for the kernels."""

    array_names: ClassVar[tuple[str, ...]] = ("Wx", "Wh", "b")
    unstacked = "It takes sequences by hand. Put SimpleRNN, LSTM or GRU into a Sequential."
    _gates: ClassVar[int] = 1
    _state_names: ClassVar[tuple[str, ...]] = ("h",)
    _reverse = False

    def __init__(self, Wx: ArrayLike, Wh: ArrayLike, b: ArrayLike, stateful: bool = False) -> None:
        super().__init__()
        name = type(self).__name__
        arrays = [checks.parameter(name, n, a, 2) for n, a in (("Wx", Wx), ("Wh", Wh))]
        arrays.append(checks.parameter(name, "b", b, 1))
        checks.recurrent_weights(name, self._gates, *arrays)
        for array in arrays:
            self.params.append(array)
            self.grads.append(np.zeros(array.shape, checks.result_dtype(array)))
        self.stateful = bool(checks.flag(name, "stateful", stateful))
        self.h: NDArray[Any] | None = None
        self.dh: NDArray[Any] | None = None

    def set_state(self, h: ArrayLike | None) -> None:
        """Let the next sequences begin with this state (N, H), where the layer is stateful."""
        self.h = None if h is None else checks.array(self._name("set_state"), "h", h)

    def reset_state(self) -> None:
        """Let the next sequences begin with a state of zeros."""
        self.h = None

    def forward(self, xs: ArrayLike) -> NDArray[Any]:
        """Return the states hs (N, T, H) after each step; the last one stays in `h`.

        Parameters
        ----------
        xs : (N, T, D)
            Sequences of T steps.

        Raises
        ------
        TypeError
            xs holds no real numbers.
        ValueError
            xs is not (N, T, D), or the state that it goes on from is not (N, H).
        """
        where = self._name("forward")
        checks.lengths(where, "params", self.params, 3)
        Wx, Wh, b = self.params
        checks.recurrent_weights(where, self._gates, Wx, Wh, b)
        xs = checks.sequence(where, "xs", xs, len(Wx))
        (n, steps, d), h = xs.shape, len(Wh)
        given = [checks.recurrent_state(where, *pair, (n, h)) for pair in self._given()]
        dtype = checks.result_dtype(xs, Wx, Wh, b, *given)
        states = [np.zeros((n, h), dtype) for _ in self._state_names]
        for state, known in zip(states, given, strict=False):
            state[...] = known
        hs = np.empty((n, steps, h), dtype)
        x, Wx, Wh, b = (checks.contiguous(array, dtype) for array in (xs, Wx, Wh, b))
        # What the kernels keep for backward lies where it lay last time. No other thread finds it.
        kept = self.__dict__.pop("_kept", None)
        sizes = scratch_sizes(n, steps, d, h, self._gates)
        if kept is None or kept[0].dtype != dtype or (kept[0].size, kept[1].size) != sizes:
            kept = [np.empty(size, dtype) for size in sizes]
        self._run((x, Wx, Wh, b, *states, not given), kept[0], kept[1], hs)
        for name, state in zip(self._state_names, states, strict=True):
            setattr(self, name, state)
        self._kept = [*kept[:2], x, not given]
        return hs

    def backward(self, dhs: ArrayLike) -> NDArray[Any]:
        """Return dxs (N, T, D) for the last forward, once; write dWx, dWh and db, and keep dh.

        Parameters
        ----------
        dhs : (N, T, H)
            The gradient of what forward returned. That of the state before is `dh` afterwards.

        Raises
        ------
        RuntimeError
            forward was not called, or backward was already called for it.
        TypeError, ValueError
            dhs holds no real numbers, or has another shape.
        """
        where = self._name("backward")
        kept = checks.remembered(where, self, "_kept")
        if len(kept) == 2:
            raise RuntimeError(f"{where}: call forward first, once for each backward.")
        work, panel, x, starts = kept
        checks.lengths(where, "params", self.params, 3)
        checks.lengths(where, "grads", self.grads, 3)
        Wx, Wh, b = self.params
        checks.recurrent_weights(where, self._gates, Wx, Wh, b)
        (n, steps, _), h, dtype = x.shape, len(Wh), x.dtype
        checks.sequence(where, "xs", x, len(Wx))
        dhs = checks.array(where, "dhs", dhs)
        checks.same_shape(where, "dhs", dhs, (n, steps, h))
        Wx, Wh, dout = (checks.contiguous(array, dtype) for array in (Wx, Wh, dhs))
        grads = [checks.written_by_kernel(grad, dtype) for grad in self.grads]
        dxs, dstates = (
            np.empty(x.shape, dtype),
            [np.zeros((n, h), dtype) for _ in self._state_names],
        )
        self._kept = kept[:2]
        self._run_back((x, Wx, Wh, dout, starts), work, panel, (*dstates, dxs, *grads))
        checks.copy_back(self.grads, grads)
        self.dh = dstates[0]
        return dxs

    def _given(self) -> list[tuple[str, ArrayLike]]:
        """Return the states that the next sequences go on from, by name; none: from 0."""
        pairs = [(name, getattr(self, name)) for name in self._state_names]
        if not self.stateful or pairs[0][1] is None:
            return []
        return [(name, state) for name, state in pairs if state is not None]

    def _run(self, arrays: Any, work: Any, panel: Any, hs: Any) -> None:
        raise NotImplementedError

    def _run_back(self, arrays: Any, work: Any, panel: Any, outputs: Any) -> None:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        # A copy makes scratch of its own, and backward follows its own forward.
        return {name: value for name, value in super().__getstate__().items() if name != "_kept"}

    def __repr__(self) -> str:
        (d, _), (h, _) = self.params[0].shape, self.params[1].shape
        return f"{type(self).__name__}({d}, {h})"


def scratch_sizes(n: int, steps: int, d: int, h: int, gates: int) -> tuple[int, int]:
    """Return how many numbers the kernels of n sequences ask for: `work` and `panel`."""
    of_row = {1: 2, 3: 7, 4: 7}[gates]
    work = n * steps * (d + of_row * h) + 4 * n * h + 128
    return work, (4 * h + 64) * (max(d, h) + 16)
