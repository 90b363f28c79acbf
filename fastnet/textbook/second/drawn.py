"""Layers whose weights are drawn from NumPy's global generator, in the order of the book's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnet import checks
from fastnet.layers import TimeAffine, TimeEmbedding, TimeLSTM, TimeRNN


def sizes_of(where: str, sizes: dict[str, Any], dtype: DTypeLike) -> tuple[Any, ...]:
    """Return whole numbers of at least 1, given by their names, and then the dtype."""
    counts = [checks.count(where, name, size) for name, size in sizes.items()]
    return (*counts, checks.float_dtype(where, dtype))


def normal(shape: tuple[int, int], divisor: float, dtype: Any) -> NDArray[Any]:
    """Return normal numbers over a divisor, rounded to the dtype at the end."""
    drawn: NDArray[Any] = (np.random.randn(*shape) / divisor).astype(dtype)  # noqa: NPY002
    return drawn


def small(shape: tuple[int, int], dtype: Any) -> NDArray[Any]:
    """Return a hundredth of normal numbers, which are rounded to the dtype before and after."""
    drawn: NDArray[Any] = dtype.type(0.01) * np.random.randn(*shape).astype(dtype)  # noqa: NPY002
    return drawn


def embedding(words: int, width: int, dtype: Any) -> TimeEmbedding:
    """Return rows for words."""
    return TimeEmbedding(normal((words, width), 100, dtype))


def rnn(inputs: int, units: int, dtype: Any) -> TimeRNN:
    """Return a simple recurrent layer that keeps its state."""
    Wx = normal((inputs, units), np.sqrt(inputs), dtype)
    Wh = normal((units, units), np.sqrt(units), dtype)
    return TimeRNN(Wx, Wh, np.zeros(units, dtype), stateful=True)


def lstm(inputs: int, units: int, dtype: Any, stateful: bool = True) -> TimeLSTM:
    """Return an LSTM."""
    Wx = normal((inputs, 4 * units), np.sqrt(inputs), dtype)
    Wh = normal((units, 4 * units), np.sqrt(units), dtype)
    return TimeLSTM(Wx, Wh, np.zeros(4 * units, dtype), stateful=stateful)


def affine(inputs: int, words: int, dtype: Any) -> TimeAffine:
    """Return the layer that gives every word a score."""
    W = normal((inputs, words), np.sqrt(inputs), dtype)
    return TimeAffine(W, np.zeros(words, dtype))


def lists_of(layers: Any) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the parameters and the gradients of layers, one after another."""
    params = [param for layer in layers for param in layer.params]
    return params, [grad for layer in layers for grad in layer.grads]
