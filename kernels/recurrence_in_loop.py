"""Recurrent layers of the compiled loop: one direction, or two side by side.

param: Wx, Wh and b; of two directions Wx, Wh, Wx, Wh, b, b. state: the
numbers below and, where states are carried from batch to batch, h (batch, units), and c of an LSTM.
They are carried in training alone, by batches of so many rows: any other begins at 0.
"""

from ._compile import entry, helper
from .loop.calls import LayerBackward, LayerForward, LayerGradient
from .loop.record import padded
from .lstm import lstm_rows, lstm_rows_gradient, lstm_states, lstm_weights_gradient
from .reset_after_gru import (
    reset_after_gru_rows,
    reset_after_gru_rows_gradient,
    reset_after_gru_states,
    reset_after_gru_weights_gradient,
)
from .rnn import rnn_rows, rnn_rows_gradient, rnn_states, rnn_weights_gradient
from .simd import get, offset, pointer_at, scalar
from .sweep import copy, put_all

# Steps, units, the gates' order or the activation; whether all states go out, whether from the last
# step to the first; how many directions there are, and rows whose state is carried.
STEPS, UNITS, SETTING, SEQUENCES, REVERSE, DIRECTIONS, CARRIED = range(7)
NUMBERS = 7


@helper
def _geometry(numbers, d):
    """Return the features of a step, and the numbers of `state`."""
    steps, h = int(get(numbers, STEPS)), int(get(numbers, UNITS))
    setting, sequences = int(get(numbers, SETTING)), get(numbers, SEQUENCES) != 0
    reverse, directions = get(numbers, REVERSE) != 0, int(get(numbers, DIRECTIONS))
    return d // steps, steps, h, setting, sequences, reverse, directions


@helper
def _goes_on(numbers, size):
    """Whether a batch of so many rows goes on from where the last one ended."""
    return int(get(numbers, CARRIED)) == size


@helper
def _part(p, k, size):
    """What belongs to direction k: so many elements each."""
    return offset(p, k * padded(size))


@helper
def _bias(Wx, directions, k, rows, m, rows_of_b):
    """The bias of direction k, whose Wx is given: behind the weights of all, (rows, m) each."""
    return offset(Wx, (directions - k) * rows * m + k * rows_of_b * m)


@helper
def _work_size(size, steps, d, h):
    return steps * size * (d + 7 * h) + 4 * size * h + 128


@helper
def _carry(numbers, first, n, size, h, hs, back):
    """The states of rows first : first + n, one after another of those carried: in, or back."""
    for i in range(len(hs)):
        kept, state = offset(numbers, NUMBERS + (i * size + first) * h), offset(hs[i], first * h)
        if back:
            copy(state, kept, n * h)
        else:
            copy(kept, state, n * h)


@entry(LayerForward)
def rnn_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Simple recurrence of some rows of a batch."""
    numbers, panel = pointer_at(state, like), pointer_at(own, like)
    d, steps, h, activation, sequences, reverse, directions = _geometry(numbers, d)
    goes_on = learn != 0 and _goes_on(numbers, size)
    for k in range(directions):
        Wx = offset(pointer_at(param, like), k * (d + h) * h)
        Wh = offset(Wx, d * h)
        work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
        before, after = rnn_states(size, steps, d, h, work)
        if goes_on:
            _carry(numbers, first, n, size, h, (before,), False)
        rnn_rows(
            first, n, size, steps, d, h, activation, reverse != (k == 1), not goes_on,
            pointer_at(x, like), Wx, Wh, _bias(Wx, directions, k, d + h, h, 1), work, panel,
            offset(pointer_at(out, like), k * h), directions * h, sequences,
        )  # fmt: skip
        if goes_on:
            _carry(numbers, first, n, size, h, (after,), True)
    return 0


@entry(LayerBackward)
def rnn_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of the same rows."""
    numbers, panel = pointer_at(state, like), pointer_at(own, like)
    d, steps, h, activation, sequences, reverse, directions = _geometry(numbers, d)
    for k in range(directions):
        Wx = offset(pointer_at(param, like), k * (d + h) * h)
        work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
        rnn_rows_gradient(
            first, n, size, steps, d, h, activation, reverse != (k == 1), Wx, offset(Wx, d * h),
            work, panel, offset(pointer_at(dout, like), k * h), directions * h, sequences, dx != 0,
            k > 0, False, pointer_at(dx, like),
        )  # fmt: skip
    return 0


@entry(LayerGradient)
def rnn_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of a part of the weights, of all rows of the batch."""
    numbers = pointer_at(state, like)
    d, steps, h, _, _, _, directions = _geometry(numbers, d)
    for k in range(directions):
        dWx = offset(pointer_at(target, like), k * (d + h) * h)
        dWh = offset(dWx, d * h)
        rnn_weights_gradient(
            block, blocks, n, steps, d, h, not _goes_on(numbers, n),
            _part(pointer_at(scratch, like), k, _work_size(n, steps, d, h)), like, add != 0, dWx,
            dWh, _bias(dWx, directions, k, d + h, h, 1),
        )  # fmt: skip
    return 0


@entry(LayerForward)
def lstm_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Long short-term memory of some rows of a batch."""
    numbers, panel = pointer_at(state, like), pointer_at(own, like)
    d, steps, h, order, sequences, reverse, directions = _geometry(numbers, d)
    goes_on = learn != 0 and _goes_on(numbers, size)
    for k in range(directions):
        Wx = offset(pointer_at(param, like), k * (d + h) * 4 * h)
        Wh = offset(Wx, d * 4 * h)
        work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
        before, after, _ = lstm_states(size, steps, d, h, work)
        if goes_on:
            _carry(numbers, first, n, size, h, before, False)
        lstm_rows(
            first, n, size, steps, d, h, order, reverse != (k == 1), not goes_on,
            pointer_at(x, like), Wx, Wh, _bias(Wx, directions, k, d + h, 4 * h, 1), work, panel,
            offset(pointer_at(out, like), k * h), directions * h, sequences,
        )  # fmt: skip
        if goes_on:
            _carry(numbers, first, n, size, h, after, True)
    return 0


@entry(LayerBackward)
def lstm_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of the same rows."""
    numbers, panel = pointer_at(state, like), pointer_at(own, like)
    d, steps, h, order, sequences, reverse, directions = _geometry(numbers, d)
    for k in range(directions):
        Wx = offset(pointer_at(param, like), k * (d + h) * 4 * h)
        work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
        _, _, dc = lstm_states(size, steps, d, h, work)
        put_all(offset(dc, first * h), n * h, scalar(dc, 0.0))
        lstm_rows_gradient(
            first, n, size, steps, d, h, order, reverse != (k == 1), Wx, offset(Wx, d * 4 * h),
            work, panel, offset(pointer_at(dout, like), k * h), directions * h, sequences, dx != 0,
            k > 0, False, pointer_at(dx, like),
        )  # fmt: skip
    return 0


@entry(LayerGradient)
def lstm_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of a part of the weights, of all rows of the batch."""
    numbers = pointer_at(state, like)
    d, steps, h, _, _, _, directions = _geometry(numbers, d)
    for k in range(directions):
        dWx = offset(pointer_at(target, like), k * (d + h) * 4 * h)
        dWh = offset(dWx, d * 4 * h)
        lstm_weights_gradient(
            block, blocks, n, steps, d, h, not _goes_on(numbers, n),
            _part(pointer_at(scratch, like), k, _work_size(n, steps, d, h)), like, add != 0, dWx,
            dWh, _bias(dWx, directions, k, d + h, 4 * h, 1),
        )  # fmt: skip
    return 0


@entry(LayerForward)
def gru_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Gated recurrent unit, reset after the product, of some rows of a batch."""
    numbers, panel = pointer_at(state, like), pointer_at(own, like)
    d, steps, h, _, sequences, reverse, directions = _geometry(numbers, d)
    goes_on = learn != 0 and _goes_on(numbers, size)
    for k in range(directions):
        Wx = offset(pointer_at(param, like), k * (d + h) * 3 * h)
        Wh = offset(Wx, d * 3 * h)
        work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
        before, after = reset_after_gru_states(size, steps, d, h, work)
        if goes_on:
            _carry(numbers, first, n, size, h, (before,), False)
        reset_after_gru_rows(
            first, n, size, steps, d, h, reverse != (k == 1), not goes_on, pointer_at(x, like), Wx,
            Wh, _bias(Wx, directions, k, d + h, 3 * h, 2), work, panel,
            offset(pointer_at(out, like), k * h), directions * h, sequences,
        )  # fmt: skip
        if goes_on:
            _carry(numbers, first, n, size, h, (after,), True)
    return 0


@entry(LayerBackward)
def gru_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of the same rows."""
    numbers, panel = pointer_at(state, like), pointer_at(own, like)
    d, steps, h, _, sequences, reverse, directions = _geometry(numbers, d)
    for k in range(directions):
        Wx = offset(pointer_at(param, like), k * (d + h) * 3 * h)
        work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
        reset_after_gru_rows_gradient(
            first, n, size, steps, d, h, reverse != (k == 1), Wx, offset(Wx, d * 3 * h), work,
            panel, offset(pointer_at(dout, like), k * h), directions * h, sequences, dx != 0, k > 0,
            False, pointer_at(dx, like),
        )  # fmt: skip
    return 0


@entry(LayerGradient)
def gru_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of a part of the weights, of all rows of the batch."""
    d, steps, h, _, _, _, directions = _geometry(pointer_at(state, like), d)
    for k in range(directions):
        dWx = offset(pointer_at(target, like), k * (d + h) * 3 * h)
        dWh = offset(dWx, d * 3 * h)
        reset_after_gru_weights_gradient(
            block, blocks, n, steps, d, h,
            _part(pointer_at(scratch, like), k, _work_size(n, steps, d, h)), like, add != 0, dWx,
            dWh, _bias(dWx, directions, k, d + h, 3 * h, 2),
        )  # fmt: skip
    return 0
