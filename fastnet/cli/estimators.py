"""`fastnet sklearn`: a script of scikit-learn's with fastnet's estimators."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from typing import Any

from fastnet.cli.messages import refuse
from fastnet.cli.parser import add_command, add_json
from fastnet.cli.run import in_json


def add_sklearn(commands: Any) -> None:
    """Add the command's options."""
    parser = add_command(
        commands,
        "sklearn",
        run_sklearn,
        "run a script of scikit-learn's with fastnet's MLPClassifier and MLPRegressor",
        "Run a script with fastnet's MLPClassifier and MLPRegressor in the place of "
        "scikit-learn's, said once on standard error. The script and scikit-learn stay as they "
        "are.",
        ["train.py --folds 5"],
    )
    add_json(parser, "the script's status; what it prints goes to standard error")
    script = "a Python file, and the arguments that it takes"
    parser.add_argument("command", metavar="script", nargs=argparse.PARSER, help=script)


def run_sklearn(options: argparse.Namespace) -> int:
    """Run a script with its arguments, as Python would; return the exit status."""
    script, *arguments = options.command[options.command[0] == "--" :]
    if not os.path.isfile(script):
        refuse(
            f"script must be a Python file that can be read, got {script!r}. Give the path of one.",
            command="sklearn",
        )
    try:
        from fastnet.sklearn import patch
    except ImportError as error:
        refuse(str(error), command="sklearn")
    patch()
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.realpath(script))

    def run() -> int:
        runpy.run_path(script, run_name="__main__")
        return 0

    return in_json(script, run) if options.json else run()
