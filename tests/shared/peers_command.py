"""The command that compares fastnet with its peers, as a process."""

import json
import os
import sys

import children


def command(home, *arguments):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.peers", "--rounds", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    return children.run(words, cwd=home, env=environment)


def measure(home, file, *arguments):
    """Run the command; return the only row of its JSON, and what it printed."""
    done = command(home, "--json", str(file), *arguments)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(file.read_text())["rows"]
    return row, done
