"""`fastnet warmup`: all kernels compiled ahead."""

from __future__ import annotations

import argparse
import time

from fastnet.cli.messages import print_json, refuse, show


def run_warmup(options: argparse.Namespace) -> int:
    """Compile every kernel into the cache folder; return the exit status."""
    start = time.perf_counter()
    from fastnet.kernels import _cache, _folders
    from fastnet.models.progress import progress_bar
    from fastnet.warmup import compiled, versions

    folder = _cache.cache_directory()
    if folder is None:
        refuse(
            "the cache must have a folder that can be written, got none. Set NUMBA_CACHE_DIR to "
            "one.",
            command="warmup",
        )
    if options.clean:
        files, size = _folders.clean()
        show(options, f"removed {files} files of other versions, {size / 1e6:.1f} MB")
    _cache.said_compiling = True  # the bar says it
    todo = versions()
    before, failed = compiled(), _cache.unwritten
    bar = progress_bar(len(todo), "kernel")
    try:
        for kernel, types in todo:
            kernel.compile(types)
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()
    new, seconds = compiled() - before, time.perf_counter() - start
    if new == 0:
        show(
            options, f"all {len(todo)} kernels were compiled already, in {folder} ({seconds:.1f} s)"
        )
    else:
        show(options, f"compiled {new} kernels in {seconds:.1f} s, into {folder}")
    if options.json:
        found = {"kernels": len(todo), "compiled": new, "seconds": seconds, "folder": str(folder)}
        print_json(found)
    return int(_cache.unwritten > failed)  # a warning has said which
