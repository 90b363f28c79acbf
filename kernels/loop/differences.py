"""Gradients by their definition: two losses of the network for each of its parameters.

A weight in column j of a layer changes that column of the layer's output, and what comes after the
layer. So the sums of every layer are kept, and only the rest of the stack runs again: the 79,520
losses of 784-50-10 with a batch of 10 take 0.04 s, where whole forward passes would take 1.1.
"""

from numba import boolean, float64, int64

from .. import affine
from .._compile import helper, inline, jit
from ..activations import IDENTITY, activate
from ..simd import get, offset, pointer, pointer_at, put, scalar
from ..sweep import copy
from .calls import LayerForward, address_in, call
from .record import LAYER, layer_at, padded, program_type, steps_of, width_out
from .scratch import own_size, scratch_after, scratch_size
from .stages import forward, losses_of, sum_of_losses
from .team import await_stage, close, did_task, enter, finish_stage, next_task
from .weights import count_rows, weighted_losses_of

LAYER_SIZE = LAYER.itemsize
TASKS_A_MEMBER = 8  # so that the last to finish is waited for an eighth of its time at most


@inline
def _outputs(n, layers, depth, params, state, learn, x, y, sums, scratch, own):
    """Write the output of each layer, one after the other from y on.

    What it was before its activation stands `sums` elements after it, but for layers by address.
    """
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m, count = layer.inputs, layer.outputs, n * steps_of(layer)
        z = offset(y, sums)
        if layer.forward != 0:
            call(
                layer.forward,
                LayerForward(
                    learn=learn, seed=0, first=0, n=n, size=n, d=d, m=m,
                    x=address_in(x, 0), param=address_in(params, layer.weight),
                    state=address_in(state, layer.state), scratch=address_in(scratch, 0),
                    own=address_in(own, 0), out=address_in(y, 0),
                ),
                scalar(x, 0.0),
            )  # fmt: skip
        else:
            if layer.weight >= 0:
                W, b = offset(params, layer.weight), offset(params, layer.bias)
                affine.forward(count, d, m, x, W, b, layer.bias >= 0, IDENTITY, z)
            else:
                copy(x, z, count * d)
            copy(z, y, count * m)
            activate(layer.activation, y, m, count, m)
        x = y
        y = offset(y, padded(count * m))
        scratch = offset(scratch, scratch_after(layer, n))


@helper
def _differences(
    first, stop, at, x, x_row, n, program, i, params, learn, state, labels, targets, steps, y, sums,
    changed, out, gradient, rows, column, scratch, own, grad,
):  # fmt: skip
    """The gradient of parameters first : stop, all of them in layer i's W, or in its b.

    That array starts at `at`. Parameter at + k * m + j is multiplied by x[r * x_row + k] and added
    to column j of row r. `changed` is where the layer's output stands, from which the rest runs;
    or where the layer is functions by address, its input, and it runs as well.
    """
    layer = layer_at(program.layers, i)
    columns, m, activation = out.shape[1], layer.outputs, layer.activation
    called, counted = layer.forward != 0, count_rows(program, scalar(y, 0.0), rows, n)
    of_loss, count = n * steps_of(program), n * steps_of(layer)
    start = i if called else i + 1  # of the rest
    rest, depth = program.layers + start * LAYER_SIZE, program.depth - start
    z, results = offset(y, sums), pointer(out)
    for p in range(first, stop):
        k, j = (p - at) // m, (p - at) % m
        h, kept = get(steps, p), get(params, p)
        lower = upper = 0.0
        for _ in range(2):
            lower, h = upper, -h
            if called:
                put(params, p, kept + h)
            else:
                for r in range(count):
                    put(column, r, get(z, r * m + j) + h * get(x, r * x_row + k))
                activate(activation, column, count, 1, count)
                for r in range(count):
                    put(changed, r * m + j, get(column, r))
            forward(
                0, n, n, rest, depth, n, params, changed, results, scratch, own, state, 0, 0,
                learn, 0,
            )  # fmt: skip
            if program.weights == 0:
                losses_of(
                    program, of_loss, of_loss, columns, results, pointer(targets),
                    pointer(labels), rows,
                    pointer(gradient), column,
                )  # fmt: skip
            else:
                weighted_losses_of(
                    program, of_loss, counted, columns, results, pointer(targets),
                    pointer(labels), rows,
                    pointer(gradient), column,
                )  # fmt: skip
            upper = sum_of_losses(column, of_loss) / counted
        put(grad, p, (upper - lower) / (2.0 * h))
        if called:
            put(params, p, kept)
        else:
            for r in range(count):
                put(changed, r * m + j, get(y, r * m + j))


@jit(
    *(float64[:, ::1], int64[::1], float64[:, ::1], float64[::1], program_type, boolean),
    *(float64[::1], int64, int64, float64[::1], float64[::1], int64[::1], int64),
)
def central_differences(
    x, labels, targets, params, programs, learn, steps, start, stop, work, grad, team, member,
):  # fmt: skip
    """Gradient of a network's mean loss by its definition, for some of the parameters.

        grad[p] = (L(params[p] + steps[p]) - L(params[p] - steps[p])) / (2 * steps[p])

    Parameters
    ----------
    x : (N, D) float64, C-contiguous
    labels : (N,) int64
        Class labels, range checked by the caller; empty where the loss takes targets.
    targets : (N, C) float64, C-contiguous
        Empty where the loss takes labels.
    params : (P,) float64
        Those of layers by address are changed, one at a time, and put back.
    programs : (1,) PROGRAM
        As for `train_epochs`; layers, loss and what the layers remember are read, which they may
        write when `learn` is True. All addresses are those of functions for float64.
    learn : bool
        What layers by address are told: whether this is training. Those that draw random numbers
        then have no derivative; the states of sequences stay as they are.
    steps : (P,) float64
        Not 0.
    start, stop : int64
        The gradient of parameters start : stop is written.
    work : (T * 2 * work_size(programs, N),) float64
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
    program = programs[0]
    layers, depth, learns = program.layers, program.depth, 2 if learn else 0
    (n, inputs), last = x.shape, depth - 1
    width, rows_of_loss = width_out(layer_at(layers, last)), n * steps_of(program)
    half = scratch_size(layers, depth, n, steps_of(program))
    if work.size < 2 * half * (member + 1):
        return
    sums, alone = 0, False
    for i in range(depth):
        layer = layer_at(layers, i)
        sums += padded(n * width_out(layer))
        alone = alone or layer.forward != 0
    # First what does not change: outputs and sums of all layers, row numbers, a one; and the loss.
    # Then what does: the outputs after a change, of which the last is an array for the loss.
    mine = work[2 * half * member : 2 * half * (member + 1)]
    outputs, at = pointer(mine), 2 * sums + padded(rows_of_loss)
    rows = pointer_at(address_in(outputs, 2 * sums), int64(0))
    one = offset(outputs, at)
    changed, at = offset(outputs, half), half + padded(n * inputs) + sums
    shape = rows_of_loss, width // steps_of(program)
    out = mine[at - padded(n * width) :][: n * width].reshape(shape)
    gradient = mine[at : at + n * width].reshape(shape)
    own = offset(outputs, at + sums)
    scratch = offset(own, own_size(layers, depth))
    column = scratch
    for i in range(depth):
        column = offset(column, scratch_after(layer_at(layers, i), n))

    p, shared = pointer(params), pointer(team)
    state = pointer_at(program.states, scalar(p, 0.0))
    stage, members, began = enter(shared, member, -1, 1)
    if stage < 0:
        return
    tasks = 1
    if members > 1 and not alone:
        tasks = min(stop - start, TASKS_A_MEMBER * members)
    done, task = 0, next_task(shared, stage, tasks, members, -1)
    while task < tasks:
        if done == 0:
            put(one, 0, 1.0)
            for r in range(rows_of_loss):
                put(rows, r, r)
            _outputs(n, layers, depth, p, state, learns, pointer(x), outputs, sums, scratch, own)
        low = start + task * (stop - start) // tasks
        high = start + (task + 1) * (stop - start) // tasks
        source, y = pointer(x), outputs
        for i in range(depth):
            layer = layer_at(layers, i)
            d, m, W, b = layer.inputs, layer.outputs, layer.weight, layer.bias
            if W >= 0:
                target, count = changed, d * m
                if layer.forward != 0:
                    count, b = layer.count, -1
                    copy(source, target, n * d)
                else:
                    if i == last:
                        target = pointer(out)
                    copy(y, target, n * width_out(layer))
                _differences(
                    max(low, W), min(high, W + count), W, source, d, n, program, i, p, learns,
                    state, labels, targets, pointer(steps), y, sums, target, out, gradient, rows,
                    column, scratch, own, pointer(grad),
                )  # fmt: skip
                if b >= 0:
                    _differences(
                        max(low, b), min(high, b + m), b, one, 0, n, program, i, p, learns, state,
                        labels, targets, pointer(steps), y, sums, target, out, gradient, rows,
                        column, scratch, own, pointer(grad),
                    )  # fmt: skip
            source, y = y, offset(y, padded(n * width_out(layer)))
        done += 1
        did_task(shared, member)
        task = next_task(shared, stage, tasks, members, task)
    if member > 0:
        await_stage(shared, 0)
        return
    if members > 1:
        finish_stage(shared, tasks, done, began)
    close(shared)
