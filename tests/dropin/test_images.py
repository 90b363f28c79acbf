"""Convolution, pooling and windows in the place of the books'."""

import inspect
import itertools

import numpy as np
import pytest
from books_classes import own_of, same

from fastnet import dropin


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


FILTERS = normal(4, 3, 3, 2, seed=1), normal(4, seed=2)
LAYERS_OF_IMAGES = [
    *(("Pooling", arguments) for arguments in [(2, 2), (3, 2, 1), (5, 4, 3)]),
    *(("Convolution", (*FILTERS, *rest)) for rest in [(), (2,), (1, 2), (2, 1)]),
]


def as_the_own(layer, own, given, tolerance=1e-12):
    """Check a step of a layer against the script's own: results and attributes."""
    out, expected = layer.forward(given), own.forward(given)
    same(np.asarray(out), np.asarray(expected), tolerance)
    assert out.transpose(0, 2, 3, 1).flags.c_contiguous  # as the book's
    dout = np.cos(expected)
    same(np.asarray(layer.backward(dout)), own.backward(dout), tolerance)
    for name, value in vars(own).items():
        found = vars(layer)[name]
        same(np.asarray(found) if isinstance(value, np.ndarray) else found, value, tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
@pytest.mark.parametrize("made", LAYERS_OF_IMAGES, ids=str)
def test_layers_of_images(first, made, dtype):
    kind, arguments = getattr(first.layers, made[0]), made[1]
    for x in (normal(2, 3, 9, 8), normal(2, 9, 8, 3).transpose(0, 3, 1, 2), normal(1, 3, 5, 4)):
        as_the_own(kind(*arguments), own_of(kind)(*arguments), (10 * x).astype(dtype))


def test_layers_of_images_take_what_numpy_takes(first):
    layers = first.layers
    W, b = FILTERS
    for kind, arguments, x in (
        (layers.Convolution, (W, 0), normal(1, 3, 6, 5)),  # a number for the bias
        (layers.Convolution, (W.astype(np.float32), b.astype(np.float32)), normal(1, 3, 6, 5)),
        (layers.Convolution, (W, b, 1, 1), normal(1, 3, 6, 5)[:, :, ::2]),
        (layers.Pooling, (2, 2, 2), normal(1, 3, 6, 5)[:, ::-1, 1:]),
        (layers.Pooling, (2, 2, 4, 1), normal(1, 3, 7, 7)),  # whose padding makes no more windows
    ):
        layer, own = kind(*arguments), own_of(kind)(*arguments)
        same(np.asarray(layer.forward(x)), np.asarray(own.forward(x)))
        dout = normal(*own.forward(x).shape)
        same(np.asarray(layer.backward(dout)), np.asarray(own.backward(dout)))
    with pytest.raises(ValueError):
        layers.Pooling(2, 2).forward(normal(3, 6, 5))
    with pytest.raises(ValueError):
        layers.Pooling(2, 2, 1, 1).forward(normal(1, 3, 6, 5))


def test_the_scripts_own_backward_goes_on_with_what_kernels_left(first):
    for name, arguments in LAYERS_OF_IMAGES:
        kind, x = getattr(first.layers, name), normal(2, 3, 9, 8)
        layer, own = kind(*arguments), own_of(kind)(*arguments)
        layer.forward(x)
        dout = np.cos(own.forward(x))
        expected = own.backward(dout)
        found = own_of(kind).backward(layer, dout)
        same(np.asarray(found), expected)
        own_of(kind).forward(layer, 2 * x)  # and kernels with what the own forward left
        own.forward(2 * x)
        same(np.asarray(layer.backward(dout)), own.backward(dout))


def test_relu_keeps_the_order_of_images(first):
    x, dout = normal(2, 4, 5, 3).transpose(0, 3, 1, 2), normal(2, 4, 5, 3).transpose(0, 3, 1, 2)
    kind = first.layers.Relu
    layer, own = kind(), own_of(kind)()
    out = layer.forward(x)
    same(out, own.forward(x))
    for given in (dout, np.ascontiguousarray(dout)):
        same(layer.backward(given.copy("K")), own.backward(given.copy("K")))
    if first.ours:
        assert out.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_windows_of_images(first, dtype):
    util = first.util
    x = (10 * normal(2, 3, 7, 6)).astype(dtype)
    for given in (x, x.transpose(0, 1, 3, 2)):
        for sizes in ((2, 3), (3, 3, 2), (3, 2, 1, 2), (1, 1, 3, 1)):
            col = util.im2col(given, *sizes)
            same(col, own_function(util.im2col)(given, *sizes))
            for part in (col, np.cos(col).astype(np.float32), col.reshape(-1, 1)):
                found = util.col2im(part, given.shape, *sizes)
                same(found, own_function(util.col2im)(part, given.shape, *sizes))
    same(util.im2col(x, filter_h=2, filter_w=2), own_function(util.im2col)(x, 2, 2))
    with pytest.raises(ValueError):
        util.im2col(x[0], 2, 2)


def test_windows_of_any_size(first):
    """The largest and smallest, and those just beyond: the same, or an error of either."""
    util, x = first.util, normal(2, 3, 4, 3)
    util.im2col(x, 2, 2)  # kernels come at the first call
    ends = (-1, 0, 1, 4, 5, 6), (-1, 0, 1, 3, 4, 5), (-1, 0, 1, 2), (-1, 0, 1)
    for sizes in itertools.product(*ends):
        results = []
        for im2col in (util.im2col, own_function(util.im2col)):
            try:
                results.append(im2col(x, *sizes))
            except Exception:
                results.append(None)
        assert (results[0] is None) == (results[1] is None), sizes
        if results[0] is not None:
            same(*results)


def own_function(function):
    """Return the script's own of a function that may be counted, or on kernels."""
    return inspect.unwrap(function)


def test_an_im2col_that_keeps_the_dtype(package, root):
    util = root / "tests" / "dropin" / "first" / "common" / "util.py"
    text = util.read_text()
    for shape in ("(N, C, H + 2 * pad, W + 2 * pad)", "(N, rows, columns, C, filter_h, filter_w)"):
        dtype = "col.dtype" if "C, H" in shape else "input_data.dtype"
        text = text.replace(f"({shape})", f"({shape}, {dtype})")
    text = text.replace("framed = np.zeros((N, C, H + 2 * pad, W + 2 * pad), col.dtype)", "@", 1)
    framed = "framed = np.zeros((N, C, H + 2 * pad, W + 2 * pad), input_data.dtype)"
    changed = [
        (
            "zeros((rows.size, self.pool_h * self.pool_w))",
            "zeros((rows.size, self.pool_h * self.pool_w), dout.dtype)",
        )
    ]
    with package("layers", *changed[0], util=text.replace("@", framed)) as common:
        for name, arguments in LAYERS_OF_IMAGES:
            for dtype in (np.float64, np.float32):
                own_arguments = [a.astype(dtype) if np.ndim(a) else a for a in arguments]
                kind, x = getattr(common.layers, name), normal(2, 3, 9, 8).astype(dtype)
                layer, own = kind(*own_arguments), own_of(kind)(*own_arguments)
                as_the_own(layer, own, x, 1e-12 if dtype is np.float64 else 1e-4)
                assert own.forward(x).dtype == dtype
        rows = dropin.report().split("the script's own\n")[0]
        assert "Convolution.forward" in rows and "Pooling.backward" in rows
