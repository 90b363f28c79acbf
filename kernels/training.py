"""Whole epochs of training in one compiled call.

Everything that differs from network to network is data: the stack of layers is a table, the
activation and the loss are codes, all parameters lie in one vector, and the rows of x are read
by address.  So one compiled function a dtype serves every network, and a new one compiles
nothing.
"""

import math

from numba import float32, float64, uint8

from . import affine
from ._jit import helper, inline, jit
from .activations import IDENTITY, activate, differentiate
from .losses import squared_error_gradient_row, squared_error_row
from .simd import (
    get,
    lanes,
    load,
    load_as,
    offset,
    pointer,
    pointer_at,
    prefetch,
    put,
    scalar,
    stack_buffer,
    store,
)
from .softmax import FEW, FEW_BYTES, is_largest, softmax_gradient

SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = range(2)

# Kinds of number that rows of x may hold.
FLOAT32, FLOAT64, UINT8 = range(3)

# Columns of the table of layers.
INPUTS, OUTPUTS, WEIGHT, BIAS, ACTIVATION = range(5)

AHEAD = 4  # rows: 784-10 with batch 100 takes 39 us; 45 with 16, which are more than L1 holds
ALIGNMENT = 16  # elements: each buffer of the scratch starts on a cache line of its own


@helper
def _padded(count):
    return (count + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@helper
def _widest(layers):
    widest = layers[0, INPUTS]
    for i in range(layers.shape[0]):
        widest = max(widest, layers[i, OUTPUTS])
    return widest


@jit
def work_size(layers, batch_size):
    """Elements of scratch that `train_epochs` and `predict_rows` need.

        one (batch_size, width) buffer for the input and for each layer's output, and two more of
        the widest for gradients

    Parameters
    ----------
    layers : (L, 5) int64
        The table described at `train_epochs`.
    batch_size : int64

    Returns
    -------
    int64
    """
    size = _padded(batch_size * layers[0, INPUTS])
    for i in range(layers.shape[0]):
        size += _padded(batch_size * layers[i, OUTPUTS])
    return size + 2 * _padded(batch_size * _widest(layers))


@helper
def _convert_row(source, scale, columns, target, ahead):
    """target[:columns] = scale * source[:columns]; `ahead` is a row that will be read soon."""
    step = lanes(target)
    full = columns - columns % step
    for j in range(0, full, step):
        prefetch(ahead, j)
        store(target, j, load_as(source, j, target) * scale)
    for j in range(full, columns):
        put(target, j, scalar(target, get(source, j)) * scale)


@helper
def _copy_row(source, columns, target):
    step = lanes(target)
    full = columns - columns % step
    for j in range(0, full, step):
        store(target, j, load(source, j))
    for j in range(full, columns):
        put(target, j, get(source, j))


@helper
def _gather(address, kind, row_stride, scale, rows, n, available, columns, target):
    """target[i, :] = scale * x[rows[i], :] for the n rows of a batch.

    `available` counts what `rows` holds, with the batches to come.
    """
    for i in range(n):
        row = address + get(rows, i) * row_stride
        ahead = address + get(rows, min(i + AHEAD, available - 1)) * row_stride
        out = offset(target, i * columns)
        if kind == UINT8:
            _convert_row(
                pointer_at(row, uint8(0)), scale, columns, out, pointer_at(ahead, uint8(0))
            )
        elif kind == FLOAT32:
            _convert_row(
                pointer_at(row, float32(0)), scale, columns, out, pointer_at(ahead, float32(0))
            )
        else:
            _convert_row(
                pointer_at(row, float64(0)), scale, columns, out, pointer_at(ahead, float64(0))
            )


@inline
def _forward(n, layers, batch_size, params, x, out):
    """Run the stack on x; outputs follow each other after x, the last one goes to `out`."""
    last = layers.shape[0] - 1
    for i in range(last + 1):
        d, m, activation = layers[i, INPUTS], layers[i, OUTPUTS], layers[i, ACTIVATION]
        y = out if i == last else offset(x, _padded(batch_size * d))
        if layers[i, WEIGHT] >= 0:
            W, b = offset(params, layers[i, WEIGHT]), offset(params, layers[i, BIAS])
            affine.forward(n, d, m, x, W, b, layers[i, BIAS] >= 0, activation, y)
        else:
            _copy_row(x, n * d, y)
            activate(activation, y, m, n, m)
        x = y


@inline
def _backward_sgd_update(n, layers, batch_size, params, out, first, second, lr):
    """Send the gradient in `first` back through the stack and update every layer on the way.

    `out` is the last output; `first` and `second` take turns as the gradient.
    """
    y = out
    last = layers.shape[0] - 1
    m = layers[last, OUTPUTS]
    differentiate(layers[last, ACTIVATION], y, first, m, n, m)
    for i in range(last, -1, -1):
        d, m = layers[i, INPUTS], layers[i, OUTPUTS]
        below = layers[i - 1, ACTIVATION] if i > 0 else IDENTITY
        x = offset(y, -_padded(batch_size * d))
        if layers[i, WEIGHT] >= 0:
            W, b = offset(params, layers[i, WEIGHT]), offset(params, layers[i, BIAS])
            if i > 0:
                affine.backward_input(n, d, m, first, W, x, below, second)
            affine.backward_params(n, d, m, x, first, -lr, True, W, b, layers[i, BIAS] >= 0)
            first, second = second, first
        else:
            differentiate(below, x, first, d, n, d)
        y = x


@helper
def _is_right(y, t, columns):
    """Whether output and target agree: on which is largest, or, if only one, on above 1/2."""
    if columns == 1:
        return (get(y, 0) > 0.5) == (get(t, 0) > 0.5)
    label = 0
    for j in range(1, columns):
        if get(t, j) > get(t, label):
            label = j
    return is_largest(y, columns, label)


@helper
def _cross_entropy(n, columns, rows, labels, y, gradient):
    """Sum of the batch's losses and its correct answers; gradient = d mean loss / d y."""
    losses = stack_buffer(y, FEW_BYTES)
    scale = scalar(y, 1.0) / scalar(y, n)
    total, correct = 0.0, 0
    for start in range(0, n, FEW):
        count = min(FEW, n - start)
        at = start * columns
        correct += softmax_gradient(
            count, columns, offset(y, at), labels, offset(rows, start), scale,
            offset(gradient, at), losses,
        )  # fmt: skip
        for i in range(count):
            total += get(losses, i)
    return total, correct


@helper
def _squared_error(n, columns, rows, targets, y, gradient):
    """Sum of the batch's losses and its correct answers; gradient = d mean loss / d y."""
    one, size = scalar(y, 1.0), scalar(y, n)
    total, correct = 0.0, 0
    for i in range(n):
        out, target = offset(y, i * columns), offset(targets, get(rows, i) * columns)
        correct += _is_right(out, target, columns)
        total += squared_error_row(out, target, columns)
        dx = offset(gradient, i * columns)
        squared_error_gradient_row(out, target, columns, one, size, dx)
    return total, correct


@jit
def train_epochs(
    x_address, x_kind, x_row_stride, x_scale, labels, targets, order, batch_size,
    layers, params, loss, lr, learn, work, totals,
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
    params : (P,) float32 or float64
        Updated in place.
    loss : int64
        SOFTMAX_CROSS_ENTROPY or MEAN_SQUARED_ERROR.
    lr : scalar of params.dtype
    learn : bool
        False: parameters stay, loss and accuracy are counted.
    work : (work_size(layers, batch_size),), params.dtype
        Scratch, overwritten.
    totals : (E, 3) float64
        Overwritten: sum of the loss over the samples, correct predictions, batches done. A batch
        whose loss is not finite ends the training before its update; neither it nor what would
        follow is counted.

    Notes
    -----
    The caller keeps x alive: its memory is reached by address, so that float32, float64 and
    uint8 rows share one compiled function.
    """
    last = layers.shape[0] - 1
    columns = layers[last, OUTPUTS]
    epochs, size = order.shape
    p, x = pointer(params), pointer(work)
    y = x
    for i in range(last + 1):
        y = offset(y, _padded(batch_size * layers[i, INPUTS]))
    first = offset(y, _padded(batch_size * columns))
    second = offset(first, _padded(batch_size * _widest(layers)))
    totals[:, :] = 0.0
    for epoch in range(epochs):
        for start in range(0, size, batch_size):
            n = min(batch_size, size - start)
            rows = offset(pointer(order), epoch * size + start)
            left = (epochs - epoch) * size - start
            _gather(x_address, x_kind, x_row_stride, x_scale, rows, n, left, layers[0, INPUTS], x)
            _forward(n, layers, batch_size, p, x, y)
            if loss == SOFTMAX_CROSS_ENTROPY:
                total, correct = _cross_entropy(n, columns, rows, pointer(labels), y, first)
            else:
                total, correct = _squared_error(n, columns, rows, pointer(targets), y, first)
            if learn:
                if not math.isfinite(total):
                    return
                _backward_sgd_update(n, layers, batch_size, p, y, first, second, lr)
            totals[epoch, 0] += total
            totals[epoch, 1] += correct
            totals[epoch, 2] += 1


@jit
def predict_rows(
    x_address, x_kind, x_row_stride, x_scale, order, layers, params, work, batch_size, out
):
    """Output of the network for the rows that `order` names.

        out[i] = layers(x[order[i]])

    Parameters
    ----------
    x_address, x_kind, x_row_stride, x_scale, order, layers, params, batch_size
        As for `train_epochs`.
    work : (work_size(layers, batch_size),), params.dtype
        Scratch, overwritten.
    out : (n, C), params.dtype, C-contiguous
        Overwritten.
    """
    columns = layers[layers.shape[0] - 1, OUTPUTS]
    x = pointer(work)
    for start in range(0, order.size, batch_size):
        n = min(batch_size, order.size - start)
        rows = offset(pointer(order), start)
        left = order.size - start
        _gather(x_address, x_kind, x_row_stride, x_scale, rows, n, left, layers[0, INPUTS], x)
        _forward(n, layers, batch_size, pointer(params), x, offset(pointer(out), start * columns))
