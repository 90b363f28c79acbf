"""Losses as kernels: the reference, central differences, entries into the loop, edges."""

import numpy as np
import pytest
from by_address import call
from in_turn import every_dtype, with_each
from loss_kernels import KERNELS, SENTINEL, deltas, draw, value
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    cross_entropy,
    hinge,
    losses,
)
from fastnet.reference import kernels as reference

SUMS = ("mean_squared_error", "categorical_cross_entropy", "kullback_leibler_divergence")
every_kernel = pytest.mark.parametrize("name", KERNELS)
SOME = [(1, 1), (5, 1), (1, 7), (300, 1), (4, 8), (3, 16), (6, 17), (2, 130), (33, 10)]


def widened(y, t):
    return y.astype(np.longdouble), t if t.ndim == 1 else t.astype(np.longdouble)


def gradient(package, name, y, t, dout=1.0):
    buffer = np.full(y.size + 80, SENTINEL, y.dtype)
    dx = buffer[40 : 40 + y.size].reshape(y.shape)
    dtype = y.dtype.type
    getattr(package, f"{name}_backward")(y, t, *deltas(name, dtype), dtype(dout), dx)
    assert_array_equal(buffer[:40], SENTINEL)
    assert_array_equal(buffer[-40:], SENTINEL)
    return dx


def size_of_terms(name, y, t):
    """The mean size of what a loss adds up: the losses of its parts."""
    if t.ndim == 1 or name == "cosine_proximity":
        return max(1.0, np.abs(y).max())
    pairs = zip(y.reshape(-1, 1, 1), t.reshape(-1, 1, 1), strict=True)
    parts = [value(reference, name, *pair) for pair in pairs]
    return np.abs(parts).sum() / (len(y) if name in SUMS else y.size)


@with_each("shape", SOME)
@every_dtype
@every_kernel
def test_a_loss_equals_the_reference(name, dtype, shape):
    y, t = draw(name, dtype, shape)
    kept = y.copy(), t.copy()
    loss = value(kernels, name, y, t)
    assert_array_equal(y, kept[0])
    assert_array_equal(t, kept[1])
    wide = widened(y, t)
    exact = value(reference, name, *wide)
    # At most 64 numbers and 1 are added up in a lane, of two in the narrowest vectors; a term
    # itself, and the logarithm of a number near 1, are good to a few ulp of their own size or of 1.
    columns = shape[1] if t.ndim == 1 or name == "cosine_proximity" else 0
    eps = np.finfo(dtype).eps
    each = shape[1] if name in SUMS else 1
    bound = (70 + columns) * eps * float(size_of_terms(name, *wide)) + 4 * each * eps
    assert abs(loss - exact) <= bound


@with_each("dout", [1.0, -0.3])
@with_each("shape", SOME)
@every_dtype
@every_kernel
def test_a_gradient_equals_the_reference(name, dtype, shape, dout):
    y, t = draw(name, dtype, shape)
    kept = y.copy(), t.copy()
    dx = gradient(kernels, name, y, t, dout)
    assert_array_equal(y, kept[0])
    assert_array_equal(t, kept[1])
    if KERNELS[name][1]:
        assert_array_equal(dx, gradient(reference, name, y, t, dout))
    else:
        exact = gradient(reference, name, *widened(y, t), dout)
        # Lengths are sums of as many squares; logarithms and exps are good to 2 ulp.
        size = np.abs(exact).max() + abs(dout) / y.size
        assert (np.abs(dx - exact) <= (shape[1] + 20) * np.finfo(dtype).eps * size).all()
    extra = deltas(name, dtype)
    getattr(kernels, f"{name}_backward")(y, t, *extra, dtype(dout), y)  # dx may be y
    assert_array_equal(y, dx)


@every_kernel
def test_a_gradient_equals_central_differences(name):
    y, t = draw(name, np.float64, (5, 7))
    dx = gradient(kernels, name, y, t, 1.5)
    numeric = np.zeros_like(y)
    for i in np.ndindex(y.shape):
        above, below = y.copy(), y.copy()
        above[i] += 1e-6
        below[i] -= 1e-6
        numeric[i] = 1.5 * (value(kernels, name, above, t) - value(kernels, name, below, t)) / 2e-6
    # h squared times the third derivative, and 1e-16 / h times the loss.
    assert np.abs(numeric).max() > 0.01
    assert_allclose(dx, numeric, rtol=1e-5, atol=2e-8 * max(1, np.abs(numeric).max()))


@every_kernel
def test_the_loss_of_a_batch_is_the_mean_of_its_rows(name):
    y, t = draw(name, np.float64, (6, 19))
    one = [slice(i, i + 1) for i in range(6)]
    values = [value(kernels, name, y[i], t[i]) for i in one]
    assert_allclose(value(kernels, name, y, t), np.mean(values), rtol=1e-13, atol=1e-15)
    rows = [gradient(kernels, name, y[i], t[i]) for i in one]
    dx = gradient(kernels, name, y, t)
    assert_allclose(dx, np.concatenate(rows) / 6, rtol=1e-13, atol=1e-17)


ENTRIES = {
    name.removesuffix("_in_loop"): found
    for module in (losses, hinge, cross_entropy)
    for name, found in vars(module).items()
    if name.endswith("_in_loop")
}


def test_every_loss_has_an_entry():
    assert ENTRIES.keys() == KERNELS.keys() - {"mean_squared_error"}  # which is the loop's own


@every_dtype
@with_each("shape", [(6, 19), (5, 1)])
@with_each("name", ENTRIES)
def test_the_entry_is_the_kernels_of_a_row(name, shape, dtype):
    """Of four samples in another order, of a batch of 9."""
    y, t = draw(name, dtype, shape)
    rows = np.array([4, 0, 3, 2])
    outputs, numbers = y[rows], np.array(deltas(name, np.float64))
    found, dx = np.full(5, SENTINEL, dtype), np.full((5, shape[1]), SENTINEL, dtype)
    data = [a.ctypes.data for a in (outputs, t, t, rows, numbers, dx, found)]
    right = call(ENTRIES[name], 4, 9, shape[1], *data, dtype(0))
    eps = np.finfo(dtype).eps
    for i, row in enumerate(rows):
        one = y[row : row + 1], t[row : row + 1]
        loss = value(kernels, name, *one)
        assert abs(found[i] - loss) <= 2 * eps * abs(loss)
        assert_allclose(dx[i : i + 1], gradient(kernels, name, *one) / 9, rtol=4 * eps)
    assert_array_equal(found[4], SENTINEL)
    assert_array_equal(dx[4], SENTINEL)
    assert right == np.sum(right_answers(name, y, t)[rows])
    outputs[1, -1], outputs[3, 0] = np.nan, np.nan  # of which none is right
    right = call(ENTRIES[name], 4, 9, shape[1], *data, dtype(0))
    assert right == np.sum(right_answers(name, outputs, t[rows]))


def right_answers(name, y, t):
    """Return what is right, of all outputs or, where one says it for the sample, of the rows."""
    middles = {"hinge": (0, 0), "squared_hinge": (0, 0), "sigmoid_cross_entropy": (0, 0.5)}
    above, wanted = middles.get(name, (0.5, 0.5))
    if name in (*middles, "binary_cross_entropy") or (y.shape[1] == 1 and t.ndim == 2):
        return ((y > above) == (t > wanted)) & ~np.isnan(y)
    labels = t if t.ndim == 1 else t.argmax(axis=1)
    return (y.argmax(axis=1) == labels) & ~np.isnan(y).any(axis=1)


@every_dtype
@every_kernel
def test_nan_spoils_a_loss_and_the_gradient_of_its_row_alone(name, dtype):
    y, t = draw(name, dtype, (5, 19))
    clean = gradient(kernels, name, y, t)
    at = (3, t[3] if t.ndim == 1 else 17)  # cross_entropy looks at the label alone
    y[at] = np.nan
    assert np.isnan(value(kernels, name, y, t))
    dx = gradient(kernels, name, y, t)
    if name != "hinge":  # whose slopes are -t and 0
        assert np.isnan(dx[at])
    assert_array_equal(np.delete(dx, 3, axis=0), np.delete(clean, 3, axis=0))


def test_errors_by_hand():
    y, t = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[0.0, 4.0], [0.0, 1.0]])
    assert value(kernels, "elementwise_mean_squared_error", y, t) == 9 / 4
    dx = gradient(kernels, "elementwise_mean_squared_error", y, t)
    assert_array_equal(dx, [[0.5, -1], [0, -1]])
    assert value(kernels, "mean_absolute_error", y, t) == 5 / 4
    assert_array_equal(gradient(kernels, "mean_absolute_error", y, t, 4), [[1, -1], [0, -1]])
    y, t = np.array([[3.0, 1.0]]), np.array([[2.0, -4.0]])
    assert value(kernels, "mean_absolute_percentage_error", y, t) == (50 + 125) / 2
    dx = gradient(kernels, "mean_absolute_percentage_error", y, t)
    assert_array_equal(dx, [[25, 12.5]])
    # delta = 0.75: 0.5 is squared, 3 is not
    y, t = np.array([[0.5, -3.0]]), np.zeros((1, 2))
    assert value(kernels, "huber", y, t) == (0.125 + 0.75 * (3 - 0.375)) / 2
    assert_array_equal(gradient(kernels, "huber", y, t, 2), [[0.5, -0.75]])


def test_bounds_of_percentages_and_logarithms():
    y, t = np.array([[1.0, 2.0]]), np.array([[0.0, 1e-9]])
    loss = value(kernels, "mean_absolute_percentage_error", y, t)
    assert_allclose(loss, (1 + 2 - 1e-9) / 2 * 1e9, rtol=1e-15)
    y, t = np.array([[-5.0, 1.0]]), np.array([[0.0, 0.0]])  # both -5 and 0 count as 1e-7
    exact = (np.log(2) - np.log1p(1e-7)) ** 2 / 2
    assert_allclose(value(kernels, "mean_squared_logarithmic_error", y, t), exact, rtol=1e-14)
    assert gradient(kernels, "mean_squared_logarithmic_error", y, t + 3)[0, 0] == 0


@every_dtype
def test_cosine_of_rows_without_a_length(dtype):
    y, t = np.zeros((1, 3), dtype), np.array([[0, 3, 4]], dtype)
    assert value(kernels, "cosine_proximity", y, t) == 0
    dx = gradient(kernels, "cosine_proximity", y, t)
    assert_allclose(dx, [[0, -0.6e7, -0.8e7]], rtol=1e-6)  # the length is held at 1e-7
    assert value(kernels, "cosine_proximity", t, y) == 0
    assert_array_equal(gradient(kernels, "cosine_proximity", t, y), [[0, 0, 0]])
    loss = value(kernels, "cosine_proximity", t, t * 7)
    assert_allclose(loss, -1, rtol=4 * np.finfo(dtype).eps)


@every_dtype
def test_a_length_below_its_bound_is_held(dtype):
    y, t = np.array([[3e-9, 4e-9]], dtype), np.array([[0, 1]], dtype)
    assert_allclose(value(kernels, "cosine_proximity", y, t), -0.04, rtol=1e-6)
    assert_allclose(gradient(kernels, "cosine_proximity", y, t), [[0, -1e7]], rtol=1e-6)
