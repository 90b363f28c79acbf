"""Gated recurrent unit, reset after the product, as in Keras: a whole sequence and its gradient.

    a = x[t] @ Wx + b[0], s = h[t - 1] @ Wh + b[1]
    z, r = sigmoid(a + s), each with columns of its own
    g = tanh(a + r * s), with the last columns
    h[t] = z * h[t - 1] + (1 - z) * g

Both products of a step are of the same h: there is one of all columns, and none waits for r.
"""

from numba import boolean

from ._compile import cube, helper, jit, matrix, shared, vector
from .elementary import sigmoid, tanh
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
    weights_gradient,
)
from .simd import fma, offset, pointer, scalar
from .sweep import copy, put_all, sweep_row


@helper
def _buffers(size, steps, d, h, work):
    """What a batch of so many rows keeps in the order of time: x, a or z r g, s, h, dh."""
    gates = offset(work, padded(steps * size * d))
    sums = offset(gates, padded(3 * steps * size * h))
    hs = offset(sums, padded(3 * steps * size * h))
    return work, gates, sums, hs, offset(hs, padded((steps + 1) * size * h))


@helper
def _cell(a_z, a_r, a_g, s_z, s_r, s_g, h):
    z, r = sigmoid(a_z + s_z), sigmoid(a_r + s_r)
    g = tanh(fma(r, s_g, a_g))
    h = fma(z, h - g, g)
    return z, r, g, h, h


@helper
def _cell_gradient(z, r, g, s, h, dh):
    dg = dh * (1.0 - z) * (1.0 - g * g)
    dz, dr = dh * (h - g) * z * (1.0 - z), dg * s * r * (1.0 - r)
    return dz, dr, dg, dz, dr, dg * r, dh * z


@helper
def reset_after_gru_states(size, steps, d, h, work):
    """Where the states before the first step stand, and those after the last: a tuple of each."""
    _, _, _, hs, _ = _buffers(size, steps, d, h, work)
    return (hs,), (offset(hs, steps * size * h),)


@shared
def reset_after_gru_rows(
    first, n, size, steps, d, h, setting, reverse, starts, x, Wx, Wh, b, work, panel, out, out_step,
    sequences,
):  # fmt: skip
    """Rows first : first + n of a batch of `size` go through; x and out point to their first.

    Where it `starts` the state before is 0, else it is in the buffer of h. b points to both rows;
    the setting, which other recurrences have, is not read.
    """
    m = 3 * h
    xs, gates, sums, hs, _ = _buffers(size, steps, d, h, work)
    in_time_order(first, n, size, steps, d, reverse, x, xs)
    inputs_product(first, n, size, steps, d, m, xs, Wx, b, panel, gates)
    second = offset(b, m)
    if starts:
        put_all(offset(hs, first * h), n * h, scalar(x, 0.0))
    weights = panel, 0
    if steps > 1 or not starts:
        weights = weights_at(n, steps, h, m, Wh, m, panel)
    out_row = out_step * (steps if sequences else 1)
    for t in range(steps):
        i = 0
        while i < n:
            rows, at = rows_together(n - i), t * size + first + i
            a, s, before = offset(gates, at * m), offset(sums, at * m), offset(hs, at * h)
            if t > 0 or not starts:
                packed_product(rows, m, h, before, h, *weights, s, m, second, 0, True)
            else:
                copy_rows(rows, m, second, 0, s, m)
            above = offset(before, size * h)
            target, row = goes_out(
                t, steps, reverse, sequences, above, h, offset(out, i * out_row), out_row, out_step
            )
            for k in range(rows):
                p, q = offset(a, k * m), offset(s, k * m)
                z, r, g = p, offset(p, h), offset(p, 2 * h)
                known = z, r, g, q, offset(q, h), offset(q, 2 * h), offset(before, k * h)
                made = z, r, g, offset(above, k * h), offset(target, k * row)
                sweep_row(_cell, made, known, h, ())
            i += rows


@shared
def reset_after_gru_rows_gradient(
    first, n, size, steps, d, h, setting, reverse, Wx, Wh, work, panel, dout, out_step, sequences,
    wants_dx, adds, wants_state, dx,
):  # fmt: skip
    """The gradient of the same rows: a and s become theirs, dh is that of the state before."""
    m = 3 * h
    _, gates, sums, hs, dh = _buffers(size, steps, d, h, work)
    dh = offset(dh, first * h)
    if steps > 1 or wants_state:
        pack_weights(n, m, h, Wh, 1, m, panel)
    dout_row = out_step * (steps if sequences else 1)
    for back in range(steps):
        t = steps - 1 - back
        upstream = offset(dout, (back if reverse else t) * out_step) if sequences else dout
        if back == 0:
            copy_rows(n, h, upstream, dout_row, dh, h)
        elif sequences:
            add_rows(n, h, upstream, dout_row, dh)
        i = 0
        while i < n:
            rows, at = rows_together(n - i), t * size + first + i
            a, s, grad = offset(gates, at * m), offset(sums, at * m), offset(dh, i * h)
            for k in range(rows):
                p, q = offset(a, k * m), offset(s, k * m)
                z, r, g = p, offset(p, h), offset(p, 2 * h)
                dz, dr, dg = q, offset(q, h), offset(q, 2 * h)
                row = offset(grad, k * h)
                known = z, r, g, dg, offset(hs, (at + k) * h), row
                sweep_row(_cell_gradient, (z, r, g, dz, dr, dg, row), known, h, ())
            if t > 0 or wants_state:
                packed_product(rows, h, m, s, m, panel, 0, grad, h, grad, h, True)
            i += rows
    if wants_dx:
        inputs_gradient(first, n, size, steps, d, m, reverse, gates, Wx, panel, adds, dx)


@helper
def reset_after_gru_weights_gradient(
    block, blocks, size, steps, d, h, starts, work, factor, add, dWx, dWh, db
):  # fmt: skip
    """Part `block` of `blocks` of the weights' gradient, from all rows of the batch.

    Also of the first step where it `starts`: that of the bias of h has it.
    """
    m = 3 * h
    xs, gates, sums, hs, _ = _buffers(size, steps, d, h, work)
    weights_gradient(
        block, blocks, size, steps, d, h, m, False, xs, hs, gates, sums, factor, add, dWx, dWh, db,
        offset(db, m), True,
    )  # fmt: skip


@jit(cube, matrix, matrix, matrix, matrix, boolean, boolean, vector, vector, cube)
def reset_after_gru_forward(x, Wx, Wh, b, h, starts, reverse, work, panel, out):
    """Gated recurrent unit over a sequence, reset after the product.

        a = x[:, t] @ Wx + b[0], s = h[t - 1] @ Wh + b[1]
        z, r = sigmoid(a + s), columns 0 to H and H to 2 H
        g = tanh(a + r * s), columns 2 H to 3 H
        h[t] = z * h[t - 1] + (1 - z) * g
        out[:, t] = h[t], or out[:, 0] = the last of h

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, 3 H), same dtype, C-contiguous
    Wh : (H, 3 H), same dtype, C-contiguous
    b : (2, 3 H), same dtype, C-contiguous
    h : (N, H), same dtype, C-contiguous
        The state before the sequence; overwritten with the last one.
    starts : bool
        True: the state before is 0, whatever h holds.
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
    Source: Keras' GRU with reset_after, which cuDNN and PyTorch compute, too (these with the
    columns of r before those of z).
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, count = pointer(work), n * units
    _, _, _, hs, _ = _buffers(n, steps, d, units, p)
    copy(pointer(h), hs, count)
    reset_after_gru_rows(
        0, n, n, steps, d, units, 0, reverse, starts, pointer(x), pointer(Wx), pointer(Wh),
        pointer(b), p, pointer(panel), pointer(out), units,
        out.shape[1] == steps,
    )  # fmt: skip
    copy(offset(hs, steps * count), pointer(h), count)


@jit(
    cube, matrix, matrix, cube, boolean, boolean, vector, vector, matrix, cube, matrix, matrix,
    matrix,
)  # fmt: skip
def reset_after_gru_backward(x, Wx, Wh, dout, starts, reverse, work, panel, dh, dx, dWx, dWh, db):
    """Gradient of `reset_after_gru_forward`, through all steps.

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
    db : (2, 3 H), same dtype, C-contiguous

    Notes
    -----
    Source: as forward's.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, w = pointer(work), pointer(dWx)
    _, _, _, _, before = _buffers(n, steps, d, units, p)
    reset_after_gru_rows_gradient(
        0, n, n, steps, d, units, 0, reverse, pointer(Wx), pointer(Wh), p, pointer(panel),
        pointer(dout), units, dout.shape[1] == steps, True, False, True, pointer(dx),
    )  # fmt: skip
    copy(before, pointer(dh), n * units)
    reset_after_gru_weights_gradient(
        0, 1, n, steps, d, units, starts, p, scalar(w, 1.0), False, w, pointer(dWh), pointer(db)
    )
