"""IDX files, of MNIST and of data sets like it: four, images and labels of two parts."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnet.datasets.folders import folder_of

__all__ = ["IMAGES", "read_folder", "read_idx", "unpacked"]

IMAGES, LABELS = 2051, 2049  # the magic numbers: unsigned bytes in 3 and in 1 dimensions
KINDS = {IMAGES: "images", LABELS: "labels"}


def read_folder(
    path: str | os.PathLike[str], pixels: tuple[int, int] | None, classes: int
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return images (N, H, W) and labels (N,) of two parts, of four IDX files with MNIST's names.

    They must be of that size, where one is given, and the labels below the number of classes.
    """
    folder = folder_of("load_mnist", path, "MNIST's four IDX files")
    # All four are looked for before the first is read: a missing file is told at once.
    files = [
        _find(folder, part, kind, dimensions)
        for part in ("train", "t10k")
        for kind, dimensions in (("images", 3), ("labels", 1))
    ]
    return [_read_pair(*files[i : i + 2], pixels=pixels, classes=classes) for i in (0, 2)]


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


def _read_pair(
    image_file: Path, label_file: Path, *, pixels: tuple[int, int] | None, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the images (N, H, W) and the labels (N,) of one part and compare their numbers."""
    x, t = read_idx(image_file, IMAGES, pixels), read_idx(label_file, LABELS)
    if len(x) != len(t):
        raise ValueError(
            f"load_mnist: {image_file.name} and {label_file.name} must hold as many images as "
            f"labels, got {len(x)} and {len(t)} in {str(image_file.parent)!r}. "
            "Take both files from the same data set and part (train or t10k)."
        )
    if t.max() >= classes:
        n = int(np.argmax(t >= classes))
        raise ValueError(
            f"load_mnist: {label_file.name} must hold labels in 0..{classes - 1}, got {t[n]} for "
            f"image {n} in {str(label_file)!r}. "
            f"Take the file from a data set with {classes} classes."
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


def read_idx(file: Path, magic: int, pixels: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Read one IDX file of bytes, (N, H, W) for images and (N,) for labels, and verify it whole."""

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
    count, *sides = struct.unpack(f">{header // 4 - 1}I", data[4:header])
    if (pixels and sides != [*pixels]) or 0 in sides:
        wanted = "{} x {}".format(*pixels) if pixels else "1 x 1 and more"
        raise fail(
            f"hold images of {wanted} pixels",
            f"{sides[0]} x {sides[1]}",
            "Take the file from MNIST or from a data set of the same size.",
        )
    if count == 0:
        raise fail(f"hold at least one of its {KINDS[magic]}", "0", "Download it again.")
    size = header + count * math.prod(sides)
    if len(data) != size:
        raise fail(
            f"be {size} bytes long for its {count} {KINDS[magic]}",
            f"{len(data)}",
            f"The file {'is truncated' if len(data) < size else 'has something added to its end'}: "
            "download it again.",
        )
    values = np.frombuffer(data, np.uint8, offset=header).copy()  # fresh, so that it is writable
    return values.reshape(count, *sides)
