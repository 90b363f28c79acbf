"""`fastnet info`: versions, CPU, threads and cache."""

from __future__ import annotations

import argparse


def run_info(options: argparse.Namespace) -> int:
    """Print what a bug report needs; return the exit status."""
    from fastnet.info import installation

    for key, value in installation().items():
        print(f"{key:12} {value}")
    return 0
