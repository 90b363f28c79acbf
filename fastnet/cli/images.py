"""Images: folders of PNG by class, single PNG files, and IDX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.cli.messages import BadInput, listed, told

DIGITS = "digits"
EXTRA = "Run pip install 'fastnet-numba[images]'."
GREY = ("1", "L", "LA")
EIGHT_BITS = (*GREY, "P", "PA", "RGB", "RGBA")  # a channel; 16 would be cut to 8

Pair = tuple[NDArray[Any], NDArray[Any]]  # x, and t in its own units


def png_files(folder: Path) -> list[Path]:
    """Return the PNG files of a folder, in the order of their names."""
    return sorted(one for one in folder.iterdir() if one.suffix.lower() == ".png")


def class_folders(folder: Path) -> list[Path]:
    """Return the folders that have PNG files, one for each class."""
    found = [one for one in sorted(folder.iterdir()) if one.is_dir() and png_files(one)]
    return [one for one in found if not one.name.startswith(".")]


def by_class(
    folder: Path, labels: list[str] | None = None
) -> tuple[list[Path], list[int], list[str]]:
    """Return the files of a folder of class folders, the label of each, and the labels' names."""
    folders = class_folders(folder)
    names = [one.name for one in folders]
    if labels is None and len(names) < 2:
        raise BadInput(
            f"DATA must have a folder of PNG files for each of two classes or more, got "
            f"{listed(names)} in {str(folder)!r}. Give the folder above them."
        )
    known = names if labels is None else labels
    strange = [name for name in names if name not in known]
    if strange:
        raise BadInput(
            f"DATA must have folders named after the classes of the training, {listed(known)}, got "
            f"{listed(strange)}. Rename them, or leave them out."
        )
    files = [(file, known.index(one.name)) for one in folders for file in png_files(one)]
    return [file for file, _ in files], [label for _, label in files], known


def read_images(
    files: list[Path], size: tuple[int, int] | None, channels: int | None = None
) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """Return images (N, height * width * channels) and their shape (height, width, channels).

    Grey where all are, else RGB; what is transparent in an image is shown as its colours are. Of
    another size than `size` they are resized (Lanczos); without one, all must be of one size.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise BadInput(f"DATA must be read by Pillow, got {str(error)!r}. {EXTRA}") from None
    broken = (UnidentifiedImageError, OSError, SyntaxError, ValueError)
    modes, first = [], None
    for file in files:
        try:
            with Image.open(file, formats=("PNG",)) as image:
                mode, found = image.mode, image.size
        except broken as error:
            raise _broken(file, error) from None
        if mode not in EIGHT_BITS:
            raise BadInput(
                f"images must have 8 bits a channel, got mode {mode} in {str(file)!r}. Convert "
                "them before."
            )
        modes.append(mode)
        first = first or (found, file)
        if size is None and found != first[0]:
            raise BadInput(
                f"images must be of one size, got {first[0][0]}x{first[0][1]} in "
                f"{str(first[1])!r} and {found[0]}x{found[1]} in {str(file)!r}. Give --size "
                f"{first[0][0]}x{first[0][1]} to resize them."
            )
    assert first is not None
    width, height = size or first[0]
    if channels is None:
        channels = 1 if all(mode in GREY for mode in modes) else 3
    out = np.empty((len(files), height * width * channels), np.uint8)
    for row, file in zip(out, files, strict=True):
        try:
            with Image.open(file, formats=("PNG",)) as image:
                pixels: Any = image.convert("L" if channels == 1 else "RGB")
                if pixels.size != (width, height):
                    pixels = pixels.resize((width, height), Image.Resampling.LANCZOS)
                row[:] = np.asarray(pixels, np.uint8).reshape(-1)
        except broken as error:
            raise _broken(file, error) from None
    return out, (height, width, channels)


def _broken(file: Path, error: Exception) -> BadInput:
    message = " ".join(str(error).split()).rstrip(".")
    return BadInput(f"images must be whole PNG files, got {str(file)!r}: {message}. Make it again.")


def is_idx(path: Path) -> bool:
    """Tell whether a file is one of IDX images, by its name."""
    return path.is_file() and "idx3" in path.name


def is_mnist(folder: Path, below: str = "") -> bool:
    """Tell whether a folder has one of MNIST's four files, or one below it."""
    return any(folder.glob(f"{below}*-idx?-ubyte*")) or any(folder.glob(f"{below}*.idx?-ubyte*"))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the images (N, H, W) of one IDX file."""
    from fastnet.datasets.idx import IMAGES, read_idx

    try:
        return read_idx(path, IMAGES)
    except (OSError, ValueError) as error:
        raise told(error, "load_mnist", "DATA") from None


def stored(path: str | None) -> tuple[Pair, Pair, tuple[int, int, int], int]:
    """Return both parts of digits or of IDX files, the shape of an image, the number of classes."""
    from fastnet.datasets import load_digits
    from fastnet.datasets.idx import read_folder

    if path is None or path == DIGITS:
        return (*load_digits(), (8, 8, 1), 10)
    try:
        (x, t), (other, other_t) = read_folder(path, None, 256)
    except (OSError, ValueError) as error:
        raise told(error, "load_mnist", "DATA") from None
    if other.shape[1:] != x.shape[1:]:
        sizes = " and ".join(f"{one.shape[2]}x{one.shape[1]}" for one in (x, other))
        raise BadInput(f"images must be of one size, got {sizes} in {path!r}. Give others.")
    pairs = (x.reshape(len(x), -1), t), (other.reshape(len(other), -1), other_t)
    return (*pairs, (*x.shape[1:], 1), max(int(t.max()), int(other_t.max()), 1) + 1)
