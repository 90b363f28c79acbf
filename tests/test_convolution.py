"""Convolution: against its twin, central differences and PyTorch, at every edge of its tiles."""

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.geometry import geometry_of
from fastnet.layers import Convolution
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers


def geometry(image, kernel, strides=(1, 1), dilation=(1, 1), padding=((0, 0), (0, 0)), groups=1):
    """Return the Geometry of (height, width, channels) and (rows, columns, filters)."""
    out = [
        (size + sum(zeros) - (k - 1) * d - 1) // s + 1
        for size, k, s, d, zeros in zip(
            image[:2], kernel[:2], strides, dilation, padding, strict=True
        )
    ]
    before = [zeros[0] for zeros in padding]
    return geometry_of(image, kernel, strides, dilation, before, out, groups)


# images, image, kernel, and how windows move.
CASES = [
    (3, (8, 9, 3), (3, 3, 16), {}),
    (2, (6, 5, 1), (5, 5, 30), {"padding": ((2, 2), (2, 2))}),
    (2, (28, 28, 1), (3, 3, 5), {}),
    (1, (1, 1, 1), (1, 1, 1), {}),
    (1, (1, 1, 70), (3, 3, 33), {"padding": ((1, 1), (1, 1))}),
    (40, (3, 2, 17), (2, 2, 19), {}),
    (2, (7, 1, 5), (1, 1, 70), {}),
    (3, (9, 8, 20), (3, 3, 7), {"padding": ((4, 5), (6, 7))}),  # wider than the kernel
    (2, (9, 8, 20), (3, 2, 7), {"padding": ((3, 0), (0, 2)), "dilation": (2, 3)}),
    (2, (9, 8, 4), (3, 3, 6), {"strides": (2, 1), "dilation": (2, 2), "groups": 2}),
    (2, (9, 8, 40), (3, 2, 40), {"strides": (3, 2)}),
    (2, (11, 10, 40), (3, 2, 36), {"padding": ((1, 2), (3, 0)), "groups": 2}),
    (2, (9, 8, 20), (1, 1, 7), {"strides": (2, 3)}),
    (2, (13, 12, 20), (2, 2, 20), {"strides": (3, 3), "groups": 20}),
    (2, (9, 7, 3), (3, 5, 3), {"groups": 3, "padding": ((4, 0), (2, 3)), "dilation": (2, 1)}),
    (2, (9, 12, 35), (3, 2, 35), {"groups": 35, "padding": ((1, 1), (6, 1)), "strides": (2, 1)}),
    (2, (5, 12, 40), (3, 3, 40), {"groups": 40, "padding": ((1, 1), (1, 1))}),
    (3, (12, 11, 9), (3, 3, 18), {"groups": 9, "padding": ((1, 1), (1, 1))}),
    (3, (8, 7, 9), (3, 3, 33), {"padding": ((1, 1), (1, 1))}),  # two images at a time
    (2, (13, 12, 16), (3, 3, 40), {"padding": ((1, 1), (1, 1))}),  # rows at a time, dout copied
    (1, (2, 150, 9), (1, 5, 7), {"padding": ((0, 0), (3, 1))}),  # part of a row at a time
    (1, (10, 10, 2), (3, 3, 2), {"strides": (4, 5), "padding": ((0, 6), (5, 0))}),
    (2, (13, 19, 3), (3, 2, 21), {"padding": ((2, 0), (1, 3)), "dilation": (2, 1)}),  # in planes
    (2, (3, 290, 1), (2, 4, 3), {}),  # part of a row of its plane at a time
    (1, (40, 33, 1), (3, 3, 5), {"padding": ((1, 1), (1, 1))}),  # lines of its plane at a time
]


def arrays(rng, n, g, dtype):
    """Return x, W, b and dout."""
    W = (g.kernel_height, g.kernel_width, g.channels // g.groups, g.filters)
    shapes = (n, g.height, g.width, g.channels), W, W[3:]
    shapes += ((n, g.out_height, g.out_width, g.filters),)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def all_of(module, g, x, W, b, dout, code=0):
    """Return out, dx, dW and db of a module's kernels."""
    numbers, work = np.array(g, np.int64), np.full(scratch_size(g) + 64, np.nan, x.dtype)
    work[-64:] = -7.25  # which no function leaves as it is
    out, dx, dW, db = (np.full_like(array, np.nan) for array in (dout, x, W, b))
    module.convolution_forward(x, W, b, numbers, code, work[:-64], out)
    module.convolution_backward_input(dout, W, numbers, work[:-64], dx)
    module.convolution_backward_params(x, dout, numbers, work[:-64], dW, db)
    assert (work[-64:] == -7.25).all()
    return out, dx, dW, db


@every_dtype
@with_each("case", CASES)
def test_kernels_equal_the_reference(case, dtype, rng):
    n, image, kernel, options = case
    g = geometry(image, kernel, **options)
    given = arrays(rng, n, g, dtype)
    exact = all_of(reference, g, *[a.astype(np.longdouble) for a in given])
    sizes = all_of(reference, g, *[np.abs(a).astype(np.float64) for a in given])
    found = all_of(kernels, g, *given)
    pixels, taps = g.out_height * g.out_width, g.kernel_height * g.kernel_width
    terms = taps * g.channels + 1, taps * g.filters, n * pixels, n * pixels
    for ours, theirs, size, count in zip(found, exact, sizes, terms, strict=True):
        assert ours.dtype == dtype
        error = np.abs(ours - theirs)
        assert (error <= count * np.finfo(dtype).eps * size).all()


@with_each("channels", [*range(1, 10), 15, 16, 17, 31, 33, 47, 48, 49, 64, 65, 70])
def test_any_number_of_channels_and_filters(channels, rng):
    for filters, side in ((channels, 1), (71 - channels, 3)):
        for image in ((5, 6, channels), (9, 7, channels)):
            g = geometry(image, (side, side, filters), padding=((side // 2,) * 2,) * 2)
            given = arrays(rng, 2, g, np.float64)
            for ours, theirs in zip(
                all_of(kernels, g, *given), all_of(reference, g, *given), strict=True
            ):
                assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@every_dtype
@with_each("code", range(4))
def test_the_activation_is_taken_on_the_way(code, dtype, rng):
    g = geometry((9, 8, 3), (3, 3, 21), padding=((1, 0), (0, 1)))
    given = arrays(rng, 3, g, dtype)
    ours = all_of(kernels, g, *given, code=code)[0]
    theirs = all_of(reference, g, *[a.astype(np.float64) for a in given], code=code)[0]
    assert_allclose(ours, theirs, rtol=0, atol=50 * np.finfo(dtype).eps * np.abs(theirs).max())


@every_dtype
@with_each("case", CASES)
def test_a_batch_has_the_bits_of_its_images(case, dtype, rng):
    _, image, kernel, options = case
    g = geometry(image, kernel, **options)
    x, W, b, dout = arrays(rng, 7, g, dtype)
    out, dx, _, _ = all_of(kernels, g, x, W, b, dout)
    for i in range(7):
        alone = all_of(kernels, g, x[i : i + 1], W, b, dout[i : i + 1])
        assert_array_equal(alone[0][0], out[i])
        assert_array_equal(alone[1][0], dx[i])


def test_an_empty_batch_has_no_gradient(rng):
    g = geometry((5, 6, 3), (2, 3, 4), padding=((1, 0), (0, 0)))
    x, W, b, dout = arrays(rng, 0, g, np.float64)
    out, dx, dW, db = all_of(kernels, g, x, W, b, dout)
    assert out.size == dx.size == 0
    assert not dW.any() and not db.any()


# --------------------------------------------------------------------------- the textbook's layer


def layer_of(rng, FN, C, FH, FW, dtype=np.float64, module=None, **options):
    W, b = rng.standard_normal((FN, C, FH, FW)).astype(dtype), rng.standard_normal(FN).astype(dtype)
    return (module or Convolution)(W, b, **options)


@with_each("options", [{}, {"stride": 2}, {"pad": 1}, {"stride": 3, "pad": 5}])
@with_each("sizes", [(30, 1, 5, 5), (4, 3, 3, 2), (17, 9, 1, 1)])
def test_the_layer_equals_the_textbooks(sizes, options, rng):
    ours = layer_of(np.random.default_rng(1), *sizes, **options)
    twin = layer_of(
        np.random.default_rng(1), *sizes, module=reference_layers.Convolution, **options
    )
    x = rng.standard_normal((3, sizes[1], 9, 8))
    out = ours.forward(x)
    assert_allclose(out, twin.forward(x), rtol=1e-12, atol=1e-12)
    dout = rng.standard_normal(out.shape)
    assert_allclose(ours.backward(dout), twin.backward(dout), rtol=1e-12, atol=1e-12)
    assert_allclose(ours.dW, twin.dW, rtol=1e-12, atol=1e-12)
    assert_allclose(ours.db, twin.db, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"stride": 2, "pad": 3}])
def test_gradients_equal_central_differences(options, rng):
    layer = layer_of(rng, 3, 2, 3, 2, **options)
    x = rng.standard_normal((2, 2, 5, 4))
    dout = rng.standard_normal(layer.forward(x).shape)
    found = [(x, layer.backward(dout))]
    found += [(p, g.copy()) for p, g in zip(layer.params, layer.grads, strict=True)]
    for array, grad in found:
        expected = central_difference(lambda: np.sum(layer.forward(x) * dout), array)
        assert np.abs(expected).max() > 1e-3
        assert_allclose(grad, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_torch_agrees(case, rng):
    torch = pytest.importorskip("torch")
    n, image, kernel, options = case
    g = geometry(image, kernel, **options)
    given = arrays(rng, n, g, np.float64)
    x, W, b, dout = (torch.tensor(a) for a in given)
    for parameter in (x, W, b):
        parameter.requires_grad_()
    (top, bottom), (left, right) = options.get("padding", ((0, 0), (0, 0)))
    padded = torch.nn.functional.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    out = torch.nn.functional.conv2d(
        padded, W.permute(3, 2, 0, 1), b, options.get("strides", 1), 0,
        options.get("dilation", 1), options.get("groups", 1),
    ).permute(0, 2, 3, 1)  # fmt: skip
    out.backward(dout)
    wanted = out.detach(), x.grad, W.grad, b.grad
    for ours, theirs in zip(all_of(kernels, g, *given), wanted, strict=True):
        theirs = theirs.numpy()
        assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()


def test_channels_stand_last_in_memory_and_such_views_are_read_as_they_are(rng):
    first, second = layer_of(rng, 4, 3, 3, 3, pad=1), layer_of(rng, 5, 4, 3, 3)
    out = first.forward(rng.standard_normal((2, 3, 6, 5)))
    assert out.shape == (2, 4, 6, 5) and out.transpose(0, 2, 3, 1).flags.c_contiguous
    second.forward(out)
    assert np.shares_memory(second.x, out)
    dx = second.backward(rng.standard_normal((2, 5, 4, 3)))
    assert dx.shape == out.shape and dx.transpose(0, 2, 3, 1).flags.c_contiguous
    assert first.backward(dx).shape == (2, 3, 6, 5)


def test_parameters_are_kept_and_gradients_keep_their_identity(rng):
    W, b = rng.standard_normal((2, 1, 2, 2)), np.zeros(2)
    layer = Convolution(W, b)
    assert layer.W is W and layer.b is b
    dW, db = layer.grads
    layer.forward(np.ones((1, 1, 3, 3)))
    layer.backward(np.ones((1, 2, 2, 2)))
    assert layer.dW is dW and layer.db is db
    assert_array_equal(dW, np.full((2, 1, 2, 2), 4.0))
    assert_array_equal(db, [4.0, 4.0])


@pytest.mark.parametrize("x", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("W", ["float32", "float64"])
def test_the_dtype_is_that_of_numpy(x, W):
    W = np.dtype(W)
    layer = Convolution(np.ones((1, 1, 2, 2), W), np.zeros(1, W))
    images = np.arange(9).reshape(1, 1, 3, 3).astype(x)
    out = layer.forward(images)
    assert out.dtype == np.result_type(images, W)
    assert_array_equal(out[0, 0], [[8, 12], [20, 24]])
    dx = layer.backward(np.ones((1, 1, 2, 2), np.float32))
    assert dx.dtype == np.result_type(W, np.float32)
    assert layer.dW.dtype == W


def message(call, *args, **kwargs):
    with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_errors_say_what_to_do(rng):
    layer = layer_of(rng, 4, 3, 5, 5)
    assert message(layer.backward, np.ones(1)) == "Convolution.backward: call forward first."
    assert message(layer.forward, np.ones((2, 28, 28, 3))) == (
        "Convolution.forward: x must be (N, C, H, W) with 3 channels to match W (4, 3, 5, 5), got "
        "x.shape=(2, 28, 28, 3). Channels are the second axis: x.transpose(0, 3, 1, 2)."
    )
    assert message(layer.forward, np.ones((28, 28))) == (
        "Convolution.forward: x must be (N, C, H, W) with 3 channels to match W (4, 3, 5, 5), got "
        "x.shape=(28, 28). Give x of shape (N, C, H, W) with 3 channels."
    )
    assert message(layer_of(rng, 4, 1, 5, 5).forward, np.ones((2, 28, 28))).endswith(
        "got x.shape=(2, 28, 28). Add the axis of channels: x[:, None]."
    )
    assert message(layer.forward, np.ones((2, 3, 4, 7))) == (
        "Convolution.forward: x must be at least as large as the kernel, 5 x 5, got 4 x 7, padding "
        "included. Give larger images, a smaller kernel, or padding."
    )
    layer.forward(np.ones((2, 3, 6, 6)))
    assert message(layer.backward, np.ones((2, 4, 3, 2))) == (
        "Convolution.backward: dout must have shape (2, 4, 2, 2), got dout.shape=(2, 4, 3, 2). "
        "Give one number for each output of forward."
    )
    assert message(Convolution, np.ones((4, 3)), np.ones(4)) == (
        "Convolution: W must be (FN, C, FH, FW) with at least one entry, got W.shape=(4, 3). "
        "Give an array (FN, C, FH, FW)."
    )
    assert message(Convolution, np.ones((4, 3, 1, 1)), np.ones(3)).startswith(
        "Convolution: b must have shape (4,) to match W"
    )
    assert message(Convolution, np.ones((4, 3, 1, 1)), np.ones(4), stride=0) == (
        "Convolution: stride must be at least 1, got 0. Give a positive int."
    )
    assert message(Convolution, np.ones((4, 3, 1, 1)), np.ones(4), pad=-1) == (
        "Convolution: pad must be at least 0, got -1. Give such a number."
    )
    layer.grads[0] = np.ones(3)
    assert message(layer.backward, np.ones((2, 4, 2, 2))).startswith(
        "Convolution.backward: grads[0] must have shape (4, 3, 5, 5)"
    )
