"""Handwritten digits: the ones shipped with fastnet, and MNIST from its four IDX files.

Both loaders return ``(x_train, t_train), (x_test, t_test)`` and take the switches of the
textbook's ``load_mnist``. Arrays are fresh, writable and C-contiguous; by default they are as
stored, uint8, which `Sequential.fit` reads without making a float copy: give its model a
`Rescaling` for its first layer.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["load_digits", "load_mnist"]

Pair: TypeAlias = tuple[NDArray[Any], NDArray[Any]]

CLASSES = 10
IMAGES, LABELS = 2051, 2049  # the IDX magic numbers: unsigned bytes in 3 and in 1 dimensions
KINDS = {IMAGES: "images", LABELS: "labels"}


def load_digits(
    normalize: bool = False,
    one_hot: bool = False,
    flatten: bool = True,
    channels_last: bool = False,
) -> tuple[Pair, Pair]:
    """Return the 1,797 real handwritten digits (8 x 8 pixels) that are shipped with fastnet.

    Parameters
    ----------
    normalize : bool
        True: x is float32 in 0..1. False: uint8 in 0..16, as stored, for a model that begins with
        `Rescaling(1 / 16)`.
    one_hot : bool
        True: t is (N, 10) float64 with a 1 at the label. False: (N,) uint8 labels.
    flatten : bool
        True: x is (N, 64). False: (N, 1, 8, 8).
    channels_last : bool
        True: where flatten is False, x is (N, 8, 8, 1), as `Conv2D` takes it.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        1,437 images to learn from and 360 held out: the last fifth of a permutation fixed
        once, when the file was made (fastnet/data/make_digits.py). The same 13 people wrote
        both parts.

    Notes
    -----
    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (CC BY 4.0),
    its test set, with the values that scikit-learn's `load_digits` returns. Attribution and
    licence: fastnet/data/DIGITS.md.

    Examples
    --------
    >>> from fastnet.datasets import load_digits
    >>> from fastnet.layers import Dense, Rescaling
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import SGD
    >>> (x_train, t_train), (x_test, t_test) = load_digits()
    >>> x_train.shape, x_train.dtype, t_train.shape, x_test.shape
    ((1437, 64), dtype('uint8'), (1437,), (360, 64))
    >>> model = Sequential([Rescaling(1 / 16), Dense(50, "relu"), Dense(10)], seed=0)
    >>> history = model.fit(x_train, t_train, epochs=30, optimizer=SGD(lr=0.1), verbose=0)
    >>> model.evaluate(x_test, t_test)["accuracy"] > 0.96
    True
    """
    with np.load(Path(__file__).parents[1] / "data" / "digits.npz", allow_pickle=False) as stored:
        train = stored["x_train"], stored["t_train"]
        test = stored["x_test"], stored["t_test"]
    switches = (normalize, one_hot, flatten, channels_last)
    shape = (1, 8, 8)
    return as_asked(*train, shape, 16, *switches), as_asked(*test, shape, 16, *switches)


def load_mnist(
    path: str | os.PathLike[str],
    normalize: bool = False,
    one_hot: bool = False,
    flatten: bool = True,
    channels_last: bool = False,
) -> tuple[Pair, Pair]:
    """Return MNIST (60,000 and 10,000 digits of 28 x 28 pixels), read from its four IDX files.

    Any data set with the same files and sizes is read as well (Fashion-MNIST, KMNIST), and so
    is a part of one: the number of images is what the files say.

    Parameters
    ----------
    path : str or path
        Folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte
        and t10k-labels-idx1-ubyte, gzipped (usually with .gz at the end) or not;
        "train-images.idx3-ubyte" and its like are found too. Nothing is downloaded.
    normalize : bool
        True: x is float32 in 0..1. False: uint8 in 0..255, as stored, for a model that begins with
        `Rescaling(1 / 255)`.
    one_hot : bool
        True: t is (N, 10) float64 with a 1 at the label. False: (N,) uint8 labels.
    flatten : bool
        True: x is (N, 784). False: (N, 1, 28, 28).
    channels_last : bool
        True: where flatten is False, x is (N, 28, 28, 1), as `Conv2D` takes it.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)

    Raises
    ------
    TypeError
        path is not a path.
    FileNotFoundError, NotADirectoryError
        path, or one of the files, does not exist; path is a file.
    ValueError
        A file is truncated, too long, damaged, of another kind (renamed), of another image
        size, has labels above 9, or images and labels differ in number.

    Notes
    -----
    Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits, which describes
    the IDX format. Switches: Saitoh, Deep Learning from Scratch, section 3.6.1 (there the file
    is a pickle and normalize is True by default).

    Examples
    --------
    >>> from fastnet.datasets import load_mnist
    >>> (x_train, t_train), (x_test, t_test) = load_mnist(mnist_dir)  # doctest: +SKIP
    >>> x_train.shape, x_train.dtype  # doctest: +SKIP
    ((60000, 784), dtype('uint8'))
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"load_mnist: path must be a str or a path, got {type(path).__name__}. "
            "Give the folder that holds MNIST's four IDX files."
        )
    folder = Path(path)
    if not folder.is_dir():
        error, what = (
            (NotADirectoryError, "a file")
            if folder.exists()
            else (FileNotFoundError, "a path that does not exist")
        )
        raise error(
            f"load_mnist: path must be the folder that holds MNIST's four IDX files, got {what}: "
            f"{str(folder)!r}. Give that folder."
        )
    # All four are looked for before the first is read: a missing file is told at once.
    files = [
        _find(folder, part, kind, dimensions)
        for part in ("train", "t10k")
        for kind, dimensions in (("images", 3), ("labels", 1))
    ]
    train = _read_pair(*files[:2])
    test = _read_pair(*files[2:])
    switches = (normalize, one_hot, flatten, channels_last)
    shape = (1, 28, 28)
    return as_asked(*train, shape, 255, *switches), as_asked(*test, shape, 255, *switches)


def as_asked(
    x: NDArray[np.uint8],
    t: NDArray[np.uint8],
    shape: tuple[int, int, int],
    top: int,
    normalize: bool,
    one_hot: bool,
    flatten: bool,
    channels_last: bool,
) -> Pair:
    """Apply the loaders' switches to x (N, C * H * W), of images of shape (C, H, W), and t (N,)."""
    images: NDArray[Any] = x
    labels: NDArray[Any] = t
    if normalize:
        images = x.astype(np.float32)
        images /= top
    if not flatten:
        images = images.reshape(-1, *shape)
        if channels_last:
            images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    if one_hot:
        labels = np.zeros((t.size, CLASSES))
        labels[np.arange(t.size), t] = 1
    return images, labels


def _find(folder: Path, part: str, kind: str, dimensions: int) -> Path:
    """Return the file of one part and kind, under the first of its usual names that exists."""
    names = [f"{part}-{kind}{mark}idx{dimensions}-ubyte" for mark in "-."]
    for name in names:
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    rule = f"load_mnist: path must hold {names[0]} or {names[0]}.gz"
    for name in names:
        # An archive may be unpacked into a folder for each file, or into one below.
        for candidate in sorted(folder.glob(f"*/{name}*")) + sorted(folder.glob(f"*/*/{name}*")):
            if not candidate.is_file():
                continue
            if candidate.parent == folder / candidate.name:
                raise FileNotFoundError(
                    f"{rule}, got it in a folder of its own: {str(candidate)!r}. "
                    "Put that file in the place of its folder."
                )
            raise FileNotFoundError(
                f"{rule}, got a folder that holds it further down: {str(candidate)!r}. "
                f"Give the folder {str(candidate.parent)!r}."
            )
    raise FileNotFoundError(
        f"{rule}, got a folder without it: "
        f"{str(folder)!r}. Put MNIST's four IDX files there under their usual names."
    )


def _read_pair(image_file: Path, label_file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the images (N, 784) and the labels (N,) of one part and compare their numbers."""
    x, t = read_idx(image_file, IMAGES), read_idx(label_file, LABELS)
    if len(x) != len(t):
        raise ValueError(
            f"load_mnist: {image_file.name} and {label_file.name} must hold as many images as "
            f"labels, got {len(x)} and {len(t)} in {str(image_file.parent)!r}. "
            "Take both files from the same data set and part (train or t10k)."
        )
    if t.max() >= CLASSES:
        n = int(np.argmax(t >= CLASSES))
        raise ValueError(
            f"load_mnist: {label_file.name} must hold labels in 0..9, got {t[n]} for image {n} in "
            f"{str(label_file)!r}. Take the file from a data set with ten classes."
        )
    return x, t


def unpacked(file: Path, fail: Callable[[str, str, str], ValueError]) -> bytes:
    """Return what is in a file, gzipped or not; `fail` words what is wrong with it."""
    data = file.read_bytes()
    if data[:2] != b"\x1f\x8b":  # by content: browsers unpack a file and leave .gz in its name
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        broken = str(error).rstrip(".")
        raise fail("be a whole gzip file", broken, "Download it again.") from None


def read_idx(file: Path, magic: int) -> NDArray[np.uint8]:
    """Read one IDX file of bytes, (N, 784) for images and (N,) for labels, and verify it whole."""

    def fail(rule: str, got: str, remedy: str) -> ValueError:
        message = f"load_mnist: {file.name} must {rule}, got {got} in {str(file)!r}. {remedy}"
        return ValueError(message)

    data = unpacked(file, fail)

    header = 16 if magic == IMAGES else 8
    found = int.from_bytes(data[:4], "big")
    if len(data) >= 4 and found != magic:
        kind, remedy = "", "Give the original IDX file, gzipped or not."
        if found in KINDS:
            kind, remedy = f" ({KINDS[found]})", "The file was renamed: give it its usual name."
        raise fail(
            f"start with the IDX magic number {magic} ({KINDS[magic]})", f"{found}{kind}", remedy
        )
    if len(data) < header:
        raise fail(f"start with a header of {header} bytes", f"{len(data)}", "Download it again.")
    count, *pixels = struct.unpack(f">{header // 4 - 1}I", data[4:header])
    if magic == IMAGES and pixels != [28, 28]:
        raise fail(
            "hold images of 28 x 28 pixels",
            f"{pixels[0]} x {pixels[1]}",
            "Take the file from MNIST or from a data set of the same size.",
        )
    if count == 0:
        raise fail(f"hold at least one of its {KINDS[magic]}", "0", "Download it again.")
    size = header + count * (784 if magic == IMAGES else 1)
    if len(data) != size:
        raise fail(
            f"be {size} bytes long for its {count} {KINDS[magic]}",
            f"{len(data)}",
            f"The file {'is truncated' if len(data) < size else 'has something added to its end'}: "
            "download it again.",
        )
    values = np.frombuffer(data, np.uint8, offset=header).copy()  # fresh, so that it is writable
    return values.reshape(-1, 784) if magic == IMAGES else values
