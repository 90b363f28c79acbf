"""What tests/shared/in_turn.py promises of cases that are one test."""

import inspect

import numpy as np
import pytest
from in_turn import with_each


def test_every_case_runs_with_the_same_random_numbers():
    seen = []

    @with_each("a", [1, 2])
    @with_each("b, c", [(3, 4), (5, 6)])
    def each(a, b, c, other, rng):
        seen.append((a, b, c, other, rng.random()))

    assert list(inspect.signature(each).parameters) == ["other", "rng"]  # which pytest gives
    each(other="x", rng=np.random.default_rng(0))
    number = np.random.default_rng(0).random()
    assert seen == [(a, b, c, "x", number) for a in (1, 2) for b, c in ((3, 4), (5, 6))]


def test_the_case_that_fails_is_told_and_ends_the_test(capsys):
    seen = []

    @with_each("size", [1, 2, 3])
    def each(size):
        seen.append(size)
        assert size != 2

    with pytest.raises(AssertionError):
        each()
    assert seen == [1, 2] and capsys.readouterr().out == "in the case {'size': 2}\n"


def test_all_cases_are_skipped_or_none():
    with pytest.raises(pytest.skip.Exception, match="no library"):
        with_each("a", [1, 2])(lambda a: pytest.skip("no library"))()
    for skipped in (1, 2):
        one = with_each("a", [1, 2])(lambda a: pytest.skip("alone") if a == skipped else None)  # noqa: B023
        with pytest.raises(AssertionError, match=rf"skipped of others: .*{skipped}.*alone"):
            one()


def test_no_cases_and_wrong_names_are_errors():
    with pytest.raises(AssertionError):
        with_each("a", [])(lambda a: None)()
    with pytest.raises(AssertionError, match="no argument of b"):
        with_each("b", [1])(lambda a: None)
