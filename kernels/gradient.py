"""Gradients by their definition: two losses of the network for each of its parameters.

A weight in column j of a layer changes that column of the layer's output, and what comes after the
layer. So the sums of every layer are kept, and only the rest of the stack runs again: the 79,520
losses of 784-50-10 with a batch of 10 take 0.04 s, where whole forward passes would take 1.1.
"""

from numba import int64

from . import affine
from ._jit import helper, inline, jit
from .activations import IDENTITY, activate
from .called import address_in, call, number_in
from .losses import mean_squared_error_forward
from .simd import get, offset, pointer, pointer_at, put, scalar
from .softmax import softmax_cross_entropy_forward
from .table import (
    ACTIVATION,
    BIAS,
    COUNT,
    FORWARD,
    INPUTS,
    LOSS,
    MEAN_SQUARED_ERROR,
    OUTPUTS,
    SOFTMAX_CROSS_ENTROPY,
    STATE,
    STATES,
    WEIGHT,
    is_called,
    padded,
)
from .team import (
    DONE,
    THREADS,
    await_stage,
    claim,
    close,
    fetch_add,
    finish_stage,
    open_stage,
    ticks,
)
from .training import _copy_row, _forward, _sum, work_size

TASKS_A_MEMBER = 8  # so that the last to finish is waited for an eighth of its time at most


@inline
def _outputs(n, layers, params, state, learn, x, y, sums):
    """Write the output of each layer, one after the other from y on.

    What it was before its activation stands `sums` elements after it, but for layers by address.
    """
    for i in range(layers.shape[0]):
        d, m = layers[i, INPUTS], layers[i, OUTPUTS]
        z = offset(y, sums)
        if is_called(layers, i):
            call(
                layers[i, FORWARD],
                (
                    1 if learn else 0, 0, 0, n, n, d, m, address_in(x, 0),
                    address_in(params, layers[i, WEIGHT]), address_in(state, layers[i, STATE]),
                    address_in(y, 0), scalar(x, 0.0),
                ),
            )  # fmt: skip
        else:
            if layers[i, WEIGHT] >= 0:
                W, b = offset(params, layers[i, WEIGHT]), offset(params, layers[i, BIAS])
                affine.forward(n, d, m, x, W, b, layers[i, BIAS] >= 0, IDENTITY, z)
            else:
                _copy_row(x, n * d, z)
            _copy_row(z, n * m, y)
            activate(layers[i, ACTIVATION], y, m, n, m)
        x = y
        y = offset(y, padded(n * m))


@helper
def _mean_loss(n, columns, loss, number, out, labels, targets, rows, gradient, losses, total):
    """The mean loss of all outputs; `gradient`, `losses` and `total` are overwritten."""
    if loss == SOFTMAX_CROSS_ENTROPY:
        softmax_cross_entropy_forward(out, labels, gradient, total)
    elif loss == MEAN_SQUARED_ERROR:
        mean_squared_error_forward(out, targets, total)
    else:
        call(
            loss,
            (
                n, n, columns, address_in(pointer(out), 0), address_in(pointer(targets), 0),
                address_in(pointer(labels), 0), address_in(rows, 0),
                address_in(pointer(gradient), 0), address_in(losses, 0), number,
            ),
        )  # fmt: skip
        return _sum(losses, n) / n
    return get(pointer(total), 0)


@helper
def _differences(
    first, stop, at, x, x_row, n, layers, i, params, loss, number, learn, state, labels, targets,
    steps, y, sums, changed, out, gradient, rows, column, total, grad,
):  # fmt: skip
    """The gradient of parameters first : stop, all of them in layer i's W, or in its b.

    That array starts at `at`. Parameter at + k * m + j is multiplied by x[r * x_row + k] and added
    to column j of row r. `changed` is where the layer's output stands, from which the rest runs;
    or where the layer is functions by address, its input, and it runs as well.
    """
    columns, m, activation = out.shape[1], layers[i, OUTPUTS], layers[i, ACTIVATION]
    called = is_called(layers, i)
    rest = layers[i if called else i + 1 :]
    z = offset(y, sums)
    for p in range(first, stop):
        k, j = (p - at) // m, (p - at) % m
        h, kept = get(steps, p), get(params, p)
        lower = upper = 0.0
        for _ in range(2):
            lower, h = upper, -h
            if called:
                put(params, p, kept + h)
            else:
                for r in range(n):
                    put(column, r, get(z, r * m + j) + h * get(x, r * x_row + k))
                activate(activation, column, n, 1, n)
                for r in range(n):
                    put(changed, r * m + j, get(column, r))
            _forward(0, n, n, rest, n, params, changed, pointer(out), state, 0, 0, learn, 0)
            upper = _mean_loss(
                n, columns, loss, number, out, labels, targets, rows, gradient, column, total
            )
        put(grad, p, (upper - lower) / (2.0 * h))
        if called:
            put(params, p, kept)
        else:
            for r in range(n):
                put(changed, r * m + j, get(y, r * m + j))


@jit
def central_differences(
    x, labels, targets, layers, params, loss, learn, calls, steps, start, stop, work, grad, team,
    member,
):  # fmt: skip
    """Gradient of a network's mean loss by its definition, for some of the parameters.

        grad[p] = (L(params[p] + steps[p]) - L(params[p] - steps[p])) / (2 * steps[p])

    Parameters
    ----------
    x : (N, D) float64, C-contiguous
    labels : (N,) int64
        Class labels, range checked by the caller; empty for MEAN_SQUARED_ERROR.
    targets : (N, C) float64, C-contiguous
        (0, 0) for SOFTMAX_CROSS_ENTROPY.
    layers : (L, 5) or (L, 10) int64
        The table described at `train_epochs`. All addresses are those of functions for float64.
    params : (P,) float64
        Those of layers by address are changed, one at a time, and put back.
    loss : int64
        SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR or an address, as for `train_epochs`.
    learn : bool
        What layers by address are told: whether this is training. Those that draw random numbers
        then have no derivative.
    calls : (16,) int64
        Read for the loss's number and the states of layers by address alone, which the layers may
        write when `learn` is True.
    steps : (P,) float64
        Not 0.
    start, stop : int64
        The gradient of parameters start : stop is written.
    work : (T * 2 * work_size(layers, N),) float64
        Scratch, overwritten, for a team of T; members beyond it do not help.
    grad : (P,) float64
        grad[start:stop] is overwritten.
    team, member
        As for `train_epochs`. Each member takes some of the parameters; where a layer is functions
        by address, one member takes all.

    Notes
    -----
    The step is added to the sums of a layer, z + h * x, not to the weight: that spares the rounding
    of w + h, and nothing but a column of z has to be computed anew.
    Source: Saitoh, Deep Learning from Scratch, section 4.4.2.
    """
    (n, inputs), last = x.shape, layers.shape[0] - 1
    columns, half = layers[last, OUTPUTS], work_size(layers, n)
    if work.size < 2 * half * (member + 1):
        return
    sums, alone = 0, False
    for i in range(last + 1):
        sums += padded(n * layers[i, OUTPUTS])
        alone = alone or is_called(layers, i)
    # First what does not change: outputs and sums of all layers, row numbers, a one; and the loss.
    # Then what does: the outputs after a change, of which the last is an array for the loss.
    mine = work[2 * half * member : 2 * half * (member + 1)]
    outputs, at = pointer(mine), 2 * sums + padded(n)
    rows = pointer_at(address_in(outputs, 2 * sums), int64(0))
    one, total = offset(outputs, at), mine[at + 1 : at + 2]
    changed, at = offset(outputs, half), half + padded(n * inputs) + sums
    out = mine[at - padded(n * columns) :][: n * columns].reshape(n, columns)
    gradient = mine[at : at + n * columns].reshape(n, columns)
    column = offset(outputs, at + sums)

    p, shared = pointer(params), pointer(team)
    state, number = pointer_at(calls[STATES], scalar(p, 0.0)), number_in(calls, LOSS)
    members, began, own = 1, 0, 0
    if member == 0:
        members = open_stage(shared, 0)
        if members > 1:
            began = ticks()
    else:
        if await_stage(shared, -1) < 0:
            return
        members = get(shared, THREADS)
    tasks = 1
    if members > 1 and not alone:
        tasks = min(stop - start, TASKS_A_MEMBER * members)
    task = claim(shared, 0, tasks) if members > 1 else 0
    while task < tasks:
        if own == 0:
            put(one, 0, 1.0)
            for r in range(n):
                put(rows, r, r)
            _outputs(n, layers, p, state, learn, pointer(x), outputs, sums)
        low = start + task * (stop - start) // tasks
        high = start + (task + 1) * (stop - start) // tasks
        source, y = pointer(x), outputs
        for i in range(last + 1):
            d, m, W, b = layers[i, INPUTS], layers[i, OUTPUTS], layers[i, WEIGHT], layers[i, BIAS]
            if W >= 0:
                called, target, count = is_called(layers, i), changed, d * m
                if called:
                    count, b = layers[i, COUNT], -1
                    _copy_row(source, n * d, target)
                else:
                    if i == last:
                        target = pointer(out)
                    _copy_row(y, n * m, target)
                _differences(
                    max(low, W), min(high, W + count), W, source, d, n, layers, i, p, loss, number,
                    learn, state, labels, targets, pointer(steps), y, sums, target, out, gradient,
                    rows, column, total, pointer(grad),
                )  # fmt: skip
                if b >= 0:
                    _differences(
                        max(low, b), min(high, b + m), b, one, 0, n, layers, i, p, loss, number,
                        learn, state, labels, targets, pointer(steps), y, sums, target, out,
                        gradient, rows, column, total, pointer(grad),
                    )  # fmt: skip
            source, y = y, offset(y, padded(n * m))
        own += 1
        if member > 0:
            fetch_add(shared, DONE, 1)
        task = claim(shared, 0, tasks) if members > 1 else tasks
    if member > 0:
        await_stage(shared, 0)
        return
    if members > 1:
        finish_stage(shared, tasks, own, began)
    close(shared)
