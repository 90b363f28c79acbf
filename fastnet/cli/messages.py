"""What goes to standard error."""

from __future__ import annotations

import sys
from typing import NoReturn


def say(message: object, command: str = "train") -> None:
    """Print a line on standard error."""
    print(f"fastnet {command}: {message}", file=sys.stderr)


def refuse(message: object, status: int = 2, command: str = "train") -> NoReturn:
    """Print a line on standard error and exit."""
    say(message, command)
    raise SystemExit(status)
