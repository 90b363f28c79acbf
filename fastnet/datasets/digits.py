"""Handwritten digits: the ones shipped with fastnet, and MNIST from its four IDX files.

Both loaders return ``(x_train, t_train), (x_test, t_test)`` and take the switches of the
textbook's ``load_mnist``. Arrays are fresh, writable and C-contiguous; by default they are as
stored, uint8, which `Sequential.fit` reads without making a float copy: give its model a
`Rescaling` for its first layer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnet.datasets.idx import read_folder

__all__ = ["load_digits", "load_mnist"]

Pair: TypeAlias = tuple[NDArray[Any], NDArray[Any]]

CLASSES = 10


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
    switches = (normalize, one_hot, flatten, channels_last)
    shape = (1, 28, 28)
    train, test = ((x.reshape(len(x), -1), t) for x, t in read_folder(path, (28, 28), CLASSES))
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
