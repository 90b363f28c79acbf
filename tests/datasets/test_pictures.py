"""Channels last, and folders of pictures."""

import gzip

import numpy as np
import pytest

from fastnet.datasets import load_cifar10, load_digits, load_mnist


def test_channels_last(small, arrays):
    (x, _), (x_test, _) = load_mnist(small, flatten=False, channels_last=True)
    assert x.shape == (7, 28, 28, 1) and x.flags.c_contiguous and x.flags.writeable
    assert (x[..., 0] == arrays[0]).all() and (x_test[..., 0] == arrays[2]).all()
    assert load_mnist(small, channels_last=True)[0][0].shape == (7, 784)
    (x, _), _ = load_digits(flatten=False, channels_last=True)
    assert x.shape == (1437, 8, 8, 1)


@pytest.fixture
def pictures(tmp_path):
    """A folder with three small binary files, and what is in them: records (N, 3073)."""
    rng, written = np.random.default_rng(0), {}
    for name, count in (("data_batch_1.bin", 3), ("data_batch_3.bin", 2), ("test_batch.bin", 4)):
        written[name] = rng.integers(0, 256, (count, 3073), np.uint8)
        written[name][:, 0] %= 10
        (tmp_path / name).write_bytes(written[name].tobytes())
    return tmp_path, written


def test_pictures_are_those_of_the_files(pictures):
    folder, written = pictures
    (x, t), (x_test, t_test) = load_cifar10(folder)
    records = np.concatenate([written["data_batch_1.bin"], written["data_batch_3.bin"]])
    assert x.shape == (5, 3, 32, 32) and x.dtype == t.dtype == np.uint8
    assert (x.reshape(5, -1) == records[:, 1:]).all() and (t == records[:, 0]).all()
    assert (x_test.reshape(4, -1) == written["test_batch.bin"][:, 1:]).all()
    assert (t_test == written["test_batch.bin"][:, 0]).all()
    assert all(a.flags.writeable and a.flags.c_contiguous for a in (x, t, x_test, t_test))
    (last, _), _ = load_cifar10(folder, channels_last=True)
    assert last.shape == (5, 32, 32, 3) and (last == x.transpose(0, 2, 3, 1)).all()
    (flat, hot), _ = load_cifar10(folder, normalize=True, one_hot=True, flatten=True)
    assert flat.dtype == np.float32 and (flat == records[:, 1:] / np.float32(255)).all()
    assert hot.shape == (5, 10) and (hot.argmax(axis=1) == t).all()


def test_pictures_gzipped_and_in_their_own_folder(pictures, tmp_path):
    folder, written = pictures
    inner = tmp_path / "cifar-10-batches-bin"
    inner.mkdir()
    for name, records in written.items():
        (inner / f"{name}.gz").write_bytes(gzip.compress(records.tobytes()))
        (folder / name).unlink()
    (x, _), _ = load_cifar10(folder)
    assert (x[:3].reshape(3, -1) == written["data_batch_1.bin"][:, 1:]).all()


def test_wrong_pictures_are_told(pictures):
    folder, _ = pictures

    def message(error, path=folder):
        with pytest.raises(error) as caught:
            load_cifar10(path)
        assert type(caught.value) is error and "\n" not in str(caught.value)
        return str(caught.value).replace(str(folder), "/...")

    assert message(TypeError, 3) == (
        "load_cifar10: path must be a str or a path, got int. Give the folder that holds "
        "CIFAR-10's binary files."
    )
    assert "got a path that does not exist: '/.../none'" in message(
        FileNotFoundError, folder / "none"
    )
    file = folder / "test_batch.bin"
    assert "got a file: '/.../test_batch.bin'. Give" in message(NotADirectoryError, file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert message(ValueError) == (
        "load_cifar10: test_batch.bin must be a multiple of 3073 bytes long, got 12291 in "
        "'/.../test_batch.bin'. Take it from CIFAR-10's binary version, or download it again."
    )
    file.write_bytes(b"")
    assert "got 0 in" in message(ValueError)
    file.write_bytes(gzip.compress(whole)[:-20])
    assert "test_batch.bin must be a whole gzip file, got" in message(ValueError)
    file.write_bytes(whole[:3073] + b"\x0a" + whole[3074:])
    assert "must hold labels in 0..9, got 10 for picture 1 in" in message(ValueError)
    file.unlink()
    assert message(FileNotFoundError) == (
        "load_cifar10: path must hold test_batch.bin or test_batch.bin.gz, got a folder without "
        "it: '/...'. Put the files of CIFAR-10's binary version there."
    )
    (folder / "test_batch").write_bytes(b"a pickle")
    assert "got a folder with pickles" in message(FileNotFoundError)
