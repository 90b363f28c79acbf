"""The words of a team as functions that Python can call."""

import threading

import numba
import numpy as np

from fastnet.kernels.loop.team import (
    DONE,
    THREADS,
    WORDS,
    fetch_add,
    ticks,
)
from fastnet.kernels.simd import pointer


@numba.njit(nogil=True)
def done(team):
    fetch_add(pointer(team), DONE, 1)


@numba.njit(nogil=True)
def clock():
    return ticks()


def team_of(members):
    team = np.zeros(WORDS, np.int64)
    team[THREADS] = members
    return team


def in_threads(function, *arguments, n=4):
    workers = [threading.Thread(target=function, args=arguments) for _ in range(n)]
    for worker in workers:
        worker.start()
    return workers
