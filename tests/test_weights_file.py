"""The file format below the models: arrays and a description, and what is wrong with a file.

That a file appears whole or not at all is tested with models, in checkpoint/test_saving.py.
"""

import os
import signal
import subprocess
import sys

import children
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

from fastnet import weights_file


def test_arrays_and_their_description_come_back(tmp_path):
    path = tmp_path / "some.safetensors"
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.arange(3, dtype=np.float32)}
    weights_file.write("save", path, arrays, {"what": [1, {"it": None}]})
    with weights_file.opened("load", path) as (description, file):
        assert description["what"] == [1, {"it": None}]
        assert description["format"] == weights_file.FORMAT
        assert set(file.keys()) == {"a", "b"}
        assert_array_equal(file.get_tensor("a"), arrays["a"])
    assert_array_equal(load_file(path)["b"], arrays["b"])


def test_what_is_wrong_inside_is_told_with_the_files_name(tmp_path):
    path = tmp_path / "some.safetensors"
    weights_file.write("save", path, {"a": np.zeros(1)}, {})
    with pytest.raises(ValueError) as caught, weights_file.opened("load", path):
        raise TypeError("its moon is blue.")
    assert str(caught.value) == (
        f"load: path must be a whole model file of fastnet, got {str(path)!r}: its moon is blue. "
        "Give a file that Sequential.save wrote."
    )
    with pytest.raises(KeyError), weights_file.opened("load", path):
        raise KeyError("a slip of the reader's own")


@pytest.mark.parametrize("metadata", [None, {"fastnet": "[]"}, {"fastnet": "{"}, {"other": "1"}])
def test_a_file_of_others_is_refused(tmp_path, metadata):
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(1)}, path, metadata=metadata)
    with pytest.raises(ValueError, match="without a description by fastnet"):
        with weights_file.opened("load", path):
            pass


# --------------------------------------------------------------------------- saves that were killed

SAVE = """
import os, sys, signal
import numpy as np
from fastnet import weights_file

path, moment = sys.argv[1:]
if moment != "never":
    def die(*arguments):
        print("saving", flush=True)
        if moment == "wait":
            sys.stdin.readline()
            return real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    name = "replace" if moment == "replace" else "fsync"
    real = getattr(os, name)
    setattr(os, name, die)
weights_file.write("save", path, {"a": np.arange(3.0)}, {})
"""
posix = pytest.mark.skipif(os.name != "posix", reason="locks and signals of POSIX")


@posix
@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("name", ["some.safetensors", "other\nname"])
def test_the_next_save_removes_what_a_killed_one_left(tmp_path, moment, name):
    path, bystander = tmp_path / "some.safetensors", tmp_path / ".some.safetensors.12345678.tmp"
    bystander.touch()
    done = children.run([sys.executable, "-c", SAVE, str(tmp_path / name), moment])
    assert done.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    weights_file.write("save", path, {"a": np.zeros(1)}, {})
    assert sorted(os.listdir(tmp_path)) == [bystander.name, path.name]


@posix
def test_a_save_that_is_still_at_work_is_left_alone(tmp_path):
    path, other = tmp_path / "some.safetensors", tmp_path / "other"
    command = [sys.executable, "-c", SAVE, str(path), "wait"]
    with children.started(command, stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        weights_file.write("save", other, {"a": np.zeros(1)}, {})
        weights_file.write("save", path, {"a": np.zeros(1)}, {})
        assert len(os.listdir(tmp_path)) == 3
        _, err = process.communicate(b"\n")
    assert process.returncode == 0, err
    assert sorted(os.listdir(tmp_path)) == [other.name, path.name]
    assert_array_equal(load_file(path)["a"], np.arange(3.0))


@posix
def test_a_temporary_that_is_taken_away_while_it_is_made(tmp_path, monkeypatch):
    taken, real = [], weights_file._lock

    def lock(file):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)
        elif len(taken) == 1:
            taken.append(file.name)
            os.unlink(file.name)
            raise BlockingIOError
        real(file)

    monkeypatch.setattr(weights_file, "_lock", lock)
    path = tmp_path / "some.safetensors"
    weights_file.write("save", path, {"a": np.arange(3.0)}, {})
    assert len(taken) == 2 and os.listdir(tmp_path) == [path.name]


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def lock(file):
        raise OSError("no locks")

    monkeypatch.setattr(weights_file, "_lock", lock)
    left = tmp_path / f".some.12345678{weights_file.TEMPORARY}"
    left.touch()
    path = tmp_path / "some.safetensors"
    weights_file.write("save", path, {"a": np.arange(3.0)}, {})
    assert sorted(os.listdir(tmp_path)) == [left.name, path.name]
