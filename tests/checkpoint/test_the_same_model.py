"""A model that was saved and loaded is the same: predictions, training, files."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from in_turn import every_dtype_name
from safetensors.numpy import load_file, save_file
from saved_models import arrays_and_header

import fastnet
from fastnet.checkpoint import load_model, save_model
from fastnet.layers import Affine, Dense, Embedding, MatMul, Relu, Sigmoid, Tanh
from fastnet.losses import Huber, MeanSquaredError
from fastnet.models import Sequential


def mixed(dtype):
    rng = np.random.default_rng(1)
    return [
        Dense(5, activation="relu"),
        MatMul(rng.standard_normal((4, 5)).astype(dtype).T),
        Tanh(),
        Affine(
            rng.standard_normal((4, 6)).astype(dtype)[:, ::-1][:, ::2], np.arange(3, dtype=dtype)
        ),
        Relu(),
        Dense(3, activation="sigmoid", weight_init_std=0.5),
        Sigmoid(),
        Dense(2, activation="tanh", weight_init_std="lecun"),
    ]


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
@every_dtype_name
def test_the_same_predictions_to_the_bit(path, dtype, loss):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((20, 7)), rng.integers(0, 2, 20)
    t = t if loss == "softmax_cross_entropy" else np.eye(2)[t]
    model = Sequential(mixed(dtype), loss=loss, dtype=dtype, seed=3)
    model.fit(x, t, epochs=2, batch_size=5, verbose=0)
    model.save(path)
    again = Sequential.load(path)

    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.evaluate(x, t) == model.evaluate(x, t)
    assert (again.loss, np.dtype(again.dtype)) == (loss, np.dtype(dtype))
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in model.layers]
    for layer, old in zip(again.layers, model.layers, strict=True):
        for name in ("units", "activation", "weight_init_std"):
            assert getattr(layer, name, None) == getattr(old, name, None)
        for array in layer.params:
            assert array.dtype == dtype and np.shares_memory(array, again.parameter_vector)
    again.fit(x, t, epochs=1, verbose=0)  # it can go on learning
    assert not np.array_equal(again.parameter_vector, model.parameter_vector)


def test_assigned_weights_are_saved(path):
    model = Sequential([Dense(3), Dense(2)], seed=0)
    model.build(4)
    model.layers[0].W = np.arange(12.0).reshape(3, 4).T  # strided, and not of the model's dtype
    model.save(path)
    (W, *_), want = Sequential.load(path).params, np.arange(12.0).reshape(3, 4).T
    assert W.dtype == np.float32
    np.testing.assert_array_equal(W, want)


def test_assigned_weights_that_do_not_fit_are_not_saved(path):
    model = Sequential([Dense(3), Dense(2)], seed=0)
    model.build(4)
    model.layers[0].W = np.ones((4, 5), np.float32)
    with pytest.raises(ValueError):
        model.save(path)
    assert not path.exists()


def test_strided_arrays_are_saved_in_order(path):
    # Straight from params that are strided: the model's own are not, but safetensors would write
    # their bytes in the wrong order in silence.
    W, b = np.arange(12.0).reshape(3, 4).T, np.arange(6.0)[::-2]
    layer = Affine(W, b)
    model = SimpleNamespace(
        layers=[layer],
        params=[W, b],
        dtype="float64",
        loss="mean_squared_error",
        l1=0.0,
        l2=0.0,
        _loss=MeanSquaredError(),
        _is_flat=False,
        _rng=np.random.default_rng(0),
        _input_shape=lambda: (3,),
        _ready=lambda where: None,
        _masks=None,
        metadata=None,
        optimizer=None,
    )
    save_model(model, path)
    np.testing.assert_array_equal(load_file(path)["0.W"], W)
    np.testing.assert_array_equal(load_file(path)["0.b"], b)


def test_what_the_file_says(saved):
    arrays, header = arrays_and_header(saved)
    assert {name: array.shape for name, array in arrays.items()} == {
        "0.W": (4, 3),
        "0.b": (3,),
        "1.W": (3, 2),
        "1.b": (2,),
    }
    dense = {"class": "Dense", "weight_init_std": None}
    assert header.pop("generator")["bit_generator"] == "PCG64"
    assert header == {
        "format": 2,
        "version": fastnet.__version__,
        "dtype": "float32",
        "loss": "softmax_cross_entropy",
        "l1": 0.0,
        "l2": 0.0,
        "input_size": 4,
        "layers": [
            {**dense, "units": 3, "activation": "relu"},
            {**dense, "units": 2, "activation": None},
        ],
        "masks": None,
    }


def test_going_on_after_loading_gives_the_same_bits(path):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((70, 4)), rng.integers(0, 2, 70)
    model = Sequential([Dense(3, "tanh"), Dense(2)], seed=5)
    model.fit(x, t, 2, verbose=0)
    model.save(path)
    again = Sequential.load(path)
    for one in (model, again):
        one.fit(x, t, 3, verbose=0)
        one.add(Dense(2))
    np.testing.assert_array_equal(again.parameter_vector, model.parameter_vector)


def test_a_loss_and_its_penalties_are_kept(path):
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 5, (30, 4)), rng.standard_normal((30, 2))
    table = rng.standard_normal((5, 3))
    model = Sequential([Embedding(table), Dense(2)], Huber(0.1), seed=5, l1=0.01, l2=0.1)
    model.fit(x, t, 2, verbose=0)
    model.save(path)
    again = Sequential.load(path)
    assert (again.l1, again.l2, again._loss.delta, again.loss) == (0.01, 0.1, 0.1, "huber")
    for one in (model, again):
        one.fit(x, t, 3, verbose=0)
    np.testing.assert_array_equal(again.parameter_vector, model.parameter_vector)


@pytest.mark.parametrize(("name", "bad"), [("l1", -1), ("l2", "x"), ("delta", 0), ("delta", None)])
def test_a_file_with_a_penalty_that_cannot_be(saved, name, bad):
    arrays, header = arrays_and_header(saved)
    header |= {"loss": "huber"} if name == "delta" else {}
    header[name] = bad
    save_file(arrays, saved, metadata={"fastnet": json.dumps(header)})
    with pytest.raises(ValueError, match=rf"^load_model: path must be a whole .*: {name} must "):
        load_model(saved)


def test_a_file_of_an_older_version_is_read(saved):
    arrays, header = arrays_and_header(saved)
    for name in ("generator", "l1", "l2", "masks"):
        del header[name]
    save_file(arrays, saved, metadata={"fastnet": json.dumps(header)})
    np.testing.assert_array_equal(load_model(saved).layers[1].W, arrays["1.W"])


def test_a_subclass_loads_its_own_kind(saved):
    class Small(Sequential):
        def __init__(self, name):
            raise NotImplementedError

    again = Small.load(saved)
    assert type(again) is Small and type(Sequential.load(saved)) is Sequential
    np.testing.assert_array_equal(again.parameter_vector, load_model(saved).parameter_vector)


def test_units_are_those_of_the_weights(path):
    model = Sequential([Dense(3, input_shape=(4,)), Dense(2)], seed=0)
    vars(model.layers[0]).update(units=7, _units=7)  # what it was asked for, not what it has
    model.save(path)
    assert Sequential.load(path).layers[0].W.shape == (4, 3)


def test_a_wide_weight_init_std_draws_nothing_on_loading(path, monkeypatch):
    model = Sequential([Dense(3, input_shape=(4,)), Dense(2)], seed=0)
    model.save(path)

    def fail(*arguments):
        raise ValueError("drawn")

    monkeypatch.setattr(Dense, "build", fail)
    np.testing.assert_array_equal(load_model(path).parameter_vector, model.parameter_vector)


@pytest.mark.parametrize("convert", [str, os.fsencode, lambda path: path])
def test_paths_of_any_kind(path, convert):
    model = Sequential([Dense(3, input_shape=(4,))], seed=0)
    path = path.with_name("ü")
    model.save(convert(path))
    again = Sequential.load(convert(path))
    np.testing.assert_array_equal(again.parameter_vector, model.parameter_vector)


def test_what_is_no_path(saved):
    model = load_model(saved)
    calls = {"save_model": model.save, "load_model": load_model}
    with open(saved, "rb") as file:
        for where, call in calls.items():
            for value in (None, 5, file):
                with pytest.raises(TypeError) as caught:
                    call(value)
                message = str(caught.value)
                assert message.startswith(f"{where}: path must be text, bytes or a path, got ")
                assert message.endswith(". Give a file name.")
            for value in ("", "a\0b"):
                with pytest.raises(ValueError) as caught:
                    call(value)
                assert str(caught.value) == (
                    f"{where}: path must be a file name, got {value!r}. Give another."
                )
