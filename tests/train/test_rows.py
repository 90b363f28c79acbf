"""Rows that the compiled loop reads: kinds, widths, strides, and which answers are right."""

import numpy as np
import pytest
from epochs import STACKS, build, data, epoch, every_loss, predict
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    IDENTITY,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    TANH,
)
from fastnet.reference import kernels as reference
from fastnet.reference.kernels.record import layers_of

# Rows


def pictures(kind, n=37, d=21):
    return np.random.default_rng(3).integers(0, 256, (n, d)).astype(kind)


@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
@every_dtype
def test_kinds_of_rows(kind, dtype):
    """Rows of any kind, scaled on the way, are rows converted before: to the bit."""
    stack = (21, (9, TANH), (3, IDENTITY))
    layers, params = build(stack, dtype)
    _, labels, targets = data(stack, dtype)
    x = pictures(kind)
    if kind != "u1":
        x = (x + x.dtype.type(0.1)).astype(kind)
    converted = x.astype(dtype) * dtype(1 / 255)
    copied = params.copy()
    arguments = labels, targets, layers
    totals = epoch(kernels, x, *arguments, params, SOFTMAX_CROSS_ENTROPY, scale=1 / 255)
    assert_array_equal(totals, epoch(kernels, converted, *arguments, copied, SOFTMAX_CROSS_ENTROPY))
    assert_array_equal(params, copied)
    assert_array_equal(
        predict(kernels, x, layers, params, scale=1 / 255),
        predict(kernels, converted, layers, params),
    )


@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
@with_each("columns", [*range(1, 18), 33, 64, 65])
@every_dtype
def test_widths_of_rows(columns, kind, dtype):
    """A layer without weights shows what was read, in every tail."""
    layers = layers_of([(columns, columns, -1, -1, IDENTITY)])
    x = pictures(kind, 5, columns)
    out = predict(kernels, x, layers, np.zeros(1, dtype), batch_size=2, scale=0.5)
    assert_array_equal(out, x.astype(dtype) * dtype(0.5))


@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
def test_strides_of_rows(kind):
    """Sliced and reversed views are read in place."""
    stack = (21, (9, TANH), (3, IDENTITY))
    _, labels, targets = data(stack, np.float32)
    whole = pictures(kind, 74, 40)
    for x in (whole[::2, 3:24], whole[73::-2, :21], whole[:37, 19:], whole[36::-1, 5:26]):
        assert x.shape == (37, 21) and not x.flags.c_contiguous
        layers, params = build(stack, np.float32)
        copied = params.copy()
        arguments = labels, targets, layers
        totals = epoch(kernels, x, *arguments, params, SOFTMAX_CROSS_ENTROPY, scale=1 / 255)
        wanted = epoch(kernels, x.copy(), *arguments, copied, SOFTMAX_CROSS_ENTROPY, scale=1 / 255)
        assert_array_equal(totals, wanted)
        assert_array_equal(params, copied)
        twin = predict(reference, x, layers, params, scale=1 / 255)
        assert_allclose(
            predict(kernels, x, layers, params, scale=1 / 255), twin, rtol=1e-5, atol=1e-6
        )


# Evaluation


@pytest.mark.parametrize("classes", [2, 10, 40])
@every_dtype
def test_an_answer_among_nan_is_not_right(classes, dtype):
    """Nor is a later one of equal ones; infinity may be right."""
    layers = layers_of([(classes, classes, -1, -1, IDENTITY)])  # what goes in comes out
    x = np.zeros((6, classes), dtype)
    x[0, 1] = x[1, 0] = np.nan
    x[2, 1] = np.inf
    x[3, :] = -np.inf
    labels = np.array([0, 1, 1, 0, 1, 0])
    arguments = x, labels, None, layers, np.empty(0, dtype), SOFTMAX_CROSS_ENTROPY
    assert epoch(kernels, *arguments, batch_size=6, learn=False)[1] == 3
    assert np.isnan(epoch(kernels, *arguments, batch_size=6, learn=False)[0])


@every_loss
@every_dtype
def test_without_learning_nothing_changes(loss, dtype):
    stack = STACKS["three layers"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    kept = params.copy()
    results = [
        epoch(kernels, x, labels, targets, layers, params, loss, batch_size=size, learn=False)
        for size in (1, 8, 37, 100)
    ]
    assert_array_equal(params, kept)
    for totals in results[1:]:  # the same loss and answers, whatever the batches
        assert_allclose(totals[0], results[0][0], rtol=4 * np.finfo(np.float64).eps * 37)
        assert totals[1] == results[0][1]
    out = predict(kernels, x, layers, params)
    assert results[0][1] == np.count_nonzero(out.argmax(axis=1) == labels)
    assert 0 < results[0][1] < 37
    if loss == MEAN_SQUARED_ERROR:
        expected = np.sum((out.astype(np.float64) - targets) ** 2) / 2
    else:
        out = out.astype(np.float64)
        expected = np.sum(np.log(np.exp(out).sum(axis=1)) - out[np.arange(37), labels])
    assert_allclose(results[0][0], expected, rtol=20 * np.finfo(dtype).eps)


def test_equal_outputs_answer_with_the_first_class():
    """As argmax does, over whole vectors and tails."""
    for classes in (2, 10, 16, 40):
        layers = layers_of([(3, classes, 0, -1, IDENTITY)])
        x, targets = np.ones((classes, 3)), np.eye(classes)

        def right(labels, params, loss, x=x, targets=targets, layers=layers):
            labels = np.broadcast_to(labels, len(x)).copy()
            t = targets[labels]
            return epoch(kernels, x, labels, t, layers, params, loss, learn=False)[1]

        for loss in (SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR):
            params = np.zeros(3 * classes)
            assert right(0, params, loss) == classes
            assert right(1, params, loss) == right(classes - 1, params, loss) == 0
            params[classes - 1] = 1.0
            assert right(classes - 1, params, loss) == classes
            assert right(0, params, loss) == 0
            params[classes // 2] = 1.0  # the last is no more the first of the largest
            assert right(classes // 2, params, loss) == classes
            assert right(np.arange(classes), params, loss) == 1


def test_one_output_is_right_on_the_same_side_of_a_half():
    layers = layers_of([(1, 1, -1, -1, IDENTITY)])
    x = np.array([[0.4], [0.6], [0.5], [0.9], [-3.0], [0.2]])
    targets = np.array([[0.0], [1.0], [1.0], [0.0], [0.0], [0.7]])
    for module in (kernels, reference):
        totals = epoch(
            module, x, None, targets, layers, np.zeros(1), MEAN_SQUARED_ERROR, learn=False
        )
        assert totals[1] == 3
