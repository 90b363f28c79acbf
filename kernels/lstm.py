"""Long short-term memory: a whole sequence, forward and backward through time.

    f, i, o = sigmoid(A), g = tanh(A), parts of A = x[t] @ Wx + h[t - 1] @ Wh + b
    c[t] = f * c[t - 1] + g * i
    h[t] = o * tanh(c[t])

The columns of the gates stand in the order f, g, i, o, or in Keras' i, f, g, o: a number tells.
"""

from numba import boolean, int64

from ._compile import cube, helper, jit, matrix, shared, vector
from .elementary import sigmoid, tanh
from .loop.record import padded
from .recurrence import (
    goes_out,
    in_time_order,
    inputs_gradient,
    inputs_product,
    pack_weights,
    packed_product,
    rows_together,
    weights_at,
    weights_gradient,
)
from .simd import fma, offset, pointer, scalar
from .sweep import copy, put_all, sweep_row

F_G_I_O, I_F_G_O = range(2)  # orders of the gates' columns


@helper
def _places(order, h):
    """Where the columns of f, g and i stand; those of o come last."""
    if order == F_G_I_O:
        return 0, h, 2 * h
    return h, 2 * h, 0


@helper
def _buffers(size, steps, d, h, work):
    """What a batch of so many rows keeps: x, gates, h, c, tanh(c), dh, dc, in the order of time."""
    x = work
    gates = offset(x, padded(steps * size * d))
    hs = offset(gates, padded(4 * steps * size * h))
    cs = offset(hs, padded((steps + 1) * size * h))
    tcs = offset(cs, padded((steps + 1) * size * h))
    dh = offset(tcs, padded(steps * size * h))
    dc = offset(dh, padded(size * h))
    return x, gates, hs, cs, tcs, dh, dc


@helper
def _cell(f, g, i, o, c):
    f, g, i, o = sigmoid(f), tanh(g), sigmoid(i), sigmoid(o)
    c = fma(f, c, g * i)
    t = tanh(c)
    out = o * t
    return f, g, i, o, c, t, out, out


@helper
def _cell_gradient(f, g, i, o, c, t, dh, dc):
    ds = fma(dh * o, 1.0 - t * t, dc)
    df, dg = ds * c * f * (1.0 - f), ds * i * (1.0 - g * g)
    di, do = ds * g * i * (1.0 - i), dh * t * o * (1.0 - o)
    return df, dg, di, do, ds * f


@helper
def _cells(n, h, order, gates, c, c_next, t, h_next, out, out_row):
    f_at, g_at, i_at = _places(order, h)
    for r in range(n):
        p, at = offset(gates, 4 * r * h), r * h
        f, g, i, o = offset(p, f_at), offset(p, g_at), offset(p, i_at), offset(p, 3 * h)
        made = offset(c_next, at), offset(t, at), offset(h_next, at), offset(out, r * out_row)
        sweep_row(_cell, (f, g, i, o, *made), (f, g, i, o, offset(c, at)), h, ())


@helper
def _cells_gradient(n, h, order, gates, c, t, dh, dh_row, dc):
    f_at, g_at, i_at = _places(order, h)
    for r in range(n):
        p, at = offset(gates, 4 * r * h), r * h
        f, g, i, o = offset(p, f_at), offset(p, g_at), offset(p, i_at), offset(p, 3 * h)
        below, d = offset(dc, at), offset(dh, r * dh_row)
        known = f, g, i, o, offset(c, at), offset(t, at), d, below
        sweep_row(_cell_gradient, (f, g, i, o, below), known, h, ())


@helper
def lstm_states(size, steps, d, h, work):
    """Where h and c stand before the first step, and after the last."""
    _, _, hs, cs, _, _, _ = _buffers(size, steps, d, h, work)
    end = steps * size * h
    return (hs, cs), (offset(hs, end), offset(cs, end))


@shared
def lstm_rows(
    first, n, size, steps, d, h, order, reverse, starts, x, Wx, Wh, b, work, panel, out, out_step,
    sequences,
):  # fmt: skip
    """Rows first : first + n of a batch of `size` go through; x and out point to their first.

    Where it `starts` the states before are 0, else they are in the buffers of h and c.
    """
    m = 4 * h
    xs, gates, hs, cs, tcs, _, _ = _buffers(size, steps, d, h, work)
    in_time_order(first, n, size, steps, d, reverse, x, xs)
    inputs_product(first, n, size, steps, d, m, xs, Wx, b, panel, gates)
    weights = panel, 0
    if steps > 1 or not starts:
        weights = weights_at(n, steps, h, m, Wh, m, panel)
    out_row = out_step * (steps if sequences else 1)
    if starts:
        put_all(offset(hs, first * h), n * h, scalar(x, 0.0))
        put_all(offset(cs, first * h), n * h, scalar(x, 0.0))
    for t in range(steps):
        i = 0
        while i < n:
            rows, at = rows_together(n - i), t * size + first + i
            p, below = offset(gates, at * m), offset(hs, at * h)
            if t > 0 or not starts:
                packed_product(rows, m, h, below, h, *weights, p, m, p, m, True)
            above = offset(below, size * h)
            target, row = goes_out(
                t, steps, reverse, sequences, above, h, offset(out, i * out_row), out_row, out_step
            )
            _cells(
                rows, h, order, p, offset(cs, at * h), offset(cs, (at + size) * h),
                offset(tcs, at * h), above, target, row,
            )  # fmt: skip
            i += rows


@shared
def lstm_rows_gradient(
    first, n, size, steps, d, h, order, reverse, Wx, Wh, work, panel, dout, out_step, sequences,
    wants_dx, adds, wants_state, dx,
):  # fmt: skip
    """The gradient of the same rows: the gates become their gradients, dh that of the state before.

    Where it `wants_state` dc, in its buffer, is that of c after the last step, else that is 0; it
    becomes that of c before.
    """
    m = 4 * h
    _, gates, _, cs, tcs, dh, dc = _buffers(size, steps, d, h, work)
    dh, dc = offset(dh, first * h), offset(dc, first * h)
    if not wants_state:
        put_all(dc, n * h, scalar(dc, 0.0))
    if steps > 1 or wants_state:
        pack_weights(n, m, h, Wh, 1, m, panel)
    dout_row = out_step * (steps if sequences else 1)
    for back in range(steps):
        t = steps - 1 - back
        when = back if reverse else t
        i = 0
        while i < n:
            rows, at = rows_together(n - i), t * size + first + i
            p, q = offset(gates, at * m), offset(dh, i * h)
            upstream = offset(dout, i * dout_row + (when * out_step if sequences else 0))
            if back > 0:
                packed_product(
                    rows, h, m, offset(p, size * m), m, panel, 0, q, h, upstream, dout_row,
                    sequences,
                )  # fmt: skip
                upstream = q
            _cells_gradient(
                rows, h, order, p, offset(cs, at * h), offset(tcs, at * h), upstream,
                dout_row if back == 0 else h, offset(dc, i * h),
            )  # fmt: skip
            i += rows
    if wants_state:
        packed_product(n, h, m, offset(gates, first * m), m, panel, 0, dh, h, dh, h, False)
    if wants_dx:
        inputs_gradient(first, n, size, steps, d, m, reverse, gates, Wx, panel, adds, dx)


@helper
def lstm_weights_gradient(
    block, blocks, size, steps, d, h, starts, work, factor, add, dWx, dWh, db
):  # fmt: skip
    """Part `block` of `blocks` of the weights' gradient, from all rows of the batch."""
    xs, gates, hs, _, _, _, _ = _buffers(size, steps, d, h, work)
    weights_gradient(
        block, blocks, size, steps, d, h, 4 * h, starts, xs, hs, gates, gates, factor, add, dWx,
        dWh, db, db, False,
    )  # fmt: skip


@jit(
    cube, matrix, matrix, vector, matrix, matrix, boolean, int64, boolean, vector, vector, cube
)  # fmt: skip
def lstm_forward(x, Wx, Wh, b, h, c, starts, order, reverse, work, panel, out):
    """Long short-term memory over a sequence.

        f, i, o = sigmoid(A), g = tanh(A), parts of A = x[:, t] @ Wx + h[t - 1] @ Wh + b
        c[t] = f * c[t - 1] + g * i
        h[t] = o * tanh(c[t])
        out[:, t] = h[t], or out[:, 0] = the last of h

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, 4 H), same dtype, C-contiguous
    Wh : (H, 4 H), same dtype, C-contiguous
    b : (4 H,), same dtype
    h, c : (N, H), same dtype, C-contiguous
        The state before the sequence; overwritten with the last one.
    starts : bool
        True: the state before is 0, whatever h and c hold.
    order : int64
        0: columns of f, then g, i, o, as in Saitoh's book. 1: i, f, g, o, as in Keras and PyTorch.
    reverse : bool
        True: from the last step of x to the first; out[:, t] belongs to x[:, t] all the same.
    work : (P,), same dtype
        Overwritten with what the gradient needs; P = N T (D + 7 H) + 4 N H + 128.
    panel : (Q,), same dtype
        Overwritten with weights in the order in which products read them;
        Q = (4 H + 64) (max(D, H) + 16).
    out : (N, T, H) or (N, 1, H), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Hochreiter and Schmidhuber, 1997; Saitoh, Deep Learning from Scratch 2, section 6.3.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, count = pointer(work), n * units
    _, _, hs, cs, _, _, _ = _buffers(n, steps, d, units, p)
    copy(pointer(h), hs, count)
    copy(pointer(c), cs, count)
    lstm_rows(
        0, n, n, steps, d, units, order, reverse, starts, pointer(x), pointer(Wx), pointer(Wh),
        pointer(b), p, pointer(panel), pointer(out), units,
        out.shape[1] == steps,
    )  # fmt: skip
    copy(offset(hs, steps * count), pointer(h), count)
    copy(offset(cs, steps * count), pointer(c), count)


@jit(
    cube, matrix, matrix, cube, boolean, int64, boolean, vector, vector, matrix, matrix, cube,
    matrix, matrix, vector,
)  # fmt: skip
def lstm_backward(x, Wx, Wh, dout, starts, order, reverse, work, panel, dh, dc, dx, dWx, dWh, db):
    """Gradient of `lstm_forward`, through all steps.

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, 4 H), same dtype, C-contiguous
    Wh : (H, 4 H), same dtype, C-contiguous
    dout : (N, T, H) or (N, 1, H), same dtype, C-contiguous
        Upstream gradient.
    starts, order, reverse : as forward took them
    work : (P,), same dtype
        As forward left it; overwritten.
    panel : (Q,), same dtype
        Overwritten.
    dh : (N, H), same dtype, C-contiguous
        Overwritten with the gradient of h before the sequence.
    dc : (N, H), same dtype, C-contiguous
        The gradient of c after the last step; overwritten with that of c before the sequence.
    dx : (N, T, D), same dtype, C-contiguous
        Overwritten, like the following. None may overlap an input.
    dWx : (D, 4 H), same dtype, C-contiguous
    dWh : (H, 4 H), same dtype, C-contiguous
    db : (4 H,), same dtype

    Notes
    -----
    Source: as forward's.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, w = pointer(work), pointer(dWx)
    _, _, _, _, _, before, below = _buffers(n, steps, d, units, p)
    copy(pointer(dc), below, n * units)
    lstm_rows_gradient(
        0, n, n, steps, d, units, order, reverse, pointer(Wx), pointer(Wh), p, pointer(panel),
        pointer(dout), units, dout.shape[1] == steps, True, False, True, pointer(dx),
    )  # fmt: skip
    copy(before, pointer(dh), n * units)
    copy(below, pointer(dc), n * units)
    lstm_weights_gradient(
        0, 1, n, steps, d, units, starts, p, scalar(w, 1.0), False, w, pointer(dWh), pointer(db)
    )
