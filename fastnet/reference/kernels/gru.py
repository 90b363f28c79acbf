"""Gated recurrent units over sequences; see recurrence.py."""

import numpy as np

from ..functions import sigmoid
from .recurrence import _finish, _parts, _steps, _upstream


def _gru_parts(work: np.ndarray, n: int, steps: int, d: int, h: int) -> list[np.ndarray]:
    return _parts(work, (steps, n, d), (steps, n, 3 * h), (steps + 1, n, h), (steps, n, h))


def gru_forward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    b: np.ndarray,
    h: np.ndarray,
    starts: bool,
    reverse: bool,
    work: np.ndarray,
    panel: np.ndarray,
    out: np.ndarray,
) -> None:
    """h[t] = (1 - z) * h[t - 1] + z * g, with g of r * h[t - 1]."""
    (n, steps, d), units = x.shape, len(Wh)
    xs, gates, hs, rhs = _gru_parts(work, n, steps, d, units)
    hs[0] = 0 if starts else h
    first, last = slice(None, 2 * units), slice(2 * units, None)
    for k, t in enumerate(_steps(steps, reverse)):
        xs[k] = x[:, t]
        A = xs[k] @ Wx + b
        gates[k, :, first] = sigmoid(A[:, first] + hs[k] @ Wh[:, first])
        z, r, g = np.split(gates[k], 3, axis=1)
        rhs[k] = r * hs[k]
        g[...] = np.tanh(A[:, last] + rhs[k] @ Wh[:, last])
        hs[k + 1] = (1 - z) * hs[k] + z * g
        out[:, t if out.shape[1] == steps else 0] = hs[k + 1]
    h[...] = hs[-1]


def gru_backward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    dout: np.ndarray,
    starts: bool,
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
    xs, gates, hs, rhs = _gru_parts(work, n, steps, d, units)
    dA, dWh[...], dh[...] = np.empty_like(gates), 0, 0
    first, last = slice(None, 2 * units), slice(2 * units, None)
    for k, t in list(enumerate(_steps(steps, reverse)))[::-1]:
        z, r, g = np.split(gates[k], 3, axis=1)
        grad = dh + _upstream(dout, t, k, steps)
        dg = grad * z * (1 - g**2)
        drh = dg @ Wh[:, last].T
        dz, dr = grad * (g - hs[k]) * z * (1 - z), drh * hs[k] * r * (1 - r)
        dA[k] = np.concatenate([dz, dr, dg], axis=1)
        dWh[:, first] += hs[k].T @ dA[k, :, first]
        dWh[:, last] += rhs[k].T @ dg
        dh[...] = grad * (1 - z) + r * drh + dA[k, :, first] @ Wh[:, first].T
    _finish(reverse, xs, Wx, dA, dx, dWx)
    db[...] = dA.sum(axis=(0, 1))


def _reset_after_gru_parts(
    work: np.ndarray, n: int, steps: int, d: int, h: int
) -> list[np.ndarray]:
    gates = (steps, n, 3 * h)
    return _parts(work, (steps, n, d), gates, gates, (steps + 1, n, h))


def reset_after_gru_forward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    b: np.ndarray,
    h: np.ndarray,
    starts: bool,
    reverse: bool,
    work: np.ndarray,
    panel: np.ndarray,
    out: np.ndarray,
) -> None:
    """h[t] = z * h[t - 1] + (1 - z) * g, with g of r * (h[t - 1] @ Wh + b[1])."""
    (n, steps, d), units = x.shape, len(Wh)
    xs, gates, sums, hs = _reset_after_gru_parts(work, n, steps, d, units)
    hs[0] = 0 if starts else h
    for k, t in enumerate(_steps(steps, reverse)):
        xs[k] = x[:, t]
        gates[k], sums[k] = xs[k] @ Wx + b[0], hs[k] @ Wh + b[1]
        z, r, g = np.split(gates[k], 3, axis=1)
        s_z, s_r, s_g = np.split(sums[k], 3, axis=1)
        z[...], r[...] = sigmoid(z + s_z), sigmoid(r + s_r)
        g[...] = np.tanh(g + r * s_g)
        hs[k + 1] = z * hs[k] + (1 - z) * g
        out[:, t if out.shape[1] == steps else 0] = hs[k + 1]
    h[...] = hs[-1]


def reset_after_gru_backward(
    x: np.ndarray,
    Wx: np.ndarray,
    Wh: np.ndarray,
    dout: np.ndarray,
    starts: bool,
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
    xs, gates, sums, hs = _reset_after_gru_parts(work, n, steps, d, units)
    dA, dS = np.empty_like(gates), np.empty_like(gates)
    dWh[...], dh[...] = 0, 0
    for k, t in list(enumerate(_steps(steps, reverse)))[::-1]:
        (z, r, g), s = np.split(gates[k], 3, axis=1), sums[k, :, 2 * units :]
        grad = dh + _upstream(dout, t, k, steps)
        dg, dz = grad * (1 - z) * (1 - g**2), grad * (hs[k] - g) * z * (1 - z)
        dr = dg * s * r * (1 - r)
        dA[k] = np.concatenate([dz, dr, dg], axis=1)
        dS[k] = np.concatenate([dz, dr, dg * r], axis=1)
        dWh += hs[k].T @ dS[k]
        dh[...] = grad * z + dS[k] @ Wh.T
    _finish(reverse, xs, Wx, dA, dx, dWx)
    db[0], db[1] = dA.sum(axis=(0, 1)), dS.sum(axis=(0, 1))
