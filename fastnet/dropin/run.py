"""Running a script as Python itself would, with the drop-in installed."""

from __future__ import annotations

import builtins
import importlib.machinery
import os
import sys
import types

from fastnet.dropin.hook import install, nothing_replaced, replace, report
from fastnet.dropin.script import DEFINED, compiled

__all__ = ["run"]


def run(script: str, source: bytes, arguments: list[str], *, with_report: bool = False) -> int:
    """Run a script on fastnet's kernels, and return its exit status.

    Parameters
    ----------
    script : str
        Path of a Python file, which becomes `__main__`; its folder becomes sys.path[0].
    source : bytes
        What is in it.
    arguments : list of str
        What it finds in sys.argv after its name.
    with_report : bool
        Print at the end, on standard error, what ran on kernels. Without it a script that came to
        its end is told if nothing was replaced.

    Returns
    -------
    int
        0; 1 after an exception, whose traceback starts in the script; 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        The script's own.
    """
    sys.argv = [script, *arguments]
    # As Python does: the names in tracebacks are absolute, and the folder is that of a link's end.
    file, folder = os.path.abspath(script), os.path.dirname(os.path.realpath(script))
    if getattr(sys.flags, "safe_path", False):  # then the first entry is no script's folder
        sys.path.insert(0, folder)
    else:
        sys.path[0] = folder
    main = types.ModuleType("__main__")
    loader = importlib.machinery.SourceFileLoader("__main__", file)
    main.__dict__.update(__file__=file, __loader__=loader, __spec__=None, __cached__=None)
    sys.modules["__main__"] = main
    install(report=with_report)
    setattr(builtins, DEFINED, lambda: replace(main))
    try:
        exec(compiled(source, file), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals is not main.__dict__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        delattr(builtins, DEFINED)
        if with_report:
            sys.stdout.flush()
            print(f"fastnet: report of {script}\n{report()}", file=sys.stderr)
    if not with_report and (nothing := nothing_replaced()):
        sys.stdout.flush()
        print(f"fastnet: {nothing}", file=sys.stderr)
    return 0
