"""CIFAR-10 from its binary files: small colour photographs of ten kinds of thing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.datasets.digits import CLASSES, Pair, as_asked
from fastnet.datasets.folders import folder_of
from fastnet.datasets.idx import unpacked

__all__ = ["load_cifar10"]

SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # a label, then red, green and blue, row by row
TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
TEST = "test_batch.bin"


def load_cifar10(
    path: str | os.PathLike[str],
    normalize: bool = False,
    one_hot: bool = False,
    flatten: bool = False,
    channels_last: bool = False,
) -> tuple[Pair, Pair]:
    """Return CIFAR-10 (50,000 and 10,000 pictures of 32 x 32 pixels), read from its binary files.

    They are the files of the "binary version", which hold no pickles. Files with fewer pictures,
    and fewer files, are read as well; data_batch_1.bin and test_batch.bin must be there.

    Parameters
    ----------
    path : str or path
        Folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin, gzipped (then with .gz
        at the end) or not; the folder cifar-10-batches-bin in it is found, too. Nothing is
        downloaded.
    normalize : bool
        True: x is float32 in 0..1. False: uint8 in 0..255, as stored, for a model that begins with
        `Rescaling(1 / 255)`.
    one_hot : bool
        True: t is (N, 10) float64 with a 1 at the label. False: (N,) uint8 labels.
    flatten : bool
        True: x is (N, 3072): all red, then all green, then all blue. False: (N, 3, 32, 32).
    channels_last : bool
        True: where flatten is False, x is (N, 32, 32, 3), as `Conv2D` takes it.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        0 is an aeroplane, then automobile, bird, cat, deer, dog, frog, horse, ship and truck.

    Raises
    ------
    TypeError
        path is not a path.
    FileNotFoundError, NotADirectoryError
        path, or one of the files, does not exist; path is a file.
    ValueError
        A file is empty, truncated, too long or damaged, or has labels above 9.

    Notes
    -----
    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009, whose page on
    CIFAR-10 describes the format.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnet.datasets import load_cifar10
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("data_batch_1.bin", "test_batch.bin"):
    ...         with open(os.path.join(folder, name), "wb") as file:
    ...             size = file.write(bytes([7]) + bytes(3072))
    ...     (x_train, t_train), (x_test, t_test) = load_cifar10(folder, channels_last=True)
    >>> x_train.shape, x_train.dtype, t_train
    ((1, 32, 32, 3), dtype('uint8'), array([7], dtype=uint8))
    """
    where = "load_cifar10"
    folder = folder_of(where, path, "CIFAR-10's binary files")
    if (folder / "cifar-10-batches-bin").is_dir():
        folder = folder / "cifar-10-batches-bin"
    # All are looked for before the first is read: a missing file is told at once.
    found = {name: _find(folder, name) for name in (*TRAIN, TEST)}
    for name in (TRAIN[0], TEST):
        if found[name] is None:
            pickled = (folder / name.removesuffix(".bin")).is_file()
            raise FileNotFoundError(
                f"{where}: path must hold {name} or {name}.gz, got a folder "
                f"{'with pickles' if pickled else 'without it'}: {str(folder)!r}. "
                "Put the files of CIFAR-10's binary version there."
            )
    train = [_read(file) for name in TRAIN if (file := found[name]) is not None]
    x, t = (np.concatenate(parts) for parts in zip(*train, strict=True))
    test = found[TEST]
    assert test is not None
    switches = (normalize, one_hot, flatten, channels_last)
    return as_asked(x, t, SHAPE, 255, *switches), as_asked(*_read(test), SHAPE, 255, *switches)


def _find(folder: Path, name: str) -> Path | None:
    """Return the file of that name, plain or gzipped, if there is one."""
    return next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)


def _read(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the pictures (N, 3072) and the labels (N,) of one file."""

    def fail(rule: str, got: Any, remedy: str) -> ValueError:
        return ValueError(
            f"load_cifar10: {file.name} must {rule}, got {got} in {str(file)!r}. {remedy}"
        )

    data = unpacked(file, fail)
    if not data or len(data) % RECORD:
        rule = f"be a multiple of {RECORD} bytes long"
        raise fail(rule, len(data), "Take it from CIFAR-10's binary version, or download it again.")
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].copy()
    if labels.max() >= CLASSES:
        n = int(np.argmax(labels >= CLASSES))
        rule, got = "hold labels in 0..9", f"{labels[n]} for picture {n}"
        raise fail(rule, got, "Take it from CIFAR-10's binary version.")
    return records[:, 1:].copy(), labels
