"""sigmoid, relu, softmax and the errors: numbers, limits and forms of their arguments.

contract/ has dtypes and layouts, checks/ the errors.
"""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import functions
from fastnet.functions import (
    cross_entropy_error,
    identity_function,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_loss,
    step_function,
    sum_squared_error,
)
from fastnet.reference import functions as reference

every_shape = with_each("shape", [(), (1,), (5,), (17,), (1, 33), (7, 1), (3, 4), (2, 3, 5)])


def assert_within_ulps(actual, exact, ulps):
    """Compare with a result that was computed in long double."""
    error = np.abs(actual.astype(np.longdouble) - exact)
    assert (error <= ulps * np.spacing(np.abs(exact.astype(actual.dtype)))).all(), error.max()


@every_dtype
@every_shape
def test_elementwise_functions_equal_the_reference(dtype, shape, rng):
    x = (5 * rng.standard_normal(shape)).astype(dtype)
    assert_array_equal(relu(x), reference.relu(x))
    assert_within_ulps(sigmoid(x), reference.sigmoid(x.astype(np.longdouble)), 2)
    for function in (relu, sigmoid):
        assert function(x).shape == shape
        assert function(x).dtype == dtype


@every_dtype
@every_shape
def test_gradients_and_the_step_equal_the_reference(dtype, shape, rng):
    x = (5 * rng.standard_normal(shape)).astype(dtype)
    x.flat[0] = 0
    for name in ("relu_grad", "step_function", "identity_function"):
        assert_array_equal(getattr(functions, name)(x), getattr(reference, name)(x))
    assert relu_grad(x).dtype == identity_function(x).dtype == dtype
    assert step_function(x).dtype == np.int64
    # Each of the two factors is within 2 ulp, as is 1 - sigmoid where it is not small.
    exact = reference.sigmoid_grad(x.astype(np.longdouble))
    assert sigmoid_grad(x).dtype == dtype
    assert_allclose(sigmoid_grad(x), exact.astype(dtype), rtol=0, atol=np.finfo(dtype).eps)
    for function in (relu_grad, sigmoid_grad, step_function, identity_function):
        assert function(x).shape == shape


@pytest.mark.parametrize("book", ["first", "second"])
def test_all_names_of_the_books_functions_are_there(book):
    """Of `common/functions.py`: those of the first book, which has those of the second."""
    names = {"cross_entropy_error", "relu", "sigmoid", "softmax"}
    if book == "first":
        names |= {"identity_function", "step_function", "sigmoid_grad", "relu_grad"}
        names |= {"sum_squared_error", "softmax_loss"}
    assert names <= {*functions.__all__}


def test_gradients_are_those_of_the_functions(rng):
    x = rng.standard_normal((4, 5))
    h = 2.0**-17
    for function, slope in ((sigmoid, sigmoid_grad), (relu, relu_grad)):
        by_definition = (function(x + h) - function(x - h)) / (2 * h)
        assert_allclose(slope(x), by_definition, rtol=1e-8)  # h**2 / 6, and rounding / h


def test_gradients_and_the_step_by_hand():
    x = [-np.inf, -1, -0.0, 0, 1, np.inf, np.nan]
    assert_array_equal(relu_grad(x), [0, 0, 1, 1, 1, 1, 0])
    assert_array_equal(step_function(x), [0, 0, 0, 0, 1, 1, 0])
    assert_array_equal(sigmoid_grad([-np.inf, 0, np.inf, np.nan]), [0, 0.25, 0, np.nan])
    y = np.array([1.0, 2.0])
    assert identity_function(y) is y
    assert type(step_function(0.5)) is np.int64 and type(relu_grad(np.float32(1))) is np.float32
    assert type(sigmoid_grad(0)) is type(identity_function(0.5)) is np.float64
    assert relu_grad([1, -1]).dtype == sigmoid_grad([1]).dtype == np.float64


@every_dtype
@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 1, 3, 4), (3, 3, 1)], ids=str)
def test_softmax_of_more_dimensions_goes_over_the_last(dtype, shape, rng):
    x = rng.standard_normal(shape).astype(dtype)
    y = softmax(x)
    assert y.shape == shape and y.dtype == dtype
    assert_array_equal(y.reshape(-1, shape[-1]), softmax(x.reshape(-1, shape[-1])))
    assert_array_equal(softmax(x.swapaxes(0, 1)), y.swapaxes(0, 1))
    assert_array_equal(softmax(x.tolist()), softmax(x.astype(np.float64)))


@every_dtype
@with_each("shape", [(1,), (5,), (100,), (1, 1), (1, 33), (7, 1), (6, 10)])
def test_softmax_equals_the_reference(dtype, shape, rng):
    x = (5 * rng.standard_normal(shape)).astype(dtype)
    y = softmax(x)
    assert y.shape == shape and y.dtype == dtype
    # x - max is rounded once, to half an ulp of up to 30, which exp turns into a relative error.
    exact = reference.softmax(x.astype(np.longdouble))
    assert_allclose(y, exact.astype(np.float64), rtol=(shape[-1] + 20) * np.finfo(dtype).eps)
    assert_allclose(y.sum(axis=-1), 1, rtol=shape[-1] * np.finfo(dtype).eps)


@every_dtype
def test_cross_entropy_error_equals_the_reference(dtype, rng):
    y = softmax((5 * rng.standard_normal((9, 4))).astype(dtype))
    t = rng.integers(0, 4, 9)
    loss = cross_entropy_error(y, t)
    assert loss.dtype == dtype and loss.shape == ()
    exact = reference.cross_entropy_error(y.astype(np.float64), t)
    # log turns a rounding of y + 1e-7 into an absolute error.
    assert_allclose(loss, exact, rtol=4 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).eps)


@every_dtype
@with_each("shape", [(5,), (1, 33), (7, 1), (6, 10)])
def test_softmax_loss_is_the_two_functions_together(dtype, shape, rng):
    x = (5 * rng.standard_normal(shape)).astype(dtype)
    t = rng.integers(0, shape[-1], shape[:-1])
    loss = softmax_loss(x, t)
    assert loss == cross_entropy_error(softmax(x), t)
    assert loss.dtype == dtype and loss.shape == ()
    assert softmax_loss(x, np.eye(shape[-1])[t]) == loss
    exact = reference.softmax_loss(x.astype(np.float64), t)
    # softmax's relative error turns into an absolute one in the logarithm.
    assert_allclose(loss, exact, rtol=0, atol=(shape[-1] + 30) * np.finfo(dtype).eps)


def test_softmax_loss_by_hand():
    assert_allclose(softmax_loss([1000.0, 0.0], 1), 7 * np.log(10), rtol=1e-15)
    assert_allclose(softmax_loss(np.zeros((3, 4)), [0, 1, 3]), -np.log(0.25 + 1e-7), rtol=1e-15)


def test_limits():
    assert_array_equal(sigmoid([-np.inf, 0, np.inf, np.nan]), [0, 0.5, 1, np.nan])
    assert_array_equal(relu([-np.inf, -0.0, np.inf, np.nan]), [0, 0, np.inf, np.nan])
    assert_array_equal(softmax([1e308, 1e308, -np.inf]), [0.5, 0.5, 0])
    assert np.isnan(softmax([np.nan, 1.0])).all()
    y = np.array([[0.0, 1.0]])
    assert_allclose(cross_entropy_error(y, [0]), 7 * np.log(10), rtol=1e-15)
    assert_allclose(cross_entropy_error(y, [1]), -1e-7, rtol=1e-6)


def test_softmax_ignores_a_shift(rng):
    x = np.round(5 * rng.standard_normal((4, 6)))  # integers: the shift is exact
    assert_array_equal(softmax(x + 1e6), softmax(x))


def test_softmax_of_a_batch_is_that_of_its_rows(rng):
    x = 5 * rng.standard_normal((5, 11))
    assert_array_equal(softmax(x), [softmax(row) for row in x])


def test_functions_take_numbers_and_lists():
    for value in (0.5, np.float64(0.5), np.array(0.5)):
        assert type(sigmoid(value)) is np.float64
        assert_allclose(sigmoid(value), 1 / (1 + np.exp(-0.5)), rtol=1e-15)
    assert type(relu(np.float32(2))) is np.float32
    assert type(relu(2)) is np.float64
    assert_array_equal(relu([[-1, 2], [3, -4]]), [[0, 2], [3, 0]])
    assert_array_equal(softmax([0, 0]), [0.5, 0.5])


def test_elementwise_functions_of_nothing_are_nothing():
    for shape in [(0,), (0, 3), (3, 0)]:
        assert relu(np.zeros(shape, np.float32)).shape == shape
        assert sigmoid(np.zeros(shape, np.float32)).dtype == np.float32


def test_labels_in_every_form_give_one_loss(rng):
    y = softmax(5 * rng.standard_normal((6, 4)))
    t = rng.integers(0, 4, 6)
    loss = cross_entropy_error(y, t)
    one_hot = np.eye(4)[t]
    read_only = t.astype(np.uint8)
    read_only.flags.writeable = False
    forms = [t.tolist(), t[:, np.newaxis], read_only, t.astype(">i2"), t.astype(np.uint64)]
    forms += [one_hot, one_hot.astype(bool), one_hot.astype(int), one_hot.astype(np.float16)]
    forms += [np.asfortranarray(one_hot), np.repeat(t, 2)[::2], one_hot.tolist()]
    for form in forms:
        assert cross_entropy_error(y, form) == loss


def test_one_row_may_come_without_its_axis():
    y = np.array([0.25, 0.75])
    for t in (1, [1], np.array(1, np.uint8), [0, 1], [[0, 1]]):
        assert cross_entropy_error(y, t) == cross_entropy_error(y[np.newaxis], [1])


def test_loss_of_a_batch_is_the_mean_of_its_rows(rng):
    y, t = softmax(5 * rng.standard_normal((6, 4))), rng.integers(0, 4, 6)
    rows = [cross_entropy_error(y[n], t[n]) for n in range(6)]
    assert_allclose(cross_entropy_error(y, t), np.mean(rows), rtol=1e-14)


@every_dtype
@every_shape
def test_sum_squared_error_equals_the_reference(dtype, shape, rng):
    y, t = rng.integers(-9, 10, (2, *shape)).astype(dtype)  # whole numbers: the sum is exact
    loss = sum_squared_error(y, t)
    assert loss == reference.sum_squared_error(y, t)
    assert loss.dtype == dtype and loss.shape == ()


def test_sum_squared_error_by_hand():
    """Section 4.2.1 of the book: a good guess and a bad one."""
    t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    good = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
    bad = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])
    assert_allclose(sum_squared_error(good, t), 0.0975, rtol=1e-14)
    assert_allclose(sum_squared_error(bad, np.array(t)), 0.5975, rtol=1e-14)
    assert sum_squared_error(3, 1) == 2
    assert sum_squared_error([], []) == 0
    both = sum_squared_error([good, bad], [t, t])  # a sum over the batch, not a mean
    assert_allclose(both, 0.0975 + 0.5975, rtol=1e-14)


@pytest.mark.parametrize("side", [functions, reference], ids=["fastnet", "reference"])
def test_im2col_and_back_by_hand(side):
    x = np.arange(1.0, 4.0).reshape(1, 1, 3, 1)
    col = side.im2col(x, 2, 1)
    assert_array_equal(col, [[1, 2], [2, 3]])
    assert_array_equal(side.col2im(col, x.shape, 2, 1), [[[[1], [4], [3]]]])
