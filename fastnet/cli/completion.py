"""`fastnet --print-completion bash`: a shell's completion, by shtab."""

from __future__ import annotations

import argparse
from typing import Any

from fastnet.cli import parts

FILES = {"DATA", "FILE", "DIR", "RUN", "script"}  # how the options call what is a path
NAMED = {
    "--optimizer": parts.optimizers,
    "--loss": parts.losses,
    "--activation": parts.activations,
    "--schedule": parts.schedules,
}


def print_completion(parser: Any, shell: str) -> None:
    """Print the script that a shell reads, and exit."""
    try:
        import shtab
    except ImportError as error:
        parser.error(
            f"--print-completion must have shtab, got {str(error)!r}. "
            "Run pip install 'fastnet-numba[completion]'."
        )
    _describe(parser, shtab.FILE)
    print(shtab.complete(parser, shell))
    parser.exit()


def _describe(parser: argparse.ArgumentParser, file: Any) -> None:
    """Tell what is a path, and what has names to choose from."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                _describe(one, file)
        elif action.metavar in FILES:
            action.complete = file  # type: ignore[attr-defined]
        elif action.option_strings and action.option_strings[-1] in NAMED:
            action.choices = list(NAMED[action.option_strings[-1]]())
        else:
            action.choices = action.choices or getattr(action.type, "choices", None)
