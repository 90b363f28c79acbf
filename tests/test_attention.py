"""Attention's kernels: the twin, bounds, aliases; layers are in time_layers/."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels, layers
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers

# Samples, steps of the encoder and of the decoder, units: one of each, tails of vectors, a book's,
# more steps of the decoder than the gradient has room for beside one another.
SIZES = [(1, 1, 1, 1), (3, 5, 1, 7), (2, 1, 4, 16), (2, 29, 10, 33), (5, 70, 3, 17), (1, 3, 2, 300)]
SIZES.append((2, 3, 40, 300))
every_size = with_each("size", SIZES)


def arrays(size, dtype, seed=0):
    """Return hs, h, a with rows that add up to 1, dout and da."""
    n, t, s, width = size
    rng = np.random.default_rng(seed)
    hs, h, dout = (rng.standard_normal((n, k, width)).astype(dtype) for k in (t, s, s))
    a, da = rng.uniform(0.1, 1, (n, s, t)), rng.standard_normal((n, s, t)).astype(dtype)
    return hs, h, (a / a.sum(axis=2, keepdims=True)).astype(dtype), dout, da


def framed(shape, dtype):
    """Return an array, and what it is the inside of: a kernel must not write around it."""
    frame = np.full((shape[0] + 2, *shape[1:]), -7, dtype)
    return frame[1:-1], frame


def call(name, inputs, shapes, dtype):
    """Call a kernel and its twin; return the outputs of both."""
    frames = [framed(shape, dtype) for shape in shapes]
    wide = [array.astype(np.longdouble) for array in inputs]
    expected = [np.empty(shape, np.longdouble) for shape in shapes]
    kept = [array.copy() for array in inputs]
    getattr(kernels, name)(*inputs, *[inside for inside, _ in frames])
    getattr(reference, name)(*wide, *expected)
    for frame in (frame for _, frame in frames):
        assert (frame[0] == -7).all() and (frame[-1] == -7).all()
    for array, before in zip(inputs, kept, strict=True):
        assert_array_equal(array, before)
    return [inside for inside, _ in frames], expected


@every_dtype
@every_size
@with_each(
    "name",
    [
        "weight_sum_forward",
        "weight_sum_backward",
        "attention_weight_forward",
        "attention_weight_backward",
        "attention_forward",
        "attention_backward",
    ],
)
def test_kernels_equal_the_reference(name, size, dtype):
    n, t, s, width = size
    hs, h, a, dout, da = arrays(size, dtype)
    wide, weights, steps = (n, t, width), (n, s, t), (n, s, width)
    inputs, shapes = {
        "weight_sum_forward": ([hs, a], [steps]),
        "weight_sum_backward": ([hs, a, dout], [wide, weights]),
        "attention_weight_forward": ([hs, h], [weights]),
        "attention_weight_backward": ([hs, h, a, da], [weights, wide, steps]),
        "attention_forward": ([hs, h], [weights, steps]),
        "attention_backward": ([hs, h, a, dout], [weights, wide, steps]),
    }[name]
    found, expected = call(name, inputs, shapes, dtype)
    for ours, theirs in zip(found, expected, strict=True):
        # Sums of `width` products of about 1, then of t weights; exp makes an error relative.
        bound = 8 * (width + t + s + 8) * np.finfo(dtype).eps * max(1, np.abs(theirs).max())
        assert_allclose(ours, theirs, rtol=0, atol=bound)


def test_the_gradient_of_the_weights_may_overwrite_what_it_reads():
    hs, h, a, _, da = arrays((2, 5, 3, 7), np.float64)
    outputs = [np.empty_like(array) for array in (a, hs, h)]
    kernels.attention_weight_backward(hs, h, a, da, *outputs)
    others = [np.empty_like(array) for array in (hs, h)]
    kernels.attention_weight_backward(hs, h, a, da, da, *others)
    for ours, theirs in zip([da, *others], outputs, strict=True):
        assert_array_equal(ours, theirs)


def test_equal_steps_share_the_weight_and_a_far_one_takes_it():
    hs, h = np.ones((1, 4, 3)), np.ones((1, 1, 3))
    a, out = np.empty((1, 1, 4)), np.empty((1, 1, 3))
    kernels.attention_forward(hs, h, a, out)
    assert_array_equal(a, np.full((1, 1, 4), 0.25))
    hs[0, 2] = 1000
    kernels.attention_forward(hs, h, a, out)
    assert_array_equal(a[0, 0], [0, 0, 1, 0])
    assert_array_equal(out[0, 0], hs[0, 2])


def test_attention_of_steps_is_that_of_each_step():
    """Of the layer and of its twin: outputs, weights and gradients stand in the steps' order."""
    rng = np.random.default_rng(0)
    hs_enc, hs_dec, dout = (rng.standard_normal((2, s, 5)) for s in (4, 3, 3))
    found = []
    for layer in (layers.TimeAttention(), reference_layers.TimeAttention()):
        out = layer.forward(hs_enc, hs_dec)
        found.append([out, *layer.attention_weights, *layer.backward(dout)])
    assert found[0][0].shape == (2, 3, 5) and len(found[0]) == len(found[1])
    for ours, theirs in zip(*found, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    hs, h, _, dout, _ = arrays((3, 9, 4, 13), np.float64)
    given = [torch.tensor(array, requires_grad=True) for array in (hs, h)]
    weights = torch.softmax(given[1] @ given[0].transpose(1, 2), dim=2)
    expected = weights @ given[0]
    expected.backward(torch.tensor(dout))
    a, out, ds = np.empty((3, 4, 9)), np.empty_like(h), np.empty((3, 4, 9))
    dhs, dh = np.empty_like(hs), np.empty_like(h)
    kernels.attention_forward(hs, h, a, out)
    kernels.attention_backward(hs, h, a, dout, ds, dhs, dh)
    for ours, theirs in [
        (a, weights.detach()),
        (out, expected.detach()),
        (dhs, given[0].grad),
        (dh, given[1].grad),
    ]:
        assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-13)
