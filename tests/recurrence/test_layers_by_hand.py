"""The textbook's recurrent layers and cells: against their twins, in parts, with states."""

import pickle

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from recurrences import NAMES, weights

from fastnet import layers
from fastnet.reference import layers as reference_layers
from fastnet.textbook import cells


@every_dtype
@with_each("stateful", [False, True])
@with_each("name", NAMES)
def test_layers_equal_the_reference(name, stateful, dtype, rng):
    arrays = weights(name, 5, 6, dtype)
    pair = [
        getattr(module, name)(*[a.copy() for a in arrays], stateful=stateful)
        for module in (layers, reference_layers)
    ]
    tolerance = 200 * np.finfo(dtype).eps
    for _ in range(3):
        x = rng.standard_normal((4, 3, 5)).astype(dtype)
        outs = [layer.forward(x) for layer in pair]
        dout = rng.standard_normal(outs[0].shape).astype(dtype)
        dxs = [layer.backward(dout) for layer in pair]
        results = [[out, dx, *layer.grads] for out, dx, layer in zip(outs, dxs, pair, strict=True)]
        if name != "TimeBiLSTM":
            for found, layer in zip(results, pair, strict=True):
                found += [layer.h, layer.dh]
        for ours, theirs in zip(*results, strict=True):
            assert ours.dtype == dtype
            assert_allclose(ours, theirs, rtol=0, atol=tolerance * (1 + np.abs(theirs).max()))


@pytest.mark.parametrize("name", ["TimeRNN", "TimeLSTM", "TimeGRU"])
def test_a_sequence_in_parts_is_the_same(name, rng):
    x = rng.standard_normal((3, 8, 5))
    whole, parts = (
        getattr(layers, name)(*weights(name, 5, 6), stateful=stateful) for stateful in (False, True)
    )
    expected = whole.forward(x)
    found = np.concatenate([parts.forward(x[:, :5]), parts.forward(x[:, 5:])], axis=1)
    assert_array_equal(found, expected)
    assert_array_equal(parts.h, expected[:, -1])
    parts.reset_state()
    assert parts.h is None
    assert_array_equal(parts.forward(x), expected)
    assert_array_equal(whole.forward(x), expected)  # not stateful: from 0 again


def test_a_state_that_is_set(rng):
    h, c, x = (
        rng.standard_normal((3, 6)),
        rng.standard_normal((3, 6)),
        rng.standard_normal((3, 1, 5)),
    )
    layer = layers.TimeLSTM(*weights("TimeLSTM", 5, 6), stateful=True)
    layer.set_state(h, c)
    out = layer.forward(x)
    Wx, Wh, b = layer.params
    f, g, i, o = np.split(x[:, 0] @ Wx + h @ Wh + b, 4, axis=1)
    cell = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    assert_allclose(layer.c, cell, rtol=1e-14)
    assert_allclose(out[:, 0], np.tanh(cell) / (1 + np.exp(-o)), rtol=1e-14)
    layer.set_state(h)
    assert layer.c is None
    layer.forward(x)
    assert_allclose(layer.c, np.tanh(g) / (1 + np.exp(-i)), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_keep_their_identity_and_dtypes_follow_numpy(name, rng):
    arrays = weights(name, 5, 6, np.float32)
    layer = getattr(layers, name)(*arrays)
    grads = list(layer.grads)
    assert all(a is b for a, b in zip(layer.params, arrays, strict=True))
    out = layer.forward(rng.standard_normal((2, 3, 5)))  # float64
    dx = layer.backward(np.ones(out.shape))
    assert out.dtype == dx.dtype == np.float64
    assert all(a is b and a.dtype == np.float32 for a, b in zip(layer.grads, grads, strict=True))
    assert all(np.abs(grad).max() > 0 for grad in grads)
    again = pickle.loads(pickle.dumps(layer))
    x = rng.standard_normal((2, 3, 5)).astype(np.float32)
    views = np.asfortranarray(x), x[::1, :, :], np.concatenate([x, x], axis=2)[:, :, :5]
    for view in views:
        assert_array_equal(again.forward(view), layer.forward(x))


def test_other_threads_take_room_of_their_own(rng):
    layer = layers.TimeLSTM(*weights("TimeLSTM", 5, 6))
    x = rng.standard_normal((4, 3, 5))
    first = layer.forward(x)
    second = layer.forward(x)
    assert first is not second
    assert_array_equal(first, second)


def test_the_cells_are_steps_of_the_layers(rng):
    for name, gates, states in (("RNN", 1, 1), ("LSTM", 4, 2), ("GRU", 3, 1)):
        arrays = [rng.uniform(-0.5, 0.5, s) for s in ((5, gates * 6), (6, gates * 6), (gates * 6,))]
        cell = getattr(cells, name)(*arrays)
        whole = getattr(layers, f"Time{name}")(*[a.copy() for a in arrays])
        x, dout = rng.standard_normal((3, 2, 5)), rng.standard_normal((3, 2, 6))
        expected = whole.forward(x)
        dxs = whole.backward(dout)
        given, before, total = [np.zeros((3, 6))] * states, [], [0, 0, 0]
        for t in range(2):
            before.append(given)
            found = cell.forward(x[:, t], *given)
            given = list(found) if states == 2 else [found]
            assert_allclose(given[0], expected[:, t], rtol=0, atol=1e-14)
        grads = [0.0] + [np.zeros((3, 6))] * (states - 1)
        for t in (1, 0):
            cell.forward(x[:, t], *before[t])
            dx, *grads = cell.backward(dout[:, t] + grads[0], *grads[1:])
            assert_allclose(dx, dxs[:, t], rtol=0, atol=1e-14)
            total = [a + b for a, b in zip(total, cell.grads, strict=True)]
        for ours, theirs in zip(total, whole.grads, strict=True):
            assert_allclose(ours, theirs, rtol=0, atol=1e-13)
        assert repr(cell) == f"{name}(5, 6)"
        with pytest.raises(RuntimeError, match=f"^{name}.backward: call forward first"):
            getattr(cells, name)(*arrays).backward(dout[:, 0], *grads[1:])
