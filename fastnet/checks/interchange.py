"""Checks of what comes from other libraries, and goes to them."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import Any

__all__ = ["convertible", "library", "same_as_here"]


def library(where: str, name: str, install: str, called: str = "") -> Any:
    """Return a library that is imported where it is used; ImportError says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{where}: {called or name} must be installed, got {str(error)!r}. Run pip install "
            f"{install}."
        ) from error


def convertible(where: str, place: str, got: str, known: Collection[str]) -> None:
    """Check that a layer of another library, or of ours, has a counterpart."""
    if got not in known:
        raise TypeError(
            f"{where}: {place} must be one of {', '.join(sorted(known))}, got {got}. Leave it out, "
            "or convert the layers before and behind it by themselves."
        )


def same_as_here(where: str, place: str, name: str, value: Any, wanted: Any) -> None:
    """Check a setting that only one value of has a counterpart."""
    if value != wanted:
        raise ValueError(
            f"{where}: {place} must have {name}={wanted!r}, got {name}={value!r}, which has no "
            f"counterpart. Train it with {name}={wanted!r}."
        )
