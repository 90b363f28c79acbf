"""What somebody at a terminal sees of `fit`: a bar, and that Ctrl-C is heard."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Keep Ctrl-C waiting: Numba crashes, 1 time in 60, where it comes as a kernel is loaded."""
    kept = signal.getsignal(signal.SIGINT)
    if kept is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
    if came:
        signal.raise_signal(signal.SIGINT)


def progress_bar(total: int, unit: str, verbose: int = 1) -> Any:
    """Return tqdm's bar for a terminal, None elsewhere."""
    if not verbose or not hasattr(sys.stderr, "isatty") or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, dynamic_ncols=True)
