"""Updates that skip zeros have the bits of those that do not."""

from by_address import call
from framed import assert_frame, framed
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal
from sparse_rows import every_shape, operands

from fastnet.kernels import (
    affine_backward_sgd_update,
    simd,
    sparse,
)
from fastnet.kernels.loop import sparse as loop_sparse


def rows_update(x, first, stop, dout, factor, W, b):
    """W[first:stop] += factor * x[:, first:stop].T @ dout, and how many of these rows it made.

    If any, b += factor * the sum of dout, too.
    """
    at = W.ctypes.data + first * W.strides[0], x.ctypes.data + first * x.itemsize
    numbers = len(x), stop - first, W.shape[1], at[1], x.shape[1], dout.ctypes.data, 1, at[0]
    like = x.dtype.type(factor)
    return call(loop_sparse.backward_params, *numbers, b.ctypes.data, like)


@every_dtype
@every_shape
@with_each("lr", [0.3, 1.0, -1.0])
def test_the_update_has_the_bits_of_the_dense_one(dtype, shape, lr):
    x, W, dout, b = operands(dtype, shape, 0.05)
    n, d, m = shape
    lanes = simd.BITS // 8 // x.itemsize
    dense, dense_b = W.copy(), b.copy()
    affine_backward_sgd_update(x, dout, dtype(lr), dense, dense_b)
    assert (dense != W).any()
    others = lr == -1 or (n > sparse.TERMS and m % lanes)  # bits: the dense one is left to do it
    for first, stop in ((0, d), (16, d - 3), (0, 16 + d // 2)):
        buffer, found = framed(W.shape, dtype)
        found[...] = W
        found_b = b.copy()
        done = rows_update(x, first, stop, dout, dtype(-lr), found, found_b)
        assert_array_equal(found_b, dense_b if done else b)
        if others or n * (stop - first) < sparse.LEAST_SIZE:
            assert done == 0
        else:
            assert done == stop - first - (stop - first) % sparse.TOGETHER
        assert_array_equal(found[first : first + done], dense[first : first + done])
        assert_array_equal(found[:first], W[:first])
        assert_array_equal(found[first + done :], W[first + done :])
        assert_frame(buffer)
