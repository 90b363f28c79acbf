"""`fastnet run`: a script of the textbooks on kernels."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastnet.cli.messages import print_json, refuse


def run_script(options: argparse.Namespace) -> int:
    """Run a script with its arguments; return the exit status."""
    from fastnet.dropin.run import run

    script, *arguments = options.command[options.command[0] == "--" :]
    try:
        source = Path(script).read_bytes()
    except OSError as error:
        refuse(
            f"script must be a Python file that can be read, got {script!r} "
            f"({error.strerror}). Give the path of one.",
            command="run",
        )
    if not options.json:
        return run(script, source, arguments, with_report=options.report)
    from fastnet.dropin import report

    def told() -> dict[str, Any]:
        return {"report": report().splitlines()}

    return in_json(script, partial(run, script, source, arguments, with_report=True), told)


def in_json(script: str, run: Callable[[], int], told: Callable[[], dict[str, Any]] = dict) -> int:
    """Run a script, whose output goes to standard error, and print its status as JSON."""
    ended = None
    with contextlib.redirect_stdout(sys.stderr):
        try:
            status = run()
        except SystemExit as error:  # the script's own
            ended = error
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
    print_json({"script": script, "status": status, **told()})
    if ended is not None:
        raise ended
    return status
