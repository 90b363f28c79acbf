"""The folder that a data set's files are read from."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["folder_of"]


def folder_of(where: str, path: str | os.PathLike[str], files: str) -> Path:
    """Return the path of a folder that is there; `files` says in words what it holds."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"{where}: path must be a str or a path, got {type(path).__name__}. "
            f"Give the folder that holds {files}."
        )
    folder = Path(path)
    if not folder.is_dir():
        error, what = (
            (NotADirectoryError, "a file")
            if folder.exists()
            else (FileNotFoundError, "a path that does not exist")
        )
        raise error(
            f"{where}: path must be the folder that holds {files}, got {what}: "
            f"{str(folder)!r}. Give that folder."
        )
    return folder
