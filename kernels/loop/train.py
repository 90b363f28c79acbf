"""Whole epochs of training in one compiled call.

Everything that differs from network to network is data: the stack of layers is records, the loss
and the optimizer are codes or functions by address, all parameters lie in one vector, and the rows
of x are read by address. So one compiled function a dtype serves every network, and a new one
compiles nothing.
"""

import math

from numba import boolean, float64, int64

from .._compile import helper, jit, matrix, real, vector
from ..simd import get, offset, pointer, pointer_at, put, scalar
from ..sweep import copy
from .blocks import UPDATES_A_MEMBER, row_block, row_blocks
from .calls import OneByOne, Penalty, Rule, address_in, call
from .gather import gather, rows_of_loss
from .online import is_plain
from .record import (
    LR,
    PENALIZED,
    layer_at,
    padded,
    program_type,
    steps_of,
    width_in,
    width_out,
)
from .scratch import aligned, numbers_size, own_size, scratch_after, scratch_size
from .stages import backward, forward, losses_of, sum_of_losses, update
from .team import ANSWERS, close, did_task, enter, fetch_add, finish_stage, next_task
from .weights import count_rows, weighted_losses_of


@jit(program_type, int64)
def work_size(programs, batch_size):
    """Elements of scratch that `train_epochs` and `predict_rows` need, in one thread.

    Each further member of a team needs as many as the largest `own` of a layer, rounded up to a
    multiple of 16; one that does not find them in `work` returns at once.

    Parameters
    ----------
    programs : (1,) PROGRAM
        The network, as `kernels.loop.record` describes it.
    batch_size : int64

    Returns
    -------
    int64
    """
    program = programs[0]
    return scratch_size(program.layers, program.depth, batch_size, steps_of(program))


@helper
def _side_by_side(program, params, size, back):
    """Copy the parameters that learn, and their gradients, into the program's room; or back.

    The gradients follow after `size` numbers. Returns how many learn.
    """
    like, done = scalar(params, 0.0), 0
    ranges, room = pointer_at(program.learning, int64(0)), pointer_at(program.room, like)
    g = pointer_at(program.grads, like)
    for i in range(program.ranges):
        start = get(ranges, 2 * i)
        count = get(ranges, 2 * i + 1) - start
        if back:
            copy(offset(room, done), offset(params, start), count)
        else:
            copy(offset(params, start), offset(room, done), count)
            copy(offset(g, start), offset(room, size + done), count)
        done += count
    return done


@helper
def _follow_rule(program, lr, params, size, update):
    """Update all parameters from their gradients; returns what large weights cost."""
    like, p, penalty = scalar(params, 0.0), address_in(params, 0), 0.0
    grads, count = program.grads, size
    if program.penalty != 0:
        call(
            program.penalty,
            Penalty(
                depth=max(program.depth, program.records), layers=program.layers, param=p,
                grad=program.grads, numbers=program.penalty_numbers,
            ),
            like,
        )  # fmt: skip
        penalty = get(pointer_at(program.penalty_numbers, float64(0)), PENALIZED)
    put(pointer_at(program.hyper, float64(0)), LR, float64(lr))
    if program.learning != 0:
        count = _side_by_side(program, params, size, False)
        p, grads = program.room, address_in(pointer_at(program.room, like), size)
    call(
        program.rule,
        Rule(
            t=update + 1, size=count, param=p, grad=grads, slots=program.slots,
            hyper=program.hyper,
        ),
        like,
    )  # fmt: skip
    if program.learning != 0:
        _side_by_side(program, params, size, True)
    return penalty


@jit(
    *(int64, int64, int64),  # x
    *(int64[::1], matrix, int64[:, ::1], int64, vector, program_type, real, boolean),
    *(vector, float64[:, ::1], int64[::1], int64),
)
def train_epochs(
    x_address, x_kind, x_row_stride, labels, targets, order, batch_size, params, programs, lr,
    learn, work, totals, team, member,
):  # fmt: skip
    """Train on (or evaluate) the rows that `order` names, epoch after epoch, batch after batch.

        params -= lr * gradient of the batch's mean loss

    Parameters
    ----------
    x_address : int64
        Address of row 0 of x (N, D), whose rows are contiguous.
    x_kind : int64
        FLOAT32, FLOAT64 or UINT8.
    x_row_stride : int64
        Bytes from one row to the next.
    labels : (N,) int64
        Class labels, range checked by the caller; empty where the loss takes targets. Of samples
        with steps (N * steps,), as their targets and weights.
    targets : (N, C), params.dtype, C-contiguous
        Empty where the loss takes labels.
    order : (E, n) int64, C-contiguous
        Rows to visit in each epoch, range checked by the caller; the last batch of an epoch may
        be smaller.
    batch_size : int64
    params : (P,) float32 or float64
        Updated in place. No two layers share parameters.
    programs : (1,) PROGRAM
        The layers, the loss and how parameters are updated: see `kernels.loop.record`.
    lr : scalar of params.dtype
    learn : bool
        False: parameters stay, loss and right answers are counted.
    work : (work_size(programs, batch_size),) or longer, params.dtype
        Scratch, overwritten.
    totals : (E, 3) float64
        Overwritten: sum of the loss over the samples, answers that are right, batches done; of the
        samples that count, where `programs` has weights. A batch whose loss is not finite ends the
        training before its update; neither it nor what would follow is counted.
    team : (1,) int64, zero
        For one thread. Else an array as `kernels.loop.team` describes it, the same for all members.
    member : int64
        0 for the thread that trains. Any number of others may help: they make the same call with
        another number, before or after it, and return when they are no longer needed.

    Notes
    -----
    The caller keeps x and all that `programs` has addresses of alive: by addresses all kinds of
    rows, and all networks, share one compiled function.

    Results are the same bits for any number of members: member 0 adds up the losses, in order.
    """
    program = programs[0]
    layers, depth = program.layers, program.depth
    width, inputs = width_out(layer_at(layers, depth - 1)), width_in(layer_at(layers, 0))
    steps = steps_of(program)
    columns = width // steps
    epochs, size = order.shape
    p, x, shared = pointer(params), aligned(pointer(work)), pointer(team)
    y, gradients, called, alone = x, 0, 0, own_size(layers, depth)
    for i in range(depth):
        layer = layer_at(layers, i)
        y = offset(y, padded(batch_size * width_in(layer)))
        gradients += padded(batch_size * width_out(layer))
        called += scratch_after(layer, batch_size)
    losses = offset(y, gradients + padded(batch_size * width))
    scratch = offset(losses, padded(batch_size * steps))
    numbers = pointer_at(address_in(scratch, 0), int64(0))
    scratch = offset(scratch, numbers_size(batch_size, steps))
    own = offset(scratch, called + member * alone)
    if work.size < scratch_size(layers, depth, batch_size, steps) + member * alone:
        return
    like, seed = scalar(p, 0.0), program.seed
    scale, shift = scalar(p, program.x_scale), scalar(p, program.x_offset)
    g, memory = pointer_at(program.grads, like), pointer_at(program.states, like)
    fused = program.rule == 0
    batches = (size + batch_size - 1) // batch_size
    stages = epochs * batches
    if learn:
        stages *= 2
    if member == 0:
        totals[:, :] = 0.0
        if batch_size == 1 and learn and program.one_by_one != 0 and is_plain(program):
            put(x, 0, scale)
            put(x, 1, shift)
            put(x, 2, lr)
            done = call(
                program.one_by_one,
                OneByOne(
                    x_address=x_address, x_kind=x_kind, x_row_stride=x_row_stride,
                    labels=address_in(pointer(labels), 0), targets=address_in(pointer(targets), 0),
                    order=address_in(pointer(order), 0), epochs=epochs, size=size, layers=layers,
                    depth=depth, param=address_in(p, 0), loss=program.loss,
                    scratch=address_in(x, 0), totals=address_in(pointer(totals), 0),
                ),
                like,
            )  # fmt: skip
            if done != 0:
                close(shared)
                return
    stage, batch, epoch, start = -1, -1, 0, -batch_size
    answers = 0
    while True:
        stage, members, began = enter(shared, member, stage, stages)
        if stage < 0:
            break
        if member > 0:
            batch = stage // 2 if learn else stage
            epoch, start = batch // batches, batch % batches * batch_size
        elif not learn or stage % 2 == 0:  # the next batch, without a division
            batch += 1
            start += batch_size
            if start >= size:
                epoch, start = epoch + 1, 0
        learns = learn and stage % 2 == 1
        if program.rates != 0:
            rate = get(pointer_at(program.rates, float64(0)), min(batch, program.rate_count - 1))
            lr = scalar(p, rate)
        done = program.updates + batch
        n = min(batch_size, size - start)
        counted = count_rows(program, like, offset(pointer(order), epoch * size + start), n)
        tasks = row_blocks(n, members, layers, depth)
        if learns and members > 1:
            tasks = UPDATES_A_MEMBER * members
        mine, task = 0, next_task(shared, stage, tasks, members, -1)
        while task < tasks:
            if learns:
                update(
                    task, tasks, n, layers, depth, batch_size, p, x, gradients, lr, fused, g,
                    scratch, own, memory, program.sparse_backward,
                )  # fmt: skip
            else:
                first, count = row_block(task, tasks, n)
                samples = offset(pointer(order), epoch * size + start + first)
                left = (epochs - epoch) * size - start - first
                gather(
                    x_address, x_kind, x_row_stride, scale, shift, samples, count, left, inputs,
                    offset(x, first * inputs),
                )  # fmt: skip
                forward(
                    first, count, n, layers, depth, batch_size, p, x, y, scratch, own, memory,
                    seed, program.drawn + batch, learn, program.sparse_forward,
                )  # fmt: skip
                out, of_loss = offset(y, first * width), count * steps
                rows = rows_of_loss(steps, samples, count, offset(numbers, first * steps))
                if program.weights == 0:
                    correct = losses_of(
                        program, of_loss, n * steps, columns, out, pointer(targets),
                        pointer(labels), rows, offset(out, gradients),
                        offset(losses, first * steps),
                    )  # fmt: skip
                else:
                    correct = weighted_losses_of(
                        program, of_loss, counted, columns, out, pointer(targets),
                        pointer(labels), rows, offset(out, gradients),
                        offset(losses, first * steps),
                    )  # fmt: skip
                if learn:
                    backward(
                        first, count, n, layers, depth, batch_size, p, y, gradients, scratch, own,
                        g, memory, seed, program.drawn + batch, program.lowest,
                    )  # fmt: skip
                if members > 1:
                    fetch_add(shared, ANSWERS, correct)
                else:
                    answers = correct
            did_task(shared, member)
            mine += 1
            task = next_task(shared, stage, tasks, members, task)
        if member == 0:
            if members > 1:
                finish_stage(shared, tasks, mine, began)
                answers = get(shared, ANSWERS)
            if learns and not fused:
                totals[epoch, 0] += counted * _follow_rule(program, lr, p, params.size, done)
            if not learns:
                total = sum_of_losses(losses, n * steps)
                if learn and not math.isfinite(total):
                    break
                totals[epoch, 0] += total
                totals[epoch, 1] += answers
                totals[epoch, 2] += 1
    if member == 0:
        close(shared)
