"""A whole epoch in one call, for any stack of dense layers.

The stack is data: ``programs`` (1,) has the address of a record a layer, with its inputs and
outputs, where its W and b begin in the flat vector ``params`` (-1 where there is none) and the
activation's code, see ``record.py``. The rows of x are given by address, kind and bytes between
rows, because the compiled twin reads three dtypes with one machine code.
"""

import numpy as np

from .activations import BACKWARD, FORWARD
from .affine import affine_backward_input, affine_backward_sgd_update, affine_forward
from .losses import mean_squared_error_backward, mean_squared_error_forward
from .record import LAYER, SOFTMAX_CROSS_ENTROPY
from .softmax import softmax_cross_entropy_backward, softmax_cross_entropy_forward


def train_epochs(
    x_address,
    x_kind,
    x_row_stride,
    labels,
    targets,
    order,
    batch_size,
    params,
    programs,
    lr,
    learn,
    work,
    totals,
    team,
    member,
):
    """Train on the rows that order (E, n) names, epoch by epoch, batch by batch.

    For dense layers, two losses and SGD: what the compiled twin calls by address has twins of its
    own. Each batch costs a forward pass, its loss and (learn) a backward
    pass with an SGD update. labels (N,) int64 serve the cross entropy, targets (N, C) the squared
    error. A row of totals (E, 3) receives an epoch's loss summed over the samples, the correct
    answers, and the batches done; a loss that is not finite ends the training before its update.
    One thread does it all: a member other than 0 of a team of threads returns at once.
    """
    if member > 0:
        return
    layers = _layers_of(programs)
    rows = _rows_at(x_address, x_kind, x_row_stride, order, layers)
    stack = _views(layers, params)
    outs, douts = _split(work, layers, batch_size)
    batch_loss = np.empty(1, params.dtype)
    totals[:] = 0
    for total, epoch in zip(totals, order, strict=True):
        for start in range(0, len(epoch), batch_size):
            batch = epoch[start : start + batch_size]
            n = len(batch)
            inputs = _forward(_read(rows[batch], programs, params), stack, [o[:n] for o in outs])
            out, dout = inputs[-1], douts[-1][:n]

            if programs["loss"][0] == SOFTMAX_CROSS_ENTROPY:
                t = labels[batch]
                softmax_cross_entropy_forward(out, t, dout, batch_loss)
                softmax_cross_entropy_backward(dout, t, 1, dout)
                correct = out.argmax(axis=1) == t
            else:
                t = targets[batch]
                mean_squared_error_forward(out, t, batch_loss)
                mean_squared_error_backward(out, t, 1, dout)
                if out.shape[1] == 1:
                    correct = ((out > 0.5) == (t > 0.5))[:, 0]
                else:
                    correct = out.argmax(axis=1) == t.argmax(axis=1)
            correct &= ~np.isnan(out).any(axis=1)
            if learn:
                if not np.isfinite(batch_loss[0]):
                    return
                _backward_update(inputs, dout, [d[:n] for d in douts], stack, lr)
            total += n * float(batch_loss[0]), np.count_nonzero(correct), 1


def predict_rows(
    x_address,
    x_kind,
    x_row_stride,
    order,
    params,
    programs,
    work,
    batch_size,
    out,
    team,
    member,
):
    """Write the network's output for the rows in ``order`` into out (n, C)."""
    if member > 0:
        return
    layers = _layers_of(programs)
    rows = _rows_at(x_address, x_kind, x_row_stride, order, layers)
    stack = _views(layers, params)
    outs, _ = _split(work, layers, batch_size)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        x = _read(rows[batch], programs, params)
        out[start : start + batch_size] = _forward(x, stack, [o[: len(x)] for o in outs])[-1]


def work_size(programs, batch_size):
    """Return how many elements of scratch the two functions above need."""
    return 2 * batch_size * int(_layers_of(programs)["outputs"].sum())


class _Memory:
    """Memory at an address, in the form that np.asarray understands."""

    def __init__(self, address, shape, strides, dtype):
        self.__array_interface__ = {
            "version": 3,
            "data": (int(address), True),  # True: read only
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "descr": dtype.descr,
        }


def _layers_of(programs):
    """View the records of the layers."""
    address, depth = programs["layers"][0], int(programs["depth"][0])
    return np.asarray(_Memory(address, (depth,), (LAYER.itemsize,), LAYER))


def _rows_at(x_address, x_kind, x_row_stride, order, layers):
    """View the user's rows, up to the last that is visited, as a matrix: no copy."""
    dtype = np.dtype((np.float32, np.float64, np.uint8)[x_kind])
    shape = (int(order.max(initial=-1)) + 1, int(layers["inputs"][0]))
    return np.asarray(_Memory(x_address, shape, (int(x_row_stride), dtype.itemsize), dtype))


def _read(x, programs, params):
    """Return rows in the dtype of params, rescaled as the program says."""
    scale, offset = programs["x_scale"][0], programs["x_offset"][0]
    if scale == 1 and offset == 0:
        return x.astype(params.dtype, copy=False)
    return x.astype(params.dtype) * params.dtype.type(scale) + params.dtype.type(offset)


def _views(layers, params):
    """Return W, b (None where there is none) and activation of every layer."""
    stack = []
    names = ["inputs", "outputs", "weight", "bias", "activation"]
    for n_in, n_out, at_W, at_b, activation in layers[names].tolist():
        W = params[at_W : at_W + n_in * n_out].reshape(n_in, n_out) if at_W >= 0 else None
        b = params[at_b : at_b + n_out] if at_b >= 0 else None
        stack.append((W, b, activation))
    return stack


def _split(work, layers, batch_size):
    """Cut work into an output and a gradient, (batch_size, n_out), for every layer."""
    sizes = [batch_size * n_out for n_out in layers["outputs"].tolist()] * 2
    pieces = np.split(work[: sum(sizes)], np.cumsum(sizes)[:-1])
    matrices = [piece.reshape(batch_size, -1) for piece in pieces]
    return matrices[: len(layers)], matrices[len(layers) :]


def _forward(x, stack, outs):
    """Return x and the output of every layer."""
    inputs = [x]
    for (W, b, activation), out in zip(stack, outs, strict=True):
        if W is None:
            FORWARD[activation](x, out)
        else:
            affine_forward(x, W, 0 if b is None else b, activation, out)
        inputs.append(out)
        x = out
    return inputs


def _backward_update(inputs, dout, douts, stack, lr):
    """Update the layers from last to first; dout is the gradient at the last one's output."""
    BACKWARD[stack[-1][2]](inputs[-1], dout, dout)
    for i in reversed(range(len(stack))):
        W, b, _ = stack[i]
        x = inputs[i]
        if i > 0:  # before W changes; the first layer needs no dx
            dx, below = douts[i - 1], stack[i - 1][2]
            if W is None:
                BACKWARD[below](x, dout, dx)
            else:
                affine_backward_input(dout, W, x, below, dx)
        if W is not None:
            affine_backward_sgd_update(x, dout, lr, W, np.zeros_like(dout[0]) if b is None else b)
        if i > 0:
            dout = dx
