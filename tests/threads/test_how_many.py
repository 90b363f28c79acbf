"""How many threads: what was set, the environment, cores, and what containers grant."""

import math
import os
import re

import numpy as np
import pytest
from thread_stacks import run

import fastnet
from fastnet import threads


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
