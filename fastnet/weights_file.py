"""A safetensors file of arrays and a description: written whole or not at all, read as data alone.

Its metadata has one entry, "fastnet", a JSON object: format (this file's FORMAT), version (of the
fastnet that wrote it), and what the writer describes. What is described, and what its arrays are
called, is the writer's business: see `fastnet.models.saved`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

import fastnet
from fastnet import checks

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

__all__ = ["opened", "write", "write_whole"]

FORMAT = 2
READ = (1, FORMAT)
TEMPORARY = ".fastnet.tmp"  # ends the names of temporary files


def write(
    where: str,
    path: str | bytes | os.PathLike[Any],
    arrays: dict[str, NDArray[Any]],
    description: dict[str, Any],
) -> None:
    """Write arrays and their description to one file, whole or not at all.

    `where` is the public name that an error gives. TypeError, ValueError, FileNotFoundError and
    IsADirectoryError are those of `fastnet.models.saved.save_model`.
    """
    from safetensors.numpy import save

    # Contiguous: safetensors.numpy writes a strided array's bytes in the wrong order, silently
    # (safetensors#825).
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"format": FORMAT, "version": fastnet.__version__, **description}
    data = save(tensors, metadata={"fastnet": json.dumps(header)})
    write_whole(where, path, data)


@contextlib.contextmanager
def opened(
    where: str, path: str | bytes | os.PathLike[Any], writer: str = "Sequential.save"
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Open a file that `write` wrote: its description, and safetensors' object with its arrays.

    `writer` is the public name that writes such files. What is found wrong with it inside, a
    TypeError or ValueError, is told with the file's name.
    """
    from safetensors import SafetensorError, safe_open

    path = checks.path(where, path)
    if not os.path.isfile(path):
        error: type[Exception] = ValueError
        what = "which is not a regular file"
        if os.path.isdir(path):
            error, what = IsADirectoryError, "which is a folder"
        elif not os.path.exists(path):
            error, what = FileNotFoundError, "which does not exist"
        raise error(
            f"{where}: path must be a saved model, got {path!r}, {what}. "
            f"Give the file that {writer} wrote."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            yield _description(file.metadata()), file
    except (SafetensorError, TypeError, ValueError) as problem:
        raise ValueError(
            f"{where}: path must be a whole model file of fastnet, got {path!r}: "
            f"{str(problem).rstrip('.')}. Give a file that {writer} wrote."
        ) from None


def _description(metadata: dict[str, str] | None) -> dict[str, Any]:
    """Return the description in a file's metadata; ValueError says what is wrong with it."""
    try:
        header: dict[str, Any] = json.loads((metadata or {})["fastnet"])
        number, writer = header["format"], header["version"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ValueError("a safetensors file without a description by fastnet") from None
    if number not in READ:
        raise ValueError(
            f"format {number!r} of fastnet {writer!r}, where fastnet {fastnet.__version__} "
            f"reads formats up to {FORMAT} and would have to be updated"
        )
    return header


def _locked(folder: str, name: str) -> tuple[str, BinaryIO]:
    """Open a new temporary file, locked as long as it is open: whoever finds it lets it be."""
    while True:
        path = os.path.join(folder, f".{name}.{secrets.token_hex(4)}{TEMPORARY}")
        file = open(path, "xb")
        try:
            _lock(file)
        except BlockingIOError:  # somebody has it who is about to remove it
            file.close()
            continue
        except OSError:  # a file system without locks: nobody will remove it
            pass
        if os.path.exists(path):
            return path, file
        file.close()


def _remove_abandoned(folder: str) -> None:
    """Remove what saves that were killed have left in a folder: temporaries that nobody locks."""
    names = []
    with contextlib.suppress(OSError):  # a folder into which one may write and not look
        names = os.listdir(folder)
    for name in names:
        if re.fullmatch(rf"\..+\.[0-9a-f]{{8}}{re.escape(TEMPORARY)}", name, re.DOTALL):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError), open(path, "rb") as file:
                _lock(file)
                os.unlink(path)


def _lock(file: BinaryIO) -> None:
    """Lock an open file, for this process and until it is closed; OSError where another has it."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_whole(where: str, path: str | bytes | os.PathLike[Any], data: bytes) -> None:
    """Write data under a temporary name beside path, sync it, and rename it to path."""
    path = checks.path(where, path)
    shown = repr(path)
    final = os.path.realpath(path)  # a symlink stays one
    folder, name = os.path.split(final)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"{where}: path must be in a folder that exists, got {shown}. Make the folder first."
        )
    if os.path.isdir(final):
        raise IsADirectoryError(
            f"{where}: path must be a file to write, got the folder {shown}. "
            "Add a file name, such as model.safetensors."
        )
    if os.path.exists(final) and not os.path.isfile(final):  # /dev/null must not become a file
        raise ValueError(
            f"{where}: path must be a regular file, got {shown}. Give another file name."
        )
    _remove_abandoned(folder)
    temporary, file = _locked(folder, name)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:  # as long as it is locked
                os.replace(temporary, final)
        if fcntl is None:  # Windows renames no open file
            os.replace(temporary, final)
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if os.name == "posix":  # the new name is on the disk when its folder is
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some network file systems sync no folders
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
