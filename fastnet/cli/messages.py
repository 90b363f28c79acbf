"""What a command says: lines on standard error, text and JSON on standard output."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from typing import Any, NoReturn


class BadInput(Exception):
    """What is wrong with what was given, in one line: the command ends with status 2."""


def told(error: Exception, where: str, argument: str) -> BadInput:
    """Return what is wrong with a path, by the name of the argument that was typed."""
    message = str(error).removeprefix(f"{where}: ")
    return BadInput(re.sub(r"^path\b", argument, message))


def say(message: object, command: str = "train") -> None:
    """Print a line on standard error."""
    print(f"fastnet {command}: {message}", file=sys.stderr)


def refuse(message: object, status: int = 2, command: str = "train") -> NoReturn:
    """Print a line on standard error and exit."""
    say(" ".join(str(message).splitlines()), command)
    raise SystemExit(status)


def show(options: argparse.Namespace, text: str = "") -> None:
    """Print what people read: on standard output, or on standard error where JSON has that."""
    print(text, file=sys.stderr if options.json else sys.stdout, flush=True)


def print_json(found: dict[str, Any]) -> None:
    """Print the one line of JSON; NaN and infinity, which JSON lacks, are null."""
    print(json.dumps(without_nan(found), ensure_ascii=False, allow_nan=False), flush=True)


def without_nan(value: Any) -> Any:
    """Return what JSON can hold, None in the place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def table(head: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Return a table as text: the first columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in [head, *rows]:
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def listed(names: list[str]) -> str:
    """Return names for a message: a few of many."""
    shown = ", ".join(names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or "none"


def near(name: str, names: list[str]) -> str:
    """Return what there is to do about a wrong name."""
    meant = nearest(name, names)
    return f"Did you mean {meant}?" if meant else "Give one of these names."


def nearest(name: str, names: list[str], least: float = 0.6) -> str:
    """Return the name that somebody may have meant, "" for none that is alike by so much."""
    import difflib  # 2 ms, on the way to an error

    folded = {other.lower(): other for other in reversed(names)}
    found = difflib.get_close_matches(name.lower(), folded, 1, least)
    return folded[found[0]] if found else ""
