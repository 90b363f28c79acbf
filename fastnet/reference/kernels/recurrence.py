"""Recurrent layers over sequences; what backward needs lies in `work` in the order of time."""

from typing import Any

import numpy as np

from ..functions import sigmoid
from . import activations

ACTIVATIONS = "identity", "sigmoid", "relu", "tanh"


def _parts(work: np.ndarray, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Return views of work, each of which begins at a multiple of 16 numbers."""
    found, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        found.append(work[start : start + size].reshape(shape))
        start += -(-size // 16) * 16
    return found


def _steps(count: int, reverse: bool) -> list[int]:
    return list(range(count))[:: -1 if reverse else 1]


def _upstream(dout: np.ndarray, t: int, k: int, steps: int) -> Any:
    """Return the gradient of the state after step k of so many, which belongs to x[:, t]."""
    if dout.shape[1] == steps:
        return dout[:, t]
    return dout[:, 0] if k == steps - 1 else 0


def _finish(
    reverse: bool, xs: np.ndarray, Wx: np.ndarray, dA: np.ndarray, dx: np.ndarray, dWx: np.ndarray
) -> None:
    """Write dx and dWx for the gradient dA (T, N, M) of xs @ Wx."""
    for k, t in enumerate(_steps(len(xs), reverse)):
        dx[:, t] = dA[k] @ Wx.T
    dWx[...] = np.einsum("tnd,tnm->dm", xs, dA)


def _rnn_parts(work: np.ndarray, n: int, steps: int, d: int, h: int) -> list[np.ndarray]:
    return _parts(work, (steps, n, d), (steps + 1, n, h), (steps, n, h))


def rnn_forward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    b: np.ndarray,
    h: np.ndarray,
    starts: bool,
    activation: int,
    reverse: bool,
    work: np.ndarray,
    panel: np.ndarray,
    out: np.ndarray,
) -> None:
    """h[t] = activation(x[:, t] @ Wx + h[t - 1] @ Wh + b)."""
    (n, steps, d), units = x.shape, len(Wh)
    xs, hs, _ = _rnn_parts(work, n, steps, d, units)
    hs[0] = 0 if starts else h
    forward = getattr(activations, f"{ACTIVATIONS[activation]}_forward")
    for k, t in enumerate(_steps(steps, reverse)):
        xs[k] = x[:, t]
        forward(xs[k] @ Wx + hs[k] @ Wh + b, hs[k + 1])
        out[:, t if out.shape[1] == steps else 0] = hs[k + 1]
    h[...] = hs[-1]


def rnn_backward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    dout: np.ndarray,
    starts: bool,
    activation: int,
    reverse: bool,
    work: np.ndarray,
    panel: np.ndarray,
    dh: np.ndarray,
    dx: np.ndarray,
    dWx: np.ndarray,
    dWh: np.ndarray,
    db: np.ndarray,
) -> None:
    """Back through all steps."""
    (n, steps, d), units = x.shape, len(Wh)
    xs, hs, dA = _rnn_parts(work, n, steps, d, units)
    backward = getattr(activations, f"{ACTIVATIONS[activation]}_backward")
    dWh[...], dh[...] = 0, 0
    for k, t in list(enumerate(_steps(steps, reverse)))[::-1]:
        backward(hs[k + 1], dh + _upstream(dout, t, k, steps), dA[k])
        dWh += hs[k].T @ dA[k]
        dh[...] = dA[k] @ Wh.T
    _finish(reverse, xs, Wx, dA, dx, dWx)
    db[...] = dA.sum(axis=(0, 1))


# Where f, g, i and o stand.
ORDERS = (0, 1, 2, 3), (1, 2, 0, 3)


def _lstm_parts(work: np.ndarray, n: int, steps: int, d: int, h: int) -> list[np.ndarray]:
    states = (steps + 1, n, h)
    return _parts(work, (steps, n, d), (steps, n, 4, h), states, states, (steps, n, h))


def lstm_forward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    b: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    starts: bool,
    order: int,
    reverse: bool,
    work: np.ndarray,
    panel: np.ndarray,
    out: np.ndarray,
) -> None:
    """c[t] = f * c[t - 1] + g * i, h[t] = o * tanh(c[t])."""
    (n, steps, d), units = x.shape, len(Wh)
    xs, gates, hs, cs, tanh_cs = _lstm_parts(work, n, steps, d, units)
    hs[0], cs[0] = (0, 0) if starts else (h, c)
    for k, t in enumerate(_steps(steps, reverse)):
        xs[k] = x[:, t]
        sums = (xs[k] @ Wx + hs[k] @ Wh + b).reshape(n, 4, units)
        for place in ORDERS[order]:
            gates[k, :, place] = sigmoid(sums[:, place])
        gates[k, :, ORDERS[order][1]] = np.tanh(sums[:, ORDERS[order][1]])
        f, g, i, o = (gates[k, :, place] for place in ORDERS[order])
        cs[k + 1] = f * cs[k] + g * i
        tanh_cs[k] = np.tanh(cs[k + 1])
        hs[k + 1] = o * tanh_cs[k]
        out[:, t if out.shape[1] == steps else 0] = hs[k + 1]
    h[...], c[...] = hs[-1], cs[-1]


def lstm_backward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    dout: np.ndarray,
    starts: bool,
    order: int,
    reverse: bool,
    work: np.ndarray,
    panel: np.ndarray,
    dh: np.ndarray,
    dc: np.ndarray,
    dx: np.ndarray,
    dWx: np.ndarray,
    dWh: np.ndarray,
    db: np.ndarray,
) -> None:
    """Back through all steps."""
    (n, steps, d), units = x.shape, len(Wh)
    xs, gates, hs, cs, tanh_cs = _lstm_parts(work, n, steps, d, units)
    parts, dWh[...], dh[...] = np.empty_like(gates), 0, 0
    dA = parts.reshape(steps, n, 4 * units)
    for k, t in list(enumerate(_steps(steps, reverse)))[::-1]:
        f, g, i, o = (gates[k, :, place] for place in ORDERS[order])
        grad = dh + _upstream(dout, t, k, steps)
        dc += grad * o * (1 - tanh_cs[k] ** 2)
        found = dc * cs[k] * f * (1 - f), dc * i * (1 - g**2)
        for place, part in zip(ORDERS[order], found, strict=False):
            parts[k, :, place] = part
        found = dc * g * i * (1 - i), grad * tanh_cs[k] * o * (1 - o)
        for place, part in zip(ORDERS[order][2:], found, strict=False):
            parts[k, :, place] = part
        dWh += hs[k].T @ dA[k]
        dh[...] = dA[k] @ Wh.T
        dc *= f
    _finish(reverse, xs, Wx, dA, dx, dWx)
    db[...] = dA.sum(axis=(0, 1))
