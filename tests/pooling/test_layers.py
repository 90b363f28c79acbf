"""The layers of max pooling: as the textbook, Keras and PyTorch have them."""

import copy
import itertools
import pickle
import weakref

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal

from fastnet.layers import MaxPooling2D, Pooling
from fastnet.reference import layers as reference_layers


class Published:
    """Max pooling step by step as chapter 7 derives it: rows of windows, their argmax, and back."""

    def __init__(self, pool_h, pool_w, stride=2):
        self.pool, self.stride = (pool_h, pool_w), stride

    def forward(self, x):
        views = np.lib.stride_tricks.sliding_window_view(x, self.pool, (2, 3))
        self.x, views = x, views[:, :, :: self.stride, :: self.stride]
        rows = views.transpose(0, 2, 3, 1, 4, 5)
        self.shape, rows = rows.shape[:4], rows.reshape(-1, self.pool[0] * self.pool[1])
        self.arg_max = rows.argmax(axis=1)
        return rows.max(axis=1).reshape(self.shape).transpose(0, 3, 1, 2)

    def backward(self, dout):
        dx, index = np.zeros(self.x.shape, dout.dtype), self.arg_max.reshape(self.shape)
        for n, y, k, c in np.ndindex(self.shape):
            i, j = divmod(index[n, y, k, c], self.pool[1])
            dx[n, c, y * self.stride + i, k * self.stride + j] += dout[n, c, y, k]
        return dx


@every_dtype
@with_each("arguments", [(2, 2), (2, 2, 1), (3, 2, 2), (3, 3, 3), (20, 17, 1)])
@with_each("view", [False, True])
def test_it_does_what_the_textbook_does(arguments, view, dtype, rng):
    shape = (2, 21, 18, 5) if arguments[0] > 9 else (3, 7, 6, 5)
    x = rng.standard_normal(shape).astype(dtype).transpose(0, 3, 1, 2)
    x = x if view else np.ascontiguousarray(x)
    ours, theirs = Pooling(*arguments), Published(*arguments)
    out, expected = ours.forward(x), theirs.forward(x)
    assert_array_equal(out, expected)
    assert_array_equal(ours.arg_max, theirs.arg_max)
    assert ours.arg_max.dtype == np.int64 and out.dtype == dtype
    assert out.transpose(0, 2, 3, 1).flags.c_contiguous  # as the book's
    dout = rng.integers(-9, 9, out.shape).astype(dtype)
    assert_array_equal(ours.backward(dout), theirs.backward(dout))


def test_padding_counts_as_zeros(rng):
    x = -1 - rng.random((2, 3, 5, 4))
    layer, twin = Pooling(3, 3, stride=2, pad=1), reference_layers.Pooling(3, 3, stride=2, pad=1)
    assert_array_equal(layer.forward(x), twin.forward(x))
    assert layer.forward(x).max() == 0  # at the borders
    dout = np.ones((2, 3, 3, 2))
    assert_array_equal(layer.backward(dout), twin.backward(dout))
    wide = Pooling(2, 2, stride=1, pad=3)  # wider than a window
    twin = reference_layers.Pooling(2, 2, stride=1, pad=3)
    out = wide.forward(-x)
    assert_array_equal(out, twin.forward(-x))
    assert out.shape == (2, 3, 10, 9) and not out[:, :, :2].any() and out.max() > 1
    assert_array_equal(wide.backward(out), twin.backward(out))


@pytest.mark.parametrize("pixels", [256, 257])  # as many as a byte can count, and one more
def test_the_last_pixel_of_a_large_window_is_remembered(pixels):
    x = np.zeros((1, 1, 1, pixels))
    x[..., -1] = 1
    layer = Pooling(1, pixels)
    for dtype, other in itertools.product((np.float32, np.float64), repeat=2):
        assert_array_equal(layer.forward(x.astype(dtype)), [[[[1]]]])
        dx = layer.backward(np.full((1, 1, 1, 1), 2.0, other))
        assert_array_equal(dx, 2 * x)
        assert dx.dtype == other


def test_views_of_channels_that_lie_together_are_not_copied(rng):
    x = rng.standard_normal((2, 6, 6, 3)).transpose(0, 3, 1, 2)
    layer = Pooling(2, 2)
    out = layer.forward(x)
    dx = layer.backward(out)
    assert out.base is not None and dx.transpose(0, 2, 3, 1).flags.c_contiguous


def test_images_are_not_kept(rng):
    x = rng.standard_normal((1, 2, 4, 4))
    layer, kept = Pooling(2, 2), weakref.ref(x)
    layer.forward(x)
    del x
    assert kept() is None


def test_settings_may_change_between_forward_and_backward(rng):
    x = rng.standard_normal((1, 2, 6, 6))
    layer = Pooling(2, 2)
    out = layer.forward(x)
    layer.pool_h, layer.stride, layer.pad = 3, 1, 1
    assert layer.backward(out).shape == x.shape
    assert layer.forward(x).shape == (1, 2, 6, 7)
    assert repr(layer) == "Pooling(3, 2, stride=1, pad=1)"


@every_dtype
def test_an_empty_batch_is_one(dtype):
    layer = Pooling(2, 2)
    out = layer.forward(np.empty((0, 3, 4, 4), dtype))
    assert out.shape == (0, 3, 2, 2) and layer.backward(out).shape == (0, 3, 4, 4)
    layer = MaxPooling2D()
    out = layer.forward(np.empty((0, 4, 4, 3), dtype))
    assert out.shape == (0, 2, 2, 3) and layer.backward(out).shape == (0, 4, 4, 3)


PADDINGS = ["valid", "same", 1, (1, 0), ((0, 1), (1, 0))]


@every_dtype
@with_each("padding", PADDINGS)
@with_each("strides", [None, 1, (3, 2)])
@with_each("pool_size", [2, (3, 2), (2, 5)])
def test_max_pooling_2d_equals_the_twin(pool_size, strides, padding, dtype, rng):
    x = rng.standard_normal((2, 7, 6, 3)).astype(dtype)
    ours = MaxPooling2D(pool_size, strides, padding)
    theirs = reference_layers.MaxPooling2D(pool_size, strides, ours.padding)
    out = ours.forward(x)
    assert_array_equal(out, theirs.forward(x))
    assert out.shape[1:] == ours.output_shape((7, 6, 3)) and out.dtype == dtype
    dout = rng.integers(-9, 9, out.shape).astype(dtype)
    assert_array_equal(ours.backward(dout), theirs.backward(dout))


@every_dtype
@pytest.mark.parametrize("shape", [(2, 9, 8, 5), (2, 4, 4, 33)], ids=str)
@pytest.mark.parametrize("pool, stride, pad", [(2, 2, 0), (3, 2, 1), (3, 1, 1)])
def test_torch_agrees(pool, stride, pad, shape, dtype, rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal(shape).astype(dtype)
    ours = MaxPooling2D(pool, stride, pad)
    out = ours.forward(x)
    dout = rng.integers(-9, 9, out.shape).astype(dtype)
    tensor = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    expected = torch.nn.functional.max_pool2d(tensor, pool, stride, pad)
    expected.backward(torch.tensor(dout.transpose(0, 3, 1, 2)))
    assert_array_equal(out, expected.detach().numpy().transpose(0, 2, 3, 1))
    assert_array_equal(ours.backward(dout), tensor.grad.numpy().transpose(0, 2, 3, 1))


def test_a_window_of_many_pixels(rng):
    x = rng.standard_normal((2, 20, 20, 3))
    layer = MaxPooling2D(20)
    assert_array_equal(layer.forward(x)[:, 0, 0], x.max(axis=(1, 2)))
    dx = layer.backward(np.ones((2, 1, 1, 3)))
    assert_array_equal(dx, x == x.max(axis=(1, 2), keepdims=True))
    assert_array_equal(layer.backward(np.ones((2, 1, 1, 3), np.float32)), dx)


@pytest.mark.parametrize("dtype", [np.float16, np.int8, bool])
def test_other_dtypes_are_computed_in_one_that_holds_them(dtype):
    x = np.arange(16).reshape(1, 4, 4, 1).astype(dtype)
    out = MaxPooling2D().forward(x)
    assert out.dtype == (np.float16 if dtype is np.float16 else np.float64)
    assert_array_equal(out, x[:, 1::2, 1::2])


def test_copies_and_pickles(rng):
    x = rng.standard_normal((2, 4, 4, 3))
    layer = MaxPooling2D((2, 3), padding="same")
    out = layer.forward(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer) == "MaxPooling2D((2, 3), padding='same')"
        assert_array_equal(other.backward(out), layer.backward(out))
