"""The comparison of two commits: verdicts, intervals, rounds, and what is printed."""

import re

import numpy as np
import pytest

wilcoxon = pytest.importorskip(
    "scipy.stats", reason="SciPy is not installed: the extra `bench` installs it"
).wilcoxon


def times(rounds, ratio=1.0, noise=0.01, speeds=(1, 1.5), head_speeds=None, seed=0):
    """Seconds (rounds, side, fastnet and control) on a machine whose speed is another each time."""
    rng = np.random.default_rng(seed)
    seconds = np.empty((rounds, 2, 2))
    seconds[:] = [2e-6, 3e-6]
    seconds[:, 1, 0] *= ratio
    slow = rng.uniform(*speeds, (rounds, 2, 1))
    if head_speeds:
        slow[:, 1] = rng.uniform(*head_speeds, (rounds, 1))
    return seconds * slow * np.exp(noise * rng.standard_t(3, seconds.shape))


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"),
    [
        (1.1, 0.01, "slower"),
        (1 / 1.1, 0.01, "faster"),
        (1.0, 0.01, "same"),
        (1.02, 0.01, "same"),
        (1.05, 0.01, "cannot tell"),  # on the threshold
        (1.0, 0.2, "cannot tell"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_verdict(compare, ratio, noise, verdict, seed):
    found = compare.compared_times.judge(times(20, ratio, noise, seed=seed), 0.05, 10)
    assert found[-1] == verdict
    assert found[1] <= found[0] <= found[2]


@pytest.mark.parametrize("rounds", [10, 20])
@pytest.mark.parametrize("head_speeds", [(1.5, 1.5), (0.6, 0.7), (1, 3)])
def test_a_machine_that_is_slow_for_one_side_alone_makes_no_verdict(compare, rounds, head_speeds):
    samples = times(rounds, speeds=(1, 1), head_speeds=head_speeds)
    *_, control, verdict = compare.compared_times.judge(samples, 0.05)
    assert verdict == "same"
    assert abs(control - 1) > 0.3  # as the table shows
    samples[:, 1, 0] *= 1.1
    assert compare.compared_times.judge(samples, 0.05)[-1] == "slower"


@pytest.mark.parametrize(("rounds", "benchmarks"), [(6, 1), (20, 20)])
def test_intervals_are_as_sure_as_they_say(compare, rounds, benchmarks):
    wrong = 0
    for seed in range(1000):
        _, low, high, *_ = compare.compared_times.judge(
            times(rounds, 1.05, 0.05, seed=seed), 0.05, benchmarks
        )
        wrong += not low <= 1.05 <= high
    expected = 1000 * 0.05 / benchmarks
    assert wrong < expected + 4 * np.sqrt(expected)


@pytest.mark.parametrize("benchmarks", [1, 2, 7, 20, 500])
def test_least_rounds(compare, benchmarks):
    """So many that agree are that unlikely by chance, and one less are not."""
    least = compare.compared_times.least_rounds(benchmarks)
    assert wilcoxon(np.arange(1, least + 1)).pvalue <= 0.05 / benchmarks
    assert wilcoxon(np.arange(1, least)).pvalue > 0.05 / benchmarks
    assert compare.compared_times.judge(times(least, 1.2), 0.05, benchmarks)[-1] == "slower"


def test_report(compare, capsys):
    samples = {"first": times(20), "second": times(20, 0.8), "third": times(20, 1.2)}
    assert compare.compared_times.report(samples, 0.05) is True
    lines = capsys.readouterr().out.splitlines()
    ends = {line.split(" | ")[0][2:]: line.split(" | ")[-1] for line in lines[2:5]}
    assert ends == {"first": "same |", "second": "faster |", "third": "slower |"}
    low, high = map(float, re.search(r"took ([\d.]+) to ([\d.]+) of its", lines[-1]).groups())
    assert 0.75 < low < 0.9 < 1.1 < high < 1.3  # 1 to 1.5 over 1.25
    assert (
        compare.compared_times.report(
            {"first": samples["first"], "second": samples["second"]}, 0.05
        )
        is False
    )


def test_sides_take_turns_in_processes_of_their_own(compare, monkeypatch):
    """Turn by turn and round by round the other side is first: a steady drift is none."""
    asked, times = [], iter([5, 9, 4, 7, 6, 8, 3, 2, 2, 1, 7, 4])

    class Side:
        def __init__(self, site):
            self.site, self.open = site, False

        def __enter__(self):
            asked.append(f"{self.site} starts")
            self.open = True
            return self

        def __exit__(self, *_):
            self.open = False

        def ask(self, question, about):
            assert self.open
            asked.append(f"{self.site} {question} {about}")
            if question == "time":
                return [next(times), ord(self.site)]

    monkeypatch.setattr(compare, "Side", Side)
    monkeypatch.setattr(compare, "TURNS", 3)
    samples = compare.measure(["B", "H"], ["x"], 2, 0.75)
    order = [words for words in asked if "time" not in words]
    assert order == ["B starts", "H starts", "B prepare x", "H prepare x"] * 2
    order = [words for words in asked if "time" in words]
    assert order == [f"{side} time 0.25" for side in "BHHBBHHBBHHB"]
    base, head = ord("B"), ord("H")
    # The least of 5, 7 and 6; of 9, 4 and 8; of 2, 2 and 4; of 3, 1 and 7.
    assert samples["x"].tolist() == [[[5, base], [4, head]], [[2, base], [1, head]]]


@pytest.mark.parametrize(("seconds", "pairs"), [(0, 1), (1, 1), (20, 4)])
def test_least_times(compare, monkeypatch, seconds, pairs):
    """Of fastnet and control in alternation until the CPU time is over, the least of a call."""
    called = []
    monkeypatch.setattr(compare.time, "thread_time", lambda: 3 * len(called))

    class Timer:
        def __init__(self, name, *times):
            self.name, self.times = name, iter(times)

        def timeit(self, number):
            called.append((self.name, number))
            return next(self.times)

    turns = [(Timer("fastnet", 6, 4, 8, 9), 2), (Timer("numpy", 9, 30, 6, 9), 3)]
    least = compare.compared_side.least_times(turns, seconds)
    assert called == [("fastnet", 2), ("numpy", 3)] * pairs
    assert least == ([3, 3] if pairs == 1 else [2, 2])
