"""Products that skip zeros have the bits of those that do not."""

import numpy as np
import pytest
from framed import assert_frame, framed
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal
from sparse_rows import every_shape, operands, rows, rows_backward, rows_forward

from fastnet.kernels import (
    IDENTITY,
    RELU,
    SIGMOID,
    affine_backward_params,
    affine_forward,
    matmul_backward,
    matmul_forward,
    relu_forward,
    sigmoid_forward,
    simd,
    sparse,
)


def products(x, W, dout, b, activation=IDENTITY):
    """Return out, dW and db of the affine kernels, whose frames are checked."""
    frames = [framed(shape, x.dtype) for shape in (dout.shape, W.shape, b.shape)]
    out, dW, db = (inside for _, inside in frames)
    affine_forward(x, W, b, activation, out)
    affine_backward_params(x, dout, dW, db)
    for buffer, _ in frames:
        assert_frame(buffer)
    return out, dW, db


def dense_products(x, W, dout):
    """Return out and dW of the kernels that look for no zeros."""
    out, dx, dW = np.empty_like(dout), np.empty_like(x), np.empty_like(W)
    matmul_forward(x, W, out)
    matmul_backward(x, W, dout, dx, dW)
    return out, dW


@every_dtype
@every_shape
@with_each("share", [0, 0.02, 0.1])
def test_bits_are_those_of_the_dense_product(dtype, shape, share):
    x, W, dout, b = operands(dtype, shape, share)
    x[:, shape[1] // 3] = 1  # a column without zeros
    x[shape[0] // 2] = 0  # and a row of zeros
    n, d, _ = shape
    assert rows(x, W, dout, b) == (n - n % 2, d - d % sparse.TOGETHER)
    b[:] = 0
    out, dW, db = products(x, W, dout, b)
    dense = dense_products(x, W, dout)
    assert_array_equal(out, dense[0])
    assert_array_equal(dW, dense[1])
    assert_array_equal(db, products(np.ones_like(x), W, dout, b)[2])


@every_dtype
@pytest.mark.parametrize("d", [1, 2])
def test_bits_of_a_product_of_few_terms(dtype, d):
    """The rows of which are many enough that zeros are looked for."""
    x, W, _, b = operands(dtype, (sparse.LEAST_SIZE // d + 1, d, 40), 0.05)
    out, dense = (np.empty((len(x), 40), dtype) for _ in range(2))
    assert rows_forward(x, W, 0 * b, out) == len(x) - len(x) % 2
    matmul_forward(x, W, dense)
    assert_array_equal(out[:-1], dense[:-1])


@every_dtype
@pytest.mark.parametrize("axis", [1, 2])
def test_columns_go_together_that_have_zeros_in_common(dtype, axis):
    """Neighbours, or those eight apart, one below the other in images eight pixels wide."""
    n, d = 230, 64
    x, W, dout, b = operands(dtype, (n, d, 100), 1)
    kept = np.random.default_rng(axis).random((n, 4, 2, 8)) < 0.5
    if axis == 1:
        kept[:, :, 1] = kept[:, :, 0]
    else:
        kept[..., 1::2] = kept[..., ::2]
    x[~kept.reshape(n, d)] = 0
    x[:2] = 0
    assert rows_backward(x, dout, np.empty_like(W)) == d
    assert_array_equal(products(x, W, dout, b)[1], dense_products(x, W, dout)[1])


@every_dtype
@every_shape
def test_bias_and_activation(dtype, shape):
    x, W, dout, b = operands(dtype, shape, 0.05)
    W /= 8
    out = products(x, W, dout, b)[0]
    x64, W64 = x.astype(np.float64), W.astype(np.float64)
    bound = np.finfo(dtype).eps * (abs(x64) @ abs(W64) + abs(b)) * 16
    assert (abs(out - (x64 @ W64 + b)) <= bound).all()
    expected = np.empty_like(out)
    sigmoid_forward(out, expected)
    assert_array_equal(products(x, W, dout, b, SIGMOID)[0], expected)


@every_dtype
def test_what_does_not_pay_is_left_to_the_dense_product(dtype):
    shape = 100, 784, 50
    for share in (0.5, 1):
        assert rows(*operands(dtype, shape, share)) == (0, 0)
    narrow = 2 * simd.BITS // 8 // np.dtype(dtype).itemsize - 1
    for small in ((31, 8000, 50), (100, 784, narrow), (32, 383, 50)):
        assert rows(*operands(dtype, small, 0.01)) == (0, 0), small
    assert rows(*operands(dtype, (100, 784, 3000), 0.01)) == (100, 0)  # wide rows of dout
    x, W, dout, b = operands(dtype, shape, 0.01)
    x[1] = 1  # of six rows that are looked at two without zeros are enough, if they come first,
    assert rows(x, W, dout, b) == (0, 0)
    x[1, :80] = 0
    assert rows(x, W, dout, b) == (100, 784)
    x[50] = x[99] = 1  # or most of all
    assert rows(x, W, dout, b) == (0, 0)


@every_dtype
@pytest.mark.parametrize("n", [128, 2 * sparse.TERMS + 20])
def test_an_x_that_looks_like_zeros_and_is_not_is_left_halfway(dtype, n):
    x, W, dout, b = operands(dtype, (n, 784, 50), 0.02)
    b[:] = 0
    columns, most = x.copy(), np.ones_like(x)
    # Half of them, one of each two that may go together: neighbours, and those eight apart.
    columns[:, np.isin(np.arange(784) % 16, (0, 2, 4, 6, 9, 11, 13, 15))] = 1
    for few in (slice(0, 2), slice((n - 2) // 2, (n - 2) // 2 + 2), slice(n - 2, n)):
        most[few] = x[few]
    for array, expected in (
        (columns, (n, sparse.SAMPLED_COLUMNS)),
        (most, (sparse.CHUNK, sparse.SAMPLED_COLUMNS)),
    ):
        assert rows(array, W, dout, b) == expected
        dense = dense_products(array, W, dout)
        for found, same in zip(products(array, W, dout, b), dense, strict=False):
            assert_array_equal(found, same)


@every_dtype
@with_each("bad", [np.nan, np.inf, -np.inf])
@with_each("at", [(0, 0), (500, 7), (-1, -1)])
def test_zero_times_infinity_is_nan(dtype, bad, at):
    """What is not finite spreads as in NumPy, from x, W and dout."""
    x, W, dout, b = operands(dtype, (103, 785, 50), 0.05)
    b[:] = 0
    for i, array in enumerate((x, W, dout)):
        kept, k = array.copy(), (at[0] % len(array), at[1])
        array[k] = bad
        taken = rows(x, W, dout, b)
        assert [bool(n) for n in taken] == [i != 1, i != 2]
        with np.errstate(invalid="ignore"):
            for found, dense in zip(
                products(x, W, dout, b), dense_products(x, W, dout), strict=False
            ):
                assert_array_equal(found, dense)
        array[...] = kept


@every_dtype
def test_a_bias_that_overflows_leaves_the_weights_finite(dtype):
    """Whether dout is finite is told by its sums, which need not be."""
    x, W, dout, b = operands(dtype, (100, 784, 50), 0.05)
    x[:2] = 0
    dout[:2, 7] = np.finfo(dtype).max
    assert rows_backward(x, dout, np.empty_like(W)) == 0
    _, dW, db = products(x, W, dout, b)
    assert_array_equal(dW, dense_products(x, W, dout)[1])
    assert np.isfinite(dW).all() and np.isinf(db[7]) and np.isfinite(np.delete(db, 7)).all()


@every_dtype
@with_each("activation", [SIGMOID, RELU])
@with_each("shape", [(100, 784, 48), (100, 784, 50), (39, 600, 33)])
def test_the_activation_is_that_of_the_product(dtype, activation, shape):
    """Terms in one part and in three, columns that fill vectors and that do not."""
    x, W, dout, b = operands(dtype, shape, 0.05)
    expected = products(x, W, dout, b)[0]
    assert rows(x, W, dout, b)[0] > 0 and (expected < 0).any()
    forward = {SIGMOID: sigmoid_forward, RELU: relu_forward}[activation]
    forward(expected.reshape(-1), expected.reshape(-1))
    assert_array_equal(products(x, W, dout, b, activation)[0], expected)


@every_dtype
def test_negative_zero_is_a_zero(dtype):
    x, W, dout, b = operands(dtype, (100, 784, 50), 0.05)
    b[:] = 0
    negative = np.where(x == 0, dtype(-0.0), x)
    for found, expected in zip(
        products(negative, W, dout, b), products(x, W, dout, b), strict=True
    ):
        assert_array_equal(found, expected)


@every_dtype
def test_updates_that_would_have_other_bits_are_left_to_the_dense_product(dtype):
    """Narrow columns of more terms than are added up at a time, and what is not scaled."""
    whole, d = 3 * simd.BITS // 8 // np.dtype(dtype).itemsize, 400
    more = sparse.TERMS + 20
    for n, m, factor, expected in (
        *((100, whole, -0.1, d), (100, whole + 1, -0.1, d), (more, whole, -0.1, d)),
        *((more, whole + 1, -0.1, 0), (100, whole, 1.0, 0), (more, whole + 1, 1.0, 0)),
    ):
        x, W, dout, _ = operands(dtype, (n, d, m), 0.02)
        assert rows_backward(x, dout, W, dtype(factor), True) == expected, (n, m, factor)
        assert rows_backward(x, dout, W, dtype(factor), False) == d
