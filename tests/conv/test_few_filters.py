"""Fewer filters than fill a vector: the convolution is turned, and the same but for rounding."""

import itertools

import numpy as np
import pytest
from in_turn import every_dtype, every_dtype_name
from numpy.testing import assert_allclose

from fastnet.kernels.activations import TANH
from fastnet.kernels.blocking import BITS
from fastnet.kernels.geometry import geometry_of
from fastnet.layers import Convolution, few_filters
from fastnet.layers.convolution import convolved, gradients

PADS = (0, 0), (1, 0), (1, 1)
SHAPES = [
    *itertools.product((1, 7), (16, 21), (1, 4), ((3, 3), (1, 2)), PADS, (2,)),
    (7, 64, 1, (5, 5), (2, 2), 3),
    (4, 16, 1, (2, 2), (1, 1), 0),
]


@every_dtype
def test_turned_it_is_the_same_convolution(monkeypatch, dtype):
    rng, turned = np.random.default_rng(0), 0
    for side, channels, filters, kernel, (before, behind), n in SHAPES:
        out = tuple(side + before + behind - k + 1 for k in kernel)
        sizes = (side, side, channels), (*kernel, filters)
        if min(out) < 1:
            continue
        g = geometry_of(*sizes, (1, 1), (1, 1), (before, before), out, 1)
        x, dout, W, b = (
            rng.standard_normal(shape).astype(dtype)
            for shape in ((n, *sizes[0]), (n, *out, filters), (*kernel, channels, filters), filters)
        )
        made = []
        for known in (few_filters.has_few_filters, lambda *arguments: False):
            turned += known(g, x.dtype)
            with monkeypatch.context() as patch:
                patch.setattr(few_filters, "has_few_filters", known)
                made.append((convolved(g, x, W, b, TANH), *gradients(g, x, W, dout)))
        for found, wanted in zip(*made, strict=True):
            assert found.shape == wanted.shape and found.dtype == wanted.dtype == dtype
            eps = 100 * np.finfo(dtype).eps
            assert_allclose(found, wanted, rtol=eps, atol=eps * abs(wanted).max(initial=1))
    assert turned or dtype == np.float64  # no quarter of a vector, where it has two lanes


def test_windows_outside_the_image_are_not_turned():
    g = geometry_of((4, 4, 64), (2, 2, 1), (1, 1), (1, 1), (2, 2), (7, 7), 1)
    assert not few_filters.has_few_filters(g, np.dtype("float32"))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pixel_that_is_no_number_stays_where_windows_have_it(bad):
    """And nothing warns of it, as no kernel does."""
    x, W = np.ones((1, 16, 5, 5), np.float32), np.ones((1, 16, 3, 3), np.float32)
    x[0, 3, 0, 0] = bad
    layer = Convolution(W, np.zeros(1, np.float32))
    assert np.isfinite(layer.forward(x)).tolist() == [
        [[[False, True, True], [True] * 3, [True] * 3]]
    ]
    layer.backward(np.ones((1, 1, 3, 3), np.float32))
    assert np.argwhere(~np.isfinite(layer.dW)).tolist() == [[0, 3, 0, 0]]
    layer.backward(np.array([np.inf, -np.inf, 1e38] * 3, np.float32).reshape(1, 1, 3, 3))
    assert np.isnan(layer.db).all()
    assert not np.isfinite(Convolution(W, np.float32([-np.inf])).forward(x)).any()


@every_dtype_name
def test_a_quarter_of_a_vector_is_few_and_a_vector_of_channels_enough(dtype):
    lanes = BITS // (8 * np.dtype(dtype).itemsize)
    few, one = max(lanes // 4, 1), (1, 1)

    def turned(channels=lanes, filters=few, kernel=(3, 3), strides=one):
        out = 4 - kernel[0] + 1, 4 - kernel[1] + 1
        g = geometry_of((4, 4, channels), (*kernel, filters), strides, one, (0, 0), out, 1)
        return few_filters.has_few_filters(g, np.dtype(dtype))

    assert turned() == turned(lanes + 1) == turned(kernel=(1, 2)) == (lanes >= 4)
    assert not any([turned(lanes - 1), turned(filters=few + 1), turned(kernel=one)])
    assert not any([turned(strides=(2, 1)), turned(strides=(1, 2))])
