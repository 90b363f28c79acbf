"""Files of MNIST that cannot be read."""

import gzip
import shutil

import numpy as np
import pytest
from idx_files import NAMES, idx

from fastnet.datasets import load_mnist


def refusal(folder, error=ValueError):
    """The message of the one error that load_mnist raises on folder, "/..." for the folder."""
    with pytest.raises(error) as caught:
        load_mnist(folder)
    message = str(caught.value)
    assert "\n" not in message and type(caught.value) is error
    return message.replace(str(folder), "/...")


def test_a_path_that_is_no_folder(small):
    assert refusal(small / "none", FileNotFoundError) == (
        "load_mnist: path must be the folder that holds MNIST's four IDX files, "
        "got a path that does not exist: '/...'. Give that folder."
    )
    assert refusal(small / NAMES[0], NotADirectoryError) == (
        "load_mnist: path must be the folder that holds MNIST's four IDX files, "
        "got a file: '/...'. Give that folder."
    )
    with pytest.raises(TypeError) as caught:
        load_mnist(None)
    assert str(caught.value) == (
        "load_mnist: path must be a str or a path, got NoneType. "
        "Give the folder that holds MNIST's four IDX files."
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file(small, name):
    (small / name).unlink()
    assert refusal(small, FileNotFoundError) == (
        f"load_mnist: path must hold {name} or {name}.gz, got a folder without it: '/...'. "
        "Put MNIST's four IDX files there under their usual names."
    )


@pytest.mark.parametrize(
    ("name", "size", "items"),
    [(NAMES[0], 16 + 7 * 784, "7 images"), (NAMES[3], 8 + 3, "3 labels")],
)
def test_a_truncated_file_and_trailing_bytes(small, name, size, items):
    file = small / name
    whole = file.read_bytes()
    where = f"load_mnist: {name} must be {size} bytes long for its {items}, got "
    file.write_bytes(whole[:-1])
    assert refusal(small) == (
        f"{where}{size - 1} in '/.../{name}'. The file is truncated: download it again."
    )
    file.write_bytes(whole + b"\0")
    assert refusal(small) == (
        f"{where}{size + 1} in '/.../{name}'. "
        "The file has something added to its end: download it again."
    )
    header = size - 7 * 784 if "images" in name else 8
    for kept in (0, 3, header - 1):
        file.write_bytes(whole[:kept])
        assert refusal(small) == (
            f"load_mnist: {name} must start with a header of {header} bytes, got {kept} "
            f"in '/.../{name}'. Download it again."
        )
    file.write_bytes(whole[:4] + bytes(4) + whole[8:])
    assert refusal(small) == (
        f"load_mnist: {name} must hold at least one of its {items[2:]}, got 0 "
        f"in '/.../{name}'. Download it again."
    )


def test_a_damaged_gzip_file(small):
    file = small / NAMES[0]
    whole = gzip.compress(file.read_bytes())
    start = f"load_mnist: {NAMES[0]} must be a whole gzip file, got "
    end = f" in '/.../{NAMES[0]}'. Download it again."
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    no_such_block = whole[:10] + b"\xff" + whole[11:]
    for damaged in (whole[:-9], whole[:12], bytes(flipped), no_such_block, whole + b"more"):
        file.write_bytes(damaged)
        message = refusal(small)
        assert message.startswith(start) and message.endswith(end), message
    file.write_bytes(whole)
    load_mnist(small)


def test_a_renamed_file(small):
    shutil.copy(small / NAMES[1], small / NAMES[0])
    assert refusal(small) == (
        f"load_mnist: {NAMES[0]} must start with the IDX magic number 2051 (images), "
        f"got 2049 (labels) in '/.../{NAMES[0]}'. The file was renamed: give it its usual name."
    )


def test_images_under_the_name_of_labels(small):
    shutil.copy(small / NAMES[2], small / NAMES[3])
    assert refusal(small) == (
        f"load_mnist: {NAMES[3]} must start with the IDX magic number 2049 (labels), "
        f"got 2051 (images) in '/.../{NAMES[3]}'. The file was renamed: give it its usual name."
    )


def test_a_file_of_another_kind(small):
    (small / NAMES[0]).write_bytes(b"<html>Not found</html>")
    assert refusal(small) == (
        f"load_mnist: {NAMES[0]} must start with the IDX magic number 2051 (images), "
        f"got 1013478509 in '/.../{NAMES[0]}'. Give the original IDX file, gzipped or not."
    )


def test_another_image_size(small):
    # 14 x 56 has as many pixels as 28 x 28: the header alone tells.
    (small / NAMES[0]).write_bytes(idx(np.zeros((7, 14, 56), np.uint8), 2051))
    assert refusal(small) == (
        f"load_mnist: {NAMES[0]} must hold images of 28 x 28 pixels, got 14 x 56 "
        f"in '/.../{NAMES[0]}'. Take the file from MNIST or from a data set of the same size."
    )


def test_images_and_labels_of_different_number(small):
    shutil.copy(small / NAMES[1], small / NAMES[3])
    assert refusal(small) == (
        f"load_mnist: {NAMES[2]} and {NAMES[3]} must hold as many images as labels, got 3 and 7 "
        "in '/...'. Take both files from the same data set and part (train or t10k)."
    )


def test_labels_above_nine(small):
    (small / NAMES[3]).write_bytes(idx(np.array([7, 10, 1], np.uint8), 2049))
    assert refusal(small) == (
        f"load_mnist: {NAMES[3]} must hold labels in 0..9, got 10 for image 1 "
        f"in '/.../{NAMES[3]}'. Take the file from a data set with 10 classes."
    )
