"""Dropout: the textbook's masks and numbers, inverted dropout, and the compiled loop's masks."""

# ruff: noqa: NPY002  the textbook draws from NumPy's global generator

import copy
import pickle

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal
from refused import refused

from fastnet import kernels
from fastnet.layers import Dropout
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers


def textbook(x, ratio, seed):
    np.random.seed(seed)
    return np.random.rand(*x.shape) > ratio


@every_dtype
@with_each("shape", [(), (7,), (1, 33), (5, 16), (2, 3, 4, 5), (0, 3)])
@with_each("inverted", [False, True])
def test_the_textbooks_numbers(shape, inverted, dtype):
    rng = np.random.default_rng(0)
    x, dout = (np.asarray(rng.standard_normal(shape), dtype) for _ in range(2))
    mask = textbook(x, 0.3, 5)
    layer = Dropout(0.3, inverted=inverted)
    np.random.seed(5)
    out, dx = layer.forward(x), layer.backward(dout)
    scale = dtype(1 / 0.7) if inverted else dtype(1)
    assert_array_equal(layer.mask, mask)
    assert layer.mask.dtype == bool
    assert_array_equal(out, x * (mask * scale), strict=True)
    assert_array_equal(dx, dout * (mask * scale), strict=True)
    out = layer.forward(x, train_flg=False)
    assert_array_equal(out, x if inverted else x * dtype(0.7), strict=True)
    assert_array_equal(layer.mask, mask)  # nothing was drawn


def test_the_reference_drops_the_same():
    x, dout = np.random.default_rng(1).standard_normal((2, 6, 7))
    for inverted in (False, True):
        layers = [
            module(0.4, inverted, np.random.default_rng(3))
            for module in (Dropout, reference_layers.Dropout)
        ]
        for ours, theirs in zip(*[[m.forward(x), m.backward(dout)] for m in layers], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-15)


def test_a_generator_of_ones_own_leaves_the_global_one_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    layer = Dropout(0.5, rng=np.random.default_rng(3))
    layer.forward(np.ones((4, 5)))
    assert_array_equal(layer.mask, np.random.default_rng(3).random((4, 5)) > 0.5)
    assert_array_equal(np.random.get_state()[1], before)
    other = pickle.loads(pickle.dumps(layer))
    assert_array_equal(other.forward(np.ones(9)), copy.deepcopy(layer).forward(np.ones(9)))


def test_a_ratio_of_0_drops_nothing_and_nan_stays():
    x = np.array([np.nan, np.inf, 1.0, -1.0])
    assert_array_equal(Dropout(0).forward(x), x)
    layer = Dropout(0.5)
    layer.forward(x)
    layer.mask = np.array([False, False, True, False])
    with np.errstate(invalid="ignore"):
        assert_array_equal(layer.backward(x), x * layer.mask)
    assert np.signbit(layer.backward(x)[3])


def test_about_the_right_share_is_dropped():
    """Within 5 standard deviations: 5 * sqrt(0.3 * 0.7 / 10**6) = 0.0023."""
    layer = Dropout(0.3, rng=np.random.default_rng(0))
    out = layer.forward(np.ones(10**6))
    assert abs(out.mean() - 0.7) < 0.0023
    assert set(np.unique(out)) == {0, 1}


def test_what_was_set_between_forward_and_backward_waits():
    layer = Dropout(0.5, inverted=True, rng=np.random.default_rng(0))
    layer.forward(np.ones(8))
    layer.dropout_ratio = 0.75
    assert_array_equal(layer.backward(np.ones(8)), layer.mask * 2.0)


# --------------------------------------------------------------------------- kernels


@every_dtype
def test_kernels_of_every_length(dtype):
    rng = np.random.default_rng(0)
    for size in (*range(18), 31, 33, 65, 200):
        x, mask = rng.standard_normal(size).astype(dtype), rng.integers(2, size=size, dtype="u1")
        for scale in (1, 1.25):
            expected = np.empty_like(x)
            reference.dropout_forward(x, mask, dtype(scale), expected)
            buffer = np.full(size + 80, -7, dtype)
            kernels.dropout_forward(x, mask, dtype(scale), buffer[40 : 40 + size])
            assert_array_equal(buffer[40 : 40 + size], expected)
            assert (buffer[:40] == -7).all() and (buffer[40 + size :] == -7).all()
            dx = x.copy()
            kernels.dropout_backward(mask, dtype(scale), dx, dx)
            assert_array_equal(dx, expected)


@with_each("seed", [0, 1, -1, 2**62 + 5])
@with_each("ratio", [0.0, 0.25, 0.5, 0.999])
def test_drawn_masks_are_the_references(seed, ratio):
    for step in (0, 1, 2**40):
        ours, theirs = np.full((37, 11), 9, np.uint8), np.full((37, 11), 9, np.uint8)
        kernels.dropout_mask(seed, step, ratio, ours)
        reference.dropout_mask(seed, step, ratio, theirs)
        assert_array_equal(ours, theirs)


def drawn(seed, step, ratio, size=10**6):
    mask = np.empty(size, np.uint8)
    kernels.dropout_mask(seed, step, ratio, mask)
    return mask.astype(float)


def test_drawn_masks_look_random():
    """Share, neighbours, steps and seeds: each mean within 5 standard deviations."""
    for ratio in (0.1, 0.5, 0.9):
        keep = 1 - ratio
        mask = drawn(1, 2, ratio)
        deviation = np.sqrt(keep * ratio / mask.size)
        assert abs(mask.mean() - keep) < 5 * deviation
        spread = np.sqrt(keep**2 * (1 - keep**2) / mask.size) * 2  # neighbours overlap
        others = [np.roll(mask, shift) for shift in (1, 2, 16, 64, 1000)]
        others += [drawn(1, 3, ratio), drawn(2, 2, ratio), drawn(2, 1, ratio), drawn(-1, 2, ratio)]
        for other in others:
            assert abs((mask * other).mean() - keep**2) < 5 * spread


def test_each_step_and_seed_has_another_mask():
    masks = {drawn(seed, step, 0.5, 64).tobytes() for seed in range(20) for step in range(20)}
    assert len(masks) == 400


# --------------------------------------------------------------------------- errors


@with_each(
    "call, error, text",
    [
        *[
            (
                lambda bad=bad: Dropout(bad),
                ValueError,
                f"Dropout: dropout_ratio must be at least 0 and below 1, got {float(bad)}. "
                "Give a number such as 0.5.",
            )
            for bad in (1, 1.0, -0.1, np.nan, np.inf)
        ],
        (
            lambda: Dropout("0.5"),
            TypeError,
            "Dropout: dropout_ratio must be a real number, got '0.5'. Give a float.",
        ),
        (
            lambda: Dropout(0.5, 1),
            TypeError,
            "Dropout: inverted must be True or False, got 1. Give one of the two.",
        ),
        (
            lambda: Dropout(0.5, rng=0),
            TypeError,
            "Dropout: rng must be a numpy.random.Generator, got 0. "
            "Give numpy.random.default_rng(seed).",
        ),
        (
            lambda: Dropout().forward("text"),
            TypeError,
            "Dropout.forward: x must be an array of integers, float16, float32 or float64, got str "
            "of dtype <U4. Give an array of numbers.",
        ),
        (lambda: Dropout().backward(1.0), RuntimeError, "Dropout.backward: call forward first."),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)


def test_errors_of_a_layer_in_use():
    layer = Dropout()
    layer.forward(np.ones((2, 3)))
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones(6))
    assert str(raised.value) == (
        "Dropout.backward: dout must have shape (2, 3), got dout.shape=(6,). "
        "Give one number for each output of forward."
    )
    layer = Dropout()
    layer.forward(np.ones(3), train_flg=False)
    with pytest.raises(RuntimeError, match=r"^Dropout\.backward: call forward first\.$"):
        layer.backward(np.ones(3))


def test_it_says_what_it_is():
    assert repr([Dropout(), Dropout(0.2, inverted=True)]) == (
        "[Dropout(0.5), Dropout(0.2, inverted=True)]"
    )
