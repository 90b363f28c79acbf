"""Processes that call kernels, what each of them says of compiling, and a package to compile in.

Every process that compiles says so in one line, and no other does: `finish` looks at each.
"""

import json
import os
import shutil
from pathlib import Path

import fastnet


def finish(process):
    out, err = process.communicate()
    assert process.returncode == 0, err[-3000:]
    result = json.loads(out)
    kept = f"once: they are kept in {result['folder']}"
    if result["folder"] == "None":
        kept = "in every process: set NUMBA_CACHE_DIR to a folder that can be written to keep them"
    said = f"fastnet: compiling kernels, which takes some seconds, {kept}\n"
    assert err == (said if any(result["misses"]) else "")
    return result


def copy_package(folder):
    """Copy the package into a folder, without kernels that are compiled.

    Python's own bytecode goes along: to make it anew takes a child 0.5 s.
    """

    def ignore(directory, names):
        if os.path.basename(directory) == "__pycache__":
            return [name for name in names if not name.endswith(".pyc")]
        return ["data"]

    shutil.copytree(Path(fastnet.__file__).parent, folder / "fastnet", ignore=ignore)
