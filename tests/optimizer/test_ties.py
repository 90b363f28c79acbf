"""Tied arrays are updated once, with the sum of their gradients."""

import numpy as np
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from optimizers import STATES, both, copies, every_optimizer, every_option, gradient

from fastnet import optimizer


@every_optimizer
@every_option
def test_a_tied_array_is_updated_once_with_the_sum(name, options, rng):
    W, b = rng.standard_normal((3, 4)), rng.standard_normal(3)
    params, separate = {"W": W, "b": b, "out": W.T}, {"W": W.copy(), "b": b.copy()}
    ours, alone = (both(name, options)[0] for _ in range(2))
    for _ in range(5):
        grads = {key: gradient(rng, param.shape) for key, param in params.items()}
        kept = copies(grads)
        ours.update(params, grads)
        for key, grad in grads.items():
            assert_array_equal(grad, kept[key])
        alone.update(separate, grads | {"W": grads["W"] + grads["out"].T})
    if name == "SGD" and options == "plain":  # one gradient after the other: a rounding more
        assert_allclose(W, separate["W"], rtol=0, atol=5 * 2**-51)
    else:
        assert_array_equal(W, separate["W"])
    assert_array_equal(b, separate["b"])
    assert all(set(getattr(ours, state)) == {"W", "b"} for state in STATES[name])


def in_a_vector(W):
    memory = np.append(W, W[0])
    return [memory[:12].reshape(3, 4), memory[12:], memory[:12].reshape(3, 4).T]


def in_a_buffer(W):
    W = np.ndarray(W.shape, W.dtype, bytearray(W.tobytes()))
    return [W, W[0].copy(), W.T]


TIED = {
    "itself": lambda W: [W, W[0].copy(), W],
    "its transpose": lambda W: [W, W[0].copy(), W.T],
    "transposed first": lambda W: [W.T, W[0].copy(), W],
    "three times": lambda W: [W, W.T, W[0].copy(), W, W.T],
    "square": lambda W: [square := W[:, :3].copy(), square.T, W[0].copy(), square],
    "a row": lambda W: [W[:1], W[1].copy(), W[:1].T],
    "strided": lambda W: [W[::2, 1:], W[1].copy(), W[::2, 1:].T],
    "a vector": lambda W: [b := W[0].copy(), W, b],
    "in a vector": in_a_vector,
    "in a buffer": in_a_buffer,
}


@every_optimizer
@every_option
@with_each("tie", TIED)
def test_tied_arrays_get_the_bits_of_the_reference(name, options, tie, rng):
    W = rng.standard_normal((3, 4))
    ours, twin = both(name, options)
    params, theirs = TIED[tie](W.copy()), TIED[tie](W.copy())
    for _ in range(5):
        grads = [gradient(rng, param.shape) for param in params]
        ours.update(params, grads)
        twin.update(theirs, grads)
    for param, wanted in zip(params, theirs, strict=True):
        assert_array_equal(param, wanted)


def test_arrays_that_share_but_a_part_are_not_tied():
    memory = np.zeros(7)
    optimizer.Momentum(1.0).update([memory[:6], memory[1:]], [np.ones(6), np.ones(6)])
    assert_array_equal(memory, [-1, -2, -2, -2, -2, -2, -1])


def test_plain_numbers_are_not_tied():
    params = [1.0, 1.0, params_of_nothing := np.zeros(0), params_of_nothing]
    optimizer.Momentum(1.0).update(params, [1.0, 2.0, np.zeros(0), np.zeros(0)])
    assert params[:2] == [0.0, -1.0]


def test_a_tie_may_be_made_and_cut():
    W, ours = np.ones((2, 3)), optimizer.Momentum(1.0, momentum=0.5)
    b, ones = np.ones(4), [np.ones((2, 3)), np.ones((2, 3)), np.ones(4)]
    ours.update([W, W, b], ones)
    assert ours.v[1] is None
    ours.update([W, W, b], ones)
    assert_array_equal(W, 1 - 2 - 3)
    assert_array_equal(b, 1 - 1 - 1.5)
    ours.update([W, other := W.copy(), b], ones)
    assert_array_equal(W, -4 - 2.5)
    assert_array_equal(other, -4 - 1)
