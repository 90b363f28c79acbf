"""Digits and MNIST: what is loaded, and from which files."""

import gzip

import numpy as np
import pytest
from idx_files import NAMES

from fastnet.datasets import load_digits, load_mnist


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
