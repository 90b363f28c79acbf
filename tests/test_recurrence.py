"""Recurrent layers over sequences: kernels, layers by hand, their twins and oracles."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet import kernels, layers
from fastnet.layers.time_layer import room
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers
from fastnet.textbook import cells

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


# --------------------------------------------------------------------------- in Sequential

KERAS = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}
every_kind = pytest.mark.parametrize("name", KERAS)


def stacks(name):
    """Return stacks with such a layer, and whether each step is answered."""
    kind = KERAS[name]
    return {
        "last": (lambda: [kind(7)], False),
        "all": (lambda: [kind(7, return_sequences=True)], True),
        "two": (lambda: [kind(7, return_sequences=True), kind(18)], False),
        "both ways": (lambda: [layers.Bidirectional(kind(7)), layers.Dense(5, "relu")], False),
        "both ways, all": (
            lambda: [layers.Bidirectional(kind(7, return_sequences=True)), layers.Dropout(0.2)],
            True,
        ),
    }


def model_of(make, dtype="float64", **options):
    made = Sequential([*make(), layers.Dense(3)], seed=0, dtype=dtype, **options)
    made.build((6, 5))
    return made


def samples(n, answers_steps, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6, 5)).astype(dtype)
    return x, rng.integers(0, 3, (n, 6) if answers_steps else n)


@every_kind
@pytest.mark.parametrize("stack", ["last", "all", "two", "both ways"])
def test_a_step_of_fit_is_a_step_by_hand(name, stack):
    make, answers_steps = stacks(name)[stack]
    x, t = samples(50, answers_steps)
    fitted, stepped = model_of(make), model_of(make)
    fitted.fit(x, t, epochs=1, batch_size=50, optimizer=SGD(lr=0.3), shuffle=False, verbose=0)
    stepped.forward(x, t)
    stepped.backward()
    SGD(lr=0.3).update(stepped.params, stepped.grads)
    before = model_of(make)
    for ours, hand, old in zip(fitted.params, stepped.params, before.params, strict=True):
        assert_allclose(ours, hand, rtol=0, atol=1e-14)
        assert np.abs(ours - old).max() > 1e-4
    assert_allclose(fitted.predict(x), fitted.forward(x), rtol=0, atol=1e-14)


@every_kind
@pytest.mark.parametrize("stack", ["all", "two", "both ways"])
def test_gradients_of_a_model_equal_central_differences(name, stack):
    make, answers_steps = stacks(name)[stack]
    x, t = samples(4, answers_steps)
    model = model_of(make)
    model.forward(x, t)
    model.backward()
    for numeric, exact in zip(model.numerical_gradient(x, t), model.grads, strict=True):
        assert_allclose(exact, numeric, rtol=0, atol=1e-9)


@every_kind
@pytest.mark.parametrize("stack", ["last", "two", "both ways, all"])
@every_dtype
def test_threads_and_files_leave_the_bits(name, stack, dtype, tmp_path):
    """One thread or two, and training that goes on after a file was read."""
    make, answers_steps = stacks(name)[stack]
    x, t = samples(83, answers_steps, dtype)
    results = []
    for count in (1, 2):
        threads = fastnet.get_num_threads()
        fastnet.set_num_threads(count)
        try:
            model = model_of(make, np.dtype(dtype).name)
            model.fit(x, t, epochs=2, batch_size=50, optimizer=SGD(lr=0.1), verbose=0)
            model.fit(x, t, epochs=2, batch_size=83, optimizer=Adam(), verbose=0)
            results.append([model.parameter_vector.copy(), model.predict(x)])
        finally:
            fastnet.set_num_threads(threads)
    for one, two in zip(*results, strict=True):
        assert_array_equal(one, two)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in model.layers]
    for each in (model, again):
        each.fit(x, t, epochs=2, batch_size=20, optimizer=each.optimizer, verbose=0)
    assert_array_equal(again.parameter_vector, model.parameter_vector)


@every_kind
def test_layers_of_units_equal_the_reference(name):
    x = np.random.default_rng(1).standard_normal((4, 6, 5))
    for both, sequences in itertools.product((False, True), repeat=2):
        results = []
        for module in (layers, reference_layers):
            layer = getattr(module, name)(7, return_sequences=sequences)
            if both:
                layer = module.Bidirectional(layer)
            layer.build((6, 5), np.random.default_rng(3), np.float64)
            out = layer.forward(x)
            results.append([*layer.params, out, layer.backward(out**2), *layer.grads])
        for ours, theirs in zip(*results, strict=True):
            assert_allclose(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_states_are_carried_from_batch_to_batch(name, tmp_path):
    """A long sequence in parts, one after another, with the state and not its gradient carried."""
    kind = KERAS[name]

    def make():
        return [kind(7, return_sequences=True, stateful=True, batch_size=8)]

    x, t = samples(8 * 3, True)  # three parts of eight sequences
    fitted, stepped = model_of(make), model_of(make)
    fitted.fit(x, t, epochs=1, batch_size=8, optimizer=SGD(lr=0.3), shuffle=False, verbose=0)
    for part in range(3):
        rows = slice(8 * part, 8 * (part + 1))
        stepped.forward(x[rows], t[rows])
        stepped.backward()
        SGD(lr=0.3).update(stepped.params, stepped.grads)
    for ours, hand in zip(fitted.params, stepped.params, strict=True):
        assert_allclose(ours, hand, rtol=0, atol=1e-13)
    layer = fitted.layers[0]
    assert_allclose(layer.h, stepped.layers[0].h, rtol=0, atol=1e-13)
    assert np.abs(layer.h).min() > 0
    kept = layer.h.copy()
    fitted.predict(x)
    fitted.evaluate(x, t)
    assert_array_equal(layer.h, kept)
    fitted.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert_array_equal(again.layers[0].h, kept)
    for model in (fitted, again):
        model.fit(x, t, epochs=1, batch_size=8, optimizer=SGD(), shuffle=False, verbose=0)
    assert_array_equal(again.parameter_vector, fitted.parameter_vector)
    assert np.abs(layer.h - kept).max() > 0
    layer.reset_state()
    fresh = Sequential.load(tmp_path / "model.safetensors")
    fresh.layers[0].reset_state()
    fresh.parameter_vector[...] = fitted.parameter_vector
    for model in (fitted, fresh):
        model.fit(x, t, epochs=1, batch_size=8, optimizer=SGD(), shuffle=False, verbose=0)
    assert_array_equal(fresh.parameter_vector, fitted.parameter_vector)


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


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.LSTM(0),
            ValueError,
            "LSTM: units must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: layers.LSTM(3, stateful=True),
            ValueError,
            "LSTM: batch_size must be given where stateful is True, got None. Give the number of "
            "sequences in a batch, as fit gets it.",
        ),
        (
            lambda: layers.GRU(3, batch_size=8),
            ValueError,
            "GRU: batch_size must be None where stateful is False, got 8. Give it to fit alone, "
            "or stateful=True.",
        ),
        (
            lambda: Sequential([layers.Dense(4), layers.LSTM(3)]).build(5),
            ValueError,
            "LSTM: samples must have the shape (steps, features), got (4,). Give sequences "
            "(N, steps, features), or put Reshape((steps, features)) before it.",
        ),
        (
            lambda: Sequential([layers.LSTM(3), layers.LSTM(3)]).build((6, 5)),
            ValueError,
            "LSTM: samples must have the shape (steps, features), got (3,). Give sequences "
            "(N, steps, features), or put Reshape((steps, features)) before it.",
        ),
        (
            lambda: layers.Bidirectional(layers.Dense(3)),
            TypeError,
            "Bidirectional: layer must be a SimpleRNN, an LSTM or a GRU, got Dense. Give "
            "Bidirectional(LSTM(units)).",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(3, stateful=True, batch_size=2)),
            ValueError,
            "Bidirectional: layer must be new and not stateful, got a stateful one. Give "
            "Bidirectional(LSTM(3)).",
        ),
        (
            lambda: model_of(lambda: [layers.LSTM(3)]).layers[0].forward(np.ones((2, 6, 4))),
            ValueError,
            "LSTM.forward: x must have 5 features to match Wx (5, ...), got x.shape=(2, 6, 4). "
            "Give an array (N, T, 5).",
        ),
        (
            lambda: layers.SimpleRNN(3).forward(np.ones((2, 6, 4))),
            RuntimeError,
            "SimpleRNN.forward: call build(n_in, rng, dtype) first, or put the layer into a "
            "Sequential and build or fit that.",
        ),
    ],
)
def test_bad_arguments_of_layers_by_units(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text


def test_weights_begin_as_in_keras(rng):
    layer = layers.LSTM(6)
    layer.build((4, 9), rng, "float64")
    assert_allclose(layer.Wh @ layer.Wh.T, np.eye(6), atol=1e-14)
    assert_array_equal(layer.b, np.repeat([0, 1, 0, 0], 6))
    assert abs(layer.Wx.std() - 1 / 3) < 0.05
    with pytest.raises(RuntimeError, match=r"^LSTM.units: units must be set before build"):
        layer.units = 5
