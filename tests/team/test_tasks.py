"""Tasks of a team are done once; helpers are waited for while it is worth it."""

import threading
import time

import numba
import numpy as np
import pytest
from team_calls import clock, done, in_threads, team_of

from fastnet.kernels.loop.team import (
    DONE,
    HELPED,
    PATIENCE,
    RESUME,
    TASK_BITS,
    THREADS,
    TICKET,
    await_stage,
    claim,
    close,
    fetch_add,
    finish_stage,
    give_way,
    load_acquire,
    open_stage,
    ticks,
    ticks_lost,
)
from fastnet.kernels.simd import pointer


@numba.njit(nogil=True)
def open_(team, stage):
    return open_stage(pointer(team), stage)


@numba.njit(nogil=True)
def await_(team, stage):
    return await_stage(pointer(team), stage)


@numba.njit(nogil=True)
def claim_(team, stage, tasks):
    return claim(pointer(team), stage, tasks)


@numba.njit(nogil=True)
def finish(team, tasks, own, began):
    finish_stage(pointer(team), tasks, own, began)


@numba.njit(nogil=True)
def lost(worked, waited, tasks, own):
    return ticks_lost(worked, waited, tasks, own)


@numba.njit(nogil=True)
def close_(team):
    close(pointer(team))


@numba.njit(nogil=True)
def take_all(team, tasks, seen):
    """As a helper: count in seen[stage, task] what it claims, until the call is over."""
    stage = -1
    while True:
        stage = await_stage(pointer(team), stage)
        if stage < 0:
            if load_acquire(pointer(team), TICKET) == 0:  # not open yet
                give_way()
                continue
            return
        task = claim(pointer(team), stage, tasks)
        while task < tasks:
            seen[stage, task] += 1
            give_way()
            fetch_add(pointer(team), DONE, 1)
            task = claim(pointer(team), stage, tasks)


@numba.njit(nogil=True)
def lead(team, stages, tasks, seen):
    """As the caller, who goes on with helpers whatever it lost."""
    p = pointer(team)
    for stage in range(stages):
        team[RESUME], own = 0, 0
        open_stage(p, stage)
        task = claim(p, stage, tasks)
        while task < tasks:
            seen[stage, task] += 1
            own += 1
            give_way()  # on a machine of one core, too, others take part
            task = claim(p, stage, tasks)
        finish_stage(p, tasks, own, ticks())
    close(p)


@pytest.mark.parametrize("helpers", [1, 3])
def test_every_task_is_done_once(helpers):
    stages, tasks, total = 2000, 7, 0
    end = time.monotonic() + 60
    while total < 100:
        assert time.monotonic() < end, "nobody helped"
        team, seen = team_of(helpers + 1), np.zeros((stages, tasks), np.int64)
        workers = in_threads(take_all, team, tasks, seen, n=helpers)
        lead(team, stages, tasks, seen)
        for worker in workers:
            worker.join()
        assert (seen == 1).all()
        assert team[TICKET] == -1
        total += team[HELPED]


@numba.njit(nogil=True)
def claim_all(team, tasks, counts, i):
    while claim(pointer(team), 0, tasks) < tasks:
        counts[i] += 1


def test_no_task_is_given_twice():
    """Claimed as fast as can be: without the swap, two cores get some tasks twice at once."""
    tasks, counts = 2**TASK_BITS - 1, np.zeros(4 * 16, np.int64)
    claim_all(team_of(4), 0, counts, 0)
    for _ in range(20):
        team = team_of(4)
        open_(team, 0)
        counts[:] = 0
        workers = [threading.Thread(target=claim_all, args=(team, tasks, counts, 16 * i))
                   for i in range(4)]  # fmt: skip
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert counts.sum() == tasks


def test_claims_fit_their_stage():
    team = team_of(2)
    assert claim_(team, 0, 3) == 3  # not open yet
    assert await_(team, -1) == -1
    assert open_(team, 5) == 2
    assert await_(team, -1) == await_(team, 4) == 5
    assert [claim_(team, 5, 3) for _ in range(5)] == [0, 1, 2, 3, 3]
    assert claim_(team, 4, 3) == claim_(team, 6, 3) == 3
    assert team[TICKET] == (6 << TASK_BITS) + 3
    close_(team)
    assert claim_(team, 5, 9) == 9 and await_(team, 5) == -1


def test_alone_nothing_is_written():
    for members in (0, 1):
        team = team_of(members)
        assert open_(team, 3) == 1
        close_(team)
        assert team[THREADS] == members and not team[1:].any()


def late(team):
    """Let a task be done by another thread, a little later."""
    finish(team_of(2), 0, 0, clock())  # compiled now, not while the clock runs
    done(team_of(2))
    timer = threading.Timer(0.05, done, (team,))
    timer.start()
    return timer


def test_a_helper_that_lost_its_core_is_waited_for_and_then_left_out():
    """The caller, whose own task took no time, waits once; then it stays alone a while."""
    team = team_of(2)
    open_(team, 0)
    assert claim_(team, 0, 2) == 0 and claim_(team, 0, 2) == 1
    timer = late(team)
    start = clock()
    finish(team, 2, 1, start)
    now = clock()
    timer.join()
    assert team[DONE] == 1 and team[HELPED] == 1
    assert start + PATIENCE * (now - start) / 2 < team[RESUME] < now + PATIENCE * (now - start)
    team[RESUME] = now + 10**15
    assert open_(team, 1) == 1 and team[TICKET] == 0  # helpers return
    assert await_(team, 0) == -1
    team[RESUME] = clock() - 1
    assert open_(team, 2) == 2 and await_(team, 0) == 2


def test_a_helper_that_is_worth_the_wait_is_kept():
    """It had a task that would have taken the caller, whose own one took long, much longer."""
    team = team_of(2)
    open_(team, 0)
    claim_(team, 0, 2), claim_(team, 0, 2)
    timer = late(team)
    finish(team, 2, 1, clock() - 10**15)
    timer.join()
    assert team[RESUME] == 0 and team[HELPED] == 1 and open_(team, 1) == 2


@pytest.mark.parametrize(
    ("worked", "waited", "tasks", "own", "ticks"),
    [
        (100, 0, 2, 1, -100),
        (100, 100, 2, 1, 0),
        (100, 250, 2, 1, 150),
        (100, 250, 4, 1, -50),  # others did three tasks of 100
        (100, 250, 4, 2, 150),
        (0, 250, 2, 0, 250),  # others did all: nothing is known of their cost
        (300, 0, 3, 3, 0),
    ],
)
def test_what_a_stage_lost(worked, waited, tasks, own, ticks):
    assert lost(worked, waited, tasks, own) == ticks
