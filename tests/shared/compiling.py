"""Processes that call kernels, and what each of them says of compiling.

Every process that compiles says so in one line, and no other does: `finish` looks at each.
"""

import json


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
