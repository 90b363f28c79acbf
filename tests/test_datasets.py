"""The shipped digits and the reader of MNIST's IDX files: values, switches, and every bad file."""

import gzip
import shutil
import struct

import numpy as np
import pytest

from fastnet.datasets import load_cifar10, load_digits, load_mnist

NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def idx(array, magic):
    return struct.pack(f">{array.ndim + 1}I", magic, *array.shape) + array.tobytes()


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, (7, 28, 28), np.uint8),
        np.array([5, 0, 4, 1, 9, 2, 1], np.uint8),
        rng.integers(0, 256, (3, 28, 28), np.uint8),
        np.array([7, 2, 1], np.uint8),
    ]


@pytest.fixture
def small(tmp_path, arrays):
    """A folder with four small, correct, plain IDX files."""
    for name, array in zip(NAMES, arrays, strict=True):
        (tmp_path / name).write_bytes(idx(array, 2051 if array.ndim == 3 else 2049))
    return tmp_path


def refusal(folder, error=ValueError):
    """The message of the one error that load_mnist raises on folder, "/..." for the folder."""
    with pytest.raises(error) as caught:
        load_mnist(folder)
    message = str(caught.value)
    assert "\n" not in message and type(caught.value) is error
    return message.replace(str(folder), "/...")


def test_digits_are_those_of_uci():
    (x_train, t_train), (x_test, t_test) = load_digits()
    assert x_train.shape == (1437, 64) and x_test.shape == (360, 64)
    assert {a.dtype for a in (x_train, t_train, x_test, t_test)} == {np.dtype(np.uint8)}
    x, t = np.concatenate([x_train, x_test]), np.concatenate([t_train, t_test])
    # As many of each class as UCI states for optdigits.tes; sums over scikit-learn's load_digits.
    assert np.bincount(t).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (x.max(), int(x.sum()), int((x.astype(int) * t[:, None]).sum())) == (16, 561718, 2525954)
    zero = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]  # load_digits().data[0, :16]
    assert t[(x[:, :16] == zero).all(axis=1)].tolist() == [0]
    assert len(np.unique(x, axis=0)) == 1797  # so no image stands on both sides of the split
    assert np.bincount(t_test).min() >= 25


def test_digits_equal_scikit_learn_where_it_is_installed():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    theirs = datasets.load_digits()
    (x_train, t_train), (x_test, t_test) = load_digits()
    ours = np.column_stack([np.concatenate([x_train, x_test]), np.concatenate([t_train, t_test])])
    theirs = np.column_stack([theirs.data, theirs.target]).astype(np.uint8)
    np.testing.assert_array_equal(np.unique(ours, axis=0), np.unique(theirs, axis=0))


def test_switches_do_what_the_textbooks_loader_does(small, arrays):
    for load, stored, side, top in [
        (load_digits, load_digits(), 8, 16),
        (lambda **switches: load_mnist(small, **switches), load_mnist(small), 28, 255),
    ]:
        for part in (0, 1):
            x, t = stored[part]
            scaled, one_hot = load(normalize=True, one_hot=True)[part]
            assert scaled.dtype == np.float32 and scaled.shape == x.shape
            np.testing.assert_array_equal(scaled, x.astype(np.float32) / np.float32(top))
            assert one_hot.dtype == np.float64 and one_hot.shape == (len(t), 10)
            np.testing.assert_array_equal(one_hot, np.eye(10)[t])
            image, label = load(flatten=False)[part]
            np.testing.assert_array_equal(image, x.reshape(len(x), 1, side, side))
            np.testing.assert_array_equal(label, t)
    (x_train, t_train), (x_test, t_test) = load_mnist(small, flatten=False)
    for got, want in zip((x_train, t_train, x_test, t_test), arrays, strict=True):
        np.testing.assert_array_equal(got.squeeze(), want)


def test_arrays_are_fresh_and_writable(small):
    for load in (load_digits, lambda: load_mnist(small)):
        for pair in load():
            for array in pair:
                assert array.flags.writeable and array.flags.c_contiguous
                array[...] = 3
        assert any((array != 3).any() for pair in load() for array in pair)


def test_usual_names_gzipped_or_not(small, arrays):
    want = load_mnist(str(small))
    train_images, train_labels, test_images, test_labels = (small / name for name in NAMES)
    (small / f"{NAMES[0]}.gz").write_bytes(gzip.compress(train_images.read_bytes()))
    train_images.unlink()
    test_images.rename(small / "t10k-images.idx3-ubyte")
    test_labels.rename(small / f"{NAMES[3]}.gz")  # unpacked by a browser, which left the name
    train_labels.write_bytes(gzip.compress(train_labels.read_bytes()))
    got = load_mnist(small)
    for part in (0, 1):
        np.testing.assert_array_equal(got[part][0], want[part][0])
        np.testing.assert_array_equal(got[part][1], want[part][1])


def test_real_mnist(mnist_dir):
    (x_train, t_train), (x_test, t_test) = load_mnist(mnist_dir)
    assert x_train.shape == (60000, 784) and x_test.shape == (10000, 784)
    assert t_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert t_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The mean and standard deviation that every MNIST recipe normalizes by.
    assert (round(x_train.mean() / 255, 4), round(x_train.std() / 255, 4)) == (0.1307, 0.3081)


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
        f"in '/.../{NAMES[3]}'. Take the file from a data set with ten classes."
    )


# --------------------------------------------------------------------------- images, channels last


def test_channels_last(small, arrays):
    (x, _), (x_test, _) = load_mnist(small, flatten=False, channels_last=True)
    assert x.shape == (7, 28, 28, 1) and x.flags.c_contiguous and x.flags.writeable
    assert (x[..., 0] == arrays[0]).all() and (x_test[..., 0] == arrays[2]).all()
    assert load_mnist(small, channels_last=True)[0][0].shape == (7, 784)
    (x, _), _ = load_digits(flatten=False, channels_last=True)
    assert x.shape == (1437, 8, 8, 1)


# --------------------------------------------------------------------------- CIFAR-10


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
