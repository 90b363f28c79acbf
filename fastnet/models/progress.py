"""What somebody sees of `fit`: a bar or lines, and that Ctrl-C is heard."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # of `signal`, which looks for enums: 9 us
import math
import signal
import sys
import threading
import time
import warnings
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
    kept = _signal.getsignal(signal.SIGINT)
    if kept is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[float] = []
    _signal.signal(signal.SIGINT, lambda number, frame: came.append(time.monotonic()))
    try:
        yield
    finally:
        _signal.signal(signal.SIGINT, kept)
    if came:
        if any(later - sooner < AGAIN for sooner, later in pairwise(came)):
            is_second()  # the one that is raised will be
        signal.raise_signal(signal.SIGINT)


IN_PARTS = "{l_bar}{bar}| {n:.2f}/{total} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class Lines:
    """In the place of a bar: a line on standard output for each unit that is done."""

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit, self.n = total, unit, 0.0
        self._shown: dict[str, str] = {}
        self._start = time.perf_counter()

    def set_postfix(self, shown: dict[str, str], refresh: bool = True) -> None:
        """Take what the next line tells."""
        self._shown = shown

    def update(self, count: float) -> None:
        """Go on, and print where there is something to tell: not within a unit."""
        self.n += count
        if self._shown:
            told = ", ".join(f"{name} {value}" for name, value in self._shown.items())
            now = time.perf_counter()
            line = f"{self.unit} {self.n:.0f}/{self.total}: {told}, {now - self._start:.3g} s"
            print(line, flush=True)
            self._start, self._shown = now, {}

    def close(self) -> None:
        """Nothing is left to say."""


def progress_bar(total: int, unit: str, verbose: int = 1, in_parts: bool = False) -> Any:
    """Return tqdm's bar for a terminal or a notebook, None elsewhere; with verbose=2 lines.

    In parts it goes on within a unit, too: `bar.update(where it should be - bar.n)`.
    """
    if verbose == 2:
        return Lines(total, unit)
    if not verbose:
        return None
    if _in_notebook():
        with warnings.catch_warnings():  # without ipywidgets it is a bar of text, and says so
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    elif hasattr(sys.stderr, "isatty") and sys.stderr.isatty():
        from tqdm import tqdm
    else:
        return None
    how = IN_PARTS if in_parts else None
    return tqdm(total=total, unit=unit, dynamic_ncols=True, bar_format=how)


def _in_notebook() -> bool:
    """Tell whether a kernel of Jupyter runs this; IPython in a terminal has none."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
