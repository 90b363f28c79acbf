"""What somebody at a terminal sees of `fit`: a bar, and that Ctrl-C is heard."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

# A compiled call does about 0.05 s of work at this rate, so that Ctrl-C and the progress bar
# wait no longer; a batch costs at least 10**5 FLOPs' time in overhead, and a sample 10**3: without
# them, 60,000 samples of one feature in one batch were shuffled 540 times ahead, in 600 MB.
FLOPS_A_CALL, FLOPS_A_BATCH, FLOPS_A_SAMPLE = 2e9, 1e5, 1e3


AGAIN = 1.0  # seconds in which a second Ctrl-C means the program, not the one fit
_last = -math.inf


def is_second() -> bool:
    """Note a Ctrl-C; tell whether it came so soon after another that a fit must not keep it."""
    global _last
    before, _last = _last, time.monotonic()
    return _last - before < AGAIN


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Keep Ctrl-C waiting: Numba crashes, 1 time in 60, where it comes as a kernel is loaded."""
    kept = signal.getsignal(signal.SIGINT)
    if kept is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[float] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(time.monotonic()))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
    if came:
        if any(later - sooner < AGAIN for sooner, later in pairwise(came)):
            is_second()  # the one that is raised will be
        signal.raise_signal(signal.SIGINT)


def progress_bar(total: int, unit: str, verbose: int = 1) -> Any:
    """Return tqdm's bar for a terminal, None elsewhere."""
    if not verbose or not hasattr(sys.stderr, "isatty") or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, dynamic_ncols=True)
