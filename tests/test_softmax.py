"""Softmax and cross entropy as kernels: alone, fused, at the edges, in place."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.kernels import _compile
from fastnet.kernels._compile import jit, matrix, real, vector
from fastnet.kernels.simd import pointer, put
from fastnet.kernels.softmax_rows import softmax_gradient
from fastnet.reference import kernels as reference

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# Columns: every tail, around whole vectors, and long rows.
SHAPES = [
    *((5, c) for c in range(1, 18)),
    *((3, c) for c in (31, 32, 33, 47, 48, 49, 100, 1000)),
    (300, 10),
    (1, 10),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)

MARGIN, SENTINEL = 40, -7.25


def framed(shape, dtype):
    """Return a buffer of sentinels and an array in the middle of it."""
    size = math.prod(shape)
    buffer = np.full(size + 2 * MARGIN, SENTINEL, dtype)
    return buffer, buffer[MARGIN : MARGIN + size].reshape(shape)


def among_nans(array):
    buffer = np.full(array.size + 2 * MARGIN, np.nan, array.dtype)
    buffer[MARGIN : MARGIN + array.size] = array.ravel()
    return buffer[MARGIN : MARGIN + array.size].reshape(array.shape)


def call(name, *arguments, outputs):
    """Call a kernel with outputs inside frames; check the frames and the inputs."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    kept = [a.copy() for a in arrays]
    frames = [framed(shape, arrays[0].dtype) for shape in outputs]
    assert getattr(kernels, name)(*arguments, *(inside for _, inside in frames)) is None
    for buffer, _ in frames:
        assert (buffer[:MARGIN] == SENTINEL).all() and (buffer[-MARGIN:] == SENTINEL).all()
    for array, copy in zip(arrays, kept, strict=True):
        assert np.array_equal(array, copy, equal_nan=True)
    return [inside for _, inside in frames]


def softmax(x):
    return call("softmax_forward", x, outputs=[x.shape])[0]


def softmax_cross_entropy(x, t):
    y, loss = call("softmax_cross_entropy_forward", x, t, outputs=[x.shape, (1,)])
    return y, loss[0]


def logits(dtype, shape, seed=0):
    """Far enough apart that some probability is large and others vanish."""
    rng = np.random.default_rng([seed, *shape])
    return among_nans((6 * rng.standard_normal(shape)).astype(dtype))


def labels(shape, seed=0):
    """Random, the first and the last class among them."""
    t = np.random.default_rng([seed, *shape]).integers(0, shape[1], shape[0])
    t[0], t[-1] = 0, shape[1] - 1
    return t


def wide(*arrays):
    return [a.astype(np.float64 if a.dtype == np.float32 else np.longdouble) for a in arrays]


def wide_softmax(x):
    (exact,) = wide(x)
    reference.softmax_forward(exact.copy(), exact)
    return exact


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


@pytest.mark.parametrize("column", [0, 2, 16, 18])
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


@pytest.mark.parametrize("column", [0, 2, 16, 18])
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


# --------------------------------------------------------------------------- rows of the loop


@jit(matrix, *[_compile.labels] * 2, real, matrix, vector, _compile.labels)
def gradient_of_rows(x, t, rows, scale, dx, losses, right):
    n, columns = x.shape
    found = softmax_gradient(
        n, columns, pointer(x), pointer(t), pointer(rows), scale, pointer(dx), pointer(losses)
    )
    put(pointer(right), 0, found)


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 15, 16, 17, 33, 64, 65, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
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
