"""Simple recurrence: a whole sequence, forward and backward through time.

h[t] = activation(x[t] @ Wx + h[t - 1] @ Wh + b)
"""

from numba import boolean, int64

from ._compile import cube, helper, jit, matrix, shared, vector
from .activations import activate, differentiate
from .loop.record import padded
from .recurrence import (
    copy_rows,
    in_time_order,
    inputs_gradient,
    inputs_product,
    pack_weights,
    packed_product,
    weights_at,
    weights_gradient,
)
from .simd import offset, pointer, scalar
from .sweep import copy, put_all


@helper
def _buffers(size, steps, d, h, work):
    """What a batch of so many rows keeps in the order of time: x, h, the sums' gradients, dh."""
    hs = offset(work, padded(steps * size * d))
    da = offset(hs, padded((steps + 1) * size * h))
    dh = offset(da, padded(steps * size * h))
    return work, hs, da, dh


@helper
def rnn_states(size, steps, d, h, work):
    """Where the states before the first step stand, and those after the last: a tuple of each."""
    _, hs, _, _ = _buffers(size, steps, d, h, work)
    return (hs,), (offset(hs, steps * size * h),)


@shared
def rnn_rows(
    first, n, size, steps, d, h, activation, reverse, starts, x, Wx, Wh, b, work, panel, out,
    out_step, sequences,
):  # fmt: skip
    """Rows first : first + n of a batch of `size` go through; x and out point to their first.

    Where it `starts` the state before is 0, else it is in the buffer of h.
    """
    xs, hs, _, _ = _buffers(size, steps, d, h, work)
    in_time_order(first, n, size, steps, d, reverse, x, xs)
    inputs_product(first, n, size, steps, d, h, xs, Wx, b, panel, offset(hs, size * h))
    if starts:
        put_all(offset(hs, first * h), n * h, scalar(x, 0.0))
    weights = panel, 0
    if steps > 1 or not starts:
        weights = weights_at(n, steps, h, h, Wh, h, panel)
    for t in range(steps):
        below = offset(hs, (t * size + first) * h)
        p = offset(below, size * h)
        if t > 0 or not starts:
            packed_product(n, h, h, below, h, *weights, p, h, p, h, True)
        activate(activation, p, h, n, h)
        if sequences:
            when = steps - 1 - t if reverse else t
            copy_rows(n, h, p, h, offset(out, when * out_step), steps * out_step)
        elif t == steps - 1:
            copy_rows(n, h, p, h, out, out_step)


@shared
def rnn_rows_gradient(
    first, n, size, steps, d, h, activation, reverse, Wx, Wh, work, panel, dout, out_step,
    sequences, wants_dx, adds, wants_state, dx,
):  # fmt: skip
    """The gradient of the same rows: da of the sums, dh of the state before."""
    _, hs, da, dh = _buffers(size, steps, d, h, work)
    if steps > 1 or wants_state:
        pack_weights(n, h, h, Wh, 1, h, panel)
    dout_row = out_step * (steps if sequences else 1)
    for back in range(steps):
        t = steps - 1 - back
        at = (t * size + first) * h
        p = offset(da, at)
        upstream = offset(dout, (back if reverse else t) * out_step) if sequences else dout
        if back == 0:
            copy_rows(n, h, upstream, dout_row, p, h)
        else:
            above = offset(p, size * h)
            packed_product(n, h, h, above, h, panel, 0, p, h, upstream, dout_row, sequences)
        differentiate(activation, offset(hs, at + size * h), p, h, n, h)
    if wants_state:
        target = offset(dh, first * h)
        packed_product(n, h, h, offset(da, first * h), h, panel, 0, target, h, target, h, False)
    if wants_dx:
        inputs_gradient(first, n, size, steps, d, h, reverse, da, Wx, panel, adds, dx)


@helper
def rnn_weights_gradient(
    block, blocks, size, steps, d, h, starts, work, factor, add, dWx, dWh, db
):  # fmt: skip
    """Part `block` of `blocks` of the weights' gradient, from all rows of the batch."""
    xs, hs, da, _ = _buffers(size, steps, d, h, work)
    weights_gradient(
        block, blocks, size, steps, d, h, h, starts, xs, hs, da, da, factor, add, dWx,
        dWh, db, db, False,
    )  # fmt: skip


@jit(cube, matrix, matrix, vector, matrix, boolean, int64, boolean, vector, vector, cube)
def rnn_forward(x, Wx, Wh, b, h, starts, activation, reverse, work, panel, out):
    """Simple recurrence over a sequence.

        h[t] = activation(x[:, t] @ Wx + h[t - 1] @ Wh + b)
        out[:, t] = h[t], or out[:, 0] = the last of h

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, H), same dtype, C-contiguous
    Wh : (H, H), same dtype, C-contiguous
    b : (H,), same dtype
    h : (N, H), same dtype, C-contiguous
        The state before the sequence; overwritten with the last one.
    starts : bool
        True: the state before is 0, whatever h holds.
    activation : int64
        IDENTITY, SIGMOID, RELU or TANH.
    reverse : bool
        True: from the last step of x to the first; out[:, t] belongs to x[:, t] all the same.
    work : (P,), same dtype
        Overwritten with what the gradient needs; P = N T (D + 2 H) + 4 N H + 128.
    panel : (Q,), same dtype
        Overwritten with weights in the order in which products read them;
        Q = (4 H + 64) (max(D, H) + 16).
    out : (N, T, H) or (N, 1, H), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 5.3; Elman, Finding structure in time,
    1990.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, count = pointer(work), n * units
    _, hs, _, _ = _buffers(n, steps, d, units, p)
    copy(pointer(h), hs, count)
    rnn_rows(
        0, n, n, steps, d, units, activation, reverse, starts, pointer(x), pointer(Wx),
        pointer(Wh), pointer(b), p, pointer(panel), pointer(out), units,
        out.shape[1] == steps,
    )  # fmt: skip
    copy(offset(hs, steps * count), pointer(h), count)


@jit(
    cube, matrix, matrix, cube, boolean, int64, boolean, vector, vector, matrix, cube, matrix,
    matrix, vector,
)  # fmt: skip
def rnn_backward(x, Wx, Wh, dout, starts, activation, reverse, work, panel, dh, dx, dWx, dWh, db):
    """Gradient of `rnn_forward`, through all steps.

    Parameters
    ----------
    x : (N, T, D) float32 or float64, C-contiguous
    Wx : (D, H), same dtype, C-contiguous
    Wh : (H, H), same dtype, C-contiguous
    dout : (N, T, H) or (N, 1, H), same dtype, C-contiguous
        Upstream gradient.
    starts, activation, reverse : as forward took them
    work : (P,), same dtype
        As forward left it; overwritten.
    panel : (Q,), same dtype
        Overwritten.
    dh : (N, H), same dtype, C-contiguous
        Overwritten with the gradient of the state before the sequence.
    dx : (N, T, D), same dtype, C-contiguous
        Overwritten, like the following. None may overlap an input.
    dWx : (D, H), same dtype, C-contiguous
    dWh : (H, H), same dtype, C-contiguous
    db : (H,), same dtype

    Notes
    -----
    Source: as forward's.
    """
    (n, steps, d), units = x.shape, Wh.shape[0]
    p, count = pointer(work), n * units
    _, _, _, before = _buffers(n, steps, d, units, p)
    rnn_rows_gradient(
        0, n, n, steps, d, units, activation, reverse, pointer(Wx), pointer(Wh), p,
        pointer(panel), pointer(dout), units, dout.shape[1] == steps, True, False, True,
        pointer(dx),
    )  # fmt: skip
    copy(before, pointer(dh), count)
    w = pointer(dWx)
    rnn_weights_gradient(
        0, 1, n, steps, d, units, starts, p, scalar(w, 1.0), False, w, pointer(dWh), pointer(db)
    )
