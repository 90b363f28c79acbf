"""`fastnet info`: versions, CPU, threads and cache."""

from __future__ import annotations

import argparse

from fastnet.cli.messages import print_json


def run_info(options: argparse.Namespace) -> int:
    """Print what a bug report needs; return the exit status."""
    from fastnet.info import installation

    found = installation()
    if options.json:
        print_json(found)
        return 0
    for key, value in found.items():
        print(f"{key:12} {value}")
    return 0
