"""Training goes on: after a pause, and after a file, with the bits of one that never stopped."""

import json
import struct

import numpy as np
import pytest
from examples import OPTIMIZERS
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

from fastnet import schedules
from fastnet.checkpoint import load_model, save_model
from fastnet.layers import BatchNormalization, Dense, Dropout, Embedding
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum, RMSprop

RNG = np.random.default_rng(0)
X, T = RNG.standard_normal((70, 6)), RNG.integers(0, 3, 70)
SCHEDULES = {
    "number": 0.05,
    "StepDecay": schedules.StepDecay(0.05, every=7, factor=0.5),
    "ExponentialDecay": schedules.ExponentialDecay(0.05, every=7),
    "CosineDecay": schedules.CosineDecay(0.05, steps=20, last=0.001),
    "Warmup": schedules.Warmup(0.05, steps=11),
    "Warmup, CosineDecay": schedules.Warmup(schedules.CosineDecay(0.05, 20), steps=11),
}
KINDS = {name: type(example.make()) for name, example in OPTIMIZERS.items() if " " not in name}


def made(dtype="float32", **options):
    stack = [Dense(40, "relu"), Dropout(0.3), BatchNormalization(), Dense(3)]
    return Sequential(stack, dtype=dtype, seed=5, **options)


def same(model, expected):
    assert model._rng.bit_generator.state == expected._rng.bit_generator.state
    assert model.parameter_vector.tobytes() == expected.parameter_vector.tobytes()
    for name in ("running_mean", "running_var"):
        assert_array_equal(getattr(model.layers[2], name), getattr(expected.layers[2], name))
    ours, theirs = model.optimizer, expected.optimizer
    assert type(ours) is type(theirs) and repr(ours) == repr(theirs) and ours.iter == theirs.iter
    for name in theirs.state_names:
        for state, wanted in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert state.tobytes() == wanted.tobytes()


def saved_and_loaded(model, tmp_path, *optimizer):
    path = tmp_path / "model.safetensors"
    model.save(path, *optimizer)
    return Sequential.load(path)


@pytest.mark.usefixtures("any_threads")
@every_dtype_name
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind", KINDS)
def test_resumed_training_is_uninterrupted_training(kind, schedule, dtype, tmp_path):
    def optimizer():
        return KINDS[kind](SCHEDULES[schedule], weight_decay=0.01, clip_norm=3.0)

    expected, model = made(dtype, l2=0.01), made(dtype, l2=0.01)
    history = expected.fit(X, T, 8, 16, optimizer(), verbose=0)
    first = model.fit(X, T, 3, 16, optimizer(), verbose=0)
    model = saved_and_loaded(model, tmp_path)
    rest = model.fit(X, T, 5, 16, verbose=0)
    same(model, expected)
    assert first.loss + rest.loss == history.loss
    again = saved_and_loaded(model, tmp_path)
    same(again, expected)


@pytest.mark.parametrize("example", OPTIMIZERS)
def test_two_fits_are_one_and_every_option_is_kept(example, tmp_path):
    expected, paused = made(), made()
    expected.fit(X, T, 8, 16, OPTIMIZERS[example].make(), verbose=0)
    for _ in range(2):
        paused.fit(X, T, 4, 16, verbose=0, optimizer=paused.optimizer or OPTIMIZERS[example].make())
    same(paused, expected)
    same(saved_and_loaded(paused, tmp_path), expected)


def test_masks_and_orders_go_on_with_a_new_optimizer():
    model, expected = made(), made()
    expected.fit(X, T, 8, 16, SGD(0.1), verbose=0)
    for _ in range(2):
        model.fit(X, T, 4, 16, SGD(0.1), verbose=0)
    assert model.parameter_vector.tobytes() == expected.parameter_vector.tobytes()


@with_each("n", [40, 70, 3000])  # orders of epochs are drawn otherwise below 64
@with_each("parts", [(4, 4), (1, 2, 5), (1,) * 8])
def test_parts_of_a_fit_give_the_bits_of_the_whole(n, parts):
    x, t = np.resize(X, (n, 6)), np.resize(T, n)
    model, expected = made(), made()
    expected.fit(x, t, sum(parts), verbose=0)
    for epochs in parts:
        model.fit(x, t, epochs, verbose=0)
    same(model, expected)


def test_masks_do_not_repeat_with_a_new_optimizer():
    model = Sequential([Dropout(0.5, inverted=True), Dense(1)], "mean_squared_error", "float64")
    model.build(60)
    same_one, seen = SGD(1.0), set()
    for optimizer in (SGD(1.0), same_one, SGD(1.0), same_one, same_one, SGD(1.0)):
        model.parameter_vector[...] = 0
        model.fit(np.ones((1, 60)), [1.0], optimizer=optimizer, verbose=0)
        seen.add(tuple(model.layers[1].W.ravel() != 0))  # what the mask let through
    assert len(seen) == 6


def test_steps_by_hand_are_resumed(tmp_path):
    def by_hand(model, optimizer, count):
        for _ in range(count):
            model.forward(X, T)
            model.backward()
            optimizer.update(model.params, model.grads)

    def stack():
        return [Dense(8, "tanh"), Dropout(0.3, rng=np.random.default_rng(7)), Dense(3)]

    expected, model = Sequential(stack(), seed=1), Sequential(stack(), seed=1)
    optimizer = Adam(0.1)
    by_hand(expected, Adam(0.1), 5)
    by_hand(model, optimizer, 2)
    model = saved_and_loaded(model, tmp_path, optimizer)
    by_hand(model, model.optimizer, 3)
    assert model.parameter_vector.tobytes() == expected.parameter_vector.tobytes()


def test_an_optimizer_is_saved_only_with_its_own_model(tmp_path):
    model, other, path = made(), made(), tmp_path / "model.safetensors"
    model.fit(X, T, optimizer=Adam(), verbose=0)
    other.fit(X, T, optimizer=Momentum(), verbose=0)
    with pytest.raises(ValueError) as caught:
        model.save(path, other.optimizer)
    assert str(caught.value) == (
        "save_model: optimizer must be a new one, or have trained this model, got Momentum(lr=0.01,"
        " momentum=0.9) after 3 updates of other arrays. Make a new one, or call its reset()."
    )
    with pytest.raises(TypeError) as caught:
        model.save(path, "adam")
    assert str(caught.value).startswith("save_model: optimizer must be one of fastnet.optimizer")
    assert not path.exists()
    model.save(path, RMSprop())  # it begins, with no states yet
    again = load_model(path).optimizer
    assert type(again) is RMSprop and again.h is None and again.iter == 0
    model.optimizer = None
    model.save(path)
    assert load_model(path).optimizer is None
    assert all(name[0].isdigit() for name in load_file(path))


class Own(Momentum):
    pass


NAMED = "one of fastnet.optimizer, with a number or one of fastnet.schedules for lr"


@pytest.mark.parametrize(
    "optimizer",
    [
        Own(0.1),
        Momentum(lambda step: 0.1),
        Momentum(schedules.Warmup(lambda step: 0.1, 3)),
    ],
)
def test_what_a_file_cannot_name(optimizer, tmp_path):
    path, model = tmp_path / "model.safetensors", made()
    model.fit(X, T, optimizer=optimizer, verbose=0)
    with pytest.raises(TypeError) as caught:
        model.save(path, optimizer)
    assert str(caught.value) == (
        f"save_model: optimizer must be {NAMED}, got {optimizer!r}, which a file cannot name. "
        "Save the model without it, and its states and iter yourself."
    )
    assert not path.exists()
    with pytest.warns(UserWarning) as warned:
        model.save(path)
    assert [str(warning.message) for warning in warned] == [
        f"save_model: the model is saved without its optimizer, {optimizer!r}: a file can name "
        f"{NAMED} alone."
    ]
    assert warned[0].filename == __file__
    assert load_model(path).optimizer is None


def test_a_generator_that_a_file_cannot_keep(tmp_path):
    path = tmp_path / "model.safetensors"
    layer = Dropout(rng=np.random.Generator(np.random.Philox(1)))
    model = Sequential([Dense(3, input_shape=6), layer], seed=0)
    with pytest.raises(TypeError) as caught:
        save_model(model, path)
    assert str(caught.value) == (
        "save_model: rng of a layer must be numpy.random.default_rng's, got a Philox. Assign one "
        "of those to the layer, or None."
    )
    assert not path.exists()


def test_an_embedding_and_its_optimizer(tmp_path):
    x, t = RNG.integers(0, 9, (50, 4)), RNG.integers(0, 2, 50)
    make = lambda: Sequential(  # noqa: E731
        [Embedding(np.random.default_rng(1).standard_normal((9, 3))), Dense(2)], seed=1
    )
    expected, model = make(), make()
    expected.fit(x, t, 6, 8, Adam(), verbose=0)
    model.fit(x, t, 2, 8, Adam(), verbose=0)
    model = saved_and_loaded(model, tmp_path)
    model.fit(x, t, 4, 8, verbose=0)
    assert model.parameter_vector.tobytes() == expected.parameter_vector.tobytes()


# --------------------------------------------------------------------------- files that are wrong


def header_of(path):
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    return json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["fastnet"])


@pytest.fixture
def saved(tmp_path):
    """A file of a model that Adam trains by a schedule, its arrays and its description."""
    path, model = tmp_path / "model.safetensors", made()
    model.fit(X, T, optimizer=Adam(SCHEDULES["Warmup, CosineDecay"]), verbose=0)
    model.save(path)
    return path, load_file(path), header_of(path)


BAD = {
    "no class": ("optimizer", "class", None, "its optimizer is {"),
    "a list": ("optimizer", None, [], "its optimizer is [], which"),
    "another class": ("optimizer", "class", "Optimizer", "its optimizer is {"),
    "states of another": ("optimizer", "states", ["h"], "its optimizer is {"),
    "no states": ("optimizer", "states", [], "it lacks the arrays [] and has ['optimizer.m.0'"),
    "iter": ("optimizer", "iter", -1, "its optimizer: iter must be at least 0, got -1"),
    "a number": ("optimizer", "beta1", 2, "Adam: beta1 must "),
    "one more": ("optimizer", "x", 2, ""),
    "a schedule": ("optimizer", "lr", {"class": "print"}, "its schedule is {'class': 'print'}"),
    "masks": (None, "masks", [1, -2], "its masks are [1, -2]"),
    "masks of text": (None, "masks", "ab", "its masks are 'ab'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_damaged_description_is_refused(case, saved):
    path, arrays, header = saved
    part, key, value, text = BAD[case]
    if key is None:
        header[part] = value
    else:
        (header[part] if part else header)[key] = value
    save_file(arrays, path, metadata={"fastnet": json.dumps(header)})
    with pytest.raises(ValueError) as caught:
        load_model(path)
    start = f"load_model: path must be a whole model file of fastnet, got {str(path)!r}: "
    assert str(caught.value).startswith(start + text)
    assert str(caught.value).endswith(". Give a file that Sequential.save wrote.")


@pytest.mark.parametrize("change", ["shape", "dtype", "name"])
def test_a_damaged_state_is_refused(change, saved):
    path, arrays, header = saved
    state = arrays.pop("optimizer.v.1")
    arrays["optimizer.v.9" if change == "name" else "optimizer.v.1"] = (
        state[1:] if change == "shape" else state.astype("float64") if change == "dtype" else state
    )
    save_file(arrays, path, metadata={"fastnet": json.dumps(header)})
    with pytest.raises(ValueError, match=r"optimizer\.v\.[19]"):
        load_model(path)
