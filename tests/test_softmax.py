"""Softmax with cross entropy: the reference, central differences, shifts, single rows."""

import math

import numpy as np
import pytest
from framed import call, wide
from in_turn import every_dtype, with_each
from logits import labels, logits, softmax, softmax_cross_entropy, wide_softmax
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference

# Columns: every tail, around whole vectors, and long rows.
SHAPES = [
    *((5, c) for c in range(1, 18)),
    *((3, c) for c in (31, 32, 33, 47, 48, 49, 100, 1000)),
    (300, 10),
    (1, 10),
]
every_shape = with_each("shape", SHAPES)


@every_shape
@every_dtype
def test_softmax(shape, dtype):
    x = logits(dtype, shape)
    exact = wide_softmax(x)
    # The difference to the maximum is rounded, which exp turns into a relative error.
    bound = (shape[1] + 6 + np.ptp(x, axis=1, keepdims=True)) * np.finfo(dtype).eps * exact
    assert (np.abs(softmax(x) - exact) <= bound).all()
    assert exact.max() > 0.5


@every_dtype
def test_softmax_of_a_vector_a_batch_and_nothing(dtype):
    x = logits(dtype, (7, 21))
    y = softmax(x)
    for i in range(7):
        assert_array_equal(softmax(x[i]), y[i])
        assert_array_equal(softmax(x[i : i + 1])[0], y[i])
    for shape in ((0, 5), (4, 0), (0,), (0, 0)):
        assert softmax(np.empty(shape, dtype)).shape == shape


@every_shape
@every_dtype
def test_rows_sum_to_one(shape, dtype):
    x = logits(dtype, shape)
    sums = softmax(x).astype(np.float64).sum(axis=1)
    assert np.abs(sums - 1).max() <= shape[1] * np.finfo(dtype).eps


@every_shape
@every_dtype
def test_softmax_backward(shape, dtype):
    y, dout = softmax(logits(dtype, shape)), logits(dtype, shape, seed=1)
    Y, G = wide(y, dout)
    exact = np.empty_like(Y)
    reference.softmax_backward(Y, G, exact)
    size = Y * (np.abs(G) + (Y * np.abs(G)).sum(axis=1, keepdims=True))
    dx = call("softmax_backward", y, dout, outputs=[shape])[0]
    assert (np.abs(dx - exact) <= (shape[1] + 4) * np.finfo(dtype).eps * size).all()
    assert_array_equal(call("softmax_backward", y[0], dout[0], outputs=[shape[1:]])[0], dx[0])
    kernels.softmax_backward(y, dout, dout)  # dx may be dout
    assert_array_equal(dout, dx)


def test_softmax_gradient_equals_central_differences():
    x, dout = logits(np.float64, (3, 5)) / 3, logits(np.float64, (3, 5), seed=1)
    dx = call("softmax_backward", softmax(x), dout, outputs=[x.shape])[0]
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += 1e-5
        below[i] -= 1e-5
        difference = np.sum((softmax(above) - softmax(below)) * dout) / 2e-5
        assert abs(difference - dx[i]) < 1e-7


@every_shape
@every_dtype
def test_softmax_cross_entropy(shape, dtype):
    x, t = logits(dtype, shape), labels(shape)
    y, loss = softmax_cross_entropy(x, t)
    assert_array_equal(y, softmax(x))
    X, exact = wide(x)[0], np.empty(1, np.longdouble)
    reference.softmax_cross_entropy_forward(X, t, np.empty_like(X), exact)
    bound = (shape[1] + 6 + np.ptp(x, axis=1).max()) * np.finfo(dtype).eps
    assert abs(loss - exact[0]) <= bound
    assert shape[1] == 1 or exact[0] > 100 * bound


@pytest.mark.parametrize("dout", [1.0, -2.5])
@every_shape
@every_dtype
def test_softmax_cross_entropy_backward(shape, dout, dtype):
    """To the bit: the reference has the same order of operations."""
    y, t = softmax(logits(dtype, shape)), labels(shape)
    expected = np.empty_like(y)
    reference.softmax_cross_entropy_backward(y, t, dtype(dout), expected)
    name = "softmax_cross_entropy_backward"
    dx = call(name, y, t, dtype(dout), outputs=[shape])[0]
    assert_array_equal(dx, expected)
    kernels.softmax_cross_entropy_backward(y, t, dtype(dout), y)  # dx may be y
    assert_array_equal(y, expected)


@every_shape
@every_dtype
def test_cross_entropy(shape, dtype):
    """The textbook's, with 1e-7 inside the logarithm."""
    y, t = softmax(logits(dtype, shape)), labels(shape)
    loss = call("cross_entropy_forward", y, t, outputs=[(1,)])[0][0]
    chosen = y[np.arange(len(y)), t] + dtype(1e-7)
    terms = -np.log(*wide(chosen))
    bound = 2 * np.finfo(dtype).eps * (np.abs(terms).mean() + abs(terms.mean()))
    assert abs(loss - terms.mean()) <= bound
    twin = np.empty(1, dtype)
    reference.cross_entropy_forward(y, t, twin)
    assert abs(loss - twin[0]) <= len(y) * bound


@pytest.mark.parametrize("dout", [1.0, -2.5])
@every_shape
@every_dtype
def test_cross_entropy_backward(shape, dout, dtype):
    y, t = softmax(logits(dtype, shape)), labels(shape)
    expected = np.empty_like(y)
    reference.cross_entropy_backward(y, t, dtype(dout), expected)
    dx = call("cross_entropy_backward", y, t, dtype(dout), outputs=[shape])[0]
    assert_array_equal(dx != 0, np.arange(shape[1]) == t[:, None])
    # Three roundings on either side, in another order.
    assert (np.abs(dx - expected) <= 3 * np.finfo(dtype).eps * np.abs(expected)).all()


def test_gradients_equal_central_differences():
    x, t = logits(np.float64, (3, 5)) / 3, np.array([0, 4, 2])
    y, _ = softmax_cross_entropy(x, t)
    fused = call("softmax_cross_entropy_backward", y, t, 1.5, outputs=[x.shape])[0]
    plain = call("cross_entropy_backward", y, t, 1.5, outputs=[x.shape])[0]
    for i in np.ndindex(x.shape):
        sides = []
        for change in (1e-6, -1e-6):
            moved_x, moved_y = x.copy(), y.copy()
            moved_x[i] += change
            moved_y[i] += change
            textbook = call("cross_entropy_forward", moved_y, t, outputs=[(1,)])[0][0]
            sides.append([softmax_cross_entropy(moved_x, t)[1], textbook])
        of_fused, of_plain = 1.5 * np.subtract(*sides) / 2e-6
        assert abs(of_fused - fused[i]) < 1e-8
        assert abs(of_plain - plain[i]) < 1e-6 * max(1, abs(plain[i]))


# Oracles without a second implementation


@pytest.mark.parametrize("shift", [1e6, -1e6])
@every_dtype
def test_a_shift_of_all_logits_changes_no_bit(shift, dtype):
    """Logits of whole sixteenths stay exact beside 10**6."""
    rng = np.random.default_rng(0)
    x, t = (rng.integers(-90, 91, (9, 21)) / 16).astype(dtype), labels((9, 21))
    moved = x + dtype(shift)
    assert_array_equal(moved - dtype(shift), x)
    for mine, shifted in zip(
        softmax_cross_entropy(x, t), softmax_cross_entropy(moved, t), strict=True
    ):
        assert_array_equal(mine, shifted)


@every_dtype
def test_equal_logits_give_log_of_the_classes(dtype):
    for classes in (*range(1, 18), 33, 100, 1000):
        x = np.full((3, classes), 1.25, dtype)
        y, loss = softmax_cross_entropy(x, labels((3, classes)))
        assert_array_equal(y, dtype(1) / dtype(classes))
        exact = math.log(classes)
        assert abs(loss - exact) <= 2 * np.finfo(dtype).eps * exact


@every_dtype
def test_a_batch_is_the_mean_of_its_rows(dtype):
    x, t = logits(dtype, (9, 21)), labels((9, 21))
    y, loss = softmax_cross_entropy(x, t)
    textbook = call("cross_entropy_forward", y, t, outputs=[(1,)])[0][0]
    each = [slice(i, i + 1) for i in range(9)]
    rows = [softmax_cross_entropy(x[i], t[i])[1] for i in each]
    plain = [call("cross_entropy_forward", y[i], t[i], outputs=[(1,)]) for i in each]
    eps = np.finfo(dtype).eps
    assert abs(loss - np.mean(rows, dtype=np.float64)) <= eps * loss
    assert abs(textbook - np.mean(plain, dtype=np.float64)) <= eps * textbook


@every_dtype
def test_gradient_rows_sum_to_zero(dtype):
    x, t = logits(dtype, (9, 21)), labels((9, 21))
    y, _ = softmax_cross_entropy(x, t)
    dx = call("softmax_cross_entropy_backward", y, t, dtype(1), outputs=[x.shape])[0]
    assert np.abs(dx.astype(np.float64).sum(axis=1)).max() <= 21 * np.finfo(dtype).eps / 9
    assert_array_equal(dx.argmin(axis=1), t)
