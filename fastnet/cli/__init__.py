"""The command `fastnet`: train, predict, evaluate, inspect, compare; run scripts, tell versions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# Only what is cheap is imported in these files: a wrong option is answered before Numba, half a
# second, is loaded.
from fastnet.cli.messages import BadInput, refuse
from fastnet.cli.options import make_parser
from fastnet.cli.run import run_script

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the command's name; those of the process by default.

    Returns
    -------
    int
        0; 1 when training diverged, a script raised, or kernels were not written; 2, with one line
        on stderr, when a variable FASTNET_... cannot be used; 130 when Ctrl-C ended it early.

    Raises
    ------
    SystemExit
        With status 2 and one line on stderr, for an option, a path or data that cannot be used;
        with status 0 after --help and --version.

    Examples
    --------
    >>> from fastnet.cli import main
    >>> main(["info"])  # doctest: +ELLIPSIS
    fastnet      ...
    0
    """
    options = make_parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show is no crash; a script's output is its own.
        if hasattr(stream, "reconfigure") and options.run is not run_script:
            stream.reconfigure(errors="backslashreplace")
    try:
        status = int(options.run(options))
        sys.stdout.flush()  # here, where a broken pipe is answered for
        return status
    except BadInput as error:
        refuse(error, command=options.called)
    except ValueError as error:  # of a variable that is looked at when its module is imported
        if not str(error).startswith("FASTNET_"):
            raise
        print(f"fastnet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fastnet: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `fastnet train | head`: nobody reads on; see Python's signal docs
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
