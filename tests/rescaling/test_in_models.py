"""Rescaling in models: any dtype gives the same bits, in place."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose
from rescaled import ANSWERS, KINDS, ONES, PIXELS, bits

import fastnet
from fastnet import kernels, models, reference
from fastnet.datasets import load_digits
from fastnet.gradient import gradient_check
from fastnet.layers import (
    BatchNormalization,
    Dense,
    Embedding,
    Layer,
    Relu,
    Rescaling,
)
from fastnet.models import Sequential, zeros
from fastnet.optimizer import SGD, Adam


def learnt(x, t, dtype="float32", stack=None, validation=None, **options):
    """Return the bits of all that a model gives for x."""
    model = Sequential(stack or [Dense(6)], dtype=dtype, seed=0)
    held_out = x if validation is None else validation
    options = {"epochs": 3, "batch_size": 32, "optimizer": SGD(lr=0.5)} | options
    history = model.fit(x, t, validation_data=(held_out, t), verbose=0, **options)
    few = x[:5], t[:5]
    results = [model.parameter_vector, history.loss, history.accuracy]
    results += [history.val_loss, history.val_accuracy, model.predict(x), model.predict(x[:3])]
    results += [model.predict(x[3]), list(model.evaluate(x, t).values())]
    results += [model.forward(*few), model.backward(), model.gradient_vector]
    results += model.numerical_gradient(*few)
    return [bits(np.array(result)) for result in results]


@with_each("kind", KINDS)
def test_a_number_is_the_same_in_any_dtype(kind):
    x = ONES.astype(kind)
    model = Sequential([Dense(6)], seed=0)
    history = model.fit(x, ANSWERS, epochs=20, optimizer=SGD(lr=0.5), verbose=0)
    assert history.accuracy[-1] == 1 and model.evaluate(x, ANSWERS)["accuracy"] == 1
    wide = ONES.astype("float64")
    history = model.fit(wide, ANSWERS, validation_data=(x, ANSWERS), verbose=0)
    assert history.val_accuracy == [1]


@pytest.mark.parametrize("options", [{}, {"batch_size": 1}, {"optimizer": Adam()}])
@pytest.mark.parametrize("stack", ["as they are", "rescaled", "in the middle"])
@every_dtype_name
def test_all_dtypes_give_the_same_bits(dtype, stack, options):
    x = np.random.default_rng(0).integers(0, 2, (120, 9))
    stacks = {
        "as they are": [Dense(6)],
        "rescaled": [Rescaling(1 / 3, -0.7), Dense(6)],
        "in the middle": [Dense(7), Rescaling(3, 1), Relu(), Dense(6)],
    }
    t, found = ANSWERS[:120], {}
    for kind in KINDS:
        given = copy.deepcopy(options) | {"stack": copy.deepcopy(stacks[stack])}
        found[kind] = learnt(x.astype(kind), t, dtype, **given)
    given = copy.deepcopy(options) | {"stack": copy.deepcopy(stacks[stack])}
    mixed = learnt(x.astype("uint8"), t, dtype, validation=x.astype("float32"), **given)
    for kind in KINDS:
        assert found[kind] == mixed, kind


def test_the_digits_as_stored():
    (x, t), test = load_digits()
    model = Sequential([Rescaling(1 / 16), Dense(50, "relu"), Dense(10)], seed=0)
    model.fit(x, t, epochs=30, optimizer=SGD(lr=0.1), verbose=0)
    (same_x, _), (same_x_test, _) = load_digits(normalize=True)
    same = Sequential([Dense(50, "relu"), Dense(10)], seed=0)
    same.fit(same_x, t, epochs=30, optimizer=SGD(lr=0.1), verbose=0)
    assert bits(model.parameter_vector) == bits(same.parameter_vector)
    assert model.evaluate(*test)["accuracy"] == same.evaluate(same_x_test, test[1])["accuracy"]
    assert model.evaluate(*test)["accuracy"] >= 0.97


@with_each("offset", [0.0, -1.0])
@with_each("kind", ["uint8", "float32", "float64"])
@with_each(
    "rest, options",
    [
        ([Dense(6)], {}),
        ([Dense(5, "tanh"), Dense(6)], {"batch_size": 1}),
        ([Dense(64, "relu"), Dense(6)], {"batch_size": 50, "optimizer": Adam()}),
        ([Relu(), Dense(6)], {"shuffle": False}),
        ([BatchNormalization(np.ones(21), np.zeros(21)), Dense(6)], {}),
    ],
)
@every_dtype_name
def test_the_rows_are_rescaled_as_by_numpy(dtype, rest, options, kind, offset):
    """As the first layer: the same bits as for x that was rescaled before, in the model's dtype."""
    x, scalar = PIXELS.astype(kind), np.dtype(dtype).type
    before = x.astype(dtype) * scalar(1 / 255) + scalar(offset or -0.0)
    given = [copy.deepcopy((rest, options)) for _ in range(2)]
    t = ANSWERS[:120]
    found = learnt(x, t, dtype, [Rescaling(1 / 255, offset), *given[0][0]], **given[0][1])
    expected = learnt(before, t, dtype, given[1][0], **given[1][1])
    dx = 10  # of what was given, or of what it was made
    assert found[:dx] + found[dx + 1 :] == expected[:dx] + expected[dx + 1 :]
    assert found[dx] == bits(np.frombuffer(expected[dx], dtype) * scalar(1 / 255))


ANYWHERE = {
    "alone": lambda m: [m.Rescaling(0.3, -0.5)],
    "twice": lambda m: [m.Rescaling(2.0, -3.0), m.Rescaling(0.5, 1.0), m.Dense(6)],
    "middle": lambda m: [m.Dense(7, "tanh"), m.Rescaling(3.0, 0.5), m.Dense(6)],
    "last": lambda m: [m.Rescaling(0.5), m.Dense(6), m.Rescaling(-2.0, 0.5)],
    "before an activation": lambda m: [m.Rescaling(0.5), m.Tanh(), m.Dense(6)],
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("place", ANYWHERE)
@every_dtype_name
def test_anywhere_in_the_stack(place, dtype, threads, monkeypatch):
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_CALL", 0.0)
    x, t = np.random.default_rng(0).standard_normal((70, 6)).astype(dtype), ANSWERS[:70]
    number = fastnet.get_num_threads()
    try:
        fastnet.set_num_threads(threads)
        made, seen = [], []
        for package, of in ((fastnet.layers, models), (reference.layers, reference.models)):
            model = of.Sequential(ANYWHERE[place](package), dtype=dtype, seed=3)
            optimizer = (SGD if of is models else reference.optimizer.SGD)(lr=0.1)
            history = model.fit(x, t, 2, 8, optimizer=optimizer, verbose=0)
            loss = model.forward(x, t)
            dx = model.backward()
            made.append(model)
            seen.append([history.loss, model.predict(x), loss, dx, model.gradient_vector])
    finally:
        fastnet.set_num_threads(number)
    room = 1e-4 if dtype == "float32" else 1e-12
    for ours, theirs in zip(*seen, strict=True):
        assert_allclose(ours, theirs, rtol=room, atol=room)
    assert_allclose(made[0].evaluate(x, t)["loss"], seen[0][2], rtol=room)
    assert bits(made[0].predict(x[:3])) == bits(made[0].predict(x)[:3])
    if dtype == "float64" and made[0].params:
        assert max(gradient_check(made[0], x[:5], t[:5]).values()) < 1e-6


def test_it_must_not_stand_before_an_embedding():
    table = np.ones((4, 2))
    model = Sequential([Embedding(table), Rescaling(2, 1), Dense(3)], seed=0)
    x = np.array([[0, 3], [1, 2]], np.uint8)
    same = Sequential([Embedding(2 * table + 1), Dense(3)], seed=0)
    assert bits(model.predict(x)) == bits(same.predict(x.astype(np.int64)))
    with pytest.raises(ValueError, match="must be the first layer, as it takes row numbers"):
        Sequential([Rescaling(2), Embedding(table)])


def test_what_is_changed_is_used_by_the_next_call():
    model = Sequential([Rescaling(1 / 255), Dense(6)], seed=0)
    y = model.predict(PIXELS)
    model.layers[0].scale, model.layers[0].offset = 2 / 255, -1
    other = np.float32(2 / 255) * PIXELS - np.float32(1)
    plain = Sequential([Dense(6)], seed=0)
    for rows in (slice(3), slice(None)):  # few take a way of their own
        assert bits(model.predict(PIXELS[rows])) == bits(plain.predict(other[rows]))
    model.layers[0].scale, model.layers[0].offset = 1 / 255, 0
    assert bits(model.predict(PIXELS[:3])) == bits(y[:3])
    layer = model.layers.pop(0)
    assert bits(model.predict(PIXELS)) == bits(plain.predict(PIXELS.astype(np.float32)))
    model.layers.insert(0, layer)
    assert bits(model.predict(PIXELS)) == bits(y)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert bits(twin.predict(PIXELS)) == bits(y)


def test_a_layer_of_steps_by_hand_is_not_left_out():
    """What the loop was told of the stack before does not serve the new one."""

    class Negated(Layer):
        def forward(self, x):
            return -x

        def backward(self, dout):
            return -dout

    model = Sequential([Rescaling(1 / 255), Dense(6)], seed=0)
    model.predict(PIXELS)
    model.layers.append(Negated())
    for rows in (slice(3), slice(None)):
        with pytest.raises(TypeError, match=r"^Negated\.in_loop: the class must say"):
            model.predict(PIXELS[rows])
    assert model.forward(PIXELS, ANSWERS[:120]) > 0


def test_uint8_rows_are_read_in_place(monkeypatch):
    x = np.full((30_000, 300), 7, np.uint8)[:, 20:]
    t, seen = np.zeros(len(x), int), []
    real = models.network.train_epochs
    monkeypatch.setattr(
        models.network,
        "train_epochs",
        lambda *given: seen.append((given[:3], given[8])) or real(*given),
    )
    model = Sequential([Rescaling(1 / 255, offset=-0.5), Dense(2)], seed=0)
    model.fit(x[:9], t[:9], validation_data=(x[:9], t[:9]), verbose=0)
    seen.clear()
    tracemalloc.start()
    model.fit(x, t, validation_data=(x, t), verbose=0)
    model.predict(x)
    model.evaluate(x, t)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6 < x.nbytes / 2  # order and labels take 8 bytes a sample each
    assert {read for read, _ in seen} == {(x.ctypes.data, kernels.UINT8, x.strides[0])}
    assert all((p["x_scale"][0], p["x_offset"][0]) == (1 / 255, -0.5) for _, p in seen)
    assert len(model._network.table) == 1  # no pass of its own


@pytest.mark.parametrize(
    ("fill", "layer", "skips"),
    [
        (0, Rescaling(1 / 255), True),
        (0, Rescaling(1 / 255, -1), False),
        (255, Rescaling(-1 / 255, 1), True),
        (255, Rescaling(1 / 255), False),
    ],
)
def test_zeros_are_skipped_where_they_are_zeros_to_the_product(fill, layer, skips):
    rng = np.random.default_rng(0)
    x = np.where(rng.random((4096, 600)) < 0.05, 60, fill).astype(np.uint8)
    t, scalar = np.arange(4096) % 10, np.float32
    before = x * scalar(layer.scale) + scalar(layer.offset or -0.0)
    model = Sequential([layer, Dense(64, "relu"), Dense(10)], seed=0)
    same = Sequential([Dense(64, "relu"), Dense(10)], seed=0)
    model.fit(x, t, 2, 64, verbose=0), same.fit(before, t, 2, 64, verbose=0)
    assert bits(model.parameter_vector) == bits(same.parameter_vector)
    assert bits(model.predict(x)) == bits(same.predict(before))
    rows = model._rows("fit", x)
    found = zeros.skipping_zeros(model._network, rows, 4096, 64)
    assert bool(found.program["sparse_forward"][0]) == skips
