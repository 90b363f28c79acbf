"""Epochs of the compiled loop equal those of the reference, in any batches and order."""

import numpy as np
from epochs import STACKS, build, data, epoch, every_loss, every_stack
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    SOFTMAX_CROSS_ENTROPY,
)
from fastnet.reference import kernels as reference


@every_loss
@every_stack
@every_dtype
def test_epochs_equal_the_reference(stack, loss, dtype):
    """Three epochs of 37 shuffled rows, 8 a batch, the last of 5."""
    layers, start = build(STACKS[stack], dtype)
    x, labels, targets = data(STACKS[stack], dtype)
    params, expected = start.copy(), start.astype(np.float64)
    rng = np.random.default_rng(2)
    # float32 is held to the float64 reference: 15 updates, each a few roundings a term.
    eps = np.finfo(dtype).eps
    bound = 15 * eps * (np.sqrt(max(layers["inputs"].max(), 37)) + 4)
    for _ in range(3):
        order = rng.permutation(len(x))
        totals = epoch(kernels, x, labels, targets, layers, params, loss, order)
        wanted = epoch(
            reference, x.astype(np.float64), labels, targets.astype(np.float64), layers,
            expected, loss, order,
        )  # fmt: skip
        assert_allclose(params, expected, rtol=bound, atol=bound)
        assert_allclose(totals[0], wanted[0], rtol=bound)
        assert_array_equal(totals[1:], wanted[1:])
        assert totals[2] == 5
    assert np.abs(params - start).max() > 1e3 * bound  # something was learnt


@with_each("batch_size", [1, 2, 7, 36, 37, 38, 100])
@every_dtype
def test_batch_sizes(batch_size, dtype):
    stack = STACKS["three layers"]
    layers, start = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    params, expected = start.copy(), start.astype(np.float64)
    arguments = {"batch_size": batch_size, "lr": 0.05}
    totals = epoch(kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY, **arguments)
    wanted = epoch(
        reference, x.astype(np.float64), labels, targets, layers, expected,
        SOFTMAX_CROSS_ENTROPY, **arguments,
    )  # fmt: skip
    bound = 200 * np.finfo(dtype).eps
    assert_allclose(params, expected, rtol=bound, atol=bound)
    assert_allclose(totals, wanted, rtol=bound)
    assert totals[2] == -(-37 // batch_size)


@every_loss
@every_dtype
def test_epochs_in_one_call_are_epochs_in_many(loss, dtype):
    stack = STACKS["three layers"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    rng = np.random.default_rng(2)
    order = np.stack([rng.permutation(37)[:30] for _ in range(4)])
    copied = params.copy()
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order)
    assert totals.shape == (4, 3)
    for rows, one in zip(order, totals, strict=True):
        wanted = epoch(kernels, x, labels, targets, layers, copied, loss, rows)
        assert_array_equal(one, wanted)
    assert_array_equal(params, copied)
    assert len(np.unique(totals[:, 0])) == 4


@with_each("order", [[], [5], [3, 3, 3], [36, 0, 17, 5, 5, 9, 1, 2, 30]])
@every_loss
def test_order_names_the_rows(order, loss):
    """Some rows, one row often, none: as training on x[order]."""
    stack = STACKS["sigmoid"]
    layers, params = build(stack, np.float64)
    x, labels, targets = data(stack, np.float64)
    copied = params.copy()
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order, batch_size=4)
    index = np.array(order, np.int64)
    wanted = epoch(
        kernels, x[index], labels[index], targets[index], layers, copied, loss, batch_size=4
    )
    assert_array_equal(params, copied)
    assert_array_equal(totals, wanted)
    assert totals[2] == -(-len(order) // 4)
