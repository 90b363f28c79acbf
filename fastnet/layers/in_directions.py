"""Recurrent layers by hand: forward and backward through time, in one direction or two."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.layers.base import Layer
from fastnet.layers.time_layer import scratch_sizes


class InDirections(Layer):
    """The steps by hand of a recurrent layer; its arrays are Wx, Wh of each direction, then b."""

    units: Any
    return_sequences: Any
    stateful: bool
    batch_size: int | None

    # What its kernels have: gates, rows of b, states, functions by hand and in the loop.
    _gates: ClassVar[int] = 1
    _bias_rows: ClassVar[int] = 1
    _state_names: ClassVar[tuple[str, ...]] = ("h",)
    _by_hand: ClassVar[tuple[Any, Any]]
    _in_loop: ClassVar[tuple[Any, Any, Any]]
    _directions: ClassVar[int] = 1

    def _setting(self) -> tuple[int, ...]:
        """Return what the kernels take between `starts` and `reverse`."""
        return ()

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the states after each step, (N, steps, units), or the last ones (N, units).

        Where it is stateful, a batch of batch_size rows goes on from `h`, and leaves its own there.

        Parameters
        ----------
        x : (N, steps, features)

        Raises
        ------
        RuntimeError
            The layer is not built.
        TypeError, ValueError
            x holds no real numbers, is no sequences, or has other features.
        """
        where = self._name("forward")
        checks.built(where, self.params)
        self._check_shapes(where)
        x = checks.sequence(where, "x", x, len(self.params[0]))
        (n, steps, d), h = x.shape, self.units
        carries = self.stateful and n == self.batch_size
        known = [getattr(self, name) for name in self._state_names] if carries else []
        given = [checks.recurrent_state(where, "h", s, (n, h)) for s in known if s is not None]
        dtype = checks.result_dtype(x, *self.params, *given)
        x, params = checks.contiguous(x, dtype), self._in_directions(self.params, dtype)
        shown = steps if self.return_sequences else 1
        kept, out = [], np.empty((self._directions, n, shown, h), dtype)
        for k, arrays in enumerate(params):
            states = [np.zeros((n, h), dtype) for _ in self._state_names]
            for state, value in zip(states, given, strict=False):
                state[...] = value
            rooms = [np.empty(size, dtype) for size in scratch_sizes(n, steps, d, h, self._gates)]
            settings = not given, *self._setting(), k == 1, *rooms
            self._by_hand[0](x, *arrays, *states, *settings, out[k])
            kept.append(settings)
        if carries:
            for name, state in zip(self._state_names, states, strict=True):
                setattr(self, name, state)
        self._kept = x, kept, out.shape
        return self._side_by_side(out)

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx in the shape of x, once for each forward; write the gradients of all arrays.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = self._name("backward")
        x, kept, shape = checks.remembered(where, self, "_kept")
        self._check_arrays(where, self.params, self.grads)
        dout, dtype = checks.array(where, "dout", dout), x.dtype
        directions, n, steps, h = shape
        wanted = (n, steps, directions * h) if self.return_sequences else (n, directions * h)
        checks.same_shape(where, "dout", dout, wanted)
        parts = dout.reshape(n, steps, directions, h)
        params = self._in_directions(self.params, dtype)
        grads = self._in_directions([np.empty(g.shape, dtype) for g in self.grads], dtype)
        total: Any = 0
        del self._kept
        for k, settings in enumerate(kept):
            upstream = np.array(parts[:, :, k], dtype, order="C")
            states = [np.zeros((n, h), dtype) for _ in self._state_names]
            dx, (Wx, Wh, _) = np.empty(x.shape, dtype), params[k]
            self._by_hand[1](x, Wx, Wh, upstream, *settings, *states, dx, *grads[k])
            total = dx if k == 0 else total + dx
        for grad, found in zip(self._in_directions(self.grads), grads, strict=True):
            for target, value in zip(grad, found, strict=True):
                target[...] = value
        result: NDArray[Any] = total
        return result

    def _in_directions(self, arrays: Any, dtype: Any = None) -> list[list[NDArray[Any]]]:
        """Return Wx, Wh and b of each direction; of a dtype, as kernels take them."""
        if dtype is not None:
            arrays = [checks.contiguous(each, dtype) for each in arrays]
        k = self._directions
        return [[arrays[2 * i], arrays[2 * i + 1], arrays[2 * k + i]] for i in range(k)]

    def _side_by_side(self, out: NDArray[Any]) -> NDArray[Any]:
        """Return what all directions made, behind each other in a row."""
        joined = out[0] if len(out) == 1 else np.concatenate(list(out), axis=2)
        return joined if self.return_sequences else joined[:, 0]

    def __getstate__(self) -> dict[str, Any]:
        # What backward goes by is of its own forward: a copy has none.
        return {name: value for name, value in super().__getstate__().items() if name != "_kept"}
