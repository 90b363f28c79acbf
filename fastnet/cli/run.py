"""`fastnet run`: a script of the textbooks on kernels."""

from __future__ import annotations

import argparse
from pathlib import Path

from fastnet.cli.messages import refuse


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
    return run(script, source, arguments, with_report=options.report)
