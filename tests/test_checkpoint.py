"""Saving and loading a model: the same model back, whole or not at all, and nothing executed."""

import copy
import json
import os
import pickle
import stat
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

import fastnet
from fastnet import layers
from fastnet.checkpoint import load_model, save_model
from fastnet.layers import Affine, Dense, Embedding, MatMul, Relu, Sigmoid, Tanh
from fastnet.losses import Huber, MeanSquaredError
from fastnet.models import Sequential


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def saved(path):
    """A small saved model, 4-3-2."""
    model = Sequential([Dense(3, activation="relu", input_shape=(4,)), Dense(2)], seed=0)
    model.build(4)
    save_model(model, path)
    return path


def arrays_and_header(path):
    """The arrays of a saved model, and its description as a dict."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    return load_file(path), json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["fastnet"])


def refusal(path):
    """The message of the ValueError that load_model raises, "/..." for the path."""
    with pytest.raises(ValueError) as caught:
        load_model(path)
    message = str(caught.value)
    assert type(caught.value) is ValueError and "\n" not in message
    return message.replace(repr(str(path)), "/...")


def whole(reason):
    return (
        f"load_model: path must be a whole model file of fastnet, got /...: {reason}. "
        "Give a file that Sequential.save wrote."
    )


# --------------------------------------------------------------------------- the same model back


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
@pytest.mark.parametrize("dtype", ["float32", "float64"])
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


# --------------------------------------------------------------------------- whole or not at all


def test_an_interrupted_save_leaves_the_old_file(saved, monkeypatch):
    old = saved.read_bytes()
    model = Sequential([Dense(2)], seed=9)
    model.build(4)
    for name in ("fsync", "replace"):
        for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

            def fail(*arguments, error=error):
                assert len(os.listdir(saved.parent)) == 2  # the temporary file is beside it
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(os, name, fail)
                with pytest.raises(type(error)):
                    model.save(saved)
            assert saved.read_bytes() == old
            assert os.listdir(saved.parent) == [saved.name]
    model.save(saved)
    assert saved.read_bytes() != old and os.listdir(saved.parent) == [saved.name]


def test_synced_before_it_is_renamed_and_the_folder_after(saved, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def watched(*arguments, name=name, real=real):
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            size = 0 if name == "replace" or is_folder else os.fstat(arguments[0]).st_size
            done.append((name, "folder" if is_folder else size))
            return real(*arguments)

        monkeypatch.setattr(os, name, watched)
    load_model(saved).save(saved)
    after = [("fsync", "folder")] if os.name == "posix" else []
    assert done == [("fsync", saved.stat().st_size), ("replace", 0), *after]


@pytest.mark.skipif(os.name != "posix", reason="permissions and symbolic links of POSIX")
def test_permissions_and_symbolic_links_are_those_of_any_file(saved, tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    assert saved.stat().st_mode == plain.stat().st_mode
    link = tmp_path / "link"
    link.symlink_to(plain)
    load_model(saved).save(link)
    assert link.is_symlink() and plain.read_bytes() == saved.read_bytes()


# --------------------------------------------------------------------------- what cannot be saved


def test_a_model_that_does_not_know_its_input_size(path):
    with pytest.raises(RuntimeError) as caught:
        Sequential([Dense(3), Dense(2)]).save(path)
    assert "the number of inputs must be known. Call fit or build(n_in) first" in str(caught.value)
    assert not path.exists()
    Sequential([Dense(3, input_shape=(4,)), Dense(2)]).save(path)
    assert Sequential.load(path).parameter_count == 4 * 3 + 3 + 3 * 2 + 2


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_places_that_cannot_be_written(saved, tmp_path):
    model = load_model(saved)
    fifo = tmp_path / "fifo"  # as good as /dev/null, and no harm when this test is red
    os.mkfifo(fifo)
    for place, error, message in [
        (
            tmp_path,
            IsADirectoryError,
            "a file to write, got the folder /.... Add a file name, such as model.safetensors.",
        ),
        (
            tmp_path / "none" / "m",
            FileNotFoundError,
            "in a folder that exists, got /.... Make the folder first.",
        ),
        (fifo, ValueError, "a regular file, got /.... Give another file name."),
    ]:
        with pytest.raises(error) as caught:
            model.save(place)
        text = str(caught.value).replace(repr(str(place)), "/...")
        assert text == f"save_model: path must be {message}"
    assert stat.S_ISFIFO(fifo.stat().st_mode)


# --------------------------------------------------------------------------- what cannot be loaded


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load_model(tmp_path / "none")
    assert str(caught.value) == (
        f"load_model: path must be a saved model, got {str(tmp_path / 'none')!r}, "
        "which does not exist. Give the file that Sequential.save wrote."
    )
    if os.path.exists("/dev/null"):
        with pytest.raises(ValueError) as caught:
            load_model("/dev/null")
        assert str(caught.value) == (
            "load_model: path must be a saved model, got '/dev/null', which is not a regular file. "
            "Give the file that Sequential.save wrote."
        )
    with pytest.raises(IsADirectoryError) as caught:
        load_model(tmp_path)
    assert str(caught.value) == (
        f"load_model: path must be a saved model, got {str(tmp_path)!r}, which is a folder. "
        "Give the file that Sequential.save wrote."
    )


def test_truncated_files_and_trailing_bytes(saved):
    data = saved.read_bytes()
    start, end = whole("\0").split("\0")
    for damaged in [data[:n] for n in (*range(0, 20), 100, len(data) - 1)] + [data + b"\0"]:
        saved.write_bytes(damaged)
        message = refusal(saved)
        assert message.startswith(start) and message.endswith(end), message


class Payload:
    def __reduce__(self):
        return exec, ("import fastnet; fastnet.was_unpickled = True",)


def test_other_files_and_never_a_pickle(saved):
    np.savez(saved.with_suffix(".npz"), W=np.ones(3))
    junk = np.random.default_rng(0).bytes(5000)
    for data in (
        pickle.dumps(Payload()),
        pickle.dumps({"W": np.ones(300)}),
        junk,
        b"PK\x03\x04" + junk,
        saved.with_suffix(".npz").read_bytes(),
        b"\xff" * 8 + junk,
    ):
        saved.write_bytes(data)
        assert refusal(saved).startswith("load_model: path must be a whole model file of fastnet")
    assert not hasattr(fastnet, "was_unpickled")


def test_a_safetensors_file_of_somebody_else(path):
    for metadata in (
        None,
        {"format": "pt"},
        {"fastnet": "not JSON"},
        {"fastnet": "[]"},
        {"fastnet": '{"format": 1}'},
        {"fastnet": "[" * 100_000},
    ):
        save_file({"0.W": np.ones((4, 3), np.float32)}, path, metadata=metadata)
        assert refusal(path) == whole("a safetensors file without a description by fastnet")


def dense(**changes):
    return {"class": "Dense", "units": 3, "activation": "relu", "weight_init_std": None} | changes


LAST = dense(units=2, activation=None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"format": 3, "version": "9.1"},
            f"format 3 of fastnet '9.1', where fastnet {fastnet.__version__} reads formats up to 2 "
            "and would have to be updated",
        ),
        ({"dtype": "float16"}, "its dtype is 'float16'"),
        ({"dtype": "float64"}, "its array 0.W is F32, its dtype float64"),
        ({"loss": None}, "its loss is None"),
        ({"is_flat": 1}, "its is_flat is 1"),
        ({"input_size": "4"}, "its input_size is '4'"),
        ({"layers": {}}, "its layers is {}"),
        ({"layers": []}, "its layers is []"),
        (
            {"layers": [{"class": "Conv"}, LAST]},
            "its layer 0 is {'class': 'Conv'}, which this fastnet does not know",
        ),
        (
            {"layers": [dense(), {"class": ["Dense"]}]},
            "its layer 1 is {'class': ['Dense']}, which this fastnet does not know",
        ),
        ({"layers": ["Dense", LAST]}, "its layer 0 is 'Dense', which this fastnet does not know"),
        (
            {"layers": [dense()]},
            "it lacks the arrays [] and has ['1.W', '1.b'] that its layers do not use",
        ),
        (
            {"layers": [dense(), LAST, {"class": "MatMul"}]},
            "it lacks the arrays ['2.W'] and has [] that its layers do not use",
        ),
        (
            # Were the layer made first, it would ask for 14 TB.
            {"layers": [dense(units=10**12), LAST]},
            "its array 0.W has shape (4, 3) where its layers need (4, 1000000000000)",
        ),
        (
            {"input_size": 5},
            "its array 0.W has shape (4, 3) where its layers need (5, 3)",
        ),
        (
            {"layers": [dense(units=None), LAST]},
            "its array 0.W has shape (4, 3) where its layers need (4, None)",
        ),
    ],
)
def test_a_description_that_does_not_fit(saved, changes, reason):
    arrays, header = arrays_and_header(saved)
    save_file(arrays, saved, metadata={"fastnet": json.dumps(header | changes)})
    assert refusal(saved) == whole(reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "gradient"},
        {"layers": [dense(activation="swosh"), LAST]},
        {"layers": [dense(activation=["relu"]), LAST]},
        {"layers": [dense(weight_init_std="wide"), LAST]},
    ],
)
def test_a_description_that_the_models_own_checks_refuse(saved, changes):
    arrays, header = arrays_and_header(saved)
    save_file(arrays, saved, metadata={"fastnet": json.dumps(header | changes)})
    start, end = whole("\0").split("\0")
    message = refusal(saved)
    assert message.startswith(start) and message.endswith(end), message


@pytest.mark.parametrize(
    "changes",
    [
        {"bit_generator": "MT19937"},
        {"bit_generator": None},
        {"state": None},
        {"state": {"state": 1}},
        {"state": {"state": 1, "inc": 2}},
        {"state": {"state": -1, "inc": 1}},
        {"state": {"state": 2**128, "inc": 1}},
        {"state": {"state": 1.5, "inc": 1}},
        {"state": {"state": "1", "inc": 1}},
        {"state": [1, 1]},
        {"has_uint32": 2},
        {"has_uint32": True},
        {"uinteger": 2**32},
        {"uinteger": [0]},
        {"more": 0},
        None,
        [],
        "PCG64",
    ],
)
def test_a_generator_that_does_not_fit(saved, changes):
    arrays, header = arrays_and_header(saved)
    if isinstance(changes, dict):
        header["generator"] |= changes
    else:
        header["generator"] = changes
    save_file(arrays, saved, metadata={"fastnet": json.dumps(header)})
    assert refusal(saved) == whole("its generator is no state of NumPy's PCG64")


def test_arrays_that_do_not_fit(saved):
    arrays, header = arrays_and_header(saved)
    for name, array, reason in [
        ("0.b", np.ones(4), "shape (4,) where its layers need (3,)"),
        ("1.W", np.ones((2, 2)), "shape (2, 2) where its layers need (3, 2)"),
        ("1.W", np.ones(6), "shape (6,) where its layers need (3, 2)"),
        ("1.b", np.ones((1, 2)), "shape (1, 2) where its layers need (2,)"),
    ]:
        changed = arrays | {name: array.astype(np.float32)}
        save_file(changed, saved, metadata={"fastnet": json.dumps(header)})
        assert refusal(saved) == whole(f"its array {name} has {reason}")


def test_every_flipped_byte_of_the_header_is_refused_or_harmless(saved):
    data = saved.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    want = load_model(saved)
    refused = 0
    for i in range(8 + size):
        for flip in (1, 32):
            damaged = bytearray(data)
            damaged[i] ^= flip
            saved.write_bytes(damaged)
            try:
                model = load_model(saved)
            except ValueError as error:
                assert str(error).startswith("load_model: path must be a whole model file")
                refused += 1
            else:
                # A changed name or number that still makes sense, such as the fastnet version.
                shapes = sorted(array.size for array in model.params)
                assert shapes == sorted(array.size for array in want.params)
    assert refused > 1.2 * size  # of 2 * (size + 8)


@pytest.mark.parametrize(
    "layer",
    [
        *(getattr(layers, name)() for name in layers.activations.__all__),
        *(getattr(layers, name)() for name in layers.gates.__all__),
        layers.LeakyRelu(0.3),
        layers.Elu(0.7),
        layers.Gelu("tanh"),
        layers.Dropout(0.3),
        layers.Dropout(0.25, inverted=True),
        layers.BatchNormalization(momentum=0.8, eps=1e-3),
    ],
    ids=repr,
)
def test_layers_by_address_come_back(layer, tmp_path):
    """With their numbers and what they remember: the same predictions, and the same training."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((40, 5)), rng.integers(0, 3, 40)
    stack = [layers.Dense(6), copy.deepcopy(layer), layers.Dense(3)]
    model = Sequential(stack, dtype="float64", seed=1)
    model.fit(x, t, epochs=3, verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert repr(again.layers[1]) == repr(model.layers[1])
    assert_array_equal(again.predict(x), model.predict(x))
    for net in (model, again):
        net.fit(x, t, epochs=3, verbose=0)
    assert_array_equal(again.parameter_vector, model.parameter_vector)
