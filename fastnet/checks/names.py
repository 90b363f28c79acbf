"""Checks of names, and the name that somebody may have meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from fastnet.checks.arrays import _shown

__all__ = ["choice"]

MOST_LISTED = 5  # names in an error that has one to suggest


def choice(
    where: str,
    name: str,
    value: Any,
    choices: Collection[str],
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return value, which must be one of the words, or an alias: then the word that it is for."""
    if isinstance(value, str):
        if value in choices:
            return value
        if value in aliases:
            return aliases[value]
        near = _near(value, [*choices, *aliases])
        if near and len(choices) > MOST_LISTED:
            raise ValueError(
                f"{where}: {name} must be one of {len(choices)} names, got {_shown(value)}. "
                f"Did you mean {near!r}?"
            )
    raise ValueError(
        f"{where}: {name} must be one of {', '.join(map(repr, choices))}, got {_shown(value)}. "
        "Give one of these names."
    )


def _near(value: str, names: list[str]) -> str:
    """Return the name that somebody may have meant, "" for none: case and hyphens are no matter."""
    import difflib  # 2 ms, on the way to an error

    plain = {name.replace("_", "").lower(): name for name in names}
    typed = value.lower().replace("-", "").replace("_", "").replace(" ", "")
    found = difflib.get_close_matches(typed, plain, 1, 0.75)
    return plain[found[0]] if found else ""
