"""im2col and col2im: against their twins, the textbook's equations and each other."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal

from fastnet import functions, kernels
from fastnet.reference import functions as reference
from fastnet.reference import kernels as reference_kernels

# Shape of the images, rows and columns of a window, stride, pad.
CASES = [
    ((2, 3, 7, 6), 3, 2, 1, 0),
    ((1, 1, 5, 5), 5, 5, 1, 2),
    ((3, 2, 4, 9), 2, 3, 2, 1),
    ((2, 2, 3, 3), 3, 3, 3, 7),  # wider than the kernel
    ((1, 4, 1, 1), 1, 1, 1, 0),
    ((0, 2, 4, 4), 2, 2, 1, 0),
    ((2, 1, 8, 8), 2, 2, 5, 0),
]
every_case = with_each("case", CASES)


@every_case
@with_each("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_they_equal_their_twins(case, dtype):
    shape, *sizes = case
    x = (10 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)
    col, wanted = functions.im2col(x, *sizes), reference.im2col(x, *sizes)
    assert_array_equal(col, wanted)
    assert col.dtype == (np.float64 if dtype == np.int8 else dtype)
    if dtype != np.float16:  # computed in float32
        assert_array_equal(
            functions.col2im(col, shape, *sizes), reference.col2im(wanted, shape, *sizes)
        )


@every_case
def test_col2im_is_the_gradient_of_im2col(case):
    shape, *sizes = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    col = functions.im2col(x, *sizes)
    dout = rng.standard_normal(col.shape)
    dx = functions.col2im(dout, shape, *sizes)
    assert np.isclose(np.sum(col * dout), np.sum(x * dx), rtol=1e-12)


@every_case
def test_kernels_equal_the_reference(case):
    shape, *sizes = case
    x = np.random.default_rng(0).standard_normal(shape)
    col = reference.im2col(x, *sizes).copy()  # a view of x, read-only, for windows of a pixel
    for module in (kernels, reference_kernels):
        out, images = np.full_like(col, np.nan), np.full_like(x, np.nan)
        module.im2col_forward(x, *sizes, out)
        assert_array_equal(out, col)
        module.col2im_forward(col, *sizes, images)
        assert_array_equal(images, reference.col2im(col, shape, *sizes))


def test_the_textbooks_order_of_windows():
    x = np.arange(32.0).reshape(2, 1, 4, 4)
    col = functions.im2col(x, 2, 2, 2)
    assert_array_equal(col[0], [0, 1, 4, 5])
    assert_array_equal(col[1], [2, 3, 6, 7])
    assert_array_equal(col[2], [8, 9, 12, 13])
    assert_array_equal(col[4], [16, 17, 20, 21])
    two = np.concatenate([x, -x], axis=1)
    assert_array_equal(functions.im2col(two, 2, 2, 2)[0], [0, 1, 4, 5, 0, -1, -4, -5])


def message(call, *args):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*args)
    return str(caught.value)


def test_errors():
    x = np.ones((1, 1, 3, 3))
    assert message(functions.im2col, x[0], 2, 2) == (
        "im2col: input_data must be (N, C, H, W), got shape (1, 3, 3). Give images of four axes."
    )
    assert message(functions.im2col, x, 4, 2) == (
        "im2col: input_data must be at least as large as the kernel, 4 x 2, got 3 x 3, padding "
        "included. Give larger images, a smaller kernel, or padding."
    )
    assert message(functions.im2col, x, 2, 2, 0) == (
        "im2col: stride must be at least 1, got 0. Give a positive int."
    )
    assert message(functions.col2im, np.ones((4, 3)), (1, 1, 3, 3), 2, 2) == (
        "col2im: col must have shape (4, 4), got col.shape=(4, 3). Give such an array."
    )
    assert message(functions.col2im, np.ones((4, 4)), (1, 3, 3), 2, 2) == (
        "col2im: input_shape must be (N, C, H, W), got shape (1, 3, 3). Give images of four axes."
    )
