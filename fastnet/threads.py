"""How many threads a compiled call uses, and the pool in which its helpers wait.

The thread that calls does the work; helpers take tasks off it. They are Python threads that sleep
until a call wakes them, 20 to 50 us before they are at work: once a call, which is 0.05 s of a
`fit`. What they do inside the call is told in `fastnet.kernels.loop.team`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels.loop.team import RESUME, THREADS, TICKET, WORDS

__all__ = ["get_num_threads", "set_num_threads"]

MOST = 256

# FLOPs of a batch for each thread, and of a whole call for more than one. How much faster two
# threads are than one, by FLOPs of a batch, medians on two cores of an AMD EPYC (Zen 5, AVX-512),
# 2026-11-21: 0.93 at 0.5e6 (64-32-10 with batch 32), 1.05 at 0.9e6, 1.03 at 1.7e6, 1.06 at 3.4e6,
# 1.65 at 66e6 (784-100-100-100-100-10 with batch 100).
FLOPS_A_THREAD, FLOPS_A_CALL = 1e6, 2e7

ALONE = np.zeros(1, np.int64)  # the team of a call in one thread
NAP = 1e-3  # seconds between two looks of a helper that is not wanted at present


def set_num_threads(n: int) -> None:
    """Set how many threads a call may use, in the whole process.

    They serve `fit`, `evaluate` and `predict` where a batch is large enough for them: small ones
    stay in one thread. The results are the same bits for any number.

    Parameters
    ----------
    n : int
        1 to 256; 1 for no threads but the caller's. The environment variable FASTNET_NUM_THREADS
        sets it at the start; without it, it is the number of cores that the process may use, or of
        whole CPUs that the quota of a container allows, if these are fewer. OMP_NUM_THREADS and
        NUMBA_NUM_THREADS, which joblib sets for its workers, are heeded too: the smallest counts.

    Raises
    ------
    TypeError, ValueError
        n is no such number.

    Examples
    --------
    >>> import fastnet
    >>> before = fastnet.get_num_threads()
    >>> fastnet.set_num_threads(2)
    >>> fastnet.get_num_threads()
    2
    >>> fastnet.set_num_threads(before)
    """
    global _limit
    n = checks.count("set_num_threads", "n", n)
    if n > MOST:
        raise ValueError(
            f"set_num_threads: n must be at most {MOST}, got {n}. Give the number of cores."
        )
    _limit = n


def get_num_threads() -> int:
    """Return how many threads a call may use.

    Returns
    -------
    int

    Examples
    --------
    >>> import fastnet
    >>> before = fastnet.get_num_threads()
    >>> fastnet.set_num_threads(2)
    >>> fastnet.get_num_threads()
    2
    >>> fastnet.set_num_threads(before)
    """
    return _limit


def call(
    kernel: Callable[..., None], arguments: tuple[Any, ...], batch_flops: float, batches: int
) -> None:
    """Call a kernel of `fastnet.kernels.loop.train`, with helpers where they pay.

    Parameters
    ----------
    kernel : function
    arguments : tuple
        All but `team` and `member`, which this function adds.
    batch_flops : float
        Floating-point operations of a batch.
    batches : int
        How many batches the call works through.

    Notes
    -----
    One call at a time has helpers: others, from other Python threads, do without.
    """
    global _resume
    members = 1
    if batch_flops * batches >= FLOPS_A_CALL:
        members = min(_limit, int(batch_flops / FLOPS_A_THREAD))
    if members < 2 or not _serving.acquire(blocking=False):
        kernel(*arguments, ALONE, 0)
        return
    try:
        team = np.zeros(WORDS, np.int64)
        team[THREADS], team[RESUME] = members, _resume
        try:
            _wake(kernel, arguments, team)
            kernel(*arguments, team, 0)
        finally:
            team[TICKET] = -1  # for the helpers of a call that Ctrl-C stopped before it began
            _resume = team[RESUME]
    finally:
        _serving.release()


# --------------------------------------------------------------------------- the pool

_Job = tuple[Callable[..., None], tuple[Any, ...], NDArray[np.int64], int]

_serving = threading.Lock()  # held by the call that has the helpers
_jobs: SimpleQueue[_Job | None] = SimpleQueue()
_helpers: list[threading.Thread] = []
_resume = np.int64(0)  # until when, in ticks, the next call stays alone: see kernels.loop.team


def _wake(kernel: Callable[..., None], arguments: tuple[Any, ...], team: NDArray[np.int64]) -> None:
    for member in range(1, int(team[THREADS])):
        if len(_helpers) < member:
            thread = threading.Thread(target=_help, args=(_jobs,), name="fastnet", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads, or the interpreter is at its end
                return
            _helpers.append(thread)
        _jobs.put((kernel, arguments, team, member))


def _help(jobs: SimpleQueue[_Job | None]) -> None:
    """Be a helper: join call after call, until there is None to do."""
    while (job := jobs.get()) is not None:
        kernel, arguments, team, member = job
        nap = 0.0
        # Only while the ticket is open: the caller may still be compiling the kernel, or stay
        # alone for a while because the machine is busy.
        while team[TICKET] >= 0:
            if team[TICKET] > 0:
                kernel(*arguments, team, member)
                nap = 0.0
            else:
                time.sleep(nap)
                nap = min(2 * nap + 2e-5, NAP)
        del job, kernel, arguments, team  # not kept alive until the next call


def _retire() -> None:
    """Before a fork: let idle helpers end, as Python warns of forks with other threads."""
    if _serving.acquire(blocking=False):
        try:
            for _ in _helpers:
                _jobs.put(None)
            while _helpers:
                _helpers.pop().join()
        finally:
            _serving.release()


def _forget() -> None:
    """In a forked child: the helpers, and the call that had them, were left in the parent."""
    global _serving, _jobs
    _serving, _jobs = threading.Lock(), SimpleQueue()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_retire, after_in_child=_forget)

# --------------------------------------------------------------------------- the number


def _cores() -> int:
    """Return the number of cores that this process may use; two threads of one core are one."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cpus = os.sched_getaffinity(0)
    try:
        sibling = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
        return len({Path(sibling.format(cpu)).read_text() for cpu in cpus})
    except OSError:
        return len(cpus)


def _quota(groups: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many CPUs' time a container may use, infinite where nothing limits it.

    A group and all above it may have a limit. What a container sees of them begins somewhere on
    the way, at the latest with its own.
    """
    limits = [math.inf]
    try:
        lines = groups.read_text().splitlines()
    except OSError:  # no Linux
        lines = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds and "cpu" not in kinds.split(","):
            continue
        for root in (mount / kinds, mount / "cpu") if kinds else (mount, mount / "unified"):
            folder = root / path.lstrip("/")
            limits += [_limit_of(f) for f in (folder, *folder.parents) if f.is_relative_to(root)]
    return min(limits)


def _limit_of(folder: Path) -> float:
    """Return how many CPUs' time a group of cgroup v2, or of v1, may use."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            names = "cpu.cfs_quota_us", "cpu.cfs_period_us"
            quota, period = ((folder / name).read_text().strip() for name in names)
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or nothing that is known
        return math.inf


def _number() -> int:
    """Return the number of threads that the environment asks for."""
    text = os.environ.get("FASTNET_NUM_THREADS")
    if text is None:
        n = int(max(1, min(_cores(), MOST, _quota())))
    elif text.isdecimal() and 1 <= int(text) <= MOST:
        n = int(text)
    else:
        raise ValueError(
            f"FASTNET_NUM_THREADS must be a whole number from 1 to {MOST}, got {text!r}. "
            "Unset it to use all cores."
        )
    # OpenMP's may have a number for each level of nesting. What else they may say is not ours.
    said = (os.environ.get(f"{who}_NUM_THREADS", "").split(",")[0] for who in ("OMP", "NUMBA"))
    return min([n, *(int(m) for m in said if m.strip().isdecimal() and int(m) > 0)])


_limit = _number()
