"""Whole epochs of training in one compiled call.

Everything that differs from network to network is data: the stack of layers is a table, the
activation and the loss are codes, all parameters lie in one vector, and the rows of x are read
by address.  So one compiled function a dtype serves every network, and a new one compiles
nothing.
"""

import math

from numba import float64

from . import affine
from ._jit import helper, inline, jit
from .activations import IDENTITY, activate, differentiate
from .called import address_in, call, number_in
from .dropout import layer_seed
from .gather import gather
from .losses import is_right, squared_error_gradient_row, squared_error_row
from .online import is_tiny, train_one_by_one
from .simd import get, lanes, load, offset, pointer, pointer_at, put, scalar, store
from .softmax import softmax_gradient
from .table import (
    ACTIVATION,
    BACKWARD,
    BIAS,
    CALLS,
    COUNT,
    FORWARD,
    GRADS,
    HYPER,
    INPUTS,
    L1,
    LOSS,
    LR,
    MEAN_SQUARED_ERROR,
    OUTPUTS,
    PENALIZED,
    PENALTY,
    RATE_COUNT,
    RATES,
    RULE,
    SEED,
    SLOTS,
    SOFTMAX_CROSS_ENTROPY,
    SPARSE_BACKWARD,
    SPARSE_FORWARD,
    STATE,
    STATES,
    UPDATES,
    WEIGHT,
    WHOLE,
    is_called,
    padded,
)
from .team import (
    ANSWERS,
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
from .updates import descend

LEAST_ROWS = 16  # of a block that a member of the team works on
UPDATES_A_MEMBER = 2  # tasks: 784-100-10 with batch 100 took 117 us, with 1 149, with 4 124
ROW_UNIT, W_UNIT = 8, 16  # rows of a batch, and of W, are cut at multiples: whole tiles


@jit
def work_size(layers, batch_size):
    """Elements of scratch that `train_epochs` and `predict_rows` need.

        one (batch_size, width) buffer for the input, two for each layer: output and gradient,
        and batch_size losses

    Parameters
    ----------
    layers : (L, 5) int64
        The table described at `train_epochs`.
    batch_size : int64

    Returns
    -------
    int64
    """
    size = padded(batch_size * layers[0, INPUTS]) + padded(batch_size)
    for i in range(layers.shape[0]):
        size += 2 * padded(batch_size * layers[i, OUTPUTS])
    return size


@helper
def _copy_row(source, columns, target):
    step = lanes(target)
    full = columns - columns % step
    for j in range(0, full, step):
        store(target, j, load(source, j))
    for j in range(full, columns):
        put(target, j, get(source, j))


@inline
def _forward(
    first, n, size, layers, batch_size, params, x, out, state, seed, update, learn, sparse
):  # fmt: skip
    """Run rows first : first + n of a batch of `size` through the stack.

    Outputs follow each other after x; the last one goes to `out`. Where `sparse` is the address of
    a function, it makes as many rows of the first product as it can.
    """
    last = layers.shape[0] - 1
    for i in range(last + 1):
        d, m, activation = layers[i, INPUTS], layers[i, OUTPUTS], layers[i, ACTIVATION]
        y = out if i == last else offset(x, padded(batch_size * d))
        rows, results = offset(x, first * d), offset(y, first * m)
        if is_called(layers, i):
            call(
                layers[i, FORWARD],
                (
                    1 if learn else 0, layer_seed(seed, update, i), first, n, size, d, m,
                    address_in(rows, 0), address_in(params, layers[i, WEIGHT]),
                    address_in(state, layers[i, STATE]), address_in(results, 0), scalar(x, 0.0),
                ),
            )  # fmt: skip
        elif layers[i, WEIGHT] >= 0:
            W, b = offset(params, layers[i, WEIGHT]), offset(params, layers[i, BIAS])
            done = 0
            if i == 0 and sparse != 0:
                done = call(
                    sparse,
                    (
                        n, d, m, address_in(rows, 0), address_in(W, 0), address_in(b, 0),
                        address_in(results, 0), scalar(x, 0.0),
                    ),
                )  # fmt: skip
                activate(activation, results, m, done, m)
            if done < n:
                affine.forward(
                    n - done, d, m, offset(rows, done * d), W, b, layers[i, BIAS] >= 0, activation,
                    offset(results, done * m),
                )  # fmt: skip
        else:
            _copy_row(rows, n * d, results)
            activate(activation, results, m, n, m)
        x = y


@inline
def _backward(
    first, n, size, layers, batch_size, params, out, gradients, grads, state, seed, update
):  # fmt: skip
    """Send the gradient at rows first : first + n of the last output down to the first layer's.

    `out` is the last output. The gradient at any output stands `gradients` elements after it.
    Layers by address leave the gradients of their parameters in `grads`.
    """
    y = out
    last = layers.shape[0] - 1
    m = layers[last, OUTPUTS]
    rows = offset(y, first * m)
    differentiate(layers[last, ACTIVATION], rows, offset(rows, gradients), m, n, m)
    for i in range(last, -1, -1):
        if i == 0 and not is_called(layers, 0):
            break
        d, m = layers[i, INPUTS], layers[i, OUTPUTS]
        below = layers[i - 1, ACTIVATION] if i > 0 else IDENTITY
        x = offset(y, -padded(batch_size * d))
        rows = offset(x, first * d)
        dout, dx = offset(y, gradients + first * m), offset(rows, gradients)
        if is_called(layers, i):
            call(
                layers[i, BACKWARD],
                (
                    layer_seed(seed, update, i), first, n, size, d, m, address_in(rows, 0),
                    address_in(offset(y, first * m), 0), address_in(params, layers[i, WEIGHT]),
                    address_in(state, layers[i, STATE]), address_in(dout, 0),
                    0 if i == 0 else address_in(dx, 0), address_in(grads, layers[i, WEIGHT]),
                    scalar(x, 0.0),
                ),
            )  # fmt: skip
            differentiate(below, rows, dx, d, n, d)
        elif layers[i, WEIGHT] >= 0:
            W = offset(params, layers[i, WEIGHT])
            affine.backward_input(n, d, m, dout, W, rows, below, dx)
        else:
            _copy_row(dout, n * d, dx)
            differentiate(below, rows, dx, d, n, d)
        y = x


@helper
def _cut(row, size, unit):
    """The row at which `size` rows are cut, near `row`: no end is less than 16 rows high.

    `gemm` treats few rows otherwise, and the results would depend on the cut.
    """
    if row >= size:
        return size
    row = max(row, 0) // unit * unit
    if row < LEAST_ROWS:
        return 0
    return size if size - row < LEAST_ROWS else row


@helper
def _row_blocks(n, members, layers):
    """Blocks into which the n rows of a batch are cut."""
    if layers.shape[1] > WHOLE:
        for i in range(layers.shape[0]):
            if layers[i, WHOLE]:
                return 1
    return max(1, min(members, n // LEAST_ROWS))


@helper
def _row_block(block, blocks, n):
    """First row and number of rows of one of them."""
    if blocks == 1:
        return 0, n
    first = _cut(block * n // blocks, n, ROW_UNIT)
    return first, _cut((block + 1) * n // blocks, n, ROW_UNIT) - first


@helper
def _vectors(like, columns):
    """Vectors that a row of so many columns fills."""
    return (columns + lanes(like) - 1) // lanes(like)


@inline
def _update(
    block, blocks, n, layers, batch_size, params, x, gradients, lr, fused, grads, sparse
):  # fmt: skip
    """Update a part of the weights from the gradients that `_backward` left, in one pass.

    Where that is not wanted, write their gradients to `grads` instead.

    The rows of all W, one layer's after the other's, are cut into blocks of about the same work:
    that of a row is its vectors, as 10 columns take as long as 16. A bias goes with its layer's
    first row. `sparse` as for `_forward`.
    """
    start, end = 0, 0
    if blocks > 1:
        vectors = 0
        for i in range(layers.shape[0]):
            if layers[i, WEIGHT] >= 0 and not is_called(layers, i):
                vectors += layers[i, INPUTS] * _vectors(x, layers[i, OUTPUTS])
        start, end = block * vectors // blocks, (block + 1) * vectors // blocks
    for i in range(layers.shape[0]):
        d, m = layers[i, INPUTS], layers[i, OUTPUTS]
        y = offset(x, padded(batch_size * d))
        if is_called(layers, i):
            if fused and block == 0:
                param, grad = offset(params, layers[i, WEIGHT]), offset(grads, layers[i, WEIGHT])
                descend(param, grad, lr, layers[i, COUNT])
        elif layers[i, WEIGHT] >= 0:
            first, stop, width = 0, d, _vectors(x, m)
            if blocks > 1:
                first = _cut(start // width, d, W_UNIT)
                stop = _cut(end // width, d, W_UNIT)
            if stop > first:
                target = params if fused else grads
                factor = -lr if fused else scalar(x, 1.0)
                W = offset(target, layers[i, WEIGHT] + first * m)
                b, has_bias = offset(target, layers[i, BIAS]), layers[i, BIAS] >= 0 and first == 0
                rows, dout = offset(x, first), offset(y, gradients)
                done = 0
                if i == 0 and sparse != 0:
                    done = call(
                        sparse,
                        (
                            n, stop - first, m, address_in(rows, 0), d, address_in(dout, 0),
                            1 if fused else 0, address_in(W, 0), factor,
                        ),
                    )  # fmt: skip
                affine.backward_params(
                    n, d, m, offset(rows, done), dout, factor, fused, offset(W, done * m), b,
                    has_bias, stop - first - done,
                )  # fmt: skip
            start, end = start - d * width, end - d * width
        x = y


@helper
def _squared_error(n, size, columns, rows, targets, y, gradient, losses):
    """Write the losses of n rows, of a batch of `size`, and return how many answers are correct.

    gradient = d mean loss of the batch / d y
    """
    one, size = scalar(y, 1.0), scalar(y, size)
    correct = 0
    for i in range(n):
        out, target = offset(y, i * columns), offset(targets, get(rows, i) * columns)
        correct += is_right(out, target, columns)
        put(losses, i, squared_error_row(out, target, columns))
        dx = offset(gradient, i * columns)
        squared_error_gradient_row(out, target, columns, one, size, dx)
    return correct


@helper
def _sum(losses, n):
    """Sum of n losses, in float64 and in order."""
    total = 0.0
    for i in range(n):
        total += get(losses, i)
    return total


@helper
def _follow_rule(calls, lr, params, grads, size, update):
    """Update all parameters from their gradients."""
    like = scalar(params, 0.0)
    p, g, hyper = address_in(params, 0), address_in(grads, 0), calls[HYPER]
    put(pointer_at(hyper, float64(0)), LR, float64(lr))
    call(calls[RULE], (update + 1, size, p, g, calls[SLOTS], hyper, like))


@jit
def train_epochs(
    x_address, x_kind, x_row_stride, x_scale, labels, targets, order, batch_size,
    layers, params, loss, lr, learn, calls, work, totals, team, member,
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
    x_scale : scalar of params.dtype
        Every element is multiplied by it.
    labels : (N,) int64
        Class labels, range checked by the caller; empty for MEAN_SQUARED_ERROR.
    targets : (N, C), params.dtype, C-contiguous
        (0, 0) for SOFTMAX_CROSS_ENTROPY.
    order : (E, n) int64, C-contiguous
        Rows to visit in each epoch, range checked by the caller; the last batch of an epoch may
        be smaller.
    batch_size : int64
    layers : (L, 5) int64
        A row a layer: inputs, outputs, offset of W (inputs, outputs) and of b (outputs,) in
        params, activation. Without W (-1) the layer is its activation alone; b may be -1 too.
        No two layers share parameters. Or (L, 10), where some layers are functions by address, as
        `kernels.table` and `kernels.called` tell.
    params : (P,) float32 or float64
        Updated in place.
    loss : int64
        SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR or the address of a function: `kernels.called`.
    lr : scalar of params.dtype
    learn : bool
        False: parameters stay, loss and accuracy are counted.
    calls : (16,) int64
        Zeros for SGD. Else functions and arrays by address, as `kernels.table` tells: another
        optimizer, a learning rate for each update, a penalty on large weights, products of a first
        layer (with a bias) that skip zeros of x, with the same results but for the sign of a zero.
    work : (work_size(layers, batch_size),), params.dtype
        Scratch, overwritten.
    totals : (E, 3) float64
        Overwritten: sum of the loss over the samples, correct predictions, batches done. A batch
        whose loss is not finite ends the training before its update; neither it nor what would
        follow is counted.
    team : (1,) int64, zero
        For one thread. Else an array as `kernels.team` describes it, the same for every member.
    member : int64
        0 for the thread that trains. Any number of others may help: they make the same call with
        another number, before or after it, and return when they are no longer needed.

    Notes
    -----
    The caller keeps x alive: its memory is reached by address, so that float32, float64 and
    uint8 rows share one compiled function.

    A batch has two stages. First each member takes some of its rows through the whole stack and
    back; then it updates some rows of the weights. The results are the same bits for any number of
    members: work is divided by output, and losses are added up by member 0, in order.
    """
    columns = layers[layers.shape[0] - 1, OUTPUTS]
    epochs, size = order.shape
    p, x, shared = pointer(params), pointer(work), pointer(team)
    y, gradients = x, 0
    for i in range(layers.shape[0]):
        y = offset(y, padded(batch_size * layers[i, INPUTS]))
        gradients += padded(batch_size * layers[i, OUTPUTS])
    losses = offset(y, gradients + padded(batch_size * columns))
    like, seed = scalar(p, 0.0), calls[SEED]
    g, memory = pointer_at(calls[GRADS], like), pointer_at(calls[STATES], like)
    fused, plain = calls[RULE] == 0, loss <= MEAN_SQUARED_ERROR
    for i in range(CALLS):
        plain = plain and calls[i] == 0
    batches = (size + batch_size - 1) // batch_size
    stages = epochs * batches
    if learn:
        stages *= 2
    if member == 0:
        totals[:, :] = 0.0
        if batch_size == 1 and learn and plain and is_tiny(layers, p):
            train_one_by_one(
                x_address, x_kind, x_row_stride, x_scale, labels, targets, order, layers, p, loss,
                lr, x, totals,
            )  # fmt: skip
            close(shared)
            return
    stage, batch, epoch, start = -1, -1, 0, -batch_size
    members, began, own, answers = 1, 0, 0, 0
    while True:
        if member == 0:
            stage += 1
            if stage == stages:
                break
            if not learn or stage % 2 == 0:
                batch += 1
                start += batch_size
                if start >= size:
                    epoch, start = epoch + 1, 0
            members = open_stage(shared, stage)
            if members > 1:
                began, own = ticks(), 0
        else:
            stage = await_stage(shared, stage)
            if stage < 0:
                return
            batch = stage // 2 if learn else stage
            epoch, start = batch // batches, batch % batches * batch_size
            members = get(shared, THREADS)
        learns = learn and stage % 2 == 1
        if calls[RATES] != 0:
            rate = get(pointer_at(calls[RATES], float64(0)), min(batch, calls[RATE_COUNT] - 1))
            lr = scalar(p, rate)
        update = calls[UPDATES] + batch
        n = min(batch_size, size - start)
        tasks = _row_blocks(n, members, layers)
        if learns and members > 1:
            tasks = UPDATES_A_MEMBER * members
        task = claim(shared, stage, tasks) if members > 1 else 0
        while task < tasks:
            if learns:
                _update(
                    task, tasks, n, layers, batch_size, p, x, gradients, lr, fused, g,
                    calls[SPARSE_BACKWARD],
                )  # fmt: skip
            else:
                first, count = _row_block(task, tasks, n)
                rows = offset(pointer(order), epoch * size + start + first)
                left = (epochs - epoch) * size - start - first
                gather(
                    x_address, x_kind, x_row_stride, x_scale, rows, count, left,
                    layers[0, INPUTS], offset(x, first * layers[0, INPUTS]),
                )  # fmt: skip
                _forward(
                    first, count, n, layers, batch_size, p, x, y, memory, seed, update, learn,
                    calls[SPARSE_FORWARD],
                )  # fmt: skip
                out = offset(y, first * columns)
                dout, some = offset(out, gradients), offset(losses, first)
                if loss == SOFTMAX_CROSS_ENTROPY:
                    scale = scalar(p, 1.0) / scalar(p, n)
                    correct = softmax_gradient(
                        count, columns, out, pointer(labels), rows, scale, dout, some
                    )
                elif loss == MEAN_SQUARED_ERROR:
                    correct = _squared_error(
                        count, n, columns, rows, pointer(targets), out, dout, some
                    )
                else:
                    correct = call(
                        loss,
                        (
                            count, n, columns, address_in(out, 0),
                            address_in(pointer(targets), 0), address_in(pointer(labels), 0),
                            address_in(rows, 0), address_in(dout, 0), address_in(some, 0),
                            scalar(p, number_in(calls, LOSS)),
                        ),
                    )  # fmt: skip
                if learn:
                    _backward(
                        first, count, n, layers, batch_size, p, y, gradients, g, memory, seed,
                        update,
                    )  # fmt: skip
                if members > 1:
                    fetch_add(shared, ANSWERS, correct)
                else:
                    answers = correct
            if member > 0:
                fetch_add(shared, DONE, 1)
            own += 1
            task = claim(shared, stage, tasks) if members > 1 else tasks
        if member == 0:
            if members > 1:
                finish_stage(shared, tasks, own, began)
                answers = get(shared, ANSWERS)
            if learns and not fused:
                if calls[PENALTY] != 0:
                    table, numbers = address_in(pointer(layers), 0), address_in(pointer(calls), L1)
                    call(
                        calls[PENALTY],
                        (
                            layers.shape[0], layers.shape[1], table, address_in(p, 0),
                            calls[GRADS], numbers, like,
                        ),
                    )  # fmt: skip
                    totals[epoch, 0] += n * number_in(calls, PENALIZED)
                _follow_rule(calls, lr, p, g, params.size, update)
            if not learns:
                total = _sum(losses, n)
                if learn and not math.isfinite(total):
                    break
                totals[epoch, 0] += total
                totals[epoch, 1] += answers
                totals[epoch, 2] += 1
    close(shared)


@jit
def predict_rows(
    x_address, x_kind, x_row_stride, x_scale, order, layers, params, calls, work, batch_size, out,
    team, member,
):  # fmt: skip
    """Output of the network for the rows that `order` names.

        out[i] = layers(x[order[i]])

    Parameters
    ----------
    x_address, x_kind, x_row_stride, x_scale, order, layers, params, calls, batch_size
        As for `train_epochs`.
    work : (work_size(layers, batch_size),), params.dtype
        Scratch, overwritten.
    out : (n, C), params.dtype, C-contiguous
        Overwritten.
    team, member
        As for `train_epochs`. Each member takes some rows of each batch.
    """
    columns = layers[layers.shape[0] - 1, OUTPUTS]
    x, shared = pointer(work), pointer(team)
    memory = pointer_at(calls[STATES], scalar(x, 0.0))
    stage, members, began, own = -1, 1, 0, 0
    while True:
        if member == 0:
            stage += 1
            if stage * batch_size >= order.size:
                break
            members = open_stage(shared, stage)
            if members > 1:
                began, own = ticks(), 0
        else:
            stage = await_stage(shared, stage)
            if stage < 0:
                return
            members = get(shared, THREADS)
        start = stage * batch_size
        n = min(batch_size, order.size - start)
        tasks = _row_blocks(n, members, layers)
        task = claim(shared, stage, tasks) if members > 1 else 0
        while task < tasks:
            first, count = _row_block(task, tasks, n)
            gather(
                x_address, x_kind, x_row_stride, x_scale, offset(pointer(order), start + first),
                count, order.size - start - first, layers[0, INPUTS],
                offset(x, first * layers[0, INPUTS]),
            )  # fmt: skip
            results = offset(pointer(out), start * columns)
            _forward(
                first, count, n, layers, batch_size, pointer(params), x, results, memory,
                0, 0, False, calls[SPARSE_FORWARD],
            )  # fmt: skip
            if member > 0:
                fetch_add(shared, DONE, 1)
            own += 1
            task = claim(shared, stage, tasks) if members > 1 else tasks
        if member == 0 and members > 1:
            finish_stage(shared, tasks, own, began)
    close(shared)
