"""What ran on kernels and what stayed the script's own, with calls and seconds."""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

__all__ = ["Report"]


class Report:
    """Counts and times the calls of functions that it was given.

    Attributes
    ----------
    rows : dict
        (name, "kernels" or "own") -> [calls, seconds]. The seconds of a call are without those of
        counted calls inside it.

    Examples
    --------
    >>> from fastnet.dropin.timing import Report
    >>> report = Report()
    >>> report.timed(abs, "abs", "own")(-1)
    1
    >>> report.rows["abs", "own"][0]
    1
    """

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[Any]] = {}
        self.kept: dict[str, str] = {}  # name -> why it was not replaced
        self._inside = 0.0  # seconds of counted calls in the call that runs
        self._own = ""  # the script's own function that has returned last, "" in a new call
        self._paused = False
        self._start = time.perf_counter()

    def timed(self, function: Callable[..., Any], name: str, ran: str) -> Callable[..., Any]:
        """Return the function, counted and timed.

        One on kernels that passes a call on to the script's own of the same name is not counted:
        the own one is, with the seconds of both.
        """
        row = self.rows.setdefault((name, ran), [0, 0.0])
        own = self.rows.setdefault((name, "own"), [0, 0.0])

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._paused:
                return function(*args, **kwargs)
            before, self._inside, self._own = self._inside, 0.0, ""
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - start
                if ran == "kernels" and self._own == name:
                    own[1] += seconds - self._inside
                else:
                    row[0] += 1
                    row[1] += seconds - self._inside
                self._inside, self._own = before + seconds, name if ran == "own" else ""

        return call

    def watch(self, module: ModuleType, names: list[str], put: Callable[..., Any]) -> None:
        """Have what a module defines by these names timed; put(owner, name, value) changes it."""
        for name in names:
            value = vars(module)[name]
            if getattr(value, "__module__", None) != module.__name__:
                continue
            title = f"{module.__name__}.{name}"
            if inspect.isclass(value):
                for method, function in list(vars(value).items()):
                    if inspect.isfunction(function) and not method.startswith("_"):
                        put(value, method, self.timed(function, f"{title}.{method}", "own"))
            elif inspect.isfunction(value):
                put(module, name, self.timed(value, title, "own"))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing meanwhile."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def __str__(self) -> str:
        total = time.perf_counter() - self._start
        lines = []
        for ran, title in (("kernels", "on kernels"), ("own", "the script's own")):
            rows = [(*row, name) for (name, how), row in self.rows.items() if how == ran and row[0]]
            rows.sort(key=lambda row: -row[1])
            calls, seconds = sum(row[0] for row in rows), sum(row[1] for row in rows)
            lines.append(f"{calls:10} calls {seconds:10.3f} s  {title}")
            lines += [f"{row[0]:10} calls {row[1]:10.3f} s    {row[2]}" for row in rows]
            total -= seconds
        lines.append(f"{'':16} {total:10.3f} s  everything else")
        lines += [
            f"{name} stayed the script's own: {why}" for name, why in self.kept.items() if why
        ]
        return "\n".join(lines)
