"""What several files of tests of models ask for."""

import pytest

from fastnet import models


@pytest.fixture
def interrupt(monkeypatch):
    """interrupt(k, when): raise KeyboardInterrupt at the k-th compiled call, or right after it."""

    def arm(k, when="after", learn=True):
        calls = []

        def wrapped(*arguments):
            calls.append(arguments[10] == learn and arguments[5].size > 0)  # some samples
            hit = calls[-1] and sum(calls) == k
            if hit and when == "before":
                raise KeyboardInterrupt
            real(*arguments)
            if hit:
                raise KeyboardInterrupt

        monkeypatch.setattr(models.network, "train_epochs", wrapped)

    real = models.network.train_epochs
    return arm


@pytest.fixture(params=[1, 2])
def any_threads(request, team_of):
    """One thread, or two."""
    team_of(request.param)
