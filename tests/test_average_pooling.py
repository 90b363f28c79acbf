"""Average pooling: against the twin, central differences and PyTorch."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.layers import AveragePooling2D, GlobalAveragePooling2D
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers

CHANNELS = [1, 2, 3, 5, 8, 9, 16, 17, 30, 33, 64, 70]
SIZES = [(1, 1), (2, 3), (5, 7)]
GEOMETRIES = [(2, 2, 2, 2, 0, 0), (3, 2, 1, 2, 1, 0), (3, 3, 2, 2, 1, 1), (1, 4, 3, 1, 0, 2)]


@every_dtype
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_windows_equal_the_twin(geometry, dtype, rng):
    pool_h, pool_w, stride_h, stride_w, top, left = geometry
    for channels in CHANNELS:
        for h, w in SIZES:
            counts = (h + 2 * top - pool_h) // stride_h + 1, (w + 2 * left - pool_w) // stride_w + 1
            if min(counts) < 1:
                continue
            x = rng.standard_normal((2, h, w, channels)).astype(dtype)
            found, wanted = (np.full((2, *counts, channels), 9, dtype) for _ in range(2))
            kernels.average_pooling_forward(x, *geometry, found)
            reference.average_pooling_forward(x, *geometry, wanted)
            assert_array_equal(found, wanted)  # the sums go in the same order
            dout = rng.standard_normal(found.shape).astype(dtype)
            dx, expected = np.full_like(x, 9), np.full_like(x, 9)
            kernels.average_pooling_backward(dout, *geometry, dx)
            reference.average_pooling_backward(dout, *geometry, expected)
            terms = pool_h * pool_w
            bound = terms * np.finfo(dtype).eps * terms * np.abs(dout).max(initial=0)
            assert_allclose(dx, expected, rtol=0, atol=bound)


@every_dtype
@with_each("pixels", [1, 2, 3, 4, 7, 64, 100])
def test_whole_images_equal_the_twin(pixels, dtype, rng):
    for channels in CHANNELS:
        x = rng.standard_normal((3, pixels, channels)).astype(dtype)
        found, wanted = np.full((3, channels), 9, dtype), np.empty((3, channels), dtype)
        kernels.global_average_pooling_forward(x, found)
        reference.global_average_pooling_forward(x, wanted)
        bound = pixels * np.finfo(dtype).eps * np.abs(x).max()
        assert_allclose(found, wanted, rtol=0, atol=bound)
        dx, expected = np.full_like(x, 9), np.empty_like(x)
        kernels.global_average_pooling_backward(found, dx)
        reference.global_average_pooling_backward(found, expected)
        assert_array_equal(dx, expected)


LAYERS = {
    "2": lambda module: module.AveragePooling2D(),
    "3x2 strides": lambda module: module.AveragePooling2D((3, 2), (1, 3)),
    "same": lambda module: module.AveragePooling2D(3, 2, "same"),
    "padded": lambda module: module.AveragePooling2D(3, 2, ((1, 0), (0, 2))),
    "global": lambda module: module.GlobalAveragePooling2D(),
}


@every_dtype
@with_each("name", LAYERS)
def test_layers_equal_their_twins_and_central_differences(name, dtype, rng):
    from fastnet import layers

    ours, theirs = LAYERS[name](layers), LAYERS[name](reference_layers)
    x = rng.standard_normal((2, 7, 6, 3)).astype(dtype)
    out, expected = ours.forward(x), theirs.forward(x)
    assert_allclose(out, expected, rtol=0, atol=42 * np.finfo(dtype).eps * np.abs(x).max())
    assert out.shape[1:] == ours.output_shape((7, 6, 3)) and out.dtype == dtype
    dout = rng.standard_normal(out.shape).astype(dtype)
    dx = ours.backward(dout)
    assert_allclose(dx, theirs.backward(dout), rtol=0, atol=99 * np.finfo(dtype).eps)
    if dtype is np.float64:
        step = rng.standard_normal(x.shape)
        change = (ours.forward(x + step) - ours.forward(x - step)) / 2  # it is linear
        assert_allclose(np.sum(change * dout), np.sum(step * dx), rtol=1e-10)


@every_dtype
def test_torch_agrees(dtype, rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 9, 8, 5)).astype(dtype)
    for ours, theirs in (
        (AveragePooling2D(2), torch.nn.AvgPool2d(2)),
        (AveragePooling2D(3, 2, 1), torch.nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
        (GlobalAveragePooling2D(), torch.nn.AdaptiveAvgPool2d(1)),
    ):
        tensor = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
        expected = theirs(tensor)
        out = ours.forward(x)
        bound = 72 * np.finfo(dtype).eps * np.abs(x).max()
        wanted = expected.detach().numpy().transpose(0, 2, 3, 1).reshape(out.shape)
        assert_allclose(out, wanted, rtol=0, atol=bound)
        expected.backward(torch.ones_like(expected))
        dx = ours.backward(np.ones_like(out))
        assert_allclose(dx, tensor.grad.numpy().transpose(0, 2, 3, 1), rtol=0, atol=bound)


WRONG = [
    (
        lambda: GlobalAveragePooling2D().forward(np.ones((2, 3))),
        ValueError,
        r"GlobalAveragePooling2D.forward: x must be images \(N, H, W, C\), got x.shape=\(2, 3\)",
    ),
    (
        lambda: GlobalAveragePooling2D().output_shape((2, 3)),
        ValueError,
        r"GlobalAveragePooling2D: samples must be images \(height, width, channels\), got the sha",
    ),
    (
        lambda: AveragePooling2D(3).forward(np.ones((1, 2, 2, 1))),
        ValueError,
        r"AveragePooling2D.forward: pool_size must be no larger than the image",
    ),
    (
        lambda: AveragePooling2D().backward(np.ones(1)),
        RuntimeError,
        "AveragePooling2D.backward: call forward first.",
    ),
    (
        lambda: GlobalAveragePooling2D().backward(np.ones(1)),
        RuntimeError,
        "GlobalAveragePooling2D.backward: call forward first.",
    ),
]


@pytest.mark.parametrize("call, kind, message", WRONG, ids=[case[2][:40] for case in WRONG])
def test_wrong_arguments_are_told(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_an_empty_batch_is_one():
    for layer, shape in ((AveragePooling2D(), (0, 2, 2, 3)), (GlobalAveragePooling2D(), (0, 3))):
        out = layer.forward(np.empty((0, 4, 4, 3)))
        assert out.shape == shape and layer.backward(out).shape == (0, 4, 4, 3)
