"""Child processes of tests: none outlives its test, nor its limit of time.

A child leads a process group of its own, which is killed with all that it started. It hears SIGINT
although a shell may have started the tests with SIGINT ignored: tests/conftest.py sees to that.
"""

import math
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

LIMIT = 500  # seconds: under emulation an import alone takes a minute, and a test has ten
deadline = math.inf  # by `time.monotonic()`, of the test that runs: tests/conftest.py sets it


@contextmanager
def started(words, limit=LIMIT, **options):
    """Start a process, and kill what is left of its group in the end, or at the limit."""
    limit = min(limit, max(0, deadline - time.monotonic()))
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with subprocess.Popen(words, start_new_session=True, **options) as process:
        late = []
        timer = threading.Timer(limit, lambda: (late.append(True), _kill(process)))
        timer.daemon = True
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            _kill(process)
            if late:
                pytest.fail(f"a child was killed after {limit:.0f} s: {words}")


def run(words, limit=LIMIT, **options):
    """Run a process to its end; return its exit code and what it printed, as text."""
    with started(words, limit, **{"text": True, **options}) as process:
        out, err = process.communicate()
        if process.returncode < 0:  # by a signal: what it printed says how far it came
            print(out[-3000:], err[-3000:], sep="\n")
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _kill(process):
    if os.name != "posix":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # the second is macOS' word for zombies
        pass
