"""Tiny networks, one sample an update, prediction, and that nothing compiles twice."""

import numpy as np
import pytest
from epochs import (
    KINDS,
    ONLY,
    STACKS,
    assert_frame,
    build,
    data,
    epoch,
    every_loss,
    every_stack,
    framed,
    predict,
)
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    IDENTITY,
    MEAN_SQUARED_ERROR,
    RELU,
    SIGMOID,
    SOFTMAX_CROSS_ENTROPY,
    TANH,
)
from fastnet.reference import kernels as reference

# XOR: a third input of 1 stands for the bias.
XOR_STACK = (3, (4, SIGMOID, "no bias"), (1, SIGMOID, "no bias"))
XOR_X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
XOR_T = np.array([[0.0], [1.0], [1.0], [0.0]])


def test_xor_equals_the_reference_after_1000_updates():
    layers, params = build(XOR_STACK, np.float64)
    start, expected = params.copy(), params.copy()
    order = np.tile(np.arange(4), 250)
    arguments = {"batch_size": 1, "lr": 0.9}
    for module, weights in ((kernels, params), (reference, expected)):
        totals = epoch(
            module, XOR_X, None, XOR_T, layers, weights, MEAN_SQUARED_ERROR, order, **arguments
        )
        assert totals[2] == 1000
    assert_allclose(params, expected, rtol=1e-11)
    assert np.abs(params - start).max() > 0.1


@every_dtype
def test_xor_is_learnt(dtype):
    layers, params = build(XOR_STACK, dtype)
    order = np.tile(np.arange(4), 10_000)
    x, t = XOR_X.astype(dtype), XOR_T.astype(dtype)
    epoch(kernels, x, None, t, layers, params, MEAN_SQUARED_ERROR, order, batch_size=1, lr=0.9)
    assert np.abs(predict(kernels, x, layers, params) - t).max() < 0.1


# One sample an update: kernels/loop/online.py, one_row.py

# Around its limits: vectors of 16 or fewer lanes, 128 rows of W and b.
TINY_STACKS = {
    "one number": (1, (1, SIGMOID)),
    "one class": (3, (1, IDENTITY)),
    "xor": (3, (4, SIGMOID), (1, SIGMOID)),
    "two": (2, (2, TANH), (2, IDENTITY)),
    "one in between": (7, (1, RELU), (3, TANH), (2, SIGMOID)),
    "no bias": (4, (1, SIGMOID, "no bias"), (5, RELU, "no bias"), (3, IDENTITY, "no bias")),
    "two lanes": (2, (2, SIGMOID), (2, IDENTITY)),
    "four lanes": (4, (4, SIGMOID), (4, IDENTITY)),
    "five lanes": (5, (5, SIGMOID), (5, IDENTITY)),
    "eight lanes": (8, (8, SIGMOID), (8, TANH), (8, IDENTITY)),
    "nine lanes": (9, (9, SIGMOID), (9, IDENTITY)),
    "sixteen lanes": (16, (16, SIGMOID), (16, IDENTITY)),
    "seventeen lanes": (17, (17, SIGMOID), (17, IDENTITY)),
    "many inputs": (100, (4, SIGMOID), (2, IDENTITY)),
    "many inputs of one": (100, (1, TANH), (2, IDENTITY)),
    "128 rows": (127, (2, IDENTITY)),
    "129 rows": (128, (2, IDENTITY)),
    "401 rows": (400, (2, SIGMOID)),
    "three to one": (5, (3, SIGMOID), (6, SIGMOID), (1, SIGMOID)),
    "an activation apart": (4, (3, IDENTITY), (ONLY, SIGMOID), (2, IDENTITY)),
    "wide": (33, (50, SIGMOID), (20, TANH), (3, IDENTITY)),
    "wide, no bias": (35, (37, SIGMOID, "no bias"), (19, RELU, "no bias"), (7, IDENTITY)),
    "wide to one": (40, (33, RELU), (1, SIGMOID)),
    "one to wide": (300, (1, TANH), (40, SIGMOID), (2, IDENTITY)),
    "wide alone": (1, (200, TANH), (1, SIGMOID)),  # longer than all that stands behind it
}


@with_each("stack", TINY_STACKS)
@every_loss
@every_dtype
def test_one_sample_an_update(stack, loss, dtype):
    """Two epochs of 37 shuffled rows."""
    layers, start = build(TINY_STACKS[stack], dtype)
    x, labels, targets = data(TINY_STACKS[stack], dtype)
    order = np.stack([np.random.default_rng(seed).permutation(37) for seed in (3, 4)])
    arguments = {"batch_size": 1, "lr": 0.01}
    params, expected = framed(len(start), dtype)[1], start.astype(np.float64)
    params[:] = start
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order, **arguments)
    assert_frame(params.base)
    wanted = epoch(
        reference, x.astype(np.float64), labels, targets.astype(np.float64), layers,
        expected, loss, order, **arguments,
    )  # fmt: skip
    eps = np.finfo(dtype).eps
    bound = 74 * eps * (np.sqrt(layers["inputs"].max()) + 4)
    assert_allclose(params, expected, rtol=bound, atol=bound)
    assert_allclose(totals[:, 0], wanted[:, 0], rtol=bound, atol=bound)
    assert_array_equal(totals[:, 1:], wanted[:, 1:])
    if (
        loss == MEAN_SQUARED_ERROR or layers["outputs"][-1] > 1
    ):  # of one class there is nothing to learn
        assert np.abs(params - start).max() > 100 * eps


@pytest.mark.parametrize("stack", ["four lanes", "five lanes", "sixteen lanes"])
@every_dtype
def test_one_sample_with_a_large_logit(stack, dtype):
    """The softmax subtracts the largest of all."""
    layers, params = build(TINY_STACKS[stack], dtype)
    x, labels, targets = data(TINY_STACKS[stack], dtype)
    params[-1] = 1000
    totals = epoch(
        kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY, batch_size=1, lr=0.01
    )
    assert totals[2] == 37
    assert_allclose(totals[0], 1000 * (labels != labels.max()).sum(), rtol=0.01)


@with_each("value", [np.nan, np.inf, -np.inf])
@with_each("stack", ["two", "many inputs", "sixteen lanes", "wide"])
@every_loss
@every_dtype
def test_one_sample_whose_loss_is_not_finite_stops(stack, value, loss, dtype):
    """The fourth of the second of three epochs; tanh and sigmoid of inf are finite, so a target."""
    layers, params = build(TINY_STACKS[stack], dtype)
    x, labels, targets = data(TINY_STACKS[stack], dtype)
    x[29] = np.nan
    if loss == MEAN_SQUARED_ERROR:
        x[29], targets[29, 0] = 0, value
    order = np.stack([np.arange(8), np.r_[:3, 29, 3:7], np.arange(8)])
    copied = params.copy()
    wanted = [
        epoch(kernels, x, labels, targets, layers, copied, loss, rows, batch_size=1)
        for rows in (order[0], order[1, :3])
    ]
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order, batch_size=1)
    assert_array_equal(params, copied)
    assert np.isfinite(params).all()
    assert_array_equal(totals, [*wanted, [0, 0, 0]])
    assert_array_equal(totals[:, 2], [8, 3, 0])


# Prediction


@every_stack
@every_dtype
def test_predict(stack, dtype):
    layers, params = build(STACKS[stack], dtype)
    x, _, _ = data(STACKS[stack], dtype)
    order = np.random.default_rng(4).integers(0, 37, 50)
    exact = predict(reference, x.astype(np.float64), layers, params.astype(np.float64), order)
    out = predict(kernels, x, layers, params, order)
    bound = 4 * np.finfo(dtype).eps * np.sqrt(layers["inputs"].max())
    assert_allclose(out, exact, rtol=4 * bound, atol=4 * bound)
    for batch_size in (1, 7, 64):  # a batch is its rows, to the bit
        assert_array_equal(predict(kernels, x, layers, params, order, batch_size), out)
    assert predict(kernels, x, layers, params, []).shape == (0, layers["outputs"][-1])


@every_dtype
def test_predict_lets_nan_through(dtype):
    stack = STACKS["relu"]
    layers, params = build(stack, dtype)
    x, _, _ = data(stack, dtype)
    clean = predict(kernels, x, layers, params)
    x[11, 4] = np.nan
    out = predict(kernels, x, layers, params)
    assert np.isnan(out[11]).all()
    assert_array_equal(np.delete(out, 11, axis=0), np.delete(clean, 11, axis=0))


def test_the_same_call_gives_the_same_bits():
    stack = STACKS["wide"]
    x, labels, targets = data(stack, np.float32)
    runs = []
    for _ in range(2):
        layers, params = build(stack, np.float32)
        totals = epoch(kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY)
        runs.append((params, totals))
    assert_array_equal(runs[0][0], runs[1][0])
    assert_array_equal(runs[0][1], runs[1][1])


def test_a_new_topology_compiles_nothing():
    """Stack, activations, loss, kind of rows and batch size are data."""
    for dtype in (np.float32, np.float64):
        layers, params = build(STACKS["one layer"], dtype)
        x, labels, targets = data(STACKS["one layer"], dtype)
        epoch(kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY)
        predict(kernels, x, layers, params)
    dispatchers = kernels.train_epochs, kernels.predict_rows, kernels.work_size
    before = [len(dispatcher.signatures) for dispatcher in dispatchers]
    assert before == [2, 2, 1]
    for n, stack in enumerate(STACKS.values()):
        for dtype in (np.float32, np.float64):
            for kind in KINDS:
                layers, params = build(stack, dtype)
                x, labels, targets = data(stack, dtype)
                x = x.astype(kind) if kind != "u1" else (100 + 10 * x).astype(kind)
                settings = {"batch_size": n + 1, "scale": 0.1}
                epoch(kernels, x, labels, targets, layers, params, n % 2, **settings)
                predict(kernels, x, layers, params, **settings)
    assert [len(dispatcher.signatures) for dispatcher in dispatchers] == before
