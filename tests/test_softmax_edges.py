"""Softmax with cross entropy: large logits, NaN, infinities, in place, and the rows of the loop."""

import math

import numpy as np
from framed import call
from in_turn import every_dtype, with_each
from logits import labels, logits, softmax, softmax_cross_entropy, wide_softmax
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.kernels import _compile
from fastnet.kernels._compile import jit, matrix, real, vector
from fastnet.kernels.simd import pointer, put
from fastnet.kernels.softmax_rows import softmax_gradient

# Edges


@every_dtype
def test_large_logits_give_a_finite_loss(dtype):
    large = np.finfo(dtype).max / 4
    x = np.array([[large, -large, 0.0], [-large, -large, large], [1e4, 0.0, -1e4]], dtype)
    y, loss = softmax_cross_entropy(x, np.array([1, 2, 1]))
    assert_array_equal(y, [[1, 0, 0], [0, 0, 1], [1, 0, 0]])
    assert np.isfinite(loss)
    assert abs(loss / dtype(2 * large / 3) - 1) < 1e-5


@every_dtype
def test_no_subnormal_leaks(dtype):
    x = np.linspace(0, 1.1 * np.log(np.finfo(dtype).smallest_subnormal), 999).astype(dtype)
    y = softmax(x[None, :])
    assert ((y == 0) | (y >= np.finfo(dtype).tiny / 100)).all()
    assert (y == 0).any()


@with_each("column", [0, 2, 16, 18])
@every_dtype
def test_nan_and_infinity_stay_in_their_row(column, dtype):
    for value in (np.nan, np.inf):
        x, t = logits(dtype, (4, 19)), labels((4, 19))
        clean = softmax(x)
        x[2, column] = value
        y, loss = softmax_cross_entropy(x, t)
        assert np.isnan(y[2]).all() and np.isnan(loss)
        assert np.isnan(softmax(x)[2]).all()
        assert_array_equal(np.delete(y, 2, axis=0), np.delete(clean, 2, axis=0))


@with_each("column", [0, 2, 16, 18])
@every_dtype
def test_minus_infinity_is_an_impossible_class(column, dtype):
    x = logits(dtype, (2, 19))
    x[1, column] = -np.inf
    t = np.array([0, (column + 1) % 19])
    y, loss = softmax_cross_entropy(x, t)
    exact = wide_softmax(x)
    assert y[1, column] == 0
    np.testing.assert_allclose(y, exact.astype(dtype), rtol=60 * np.finfo(dtype).eps, atol=0)
    np.testing.assert_allclose(
        loss, float(-np.log(exact[[0, 1], t]).mean()), rtol=60 * np.finfo(dtype).eps
    )
    _, impossible = softmax_cross_entropy(x, np.array([0, column]))
    assert impossible == np.inf


@every_dtype
def test_a_row_of_minus_infinity_is_nan(dtype):
    for columns in (3, 16, 19):
        assert np.isnan(softmax(np.full((1, columns), -np.inf, dtype))).all()


@every_dtype
def test_a_vanished_probability(dtype):
    """log(0 + 1e-7), and its gradient, are finite; a NaN is not hidden."""
    y, t = np.array([[0.0, 1.0], [1.0, 0.0]], dtype), np.array([0, 0])
    loss = call("cross_entropy_forward", y, t, outputs=[(1,)])[0][0]
    np.testing.assert_allclose(loss, -np.log(1e-7) / 2, rtol=1e-6)
    dx = call("cross_entropy_backward", y, t, dtype(1), outputs=[y.shape])[0]
    np.testing.assert_allclose(dx, [[-5e6, 0], [-0.5, 0]], rtol=1e-6)
    y[1, 0] = np.nan
    assert np.isnan(call("cross_entropy_forward", y, t, outputs=[(1,)])[0][0])


@every_dtype
def test_signed_zeros_and_subnormals(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    assert_array_equal(softmax(np.array([0.0, -0.0, tiny, -tiny], dtype)), dtype(0.25))


@every_dtype
def test_in_place(dtype):
    for shape in ((5, 10), (3, 33)):
        x, t = logits(dtype, shape), labels(shape)
        expected, loss = softmax_cross_entropy(x, t)
        again, one = x.copy(), np.empty(1, dtype)
        kernels.softmax_forward(again, again)
        assert_array_equal(again, expected)
        kernels.softmax_cross_entropy_forward(x, t, x, one)
        assert_array_equal(x, expected)
        assert one[0] == loss


@every_dtype
def test_many_rows_lose_no_digits(dtype):
    """The rows are summed in float64: float32 gave 1,087,937 for the sum of 10**7 times 0.1."""
    y = np.full((300_000, 2), 0.9, dtype)
    t = np.zeros(len(y), np.int64)
    exact = -math.log(y[0, 0] + dtype(1e-7))
    loss = call("cross_entropy_forward", y, t, outputs=[(1,)])[0][0]
    bound = 3 * np.finfo(dtype).eps + len(y) * 2.0**-53
    assert abs(loss - exact) <= bound * exact
    # log(y) has an absolute error of eps / 2 where it is near 0
    x = np.tile(np.array([2.0, 0.0], dtype), (len(y), 1))
    exact = math.log1p(math.exp(-2))
    assert abs(softmax_cross_entropy(x, t)[1] - exact) <= bound * (exact + 1)


@jit(matrix, *[_compile.labels] * 2, real, matrix, vector, _compile.labels)
def gradient_of_rows(x, t, rows, scale, dx, losses, right):
    n, columns = x.shape
    found = softmax_gradient(
        n, columns, pointer(x), pointer(t), pointer(rows), scale, pointer(dx), pointer(losses)
    )
    put(pointer(right), 0, found)


@with_each("columns", [1, 2, 3, 8, 15, 16, 17, 33, 64, 65, 100])
@every_dtype
def test_gradient_and_losses_of_rows(dtype, columns):
    """Of samples in any order, in the transpose and along the rows."""
    rng = np.random.default_rng(columns)
    for n in (1, 2, 3, 16, 17, 63, 64, 65, 130):
        x = (4 * rng.standard_normal((n, columns))).astype(dtype)
        t, rows = rng.integers(0, columns, 2 * n), rng.permutation(2 * n)[:n]
        dx, losses, right = np.full_like(x, -7), np.full(n, -7, dtype), np.zeros(1, np.int64)
        gradient_of_rows(x, t, rows, dtype(0.25), dx, losses, right)
        wide, label = x.astype(np.float64), t[rows]
        e = np.exp(wide - wide.max(axis=1, keepdims=True))
        y, eps = e / e.sum(axis=1, keepdims=True), np.finfo(dtype).eps
        # A sum of so many rounded terms, each at most 1; exp and log within 2 ulp.
        allowed = (columns + 8) * eps
        np.testing.assert_allclose(dx, (y - np.eye(columns)[label]) / 4, rtol=0, atol=allowed)
        wanted = -np.log(y[np.arange(n), label])
        np.testing.assert_allclose(losses, wanted, rtol=allowed, atol=allowed * np.abs(x).max())
        assert right[0] == np.count_nonzero(wide.argmax(axis=1) == label)
