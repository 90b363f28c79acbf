"""The file format below the models: arrays and a description, and what is wrong with a file.

That a file appears whole or not at all is tested with models, in test_checkpoint.py.
"""

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
