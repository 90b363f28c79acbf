"""Kernels that check their arguments have the bits of their parts."""

import numpy as np
import pytest
from checked_arguments import (
    D,
    H,
    N,
    backward_arguments,
    forward_arguments,
    gradient_arguments,
    layers,
    loss_arguments,
    numbers,
    same,
    three_layers,
)
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.kernels.checked import (
    address_of,
    affine_layer_backward,
    affine_layer_forward,
    affine_sgd_update,
    all_between,
    all_either,
    array_sgd_update,
    copy_labels,
    one_hot_labels,
    softmax_with_loss_forward,
    three_layer_sgd_update,
    two_layer_gradient,
    two_layer_sgd_update,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_address_of(dtype):
    x = np.ones((3, 5), dtype)
    assert address_of(x) == x.ctypes.data == address_of(x[1:]) - 5 * x.itemsize


def test_labels_are_copied():
    t, labels = np.array([0, 3, 1]), np.full(3, -1)
    assert copy_labels(t, 4, labels)
    assert_array_equal(labels, t)
    assert one_hot_labels(np.eye(4)[t], labels[::-1].copy()) is True
    for dtype in (np.float32, np.float64):
        labels[...] = -1
        assert one_hot_labels(np.eye(4, dtype=dtype)[t], labels) is True
        assert_array_equal(labels, t)


@with_each(
    "row",
    [
        [0, 0, 0, 0],
        [0, 1, 0, 1],
        [0, 0, 2, 0],
        [0.5, 0.5, 0, 0],
        [1, 0, 0, np.nan],
        [np.nan, 1, 0, 0],
        [1, -1, 0, 0],
        [np.inf, 1, 0, 0],
        [0, 1, 5e-324, 0],
    ],
)
@with_each("at", [0, 2])
@every_dtype
def test_rows_that_are_not_one_hot_are_refused(dtype, row, at):
    t = np.eye(4, dtype=dtype)[[1, 0, 3]]
    t[at] = row
    expected = dtype is np.float32 and row[2] == 5e-324  # which is 0 there
    assert one_hot_labels(t, np.zeros(3, np.int64)) is expected


@every_dtype
@with_each("n, c", [(1, 1), (3, 4), (5, 10), (2, 33)])
def test_softmax_with_loss_has_the_bits_of_its_parts(n, c, dtype):
    x, t, y, loss, labels = loss_arguments(dtype, n, c)
    kept = x.copy()
    assert softmax_with_loss_forward(x, t, y, loss, labels) is True
    expected, total = np.empty_like(x), np.empty(1, dtype)
    kernels.softmax_forward(x, expected)
    kernels.cross_entropy_forward(expected, t, total)
    same([y, loss, labels, x], [expected, total, t, kept])


@every_dtype
@with_each("activation", range(4))
@with_each("size", [(1, 1, 1), (1, 4, 64), (3, 2, 9), (33, 64, 75)])
def test_affine_layer_has_the_bits_of_its_parts(size, activation, dtype):
    arguments = forward_arguments(dtype, *size, activation)
    kept = [a.copy() for a in arguments[:3]]
    expected = np.empty_like(arguments[-1])
    kernels.affine_forward(*arguments[:-1], expected)
    assert affine_layer_forward(*arguments) is True
    same([*arguments[:3], arguments[-1]], [*kept, expected])
    arguments = backward_arguments(dtype, *size)
    kept, expected = ([a.copy() for a in part] for part in (arguments[:3], arguments[3:]))
    kernels.affine_backward(*kept, *expected)
    assert affine_layer_backward(*arguments) is True
    same(arguments, kept + expected)


@pytest.mark.parametrize("n, d, m", [(0, D, H), (N, 0, H), (N, D, 0)])
def test_an_affine_layer_without_rows_or_numbers_is_refused(n, d, m):
    for kernel, make in (
        (affine_layer_forward, forward_arguments),
        (affine_layer_backward, backward_arguments),
    ):
        arguments = make(np.float64, n, d, m)
        before = [np.copy(a) for a in arguments]
        assert kernel(*arguments) is False
        same(arguments, before)


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (3, 2, 9, 17), (32, 64, 32, 10), (4, 30, 50, 8)])
def test_gradient_has_the_bits_of_its_parts(size):
    n, d, h, c = size
    arguments = gradient_arguments(*size)
    x, t, W1, b1, W2, b2, dW1, db1, dW2, db2, hidden, y, labels, work = arguments
    kept = [a.copy() for a in arguments[:6]]
    assert two_layer_gradient(*arguments) is True
    same(arguments[:6], kept)
    h1, scores, p, total = np.empty((n, h)), np.empty((n, c)), np.empty((n, c)), np.empty(1)
    dy, dout, unused = np.empty((n, c)), np.empty((n, h)), np.empty((n, d))
    kernels.affine_forward(x, W1, b1, kernels.IDENTITY, h1)
    kernels.relu_forward(h1, h1)
    kernels.affine_forward(h1, W2, b2, kernels.IDENTITY, scores)
    kernels.softmax_forward(scores, p)
    kernels.cross_entropy_forward(p, t, total)
    kernels.softmax_cross_entropy_backward(p, t, 1.0, dy)
    grads = [np.empty_like(a) for a in (W1, b1, W2, b2)]
    kernels.affine_backward(h1, W2, dy, dout, *grads[2:])
    kernels.relu_backward(h1, dout, dout)
    kernels.affine_backward(x, W1, dout, unused, *grads[:2])
    same([hidden, y, work[-1:], labels, dW1, db1, dW2, db2], [h1, p, total, t, *grads])


UPDATES = {
    array_sgd_update: 1,
    affine_sgd_update: 2,
    two_layer_sgd_update: 4,
    three_layer_sgd_update: 6,
}


@every_dtype
@with_each("lr", [0.1, -3.7, 0.0])
@with_each("kernel", UPDATES)
def test_updates_have_numpys_bits(kernel, lr, dtype):
    count = UPDATES[kernel]
    grads = three_layers(dtype, 3, 17, 33)[:count]
    # In the middle of sentinels.
    memory = [np.full(grad.size + 80, -7.25, dtype) for grad in grads]
    params = [m[40:-40].reshape(g.shape) for m, g in zip(memory, grads, strict=True)]
    for i, param in enumerate(params):
        param[...] = numbers(*param.shape, seed=20 + i)
    expected = [p - dtype(lr) * g for p, g in zip(params, grads, strict=True)]
    kept = [grad.copy() for grad in grads]
    assert kernel(lr, *grads, *params) is True
    same(params, expected)
    same(grads, kept)
    assert all((m[:40] == -7.25).all() and (m[-40:] == -7.25).all() for m in memory)


@with_each("kernel, i", [(kernel, i) for kernel, count in UPDATES.items() for i in range(count)])
@with_each("shift", [1, -1, 3, 0, None])
def test_a_gradient_that_overlaps_its_parameter_is_refused(shift, kernel, i):
    """Element by element the very same array is read and written at one place; NumPy's bits."""
    count = UPDATES[kernel]
    params, grads = three_layers()[:count], three_layers(seed=5)[:count]
    size = params[i].size
    memory = numbers(3 * size)
    start = 2 * size if shift is None else size + shift  # None: side by side
    params[i] = memory[size : 2 * size].reshape(params[i].shape)
    grads[i] = memory[start : start + size].reshape(params[i].shape)
    expected = [p - 0.5 * g for p, g in zip(params, grads, strict=True)]
    before = [p.copy() for p in params]
    done = kernel(0.5, *grads, *params)
    assert done is (shift in (0, None))
    same(params, expected if done else before)


def test_one_array_may_be_a_vector():
    for dtype in (np.float32, np.float64):
        param, grad = numbers(17, dtype=dtype), numbers(17, seed=1, dtype=dtype)
        expected = param - dtype(0.3) * grad
        assert array_sgd_update(0.3, grad, param) is True
        assert_array_equal(param, expected)
        assert array_sgd_update(0.3, grad[:16], param) is False
        assert_array_equal(param, expected)


def test_a_layer_that_stands_twice_is_updated_twice():
    (W, b), grads = layers()[:2], layers()[:2]
    expected = W - 0.5 * grads[0] - 0.5 * grads[0]
    assert two_layer_sgd_update(0.5, *grads, *grads, W, b, W, b) is True
    assert_array_equal(W, expected)


@every_dtype
@with_each("shape", [(1, 1), (1, 7), (2, 8), (3, 11), (5, 33)])
def test_targets_are_looked_at_one_by_one(shape, dtype):
    rng = np.random.default_rng(0)
    inside, signs = rng.random(shape).astype(dtype), rng.choice([-1, 1], shape).astype(dtype)
    assert all_between(inside, 0.0, 1.0) and all_between(inside * 1e9, 0.0, np.inf)
    assert all_between(np.round(inside), 0.0, 1.0) and all_either(signs, -1.0, 1.0)
    for i in np.ndindex(shape):
        for bad in (-0.5, 1.5, np.nan, np.inf):
            t = inside.copy()
            t[i] = bad
            assert not all_between(t, 0.0, 1.0)
            assert all_between(t, -1.0, np.inf) == (not np.isnan(bad))
            t = signs.copy()
            t[i] = bad
            assert not all_either(t, -1.0, 1.0)
