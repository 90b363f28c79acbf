"""Files that cannot be loaded: damaged, of others, with descriptions that do not fit."""

import copy
import json
import os
import pickle
import struct

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save_file
from saved_models import arrays_and_header, dense

import fastnet
from fastnet import layers
from fastnet.checkpoint import load_model
from fastnet.models import Sequential


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
