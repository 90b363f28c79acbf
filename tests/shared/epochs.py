"""Epochs of the compiled loop on framed arrays, and of its twin."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal

from fastnet.kernels import (
    FLOAT32,
    FLOAT64,
    IDENTITY,
    MEAN_SQUARED_ERROR,
    RELU,
    SIGMOID,
    SOFTMAX_CROSS_ENTROPY,
    TANH,
    UINT8,
)
from fastnet.kernels.loop.online import one_by_one
from fastnet.reference.kernels.record import layers_of, program_of

every_loss = pytest.mark.parametrize("loss", [SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR])

KINDS = {"f4": FLOAT32, "f8": FLOAT64, "u1": UINT8}
ONLY = "activation only"
SENTINEL = -7.25
ALONE = np.zeros(1, np.int64)  # no team

# Inputs, then a layer each: (outputs, activation), (outputs, activation, "no bias") or
# (ONLY, activation).
STACKS = {
    "one layer": (5, (3, IDENTITY)),
    "sigmoid": (5, (9, SIGMOID), (3, IDENTITY)),
    "relu": (5, (16, RELU), (3, IDENTITY)),
    "tanh": (5, (4, TANH), (3, IDENTITY)),
    "three layers": (5, (17, TANH), (8, RELU), (3, SIGMOID)),
    "no bias": (5, (9, SIGMOID, "no bias"), (7, RELU), (3, IDENTITY, "no bias")),
    "activations apart": (5, (9, IDENTITY), (ONLY, SIGMOID), (6, TANH), (ONLY, RELU), (3, TANH)),
    "activations in a row": (5, (9, RELU), (ONLY, TANH), (ONLY, SIGMOID), (3, IDENTITY)),
    "activations at the ends": (5, (ONLY, TANH), (8, IDENTITY), (3, TANH), (ONLY, SIGMOID)),
    "wide": (70, (75, RELU), (33, SIGMOID), (10, IDENTITY)),
    "many classes": (5, (4, TANH), (37, IDENTITY)),
    "deep sums": (300, (5, RELU), (3, IDENTITY)),
}
every_stack = with_each("stack", STACKS)


def build(stack, dtype, seed=0):
    """Return the records of the layers and the flat parameters, Xavier with small biases."""
    rng = np.random.default_rng(seed)
    table, pieces, d, at = [], [], stack[0], 0
    for width, activation, *no_bias in stack[1:]:
        if width == ONLY:
            table.append((d, d, -1, -1, activation))
            continue
        pieces.append(rng.standard_normal(d * width) / np.sqrt(d))
        if not no_bias:
            pieces.append(rng.standard_normal(width) / 10)
        table.append((d, width, at, -1 if no_bias else at + d * width, activation))
        at += d * width + (0 if no_bias else width)
        d = width
    return layers_of(table), np.concatenate(pieces).astype(dtype)


def data(stack, dtype, n=37, seed=1):
    """Return x, labels, targets (one-hot)."""
    rng = np.random.default_rng(seed)
    classes = build(stack, dtype)[0]["outputs"][-1]
    labels = rng.integers(0, classes, n)
    x = rng.standard_normal((n, stack[0])).astype(dtype)
    return x, labels, np.eye(classes, dtype=dtype)[labels]


def rows_of(x):
    """Return the three arguments that describe x."""
    address = x.__array_interface__["data"][0]
    return address, KINDS[x.dtype.str[1:]], x.strides[0]


def framed(size, dtype):
    buffer = np.full(size + 80, SENTINEL, dtype)
    return buffer, buffer[40 : 40 + size]


def assert_frame(buffer):
    assert (buffer[:40] == SENTINEL).all() and (buffer[-40:] == SENTINEL).all()


def epoch(
    module, x, labels, targets, layers, params, loss,
    order=None, batch_size=8, lr=0.3, learn=True, scale=1, offset=-0.0,
):  # fmt: skip
    """Train params in place and return the totals; check what must stay as it is.

    `order` names the rows of one epoch, or of several: (n,) with totals (3,), or (E, n) and (E, 3).
    """
    dtype = params.dtype.type
    order = np.arange(len(x)) if order is None else np.asarray(order, np.int64)
    epochs = np.atleast_2d(order)
    if loss == SOFTMAX_CROSS_ENTROPY:
        targets = np.empty((0, 0), dtype)
    else:
        labels = np.empty(0, np.int64)
    programs = program_of(
        layers, loss, x_scale=scale, x_offset=offset,
        one_by_one=one_by_one.address(params.dtype),
    )  # fmt: skip
    work_buffer, work = framed(module.work_size(programs, batch_size), dtype)
    work[:] = np.nan
    totals_buffer, totals = framed(3 * len(epochs), np.float64)
    totals = totals.reshape(-1, 3)
    kept = [a.copy() for a in (x, labels, targets, epochs)]
    described = programs.base.tobytes()
    result = module.train_epochs(
        *rows_of(x), labels, targets, epochs, batch_size, params, programs,
        dtype(lr), learn, work, totals, ALONE, 0,
    )  # fmt: skip
    assert result is None
    assert_frame(work_buffer)
    assert_frame(totals_buffer)
    for array, copy in zip((x, labels, targets, epochs), kept, strict=True):
        assert np.array_equal(array, copy, equal_nan=array.dtype.kind == "f")
    assert programs.base.tobytes() == described
    return totals.reshape(*order.shape[:-1], 3)


def predict(module, x, layers, params, order=None, batch_size=8, scale=1, offset=-0.0):
    dtype = params.dtype.type
    order = np.arange(len(x)) if order is None else np.asarray(order, np.int64)
    columns = int(layers["outputs"][-1])
    programs = program_of(layers, x_scale=scale, x_offset=offset)
    work_buffer, work = framed(module.work_size(programs, batch_size), dtype)
    work[:] = np.nan
    out_buffer, out = framed(len(order) * columns, dtype)
    out = out.reshape(len(order), columns)
    kept = params.copy()
    module.predict_rows(
        *rows_of(x), order, params, programs, work, batch_size, out, ALONE, 0,
    )  # fmt: skip
    assert_frame(work_buffer)
    assert_frame(out_buffer)
    assert_array_equal(params, kept)
    return out
