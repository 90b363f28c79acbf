"""Rescaling: kernels, the layer, and what a number in x means to a model, whatever its dtype."""

import copy
import io
import logging
import pickle
import tracemalloc
from contextlib import redirect_stdout

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet import kernels, models, reference, weights_file
from fastnet.datasets import load_digits
from fastnet.gradient import gradient_check
from fastnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LeakyRelu,
    Relu,
    Rescaling,
    Tanh,
)
from fastnet.models import Sequential, zeros
from fastnet.optimizer import SGD, Adam

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
KINDS = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
KINDS += ["float16", "float32", "float64"]


def bits(array):
    return np.ascontiguousarray(array).tobytes()


# --------------------------------------------------------------------------- kernels, by hand


@pytest.mark.parametrize("size", [*range(1, 35), 63, 64, 65, 200])
@every_dtype
def test_kernels_have_the_bits_of_numpy(size, dtype):
    rng, kind = np.random.default_rng(size), np.dtype(dtype).type
    framed, x = np.full((3, size), 7, dtype), rng.standard_normal((1, size)).astype(dtype)
    x[0, -1] = -0.0
    for offset in (kind(-0.3), kind(-0.0)):
        kernels.rescaling_forward(x, kind(0.1), offset, framed[1:2])
        assert bits(framed[1:2]) == bits(x * kind(0.1) + offset)
        twin = np.empty_like(x)
        reference.kernels.rescaling_forward(x, kind(0.1), offset, twin)
        assert bits(framed[1:2]) == bits(twin)
    kernels.rescaling_backward(x, kind(0.1), framed[1:2])
    assert bits(framed[1:2]) == bits(x * kind(0.1))
    assert (framed[[0, 2]] == 7).all()
    kernels.rescaling_forward(x, kind(2), kind(1), x)  # in place
    kernels.rescaling_backward(x, kind(2), x)
    assert x[0, -1] == 2


def test_nan_and_infinity_stay():
    out = Rescaling(-0.5, 3).forward(np.array([np.nan, np.inf, -np.inf]))
    assert_array_equal(out, [np.nan, -np.inf, np.inf])


@every_dtype
def test_zero_keeps_its_sign_without_an_offset(dtype):
    x, layer = np.array([[-0.0, 0.0]], dtype), Rescaling(2)
    assert_array_equal(np.signbit(layer.forward(x)), [[True, False]])
    for stack in ([Rescaling(2)], [Rescaling(2), Rescaling(3)]):
        found = Sequential(stack, dtype=dtype).predict(x)
        assert_array_equal(np.signbit(found), [[True, False]])


@pytest.mark.parametrize("kind", KINDS)
def test_by_hand_any_dtype_and_shape(kind):
    x = np.arange(24).reshape(2, 3, 4).astype(kind)
    layer = Rescaling(1 / 4, offset=-1)
    out, dx = layer.forward(x), layer.backward(np.ones((2, 3, 4), np.float32))
    assert out.dtype == (kind if kind[:5] == "float" else "float64")
    assert_array_equal(out, x.astype(float) / 4 - 1)
    assert dx.dtype == np.float32 and (dx == 0.25).all()
    assert layer.forward(8) == 1 and np.ndim(layer.forward(8)) == 0
    assert_array_equal(layer.forward([[4, 8]]), [[0, 1]])


def test_backward_goes_by_the_scale_of_forward():
    layer = Rescaling(0.5)
    layer.forward(np.ones(3))
    layer.scale = 4
    assert_array_equal(layer.backward([1, 2, 3]), [0.5, 1, 1.5])
    assert_array_equal(layer.forward([1, 2, 3]), [4, 8, 12])


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and str(caught.value) == text


def test_bad_arguments_and_calls():
    scale = "must be finite and not 0, got {}. Give a number such as 1 / 255."
    for value in (0, np.nan, -np.inf):
        text = scale.format(float(value))
        refused(lambda value=value: Rescaling(value), ValueError, f"Rescaling: scale {text}")
    layer = Rescaling(2)
    refused(
        lambda: setattr(layer, "scale", 0.0),
        ValueError,
        f"Rescaling.scale: scale {scale.format(0.0)}",
    )
    refused(
        lambda: Rescaling(1, np.inf),
        ValueError,
        "Rescaling: offset must be finite, got inf. Give a number such as -1.",
    )
    refused(
        lambda: Rescaling("1/255"),
        TypeError,
        "Rescaling: scale must be a real number, got '1/255'. Give a float.",
    )
    refused(
        lambda: Rescaling(2).backward(1), RuntimeError, "Rescaling.backward: call forward first."
    )
    layer.forward(np.ones((2, 3)))
    refused(
        lambda: layer.backward(np.ones(3)),
        ValueError,
        "Rescaling.backward: dout must have shape (2, 3), got dout.shape=(3,). Give one number "
        "for each output of forward.",
    )
    refused(
        lambda: Rescaling(1e300).forward(np.ones(2, np.float32)),
        ValueError,
        "Rescaling.forward: scale must be finite in float32, got 1e+300. Give a number such as 1.",
    )


@pytest.mark.parametrize("layer", [Rescaling(1e300), Rescaling(1, -1e39), LeakyRelu(1e300)])
def test_numbers_that_the_models_dtype_cannot_hold_are_refused(layer):
    for stack in ([layer, Dense(2, input_shape=3)], [Dense(2, input_shape=3), layer]):
        i = stack.index(layer)
        refused(
            lambda stack=stack: Sequential(stack),
            ValueError,
            f"Sequential.add: layers[{i}] must have numbers that are finite in float32, got "
            f'{layer!r}. Give smaller ones, or make the model with dtype="float64".',
        )
        Sequential(copy.deepcopy(stack), dtype="float64").predict(np.zeros((1, 3)))


# --------------------------------------------------------------------------- numbers in any dtype


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


ONES, ANSWERS = np.eye(6)[np.arange(300) % 6], np.arange(300) % 6


@pytest.mark.parametrize("kind", KINDS)
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
@every_dtype
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


# --------------------------------------------------------------------------- in a model

PIXELS = np.random.default_rng(1).integers(0, 256, (120, 21), np.uint8)


@pytest.mark.parametrize("offset", [0.0, -1.0])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize(
    ("rest", "options"),
    [
        ([Dense(6)], {}),
        ([Dense(5, "tanh"), Dense(6)], {"batch_size": 1}),
        ([Dense(64, "relu"), Dense(6)], {"batch_size": 50, "optimizer": Adam()}),
        ([Relu(), Dense(6)], {"shuffle": False}),
        ([BatchNormalization(np.ones(21), np.zeros(21)), Dense(6)], {}),
    ],
)
@every_dtype
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
@every_dtype
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


# --------------------------------------------------------------------------- saved, shown


@every_dtype
def test_saved_with_the_model(tmp_path, dtype, caplog):
    stack = [Rescaling(1 / 255, 0.1), Dense(4, "tanh"), Rescaling(2), Dense(6)]
    model = Sequential(stack, dtype=dtype, seed=0)
    model.fit(PIXELS, ANSWERS[:120], 2, verbose=0)
    model.save(tmp_path / "model")
    with caplog.at_level(logging.WARNING, "fastnet"):
        same = Sequential.load(tmp_path / "model")
    assert not caplog.records
    assert repr(same.layers) == repr(model.layers)
    assert bits(same.predict(PIXELS)) == bits(model.predict(PIXELS))
    for each in (model, same):
        each.fit(PIXELS, ANSWERS[:120], 2, verbose=0)
    assert bits(same.parameter_vector) == bits(model.parameter_vector)


def test_files_of_versions_that_divided_bytes_unasked(tmp_path, caplog, monkeypatch):
    """They load as they are, with a warning whose advice gives their predictions."""
    model = Sequential([Dense(4, "tanh"), Dense(6)], seed=0)
    floats = PIXELS * np.float32(1 / 255)
    model.fit(floats, ANSWERS[:120], 2, verbose=0)
    monkeypatch.setattr(weights_file, "FORMAT", 1)
    model.save(tmp_path / "old")
    numbers = Sequential([Embedding(np.ones((3, 2))), Dense(2)])
    numbers.build(2)
    numbers.save(tmp_path / "numbers")
    monkeypatch.undo()
    with caplog.at_level(logging.WARNING, "fastnet"):
        old = Sequential.load(tmp_path / "old")
        Sequential.load(tmp_path / "numbers")  # of rows, which were never divided
    (said,) = caplog.messages
    assert said == (
        f"fastnet: {tmp_path / 'old'} was saved by a version that divided uint8 x by 255, which "
        "this one takes as it is. If the model is given uint8 images: "
        "model.layers.insert(0, Rescaling(1 / 255)). Save it again to end this warning."
    )
    assert bits(old.predict(floats)) == bits(model.predict(floats))
    old.layers.insert(0, Rescaling(1 / 255))
    assert bits(old.predict(PIXELS)) == bits(model.predict(floats))
    old.save(tmp_path / "new")
    caplog.clear()
    with caplog.at_level(logging.WARNING, "fastnet"):
        again = Sequential.load(tmp_path / "new")
    assert not caplog.messages and bits(again.predict(PIXELS)) == bits(old.predict(PIXELS))


def test_summary_and_repr():
    stack = [Rescaling(1 / 255), Dense(4), Dropout(0.2), Rescaling(2, offset=-1), Tanh()]
    model = Sequential(stack, seed=0)
    model.build(21)
    with redirect_stdout(io.StringIO()) as printed:
        model.summary()
    assert printed.getvalue() == (
        "layer      made with                          output  weights       parameters\n"
        "Rescaling  scale=0.00392157, offset=0         (21,)                          0\n"
        "Dense                                         (4,)    (21, 4) (4,)          88\n"
        "Dropout    dropout_ratio=0.2, inverted=False  (4,)                           0\n"
        "Rescaling  scale=2, offset=-1                 (4,)                           0\n"
        "Tanh                                          (4,)                           0\n"
        "total                                                                       88\n"
    )
    assert repr(stack[0]) == "Rescaling(0.00392156862745098)"
    assert repr(stack[3]) == "Rescaling(2.0, offset=-1.0)"
    assert "Rescaling(0.00392156862745098), Dense(4)" in repr(model)
