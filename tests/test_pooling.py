"""Max pooling: against the textbook's code, the twin, central differences and PyTorch."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.layers import MaxPooling2D, Pooling
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 30, 31, 32, 33, 64, 70]
SIZES = [(1, 1), (2, 2), (1, 6), (5, 7), (6, 4)]
# Rows and columns of a window, its strides, and what it reaches over before the image.
GEOMETRIES = [
    (2, 2, 2, 2, 0, 0),
    (1, 1, 1, 1, 0, 0),
    (3, 2, 1, 2, 1, 0),
    (3, 3, 2, 2, 1, 1),
    (2, 3, 3, 1, 1, 2),
    (5, 4, 1, 1, 0, 3),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def images(rng, shape, dtype):
    """Few different numbers, so that many are equal, with NaN, infinities and zeros of both signs.

    They are told apart by their signs, lest the wrong one of two equal zeros wins unseen.
    """
    x = rng.integers(-2, 3, shape).astype(dtype)
    x[rng.random(shape) < 0.05] = np.nan
    x[rng.random(shape) < 0.05] = -np.inf
    x[rng.random(shape) < 0.05] = -0.0
    return x


def counts_of(shape, geometry):
    pool_h, pool_w, stride_h, stride_w, top, left = geometry
    h, w = shape
    return (h + 2 * top - pool_h) // stride_h + 1, (w + 2 * left - pool_w) // stride_w + 1


@every_dtype
@pytest.mark.parametrize("channels", CHANNELS)
def test_two_by_two_equals_the_twin(channels, dtype, rng):
    for h, w in SIZES:
        x = images(rng, (3, h, w, channels), dtype)
        shape = 3, h // 2, w // 2, channels
        found, wanted = ([np.full(shape, 9, dtype), np.full(shape, 9, np.uint8)] for _ in range(2))
        kernels.max_pooling_2x2_forward(x, *found)
        reference.max_pooling_2x2_forward(x, *wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_array_equal(ours, theirs)
        dout = rng.standard_normal(shape).astype(dtype)
        dx, expected = np.full_like(x, 9), np.full_like(x, 9)
        kernels.max_pooling_2x2_backward(dout, found[1], dx)
        reference.max_pooling_2x2_backward(dout, wanted[1], expected)
        assert_array_equal(dx, expected)


@every_dtype
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_windows_equal_the_twin(geometry, zeros, dtype, rng):
    for channels in CHANNELS:
        for size in SIZES:
            counts = counts_of(size, geometry)
            if min(counts) < 1:
                continue
            x = images(rng, (2, *size, channels), dtype)
            for kept in (np.uint8, dtype):
                shape = 2, *counts, channels
                found, wanted = (
                    [np.full(shape, 9, dtype), np.full(shape, 99, kept)] for _ in range(2)
                )
                kernels.max_pooling_forward(x, *geometry, zeros, *found)
                reference.max_pooling_forward(x, *geometry, zeros, *wanted)
                for ours, theirs in zip(found, wanted, strict=True):
                    assert_array_equal(ours, theirs)
                dout = rng.integers(-9, 9, shape).astype(dtype)  # their sums are exact
                dx, expected = np.full_like(x, 9), np.full_like(x, 9)
                kernels.max_pooling_backward(dout, found[1], *geometry, dx)
                reference.max_pooling_backward(dout, wanted[1], *geometry, expected)
                assert_array_equal(dx, expected)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_gradients_equal_central_differences(geometry, rng):
    x = rng.permutation(2 * 6 * 7 * 3).astype(float).reshape(2, 6, 7, 3)  # no two are near
    shape = 2, *counts_of((6, 7), geometry), 3
    out, code, dout = np.empty(shape), np.empty(shape, np.uint8), rng.standard_normal(shape)

    def objective():
        kernels.max_pooling_forward(x, *geometry, False, out, code)
        return np.sum(out * dout)

    objective()
    dx = np.empty_like(x)
    kernels.max_pooling_backward(dout, code, *geometry, dx)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + 0.25
        above = objective()
        x[i] = kept - 0.25
        assert_allclose((above - objective()) / 0.5, dx[i], atol=1e-9)
        x[i] = kept
    assert np.abs(dx).max() > 0.1


# --------------------------------------------------------------------------- the textbook's layer


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
@pytest.mark.parametrize(
    "arguments", [(2, 2), (2, 2, 1), (3, 2, 2), (3, 3, 3), (20, 17, 1)], ids=str
)
@pytest.mark.parametrize("view", [False, True])
def test_it_does_what_the_textbook_does(arguments, view, dtype, rng):
    shape = (2, 21, 18, 5) if arguments[0] > 9 else (3, 7, 6, 5)
    x = rng.standard_normal(shape).astype(dtype).transpose(0, 3, 1, 2)
    x = x if view else np.ascontiguousarray(x)
    ours, theirs = Pooling(*arguments), Published(*arguments)
    out, expected = ours.forward(x), theirs.forward(x)
    assert_array_equal(out, expected)
    assert_array_equal(ours.arg_max, theirs.arg_max)
    assert ours.arg_max.dtype == np.int64 and ours.x is x and out.dtype == dtype
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
    assert_array_equal(layer.forward(x), [[[[1]]]])
    assert_array_equal(layer.backward(np.full((1, 1, 1, 1), 2.0)), 2 * x)


def test_views_of_channels_that_lie_together_are_not_copied(rng):
    x = rng.standard_normal((2, 6, 6, 3)).transpose(0, 3, 1, 2)
    layer = Pooling(2, 2)
    out = layer.forward(x)
    dx = layer.backward(out)
    assert out.base is not None and dx.transpose(0, 2, 3, 1).flags.c_contiguous
    assert layer.x.base is x.base


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


# --------------------------------------------------------------------------- Keras' layer

PADDINGS = ["valid", "same", 1, (1, 0), ((0, 1), (1, 0))]


@every_dtype
@pytest.mark.parametrize("padding", PADDINGS, ids=str)
@pytest.mark.parametrize("strides", [None, 1, (3, 2)], ids=str)
@pytest.mark.parametrize("pool_size", [2, (3, 2), (2, 5)], ids=str)
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


WRONG = [
    (lambda: Pooling(0, 2), ValueError, "Pooling: pool_h must be at least 1, got 0"),
    (lambda: Pooling(2, 2.0), TypeError, "Pooling: pool_w must be a whole number"),
    (lambda: Pooling(2, 2, pad=-1), ValueError, "Pooling: pad must be at least 0, got -1"),
    (
        lambda: Pooling(2, 2).forward(np.ones((4, 4))),
        ValueError,
        r"Pooling.forward: x must be images \(N, C, H, W\), got x.shape=\(4, 4\). Reshape x to ",
    ),
    (
        lambda: Pooling(5, 2).forward(np.ones((1, 1, 4, 4))),
        ValueError,
        r"Pooling.forward: pool must be no larger than the image, got \(5, 2\) for 4 x 4 pixels",
    ),
    (lambda: Pooling(2, 2).backward(1), RuntimeError, "Pooling.backward: call forward first."),
    (lambda: Pooling(2, 2).arg_max, RuntimeError, "Pooling.arg_max: call forward first."),
    (
        lambda: MaxPooling2D((1, 2, 3)),
        ValueError,
        r"MaxPooling2D: pool_size must be a whole number or 2 of them, got \(1, 2, 3\)",
    ),
    (lambda: MaxPooling2D(2, 0), ValueError, "MaxPooling2D: strides must be at least 1, got 0"),
    (
        lambda: MaxPooling2D(2, padding="full"),
        ValueError,
        "MaxPooling2D: padding must be 'valid', 'same' or numbers of zeros, got 'full'",
    ),
    (
        lambda: MaxPooling2D(2, padding=2).forward(np.ones((1, 4, 4, 1))),
        ValueError,
        r"MaxPooling2D.forward: padding must be less than pool_size \(2, 2\), got",
    ),
    (
        lambda: MaxPooling2D().output_shape((784,)),
        ValueError,
        r"MaxPooling2D: samples must be images \(height, width, channels\), got the shape \(784,\)",
    ),
    (
        lambda: MaxPooling2D(3).output_shape((2, 9, 1)),
        ValueError,
        r"MaxPooling2D: pool_size must be no larger than the image, got \(3, 3\) for 2 x 9 pixels, "
        "padding 'valid'. Make it smaller, or pad.",
    ),
    (
        lambda: MaxPooling2D().backward(np.ones((1, 2, 2, 1))),
        RuntimeError,
        "MaxPooling2D.backward: call forward first.",
    ),
]


@pytest.mark.parametrize("call, kind, message", WRONG, ids=[case[2][:40] for case in WRONG])
def test_wrong_arguments_are_told(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_dout_of_another_shape_is_told(rng):
    for layer, shape in ((Pooling(2, 2), (1, 3, 4, 4)), (MaxPooling2D(), (1, 4, 4, 3))):
        out = layer.forward(rng.standard_normal(shape))
        with pytest.raises(ValueError, match=r"backward: dout must have shape \("):
            layer.backward(out[:, :1])
