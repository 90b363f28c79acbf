"""Recurrent layers over sequences: kernels, layers by hand, their twins and oracles."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels, layers
from fastnet.layers.time_layer import room
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# Gates, settings between `starts` and `reverse`, states, dimensions of b.
KINDS = {
    "rnn": (1, (kernels.TANH,), 1, 1),
    "rnn relu": (1, (kernels.RELU,), 1, 1),
    "lstm": (4, (0,), 2, 1),
    "lstm keras": (4, (1,), 2, 1),
    "gru": (3, (), 1, 1),
    "reset_after_gru": (3, (), 1, 2),
}
# Sequences, steps, features, units: one of each, fewer units than a vector has lanes, one more and
# one less than such, more rows than go through a step together, more units than one panel's depth.
SIZES = [
    (1, 1, 1, 1),
    (1, 5, 3, 7),
    (2, 1, 5, 8),
    (3, 4, 17, 20),
    (20, 3, 10, 33),
    (57, 2, 5, 15),
    (1, 3, 30, 130),
    (5, 2, 290, 300),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class Case:
    """Arguments of a kernel and of its gradient."""

    def __init__(self, kind, size, dtype, starts=False, reverse=False, last=False, seed=0):
        gates, settings, states, dimensions = KINDS[kind]
        n, steps, d, h = size
        rng, m = np.random.default_rng(seed), gates * h

        def draw(*shape, scale=1.0):
            return (scale * rng.uniform(-1, 1, shape)).astype(dtype)

        self.name = kind.partition(" ")[0]
        self.weights = [draw(d, m, scale=d**-0.5), draw(h, m, scale=h**-0.5)]
        self.b = draw(*[2] * (dimensions - 1), m)
        self.x, self.states = draw(n, steps, d), [draw(n, h) for _ in range(states)]
        self.dout = draw(n, 1 if last else steps, h)
        self.dc = [draw(n, h) for _ in range(states - 1)]
        self.settings = starts, *settings, reverse
        self.rooms = [np.full(k, np.nan, dtype) for k in room(n, steps, d, h, gates)]

    def run(self, module):
        """Return what forward and backward leave: out, the states, dh, dc, dx and gradients."""
        states, out = [s.copy() for s in self.states], np.full_like(self.dout, np.nan)
        rooms = [a.copy() for a in self.rooms]
        forward, backward = (getattr(module, f"{self.name}_{way}") for way in FORTH_AND_BACK)
        forward(self.x, *self.weights, self.b, *states, *self.settings, *rooms, out)
        rooms[1][...] = np.nan
        arrays = [self.states[0], *self.dc, self.x, *self.weights, self.b]
        grads = [np.full_like(a, np.nan) for a in arrays]
        if self.dc:
            grads[1] = self.dc[0].copy()
        backward(self.x, *self.weights, self.dout, *self.settings, *rooms, *grads)
        return [out, *states, *grads]


FORTH_AND_BACK = "forward", "backward"


@every_dtype
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_kernels_equal_the_reference(kind, size, dtype):
    for starts, reverse, last in itertools.product((False, True), repeat=3):
        ours = Case(kind, size, dtype, starts, reverse, last).run(kernels)
        wide = Case(kind, size, dtype, starts, reverse, last)
        for name in ("x", "b", "dout"):
            setattr(wide, name, getattr(wide, name).astype(np.float64))
        for name in ("weights", "states", "dc", "rooms"):
            setattr(wide, name, [a.astype(np.float64) for a in getattr(wide, name)])
        exact = wide.run(reference)
        n, steps, d, h = size
        # Of sums of so many terms, at each step; errors grow by about the norm of Wh, 1 at most.
        terms = 8 * (steps + 1) * (d + 4 * h + n * steps + 8)
        for result, wanted in zip(ours, exact, strict=True):
            assert result.dtype == dtype
            bound = terms * np.finfo(dtype).eps * (1 + np.abs(wanted).max())
            assert_allclose(result, wanted, rtol=0, atol=bound)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_equal_central_differences(kind, reverse):
    size, step = (2, 3, 2, 3), 1e-6
    case = Case(kind, size, np.float64, reverse=reverse, seed=3)
    found = case.run(kernels)

    def loss():
        results = case.run(kernels)
        total = np.sum(results[0] * case.dout)
        return total + (np.sum(results[2] * case.dc[0]) if case.dc else 0)

    grads = found[1 + len(case.states) :]
    for array, grad in zip([*case.states, case.x, *case.weights, case.b], grads, strict=True):
        for i in np.ndindex(array.shape):
            kept = array[i]
            array[i] = kept + step
            above = loss()
            array[i] = kept - step
            slope = (above - loss()) / (2 * step)
            array[i] = kept
            assert_allclose(grad[i], slope, rtol=1e-6, atol=1e-9)
        assert np.abs(grad).max() > 1e-3


@every_dtype
@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_depend_on_others(kind, dtype):
    """The bits of a sequence are the same alone and among others."""
    whole = Case(kind, (70, 3, 21, 37), dtype)
    part = copy.deepcopy(whole)
    rows = slice(3, 12)
    for name in ("x", "dout"):
        setattr(part, name, np.ascontiguousarray(getattr(part, name)[rows]))
    for name in ("states", "dc"):
        setattr(part, name, [np.ascontiguousarray(a[rows]) for a in getattr(part, name)])
    count = 1 + 2 * len(whole.states) + 1  # all but the gradients of weights
    for ours, alone in zip(whole.run(kernels)[:count], part.run(kernels)[:count], strict=True):
        assert_array_equal(ours[rows], alone)


@pytest.mark.parametrize("kind", ["lstm", "gru", "reset_after_gru", "rnn"])
def test_nan_and_infinity_stay_in_their_row(kind):
    case = Case(kind, (3, 2, 4, 5), np.float32)
    case.x[0, 0, 0], case.x[1, 1, 1] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        out, plain = case.run(kernels)[0], case.run(reference)[0]
    assert_array_equal(np.isnan(out), np.isnan(plain))
    assert np.isnan(out[0]).all() and np.isfinite(out[1, 0]).all() and np.isfinite(out[2]).all()


def test_with_pytorch():
    torch = pytest.importorskip("torch")
    n, steps, d, h = 4, 6, 5, 7
    for kind, name in (("rnn", "RNN"), ("lstm keras", "LSTM"), ("reset_after_gru", "GRU")):
        case = Case(kind, (n, steps, d, h), np.float64)
        module = getattr(torch.nn, name)(d, h, batch_first=True, dtype=torch.float64)
        gates = case.weights[0].shape[1] // h

        def turned(array, gates=gates, name=name):
            # PyTorch has r before z.
            parts = np.split(np.asarray(array), gates, axis=-1)
            if name == "GRU":
                parts = [parts[1], parts[0], parts[2]]
            return np.concatenate(parts, axis=-1).T.copy()

        biases = case.b if case.b.ndim == 2 else [case.b, 0 * case.b]
        with torch.no_grad():
            for own, array in zip(module.parameters(), [*case.weights, *biases], strict=True):
                own[...] = torch.tensor(turned(array))
        x = torch.tensor(case.x, requires_grad=True)
        states = [torch.tensor(s, requires_grad=True) for s in case.states]
        given = tuple(s[None] for s in states)
        out, after = module(x, given if len(given) == 2 else given[0])
        loss = (out * torch.tensor(case.dout)).sum()
        if case.dc:
            loss = loss + (after[1][0] * torch.tensor(case.dc[0])).sum()
        loss.backward()
        found = case.run(kernels)
        assert_allclose(found[0], out.detach().numpy(), rtol=1e-12, atol=1e-14)
        results = found[1 + len(states) :]
        wanted = [*[s.grad.numpy() for s in states], x.grad.numpy()]
        for result, grad in zip(results, wanted, strict=False):
            assert_allclose(result, grad, rtol=1e-12, atol=1e-13)
        parameters = [p.grad.numpy() for p in module.parameters()]
        results = results[len(states) + 1 :]
        if case.b.ndim == 2:
            results = [*results[:2], *results[2]]
        for result, grad in zip(results, parameters, strict=False):
            assert_allclose(turned(result), grad, rtol=1e-12, atol=1e-13)


# --------------------------------------------------------------------------- layers by hand

NAMES = {"TimeRNN": 1, "TimeLSTM": 4, "TimeGRU": 3, "TimeBiLSTM": 4}


def weights(name, d, h, dtype=np.float64, seed=0):
    rng, m = np.random.default_rng(seed), NAMES[name] * h
    shapes = [(d, m), (h, m), (m,)] * (1 + (name == "TimeBiLSTM"))
    return [rng.uniform(-0.5, 0.5, shape).astype(dtype) for shape in shapes]


@every_dtype
@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("name", NAMES)
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


def called(name, **options):
    layer = getattr(layers, name)(*weights(name, 5, 6), **options)
    layer.forward(np.ones((2, 3, 5)))
    return layer


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.TimeLSTM(np.ones((3, 8)), np.ones((2, 6)), np.ones(8)),
            ValueError,
            "TimeLSTM: Wh must be (H, 4 H), got Wh.shape=(2, 6). Give a row for each of H units, "
            "and 4 columns for each.",
        ),
        (
            lambda: layers.TimeRNN(np.ones((3, 2)), np.ones((2, 3)), np.ones(2)),
            ValueError,
            "TimeRNN: Wh must be (H, H), got Wh.shape=(2, 3). Give a row for each of H units, "
            "and 1 column for each.",
        ),
        (
            lambda: layers.TimeGRU(np.ones((3, 8)), np.ones((2, 6)), np.ones(6)),
            ValueError,
            "TimeGRU: Wx must have 6 columns to match Wh (2, 6), got Wx.shape=(3, 8). "
            "Give an array (D, 6).",
        ),
        (
            lambda: layers.TimeGRU(np.ones((3, 6)), np.ones((2, 6)), np.ones(8)),
            ValueError,
            "TimeGRU: b must have 6 entries to match Wh (2, 6), got b.shape=(8,). "
            "Give an array (6,).",
        ),
        (
            lambda: called("TimeLSTM").forward(np.ones((2, 5))),
            ValueError,
            "TimeLSTM.forward: xs must be (N, T, D), got xs.shape=(2, 5). Give one sequence as "
            "xs[None], or sequences of one feature as xs[..., None].",
        ),
        (
            lambda: called("TimeLSTM").forward(np.ones((0, 3, 5))),
            ValueError,
            "TimeLSTM.forward: xs must be (N, T, D) with at least one entry, got "
            "xs.shape=(0, 3, 5). Give sequences (N, T, D).",
        ),
        (
            lambda: called("TimeRNN").forward(np.ones((2, 3, 4))),
            ValueError,
            "TimeRNN.forward: xs must have 5 features to match Wx (5, ...), got "
            "xs.shape=(2, 3, 4). Give an array (N, T, 5).",
        ),
        (
            lambda: called("TimeRNN", stateful=True).forward(np.ones((4, 3, 5))),
            ValueError,
            "TimeRNN.forward: h must have shape (4, 6), got h.shape=(2, 6). Give a row for each "
            "sequence, or call reset_state first.",
        ),
        (
            lambda: called("TimeRNN").backward(np.ones((2, 3, 5))),
            ValueError,
            "TimeRNN.backward: dhs must have shape (2, 3, 6), got dhs.shape=(2, 3, 5). Give one "
            "number for each output of forward.",
        ),
        (
            lambda: layers.TimeRNN(*weights("TimeRNN", 5, 6)).backward(np.ones((2, 3, 6))),
            RuntimeError,
            "TimeRNN.backward: call forward first.",
        ),
    ],
)
def test_bad_arguments(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text


def test_backward_runs_once_for_each_forward():
    layer = called("TimeGRU")
    layer.backward(np.ones((2, 3, 6)))
    with pytest.raises(RuntimeError, match=r"^TimeGRU.backward: call forward first, once for each"):
        layer.backward(np.ones((2, 3, 6)))


def test_they_show_what_they_are():
    assert repr(called("TimeLSTM")) == "TimeLSTM(5, 6)"
    assert repr(called("TimeBiLSTM")) == "TimeBiLSTM(TimeLSTM(5, 6), TimeLSTM(5, 6))"
