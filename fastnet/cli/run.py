"""`fastnet run`: a script of the textbooks on kernels."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

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

    ended = None
    with contextlib.redirect_stdout(sys.stderr):  # whatever the script prints
        try:
            status = run(script, source, arguments, with_report=True)
        except SystemExit as error:  # the script's own
            ended = error
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
    print_json({"script": script, "status": status, "report": report().splitlines()})
    if ended is not None:
        raise ended
    return status
