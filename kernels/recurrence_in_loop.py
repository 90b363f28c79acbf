"""Recurrent layers of the compiled loop: one direction, or two side by side.

param: Wx, Wh and b; of two directions Wx, Wh, Wx, Wh, b, b. state: the
numbers below and, where states are carried from batch to batch, h (batch, units), and c of an LSTM.
They are carried in training alone, by batches of so many rows: any other begins at 0. Central
differences begin with them and leave none.
"""

from ._compile import entry, helper, named
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
from .simd import get, offset, pointer_at
from .sweep import copy

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


def recurrence_in_loop(name, gates, rows_of_b, states, rows, rows_gradient, weights_gradient):
    """Make what the loop calls of a recurrent layer, whose weights have `gates` parts.

    Parameters
    ----------
    name : str
        `<name>_in_loop`, `<name>_gradient_in_loop` and `<name>_weights_in_loop` are made.
    gates, rows_of_b : int
        Wx is (d, gates * h), b has so many rows.
    states, rows, rows_gradient, weights_gradient : helpers
        As those in `rnn.py`.

    Returns
    -------
    forward, backward, gradient : what the loop calls
    """

    def forward(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
        numbers, panel = pointer_at(state, like), pointer_at(own, like)
        d, steps, h, setting, sequences, reverse, directions = _geometry(numbers, d)
        goes_on, parts = learn != 0 and _goes_on(numbers, size), gates * h
        for k in range(directions):
            Wx = offset(pointer_at(param, like), k * (d + h) * parts)
            work = _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h))
            before, after = states(size, steps, d, h, work)
            if goes_on:
                _carry(numbers, first, n, size, h, before, False)
            rows(
                first, n, size, steps, d, h, setting, reverse != (k == 1), not goes_on,
                pointer_at(x, like), Wx, offset(Wx, d * parts),
                _bias(Wx, directions, k, d + h, parts, rows_of_b), work, panel,
                offset(pointer_at(out, like), k * h), directions * h, sequences,
            )  # fmt: skip
            if goes_on and learn == 1:
                _carry(numbers, first, n, size, h, after, True)
        return 0

    def backward(
        seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
    ):
        numbers, panel = pointer_at(state, like), pointer_at(own, like)
        d, steps, h, setting, sequences, reverse, directions = _geometry(numbers, d)
        parts = gates * h
        for k in range(directions):
            Wx = offset(pointer_at(param, like), k * (d + h) * parts)
            rows_gradient(
                first, n, size, steps, d, h, setting, reverse != (k == 1), Wx,
                offset(Wx, d * parts),
                _part(pointer_at(scratch, like), k, _work_size(size, steps, d, h)), panel,
                offset(pointer_at(dout, like), k * h), directions * h, sequences, dx != 0, k > 0,
                False, pointer_at(dx, like),
            )  # fmt: skip
        return 0

    def gradient(
        block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
    ):
        numbers = pointer_at(state, like)
        d, steps, h, _, _, _, directions = _geometry(numbers, d)
        parts = gates * h
        for k in range(directions):
            dWx = offset(pointer_at(target, like), k * (d + h) * parts)
            weights_gradient(
                block, blocks, n, steps, d, h, not _goes_on(numbers, n),
                _part(pointer_at(scratch, like), k, _work_size(n, steps, d, h)), like, add != 0,
                dWx, offset(dWx, d * parts), _bias(dWx, directions, k, d + h, parts, rows_of_b),
            )  # fmt: skip
        return 0

    made = (LayerForward, "", forward), (LayerBackward, "_gradient", backward)
    made = *made, (LayerGradient, "_weights", gradient)
    return [entry(kind)(named(f"{name}{part}_in_loop", __name__, f)) for kind, part, f in made]


rnn_in_loop, rnn_gradient_in_loop, rnn_weights_in_loop = recurrence_in_loop(
    "rnn", 1, 1, rnn_states, rnn_rows, rnn_rows_gradient, rnn_weights_gradient
)
lstm_in_loop, lstm_gradient_in_loop, lstm_weights_in_loop = recurrence_in_loop(
    "lstm", 4, 1, lstm_states, lstm_rows, lstm_rows_gradient, lstm_weights_gradient
)
# Keras' GRU, reset after the product, has a bias of x and one of h.
gru_in_loop, gru_gradient_in_loop, gru_weights_in_loop = recurrence_in_loop(
    "gru", 3, 2, reset_after_gru_states, reset_after_gru_rows, reset_after_gru_rows_gradient,
    reset_after_gru_weights_gradient,
)  # fmt: skip
