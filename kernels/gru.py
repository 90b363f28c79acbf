"""Gated recurrent unit, reset before the product: forward and backward through time.

z, r = sigmoid(x[t] @ Wx + h[t - 1] @ Wh + b), each with columns of its own
g = tanh(x[t] @ Wx + (r * h[t - 1]) @ Wh + b), with the last columns
h[t] = (1 - z) * h[t - 1] + z * g
"""

from numba import boolean

from . import affine
from ._compile import cube, helper, jit, matrix, vector
from .activations import IDENTITY
from .elementary import sigmoid, tanh
from .gemm import gemm
from .loop.record import padded
from .recurrence import (
    add_rows,
    copy_rows,
    goes_out,
    in_time_order,
    inputs_gradient,
    inputs_product,
    pack_weights,
    packed_product,
    rows_together,
    weights_at,
)
from .simd import fma, offset, pointer, scalar
from .sweep import copy, put_all, sweep_row


@helper
def _buffers(size, steps, d, h, work):
    """What a batch of so many rows keeps in the order of time: x, z r g, h, r * h, dh, d(r * h)."""
    gates = offset(work, padded(steps * size * d))
    hs = offset(gates, padded(3 * steps * size * h))
    rhs = offset(hs, padded((steps + 1) * size * h))
    dh = offset(rhs, padded(steps * size * h))
    return work, gates, hs, rhs, dh, offset(dh, padded(size * h))


@helper
def _gates(z, r, h):
    r = sigmoid(r)
    return sigmoid(z), r, r * h


@helper
def _state(g, z, h):
    g = tanh(g)
    h = fma(z, g - h, h)
    return g, h, h


@helper
def _state_gradient(z, g, h, dh):
    dz, dg = dh * (g - h) * z * (1.0 - z), dh * z * (1.0 - g * g)
    return dz, dg, dh * (1.0 - z)


@helper
def _reset_gradient(r, h, drh, dh):
    return drh * h * r * (1.0 - r), fma(r, drh, dh)


@helper
def _second(h, panel):
    """Where the packed weights of g stand, behind those of z and r."""
    return offset(panel, padded(h) * padded(2 * h))


@helper
def gru_rows(n, steps, d, h, reverse, starts, x, Wx, Wh, b, work, panel, out, sequences):
    """A batch goes through. Where it `starts` the state before is 0, else it is in h's buffer."""
    m = 3 * h
    xs, gates, hs, rhs, _, _ = _buffers(n, steps, d, h, work)
    in_time_order(0, n, n, steps, d, reverse, x, xs)
    inputs_product(0, n, n, steps, d, m, xs, Wx, b, panel, gates)
    last = _second(h, panel)
    gates_at, state_at = (panel, 0), (last, 0)
    if starts:
        put_all(hs, n * h, scalar(x, 0.0))
    if steps > 1 or not starts:
        gates_at = weights_at(n, steps, h, 2 * h, Wh, m, panel)
        state_at = weights_at(n, steps, h, h, offset(Wh, 2 * h), m, last)
    out_row = steps * h if sequences else h
    for t in range(steps):
        known = t > 0 or not starts
        i = 0
        while i < n:
            rows, at = rows_together(n - i), t * n + i
            p, before, rh = offset(gates, at * m), offset(hs, at * h), offset(rhs, at * h)
            if known:
                packed_product(rows, 2 * h, h, before, h, *gates_at, p, m, p, m, True)
            for k in range(rows):
                z, r = offset(p, k * m), offset(p, k * m + h)
                made = z, r, offset(rh, k * h)
                sweep_row(_gates, made, (z, r, offset(before, k * h)), h, ())
            if known:
                g = offset(p, 2 * h)
                packed_product(rows, h, h, rh, h, *state_at, g, m, g, m, True)
            above = offset(before, n * h)
            target, row = goes_out(
                t, steps, reverse, sequences, above, h, offset(out, i * out_row), out_row, h
            )
            for k in range(rows):
                g = offset(p, k * m + 2 * h)
                made = g, offset(above, k * h), offset(target, k * row)
                known_of_row = g, offset(p, k * m), offset(before, k * h)
                sweep_row(_state, made, known_of_row, h, ())
            i += rows


@helper
def gru_rows_gradient(
    n, steps, d, h, reverse, Wx, Wh, work, panel, dout, sequences, dx
):  # fmt: skip
    """The gradient of the same rows: the gates become their gradients, dh that of the state."""
    m = 3 * h
    _, gates, hs, _, dh, drh = _buffers(n, steps, d, h, work)
    last = _second(h, panel)
    pack_weights(n, 2 * h, h, Wh, 1, m, last)
    pack_weights(n, h, h, offset(Wh, 2 * h), 1, m, panel)
    dout_row = steps * h if sequences else h
    for back in range(steps):
        t = steps - 1 - back
        upstream = offset(dout, (back if reverse else t) * h) if sequences else dout
        if back == 0:
            copy_rows(n, h, upstream, dout_row, dh, h)
        elif sequences:
            add_rows(n, h, upstream, dout_row, dh)
        i = 0
        while i < n:
            rows, at = rows_together(n - i), t * n + i
            p, before = offset(gates, at * m), offset(hs, at * h)
            grad, reset = offset(dh, i * h), offset(drh, i * h)
            for k in range(rows):
                z, g, row = offset(p, k * m), offset(p, k * m + 2 * h), offset(grad, k * h)
                sweep_row(_state_gradient, (z, g, row), (z, g, offset(before, k * h), row), h, ())
            packed_product(rows, h, h, offset(p, 2 * h), m, panel, 0, reset, h, reset, h, False)
            for k in range(rows):
                r, row = offset(p, k * m + h), offset(grad, k * h)
                given = r, offset(before, k * h), offset(reset, k * h), row
                sweep_row(_reset_gradient, (r, row), given, h, ())
            packed_product(rows, h, 2 * h, p, m, last, 0, grad, h, grad, h, True)
            i += rows
    inputs_gradient(0, n, n, steps, d, m, reverse, gates, Wx, panel, False, dx)


@helper
def _recurrent_gradient(rows, h, x, da, columns, panel, dWh):
    """dWh = x.T @ da for some columns of both, of 3 h: the product needs a place of its own."""
    one = scalar(x, 1.0)
    gemm(
        h, columns, rows, x, 1, h, da, 3 * h, 1, panel, False, one, panel, columns, IDENTITY,
        IDENTITY, panel,
    )  # fmt: skip
    copy_rows(h, columns, panel, columns, dWh, 3 * h)


@helper
def gru_weights_gradient(n, steps, d, h, starts, work, panel, dWx, dWh, db):
    """The gradient of the weights and of the bias."""
    m, one = 3 * h, scalar(work, 1.0)
    xs, gates, hs, rhs, _, _ = _buffers(n, steps, d, h, work)
    affine.backward_params(n * steps, d, m, xs, gates, one, False, dWx, db, True, d)
    skip = n if starts else 0  # of the first step, before which all states are 0
    rows, da = n * steps - skip, offset(gates, skip * m)
    _recurrent_gradient(rows, h, offset(hs, skip * h), da, 2 * h, panel, dWh)
    rh, last = offset(rhs, skip * h), offset(dWh, 2 * h)
    _recurrent_gradient(rows, h, rh, offset(da, 2 * h), h, panel, last)


@jit(cube, matrix, matrix, vector, matrix, boolean, boolean, vector, vector, cube)
def gru_forward(x, Wx, Wh, b, h, starts, reverse, work, panel, out):
    """Gated recurrent unit over a sequence, reset before the product.

        z, r = sigmoid(x[:, t] @ Wx + h[t - 1] @ Wh + b), columns 0 to H and H to 2 H
        g = tanh(x[:, t] @ Wx + (r * h[t - 1]) @ Wh + b), columns 2 H to 3 H
        h[t] = (1 - z) * h[t - 1] + z * g
        out[:, t] = h[t], or out[:, 0] = the last of h

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, 3 H), same dtype, C-contiguous
    Wh : (H, 3 H), same dtype, C-contiguous
    b : (3 H,), same dtype
    h : (N, H), same dtype, C-contiguous
        The state before the sequence; overwritten with the last one.
    starts : bool
        True: the state before is 0, whatever h holds.
    reverse : bool
        True: from the last step of x to the first; out[:, t] belongs to x[:, t] all the same.
    work : (P,), same dtype
        Overwritten with what the gradient needs; P = N T (D + 5 H) + 4 N H + 128.
    panel : (Q,), same dtype
        Overwritten with weights in the order in which products read them;
        Q = (4 H + 64) (max(D, H) + 16).
    out : (N, T, H) or (N, 1, H), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Cho et al., 2014; Saitoh, Deep Learning from Scratch 2, appendix C.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, count = pointer(work), n * units
    _, _, hs, _, _, _ = _buffers(n, steps, d, units, p)
    copy(pointer(h), hs, count)
    gru_rows(
        n, steps, d, units, reverse, starts, pointer(x), pointer(Wx), pointer(Wh), pointer(b), p,
        pointer(panel), pointer(out), out.shape[1] == steps,
    )  # fmt: skip
    copy(offset(hs, steps * count), pointer(h), count)


@jit(
    cube, matrix, matrix, cube, boolean, boolean, vector, vector, matrix, cube, matrix, matrix,
    vector,
)  # fmt: skip
def gru_backward(x, Wx, Wh, dout, starts, reverse, work, panel, dh, dx, dWx, dWh, db):
    """Gradient of `gru_forward`, through all steps.

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, 3 H), same dtype, C-contiguous
    Wh : (H, 3 H), same dtype, C-contiguous
    dout : (N, T, H) or (N, 1, H), same dtype, C-contiguous
        Upstream gradient.
    starts, reverse : as forward took them
    work : (P,), same dtype
        As forward left it; overwritten.
    panel : (Q,), same dtype
        Overwritten.
    dh : (N, H), same dtype, C-contiguous
        Overwritten with the gradient of the state before the sequence.
    dx : (N, T, D), same dtype, C-contiguous
        Overwritten, like the following. None may overlap an input.
    dWx : (D, 3 H), same dtype, C-contiguous
    dWh : (H, 3 H), same dtype, C-contiguous
    db : (3 H,), same dtype

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, appendix C.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, q = pointer(work), pointer(panel)
    _, _, _, _, before, _ = _buffers(n, steps, d, units, p)
    gru_rows_gradient(
        n, steps, d, units, reverse, pointer(Wx), pointer(Wh), p, q, pointer(dout),
        dout.shape[1] == steps, pointer(dx),
    )  # fmt: skip
    copy(before, pointer(dh), n * units)
    gru_weights_gradient(n, steps, d, units, starts, p, q, pointer(dWx), pointer(dWh), pointer(db))
