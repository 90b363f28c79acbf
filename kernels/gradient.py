"""Gradients by their definition: two losses of the network for each of its parameters.

A weight in column j of a layer changes that column of the layer's output, and what comes after the
layer. So the sums of every layer are kept, and only the rest of the stack runs again: the 79,520
losses of 784-50-10 with a batch of 10 take 0.04 s, where whole forward passes would take 1.1.
"""

from . import affine
from ._jit import helper, inline, jit
from .activations import IDENTITY, activate
from .losses import mean_squared_error_forward
from .simd import get, offset, pointer, put
from .softmax import softmax_cross_entropy_forward
from .table import (
    ACTIVATION,
    BIAS,
    INPUTS,
    OUTPUTS,
    SOFTMAX_CROSS_ENTROPY,
    WEIGHT,
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
from .training import _copy_row, _forward, work_size

TASKS_A_MEMBER = 8  # so that the last to finish is waited for an eighth of its time at most


@inline
def _outputs(n, layers, params, x, y, sums):
    """Write the output of each layer, one after the other from y on.

    What it was before its activation stands `sums` elements after it.
    """
    for i in range(layers.shape[0]):
        d, m = layers[i, INPUTS], layers[i, OUTPUTS]
        z = offset(y, sums)
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
def _differences(
    first, stop, at, x, x_row, n, layers, i, params, loss, labels, targets, steps, y, sums,
    changed, out, probabilities, column, total, grad,
):  # fmt: skip
    """The gradient of parameters first : stop, all of them in layer i's W, or in its b.

    That array starts at `at`. Parameter at + k * m + j is multiplied by x[r * x_row + k] and added
    to column j of row r. `changed` is where the layer's output goes, from which on the rest runs.
    """
    m, activation, rest = layers[i, OUTPUTS], layers[i, ACTIVATION], layers[i + 1 :]
    z = offset(y, sums)
    for p in range(first, stop):
        k, j = (p - at) // m, (p - at) % m
        h = get(steps, p)
        lower = upper = 0.0
        for _ in range(2):
            lower, h = upper, -h
            for r in range(n):
                put(column, r, get(z, r * m + j) + h * get(x, r * x_row + k))
            activate(activation, column, n, 1, n)
            for r in range(n):
                put(changed, r * m + j, get(column, r))
            _forward(0, n, rest, n, params, changed, pointer(out))
            if loss == SOFTMAX_CROSS_ENTROPY:
                softmax_cross_entropy_forward(out, labels, probabilities, total)
            else:
                mean_squared_error_forward(out, targets, total)
            upper = get(pointer(total), 0)
        put(grad, p, (upper - lower) / (2.0 * h))
        for r in range(n):
            put(changed, r * m + j, get(y, r * m + j))


@jit
def central_differences(
    x, labels, targets, layers, params, loss, steps, start, stop, work, grad, team, member
):
    """Gradient of a network's mean loss by its definition, for some of the parameters.

        grad[p] = (L(params[p] + steps[p]) - L(params[p] - steps[p])) / (2 * steps[p])

    Parameters
    ----------
    x : (N, D) float64, C-contiguous
    labels : (N,) int64
        Class labels, range checked by the caller; empty for MEAN_SQUARED_ERROR.
    targets : (N, C) float64, C-contiguous
        (0, 0) for SOFTMAX_CROSS_ENTROPY.
    layers : (L, 5) int64
        The table described at `train_epochs`.
    params : (P,) float64
    loss : int64
        SOFTMAX_CROSS_ENTROPY or MEAN_SQUARED_ERROR.
    steps : (P,) float64
        Not 0.
    start, stop : int64
        The gradient of parameters start : stop is written.
    work : (T * 2 * work_size(layers, N),) float64
        Scratch, overwritten, for a team of T; members beyond it do not help.
    grad : (P,) float64
        grad[start:stop] is overwritten.
    team, member
        As for `train_epochs`. Each member takes some of the parameters.

    Notes
    -----
    The step is added to the sums of a layer, z + h * x, not to the weight: that spares the rounding
    of w + h, and nothing but a column of z has to be computed anew.
    Source: Saitoh, Deep Learning from Scratch, section 4.4.2.
    """
    n, last = x.shape[0], layers.shape[0] - 1
    columns, half = layers[last, OUTPUTS], work_size(layers, n)
    if work.size < 2 * half * (member + 1):
        return
    sums = 0
    for i in range(last + 1):
        sums += padded(n * layers[i, OUTPUTS])
    # The first half: outputs and sums as they are. The second: outputs after a change, of which the
    # last is an array for the loss, as are the probabilities; a column, a one, and the loss.
    mine = work[2 * half * member : 2 * half * (member + 1)]
    outputs, changed = pointer(mine), offset(pointer(mine), half)
    at = half + sums
    out = mine[at - padded(n * columns) :][: n * columns].reshape(n, columns)
    probabilities = mine[at : at + n * columns].reshape(n, columns)
    at += sums
    column, one = offset(pointer(mine), at), offset(pointer(mine), at + padded(n))
    total = mine[at + padded(n) + 1 : at + padded(n) + 2]

    p, shared = pointer(params), pointer(team)
    members, began, own = 1, 0, 0
    if member == 0:
        members = open_stage(shared, 0)
        if members > 1:
            began = ticks()
    else:
        if await_stage(shared, -1) < 0:
            return
        members = get(shared, THREADS)
    tasks = min(stop - start, TASKS_A_MEMBER * members) if members > 1 else 1
    task = claim(shared, 0, tasks) if members > 1 else 0
    while task < tasks:
        if own == 0:
            put(one, 0, 1.0)
            _outputs(n, layers, p, pointer(x), outputs, sums)
        low = start + task * (stop - start) // tasks
        high = start + (task + 1) * (stop - start) // tasks
        source, y = pointer(x), outputs
        for i in range(last + 1):
            d, m, W, b = layers[i, INPUTS], layers[i, OUTPUTS], layers[i, WEIGHT], layers[i, BIAS]
            if W >= 0:
                target = pointer(out) if i == last else changed
                _copy_row(y, n * m, target)
                _differences(
                    max(low, W), min(high, W + d * m), W, source, d, n, layers, i, p, loss, labels,
                    targets, pointer(steps), y, sums, target, out, probabilities, column, total,
                    pointer(grad),
                )  # fmt: skip
                if b >= 0:
                    _differences(
                        max(low, b), min(high, b + m), b, one, 0, n, layers, i, p, loss, labels,
                        targets, pointer(steps), y, sums, target, out, probabilities, column, total,
                        pointer(grad),
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
