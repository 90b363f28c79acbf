"""Threads: the same bits for any number, and no harm to other threads, forks, exits and Ctrl-C."""

import math
import os
import re
import signal
import sys
import threading
import time

import children
import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import fastnet
from fastnet import kernels, threads
from fastnet.kernels.loop import blocks as loop_blocks
from fastnet.kernels.loop.team import HELPED, THREADS, TICKET, WORDS
from fastnet.layers import Dense, Relu, Tanh
from fastnet.models import Sequential
from fastnet.optimizer import SGD
from fastnet.reference.kernels.record import layers_of, program_of

# Inputs, then layers: whole vectors and odd tails, one input, one output, wide and flat, layers
# without weights.
STACKS = {
    "784-50-10": (784, lambda: [Dense(50, activation="relu"), Dense(10)]),
    "70-33-17-1": (70, lambda: [Dense(33, activation="tanh"), Dense(17), Relu(), Dense(1)]),
    "300-128-128-7": (300, lambda: [Dense(128, activation="sigmoid"), Dense(128), Dense(7)]),
    "20-600-3": (20, lambda: [Tanh(), Dense(600, activation="relu"), Dense(3), Tanh()]),
    "1-40-2": (1, lambda: [Dense(40, activation="tanh"), Dense(2)]),
    "2-7-1-3": (2, lambda: [Dense(7, activation="tanh"), Dense(1, activation="tanh"), Dense(3)]),
}
every_stack = pytest.mark.parametrize("stack", STACKS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_loss = pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    """Let calls of any size have helpers; put the number of threads back."""
    monkeypatch.setattr(threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(threads, "FLOPS_A_CALL", 0.0)
    before = fastnet.get_num_threads()
    yield
    fastnet.set_num_threads(before)


@pytest.fixture
def teams(monkeypatch):
    """The teams of the calls that had helpers."""
    made, real = [], threads._wake

    def wake(kernel, arguments, team):
        made.append(team)
        real(kernel, arguments, team)

    monkeypatch.setattr(threads, "_wake", wake)
    return made


def network(stack, dtype="float32", loss="softmax_cross_entropy"):
    n_in, layers = STACKS[stack]
    model = Sequential(layers(), loss=loss, dtype=dtype, seed=0)
    model.build(n_in)
    return model


def results(stack, dtype="float32", loss="softmax_cross_entropy", batch_size=100, epochs=3):
    """Train a network; return all that it computes."""
    model = network(stack, dtype, loss)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((230, STACKS[stack][0])).astype(dtype)
    outputs = model.predict(x[:1]).shape[1]
    t = rng.integers(outputs, size=230)
    if loss == "mean_squared_error":
        t = rng.standard_normal((230, outputs))
    seen = model.fit(x, t, epochs, batch_size, SGD(lr=0.05), validation_data=(x, t), verbose=0)
    return [
        model.parameter_vector.copy(),
        np.array([column for name, column in seen.to_dict().items() if name != "seconds"]),
        model.predict(x),
    ]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        assert_array_equal(one, other)


# --------------------------------------------------------------------------- the same bits


@every_loss
@every_stack
@every_dtype
def test_the_same_bits_for_any_number_of_threads(stack, dtype, loss, teams):
    fastnet.set_num_threads(1)
    expected = results(stack, dtype, loss)
    assert not teams
    for n in (2, 4):
        fastnet.set_num_threads(n)
        assert_same(results(stack, dtype, loss), expected)
        assert {int(team[THREADS]) for team in teams} == {n}
        teams.clear()


@pytest.mark.parametrize("batch_size", [1, 15, 31, 32, 33, 47, 64, 230])
@every_stack
def test_the_same_bits_however_a_batch_is_cut(stack, batch_size, monkeypatch):
    """Without helpers the caller does all tasks of a team itself, so the cuts alone are tested."""
    fastnet.set_num_threads(1)
    expected = results(stack, batch_size=batch_size, epochs=1)
    monkeypatch.setattr(threads, "_wake", lambda *_: None)
    for n in (2, 3, 4, 7, 16):
        fastnet.set_num_threads(n)
        assert_same(results(stack, batch_size=batch_size, epochs=1), expected)


@numba.njit
def cut(row, size, unit):
    return loop_blocks.cut(row, size, unit)


@numba.njit
def row_block(block, blocks, n):
    return loop_blocks.row_block(block, blocks, n)


def test_no_piece_is_low():
    """Fewer than 16 rows may be summed in another order."""
    for size in [*range(1, 70), 100, 784, 1000]:
        for unit in (8, 16):
            cuts = {cut(row, size, unit) for row in range(-3, size + 3)}
            assert {0, size} <= cuts and (size < 32 or len(cuts) > 2)
            inner = cuts - {0, size}
            assert all(c % unit == 0 and 16 <= c <= size - 16 for c in inner)
        for blocks in range(1, max(1, size // 16) + 1):
            starts, counts = zip(*(row_block(b, blocks, size) for b in range(blocks)), strict=True)
            assert starts == (0, *np.cumsum(counts)[:-1]) and sum(counts) == size
            assert blocks == 1 or min(counts) >= 16


@pytest.mark.parametrize("n", [2, 4])
def test_helpers_help(n, teams):
    """Until they have done a good part of the tasks, on a machine of one core or many."""
    fastnet.set_num_threads(1)
    expected = results("784-50-10", epochs=30)
    fastnet.set_num_threads(n)
    end = time.monotonic() + 60
    while sum(int(team[HELPED]) for team in teams) < 100:
        assert time.monotonic() < end, "nobody helped"
        assert_same(results("784-50-10", epochs=30), expected)


def test_a_loss_that_is_not_finite_stops_all(teams):
    x, t = np.ones((300, 784), "float32"), np.zeros(300, np.int64)
    x[250] = np.nan
    weights = []
    for n in (1, 4):
        fastnet.set_num_threads(n)
        model = network("784-50-10")
        with pytest.raises(FloatingPointError, match=r"x must be finite, got x\[250, 0\]=nan"):
            model.fit(x, t, batch_size=100, shuffle=False, verbose=0)
        weights.append(model.parameter_vector)
        assert np.isfinite(weights[-1]).all()
    assert_array_equal(*weights)
    assert all(team[TICKET] == -1 for team in teams)


# --------------------------------------------------------------------------- when they are asked


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


# --------------------------------------------------------------------------- other threads


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


# --------------------------------------------------------------------------- Ctrl-C


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


# --------------------------------------------------------------------------- processes

PROGRAM = """
import os, sys, threading, time, warnings
warnings.simplefilter("error")
import numpy as np
import fastnet
from fastnet import threads
from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.optimizer import SGD
from fastnet.reference.kernels.record import layers_of, program_of

threads.FLOPS_A_THREAD, threads.FLOPS_A_CALL = 1.0, 0.0
x = np.random.default_rng(0).standard_normal((400, 784)).astype("float32")
t = np.arange(400) % 10

def train(epochs=20):
    model = Sequential([Dense(50, activation="relu"), Dense(10)], seed=0)
    model.fit(x, t, epochs, 100, SGD(lr=0.01), verbose=0)
    return model.parameter_vector.tobytes()

fastnet.set_num_threads(1)
expected = train()
fastnet.set_num_threads(3)
assert train() == expected
assert len(threads._helpers) == 2 and threading.active_count() == 3
"""


warm = pytest.mark.usefixtures("warm_cache")  # children that print nothing, nor of compiling


def run(program, **environment):
    done = children.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        env={**os.environ, **environment},
    )
    assert done.returncode == 0 and not done.stderr, f"{done.returncode}\n{done.stderr}"
    return done.stdout


@warm
def test_exit_with_sleeping_helpers():
    assert run(PROGRAM + "print('end')") == "end\n"


@warm
def test_exit_in_the_middle_of_a_call():
    code = """
threading.Thread(target=train, args=(10**6,), daemon=True).start()
while not threads._serving.locked():
    time.sleep(0.001)
time.sleep(0.2)
print('end')
"""
    assert run(PROGRAM + code) == "end\n"


@warm
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("during", ["nothing", "a call"])
def test_fork(during):
    """The child starts helpers of its own; so does the parent, whose helpers went before."""
    code = """
if DURING:
    worker = threading.Thread(target=train, args=(3000,))
    worker.start()
    while not threads._serving.locked():
        time.sleep(0.001)
    warnings.simplefilter("ignore")  # of other threads: here there are some
child = os.fork()
if child == 0:
    status = 1
    try:
        assert not threads._helpers and not threads._serving.locked()
        assert train() == expected
        assert len(threads._helpers) == 2
        status = 0
    finally:
        os._exit(status)
assert os.waitpid(child, 0)[1] == 0
assert DURING or threading.active_count() == 1  # Python 3.12 warns of forks beside threads
assert train() == expected
if DURING:
    worker.join()
assert train() == expected
assert len(threads._helpers) == 2
print('end')
"""
    assert run(PROGRAM + f"DURING = {during != 'nothing'}" + code) == "end\n"


# --------------------------------------------------------------------------- the number


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (0, ValueError, "set_num_threads: n must be at least 1, got 0. Give a positive int."),
        (-2, ValueError, "set_num_threads: n must be at least 1, got -2. Give a positive int."),
        (
            257,
            ValueError,
            "set_num_threads: n must be at most 256, got 257. Give the number of cores.",
        ),
        (2.0, TypeError, "set_num_threads: n must be a whole number, got 2.0. Give an int."),
        (True, TypeError, "set_num_threads: n must be a whole number, got True. Give an int."),
        ("2", TypeError, "set_num_threads: n must be a whole number, got '2'. Give an int."),
    ],
)
def test_set_num_threads_refuses(n, error, message):
    before = fastnet.get_num_threads()
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        fastnet.set_num_threads(n)
    assert fastnet.get_num_threads() == before


def test_set_num_threads():
    for n in (1, 3, np.int64(256)):
        fastnet.set_num_threads(n)
        assert fastnet.get_num_threads() == threads.get_num_threads() == n
        assert type(fastnet.get_num_threads()) is int
    with pytest.raises(AttributeError, match=r"^fastnet: name must be one of .* got 'num_threads'"):
        _ = fastnet.num_threads


SHOW = "import fastnet; print(fastnet.get_num_threads())"


@pytest.fixture
def alone(monkeypatch):
    """Nobody else says a number."""
    for who in ("OMP", "NUMBA"):
        monkeypatch.delenv(f"{who}_NUM_THREADS", raising=False)


def test_the_environment_sets_the_number(alone):
    assert run(SHOW, FASTNET_NUM_THREADS="7") == "7\n"


@pytest.mark.parametrize("text", ["0", "-1", "", "two", "257", "1.5"])
def test_the_environment_is_checked(text, monkeypatch):
    monkeypatch.setenv("FASTNET_NUM_THREADS", text)
    message = f"FASTNET_NUM_THREADS must be a whole number from 1 to 256, got {text!r}. Unset it"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        threads._number()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_the_default_is_the_cores_that_may_be_used():
    one = f"import os; os.sched_setaffinity(0, [{min(os.sched_getaffinity(0))}]); {SHOW}"
    environment = {"FASTNET_NUM_THREADS": ""}
    program = "import os; del os.environ['FASTNET_NUM_THREADS']; "
    assert run(program + one, **environment) == "1\n"
    assert 1 <= int(run(program + SHOW, **environment)) <= len(os.sched_getaffinity(0))


def test_two_threads_of_one_core_are_one(monkeypatch):
    siblings = {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3}, raising=False)

    def read(path):
        return siblings[int(re.search(r"cpu(\d+)/", str(path))[1])]

    monkeypatch.setattr(threads.Path, "read_text", read)
    assert threads._cores() == 2

    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(threads.Path, "read_text", missing)
    assert threads._cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert threads._cores() == os.cpu_count()


# ------------------------------------------------------ what containers and other libraries say


def groups(tmp_path, lines, files):
    """What a process in control groups sees of them."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    (tmp_path / "groups").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path / "groups", tmp_path


QUOTA, PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"
V1 = "4:memory:/box\n3:cpu,cpuacct:/box/inner\n0::/".split("\n")


@pytest.mark.parametrize(
    ("lines", "files", "cpus"),
    [
        # cgroup v2: in the container's own namespace, seen from outside, and limited further up.
        (["0::/"], {"cpu.max": "150000 100000"}, 1.5),
        (["0::/a/b"], {"a/b/cpu.max": "400000 100000"}, 4),
        (["0::/a/b"], {"a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"}, 0.5),
        (["0::/a/b"], {"a/b/cpu.max": "max 100000"}, math.inf),
        (["0::/a/b"], {"cpu.max": "300000 100000"}, 3),  # the path is the host's
        (["0::/../a"], {"cpu.max": "300000 100000"}, 3),
        # cgroup v1, by its controllers' names or by the link.
        (V1, {f"cpu,cpuacct/box/inner/{QUOTA}": "200000",
              f"cpu,cpuacct/box/inner/{PERIOD}": "100000"}, 2),
        (V1, {f"cpu/{QUOTA}": "250000", f"cpu/{PERIOD}": "50000"}, 5),
        (V1, {f"cpu/{QUOTA}": "-1", f"cpu/{PERIOD}": "100000"}, math.inf),
        (V1, {f"memory/box/{QUOTA}": "100000", f"memory/box/{PERIOD}": "100000"}, math.inf),
        # Both, where v2 has no controllers.
        ([*V1, "0::/x"], {f"cpu/{QUOTA}": "100000", f"cpu/{PERIOD}": "100000",
                          "unified/x/cpu.stat": "usage_usec 1"}, 1),
        (["0::/"], {"cpu.max": "nothing known"}, math.inf),
        (["0::/"], {}, math.inf),
        ([], {}, math.inf),
    ],
)  # fmt: skip
def test_the_quota_of_a_container(lines, files, cpus, tmp_path):
    assert threads._quota(*groups(tmp_path, lines, files)) == cpus
    assert threads._quota(tmp_path / "no Linux", tmp_path) == math.inf


@pytest.mark.parametrize(
    ("quota", "environment", "number"),
    [
        (math.inf, {}, 8),
        (2.0, {}, 2),
        (1.9, {}, 1),  # two threads would be stopped for a twentieth of the time, in turns
        (0.5, {}, 1),
        (64.0, {}, 8),
        (2.0, {"FASTNET_NUM_THREADS": "5"}, 5),  # who says it knows
        (math.inf, {"OMP_NUM_THREADS": "1"}, 1),
        (math.inf, {"NUMBA_NUM_THREADS": "1"}, 1),
        (math.inf, {"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "2"}, 2),
        (math.inf, {"OMP_NUM_THREADS": "64"}, 8),
        (math.inf, {"OMP_NUM_THREADS": "3,2"}, 3),  # for each level of nesting
        (math.inf, {"FASTNET_NUM_THREADS": "5", "OMP_NUM_THREADS": "3"}, 3),
        (math.inf, {"FASTNET_NUM_THREADS": "2", "OMP_NUM_THREADS": "3"}, 2),
        (math.inf, {"OMP_NUM_THREADS": "", "NUMBA_NUM_THREADS": "0"}, 8),
        (math.inf, {"OMP_NUM_THREADS": "many", "NUMBA_NUM_THREADS": "-1"}, 8),
    ],
)
def test_the_smallest_of_what_is_said(quota, environment, number, monkeypatch):
    for who in ("FASTNET", "OMP", "NUMBA"):
        monkeypatch.delenv(f"{who}_NUM_THREADS", raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(threads, "_cores", lambda: 8)
    monkeypatch.setattr(threads, "_quota", lambda: quota)
    assert threads._number() == number


def test_a_worker_of_joblib_has_one_thread():
    """What joblib sets in each of as many workers as there are cores."""
    assert run(SHOW, OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1") == "1\n"


# --------------------------------------------------------------------------- late helpers


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
