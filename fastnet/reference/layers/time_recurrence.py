"""Recurrent layers by hand, over sequences (N, T, D)."""

from typing import Any

import numpy as np

from .. import kernels
from .base import Layer


class TimeLayer(Layer):
    """What they share: weights, states, and what forward leaves for backward."""

    _kernels: tuple[Any, Any]
    _settings: tuple[int, ...] = ()  # of the kernels, between `starts` and `reverse`
    _state_names: tuple[str, ...] = ("h",)
    _reverse = False

    def __init__(
        self, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray, stateful: bool = False
    ) -> None:
        super().__init__()
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(array) for array in self.params]
        self.stateful = stateful
        self.h: np.ndarray | None = None
        self.dh: np.ndarray | None = None

    def set_state(self, h: np.ndarray | None) -> None:
        """Begin with h next time."""
        self.h = h

    def reset_state(self) -> None:
        """Begin with zeros next time."""
        self.h = None

    def forward(self, xs: np.ndarray) -> np.ndarray:
        """Return the states after each step."""
        (n, steps, d), h = xs.shape, len(self.params[1])
        starts = not self.stateful or self.h is None
        states = [np.zeros((n, h), xs.dtype) for _ in self._state_names]
        for state, name in zip(states, self._state_names, strict=True):
            if not starts and getattr(self, name) is not None:
                state[...] = getattr(self, name)
        work, hs = (
            np.empty(n * steps * (d + 7 * h) + 4 * n * h + 128, xs.dtype),
            np.empty((n, steps, h), xs.dtype),
        )
        settings = (starts, *self._settings, self._reverse, work, work)
        self._kernels[0](xs, *self.params, *states, *settings, hs)
        for state, name in zip(states, self._state_names, strict=True):
            setattr(self, name, state)
        self._cache = xs, settings
        return hs

    def backward(self, dhs: np.ndarray) -> np.ndarray:
        """Return dxs; write the gradients."""
        xs, settings = self._cache
        dxs, dstates = np.empty_like(xs), [np.zeros_like(dhs[:, 0]) for _ in self._state_names]
        arrays = xs, *self.params[:2], dhs, *settings
        self._kernels[1](*arrays, *dstates, dxs, *self.grads)
        self.dh = dstates[0]
        return dxs


class TimeRNN(TimeLayer):
    """h[t] = tanh(x[t] @ Wx + h[t - 1] @ Wh + b)."""

    _kernels = kernels.rnn_forward, kernels.rnn_backward
    _settings = (kernels.TANH,)


class TimeLSTM(TimeLayer):
    """Long short-term memory, columns f g i o."""

    _kernels = kernels.lstm_forward, kernels.lstm_backward
    _settings = (0,)
    _state_names = ("h", "c")

    def __init__(
        self, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray, stateful: bool = False
    ) -> None:
        super().__init__(Wx, Wh, b, stateful)
        self.c: np.ndarray | None = None

    def set_state(self, h: np.ndarray | None, c: np.ndarray | None = None) -> None:
        """Begin with h and c next time."""
        self.h, self.c = h, c

    def reset_state(self) -> None:
        """Begin with zeros next time."""
        self.h = self.c = None


class TimeGRU(TimeLayer):
    """Gated recurrent unit, reset before the product."""

    _kernels = kernels.gru_forward, kernels.gru_backward


class TimeBiLSTM(Layer):
    """Two LSTMs, one in each direction, side by side."""

    def __init__(
        self,
        Wx1: np.ndarray,
        Wh1: np.ndarray,
        b1: np.ndarray,
        Wx2: np.ndarray,
        Wh2: np.ndarray,
        b2: np.ndarray,
        stateful: bool = False,
    ) -> None:
        super().__init__()
        self.forward_lstm = TimeLSTM(Wx1, Wh1, b1, stateful)
        self.backward_lstm = TimeLSTM(Wx2, Wh2, b2, stateful)
        self.params = self.forward_lstm.params + self.backward_lstm.params
        self.grads = self.forward_lstm.grads + self.backward_lstm.grads

    def forward(self, xs: np.ndarray) -> np.ndarray:
        """Return the states of both after each step."""
        backward = self.backward_lstm.forward(xs[:, ::-1])[:, ::-1]
        return np.concatenate((self.forward_lstm.forward(xs), backward), axis=2)

    def backward(self, dhs: np.ndarray) -> np.ndarray:
        """Return dxs; write the gradients of both."""
        h = len(self.forward_lstm.params[1])
        dxs = self.forward_lstm.backward(dhs[..., :h])
        return dxs + self.backward_lstm.backward(dhs[:, ::-1, h:])[:, ::-1]
