"""Who gets helpers: small calls stay alone, many Python threads take turns, Ctrl-C ends all."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from thread_stacks import STACKS, assert_same, network, results

import fastnet
from fastnet import kernels, threads
from fastnet.kernels.loop.team import THREADS, TICKET, WORDS
from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.optimizer import SGD
from fastnet.reference.kernels.record import layers_of, program_of


def test_small_batches_and_short_calls_stay_alone(monkeypatch, teams):
    fastnet.set_num_threads(4)
    calls = []

    def kernel(*arguments):
        calls.append(arguments)

    monkeypatch.setattr(threads, "FLOPS_A_THREAD", 100.0)
    monkeypatch.setattr(threads, "FLOPS_A_CALL", 5000.0)
    threads.call(kernel, ("x",), 199.0, 1000)
    threads.call(kernel, ("x",), 499.0, 10)
    assert calls == [("x", threads.ALONE, 0)] * 2 and not teams
    for flops, n in ((200.0, 2), (300.0, 3), (1e9, 4)):
        threads.call(kernel, ("x",), flops, 1000)
        assert teams[-1][THREADS] == n


def test_xor_and_digits_stay_alone(monkeypatch, teams):
    """What the thresholds are for."""
    monkeypatch.undo()
    monkeypatch.setattr(threads, "_wake", lambda *_: pytest.fail("a helper was asked"))
    fastnet.set_num_threads(4)
    for widths, batch_size in (((3, 4, 1), 1), ((64, 32, 10), 32)):
        model = Sequential([Dense(n) for n in widths[1:]], "mean_squared_error", seed=0)
        x, t = np.ones((2000, widths[0])), np.ones((2000, widths[-1]))
        model.fit(x, t, 20, batch_size, SGD(1e-6), verbose=0)


def test_one_call_at_a_time_has_helpers(teams):
    fastnet.set_num_threads(1)
    expected = results("784-50-10")
    fastnet.set_num_threads(2)
    with threads._serving:
        assert_same(results("784-50-10"), expected)
    assert not teams
    assert_same(results("784-50-10"), expected)
    assert teams


def test_helpers_stay_out_until_the_kernel_is_loaded():
    """One that loaded it would keep the caller waiting, who would then stay alone for a second."""
    found, came = [], threading.Event()

    def kernel(team, member):
        if member > 0:
            found.append(int(team[TICKET]))
            came.set()
            return
        time.sleep(0.05)  # as if it was loaded
        team[TICKET] = 1
        assert came.wait(60)

    fastnet.set_num_threads(2)
    threads.call(kernel, (), 1e9, 1)
    assert found and 0 not in found


def test_many_python_threads_train_at_once(teams):
    fastnet.set_num_threads(1)
    stacks = [*STACKS] * 2
    expected = [results(stack, epochs=20) for stack in stacks]
    fastnet.set_num_threads(3)
    found = [None] * len(stacks)

    def train(i):
        found[i] = results(stacks[i], epochs=20)

    workers = [threading.Thread(target=train, args=(i,)) for i in range(len(stacks))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for some, others in zip(found, expected, strict=True):
        assert_same(some, others)
    assert teams
    assert not threads._serving.locked()


def test_without_threads_to_be_had(monkeypatch):
    fastnet.set_num_threads(1)
    expected = results("784-50-10")

    def start(thread):
        raise RuntimeError("can't start new thread")

    threads._retire()
    monkeypatch.setattr(threading.Thread, "start", start)
    fastnet.set_num_threads(4)
    assert_same(results("784-50-10"), expected)
    assert threads._helpers == []


def test_ctrl_c_in_the_middle():
    model = network("784-50-10")
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((5000, 784)).astype("float32"), rng.integers(10, size=5000)
    fastnet.set_num_threads(3)
    model.fit(x, t, 1, 100, verbose=0)  # compiles
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    history = model.fit(x, t, 10**6, 100, SGD(lr=0.01), verbose=0)
    timer.join()
    assert 0 < len(history.loss) < 10**6
    kept = model.parameter_vector.copy()
    assert np.isfinite(kept).all() and not threads._serving.locked()
    time.sleep(0.05)
    assert_array_equal(model.parameter_vector, kept)  # nobody goes on


def test_ctrl_c_before_the_call_sends_the_helpers_away(teams):
    def kernel(*arguments):
        if arguments[-1] == 0:
            raise KeyboardInterrupt

    fastnet.set_num_threads(3)
    with pytest.raises(KeyboardInterrupt):
        threads.call(kernel, (), 1e9, 1)
    assert teams[0][TICKET] == -1 and not threads._serving.locked()
    threads._retire()  # does not wait for ever
    assert threads._helpers == []


def test_a_helper_that_comes_late_touches_nothing():
    """Its call was over before it began: with memory that is gone, it must leave at once."""
    team = np.zeros(WORDS, np.int64)
    team[THREADS], team[TICKET] = 2, -1
    none = np.zeros((0, 0), "float32")
    programs = program_of(layers_of([(2**40, 2**40, 0, -1, 0)]))
    arguments = (
        0, 0, 0, np.zeros(0, np.int64), none, np.zeros((2**10, 0), np.int64), 2**40,
        none.ravel(), programs, np.float32(1), True, none.ravel(), np.zeros((2**10, 3)),
    )  # fmt: skip
    kernels.train_epochs(*arguments, team, 1)
    kernels.predict_rows(
        *arguments[:3],
        np.zeros(0, np.int64),
        none.ravel(),
        programs,
        none.ravel(),
        1,
        none,
        team,
        1,
    )
