"""What the tests of threads share."""

import pytest

import fastnet
from fastnet import threads


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
