"""Recurrent layers declared by their number of units, with Keras' names, over (N, steps, D)."""

from typing import Any

import numpy as np

from .. import kernels
from ..initializers import deviation
from .base import Layer

CODES = {name: i for i, name in enumerate(("identity", "sigmoid", "relu", "tanh"))}


def _array(i: int) -> Any:
    def assign(layer: Any, array: np.ndarray) -> None:
        layer.params[i] = array

    return property(lambda layer: layer.params[i], assign)


def _gradient(i: int) -> Any:
    return property(lambda layer: layer.grads[i])


class Recurring(Layer):
    """What they share: weights, states, and one pass for each direction."""

    _gates, _bias_rows, _directions = 1, 1, 1
    _state_names: tuple[str, ...] = ("h",)
    _kernels: tuple[Any, Any]
    units: int
    return_sequences: bool

    def _begin(
        self,
        units: int,
        return_sequences: bool,
        stateful: bool,
        batch_size: int | None,
        input_shape: tuple[int, ...] | None,
        weight_init_std: float | str | None,
    ) -> None:
        super().__init__()
        self.units, self.return_sequences, self.stateful = units, return_sequences, stateful
        self.batch_size, self.input_shape = batch_size, input_shape
        self.weight_init_std = weight_init_std
        self.reset_state()

    def _setting(self) -> tuple[int, ...]:
        return ()

    def _initial_bias(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)

    def reset_state(self) -> None:
        """Begin the next batch with zeros."""
        for name in self._state_names:
            setattr(self, name, None)

    def build(
        self, input_shape: tuple[int, ...], rng: np.random.Generator, dtype: np.dtype
    ) -> None:
        """Draw Wx from normal numbers, Wh with orthonormal rows; b is zeros, or 1 for f."""
        d, h, k, m = input_shape[1], self.units, self._directions, self._gates * self.units
        std = "xavier" if self.weight_init_std is None else self.weight_init_std
        std = deviation(std, d, h) if isinstance(std, str) else std
        arrays = []
        for _ in range(k):
            arrays.append(rng.standard_normal((d, m)) * std)
            arrays.append(np.linalg.qr(rng.standard_normal((m, h)))[0].T)
        b = (2, m) if self._bias_rows == 2 else (m,)
        arrays += [self._initial_bias(b) for _ in range(k)]
        self.params = [np.ascontiguousarray(array, dtype) for array in arrays]
        self.grads = [np.zeros_like(array) for array in self.params]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the states after each step, or the last ones."""
        (n, steps, d), h, k = x.shape, self.units, self._directions
        carries = self.stateful and n == self.batch_size
        kept, outs = [], []
        for i in range(k):
            states = [np.zeros((n, h), x.dtype) for _ in self._state_names]
            for state, name in zip(states, self._state_names, strict=True):
                if carries and getattr(self, name) is not None:
                    state[...] = getattr(self, name)
            starts = not carries or getattr(self, self._state_names[0]) is None
            work = np.empty(n * steps * (d + 7 * h) + 4 * n * h + 128, x.dtype)
            out = np.empty((n, steps if self.return_sequences else 1, h), x.dtype)
            settings = (starts, *self._setting(), i == 1, work, work)
            weights = self.params[2 * i], self.params[2 * i + 1], self.params[2 * k + i]
            self._kernels[0](x, *weights, *states, *settings, out)
            kept.append(settings)
            outs.append(out)
        if carries:
            for name, state in zip(self._state_names, states, strict=True):
                setattr(self, name, state)
        self._cache = x, kept
        joined = np.concatenate(outs, axis=2)
        return joined if self.return_sequences else joined[:, 0]

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx; write the gradients."""
        (x, kept), h, k = self._cache, self.units, self._directions
        dout = dout.reshape(len(x), -1, k * h)
        total = np.zeros_like(x)
        for i, settings in enumerate(kept):
            upstream = dout[:, :, i * h : (i + 1) * h]
            states = [np.zeros_like(upstream[:, 0]) for _ in self._state_names]
            dx, Wx, Wh = np.empty_like(x), self.params[2 * i], self.params[2 * i + 1]
            grads = self.grads[2 * i], self.grads[2 * i + 1], self.grads[2 * k + i]
            self._kernels[1](x, Wx, Wh, upstream, *settings, *states, dx, *grads)
            total += dx
        return total


class SimpleRNN(Recurring):
    """h[t] = activation(x[t] @ Wx + h[t - 1] @ Wh + b)."""

    Wx, Wh, b = map(_array, range(3))
    dWx, dWh, db = map(_gradient, range(3))
    _kernels = kernels.rnn_forward, kernels.rnn_backward

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        return_sequences: bool = False,
        stateful: bool = False,
        batch_size: int | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self.activation = activation
        self._begin(units, return_sequences, stateful, batch_size, input_shape, weight_init_std)

    def _setting(self) -> tuple[int, ...]:
        return (CODES[self.activation],)


class LSTM(Recurring):
    """Long short-term memory, columns i f g o."""

    Wx, Wh, b = map(_array, range(3))
    dWx, dWh, db = map(_gradient, range(3))
    _gates, _state_names = 4, ("h", "c")
    _kernels = kernels.lstm_forward, kernels.lstm_backward

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        stateful: bool = False,
        batch_size: int | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self._begin(units, return_sequences, stateful, batch_size, input_shape, weight_init_std)

    def _setting(self) -> tuple[int, ...]:
        return (1,)

    def _initial_bias(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.repeat([0.0, 1.0, 0.0, 0.0], shape[0] // 4)


class GRU(Recurring):
    """Gated recurrent unit, reset after the product."""

    Wx, Wh, b = map(_array, range(3))
    dWx, dWh, db = map(_gradient, range(3))
    _gates, _bias_rows = 3, 2
    _kernels = kernels.reset_after_gru_forward, kernels.reset_after_gru_backward

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        stateful: bool = False,
        batch_size: int | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self._begin(units, return_sequences, stateful, batch_size, input_shape, weight_init_std)


class Bidirectional(Recurring):
    """Two of a layer, one in each direction, side by side."""

    Wx1, Wh1, Wx2, Wh2, b1, b2 = map(_array, range(6))
    _directions = 2

    def __init__(self, layer: SimpleRNN | LSTM | GRU) -> None:
        self.layer = layer
        for name in ("_gates", "_bias_rows", "_state_names", "_kernels"):
            setattr(self, name, getattr(layer, name))
        options = layer.input_shape, layer.weight_init_std
        self._begin(layer.units, layer.return_sequences, False, None, *options)

    kind = property(lambda self: type(self.layer).__name__)
    activation = property(lambda self: getattr(self.layer, "activation", "tanh"))

    def _setting(self) -> tuple[int, ...]:
        return self.layer._setting()

    def _initial_bias(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.layer._initial_bias(shape)
