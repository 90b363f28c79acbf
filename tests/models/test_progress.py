"""Progress on a terminal, and none elsewhere."""

import io
import sys

import numpy as np
import pytest
from small_models import SQUARED_ERROR, data, small

from fastnet import models
from fastnet.models.steps import Steps


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_progress(monkeypatch):
    x, t = data()
    monkeypatch.setattr(sys, "stderr", Terminal())
    seen = small().fit(x, t, 3, validation_data=(x, t))
    text = sys.stderr.getvalue()
    assert "3/3" in text and "epoch" in text and text.endswith("\n")
    last = text.split("\r")[-1]
    for name in ("loss", "accuracy", "val_accuracy"):
        assert f"{name}={getattr(seen, name)[-1]:.4f}" in last


def test_the_bar_shows_what_was_asked_for(monkeypatch):
    x, t = data(loss=SQUARED_ERROR)
    monkeypatch.setattr(sys, "stderr", Terminal())
    seen = small(SQUARED_ERROR).fit(x, t, 3, validation_data=(x, t), metrics=["r2"])
    last = sys.stderr.getvalue().split("\r")[-1]
    for name in ("loss", "r2", "val_loss", "val_r2"):
        assert f"{name}={getattr(seen, name)[-1]:.4f}" in last
    assert "accuracy" not in last and "seconds" not in last


def test_the_bar_comes_when_the_kernels_are_there(monkeypatch):
    """A line that says that they are compiled stands above it."""
    order, run = [], Steps.run
    monkeypatch.setattr(Steps, "run", lambda *a, **k: order.append("run") or run(*a, **k))
    monkeypatch.setattr(models.training, "progress_bar", lambda *_: order.append("bar"))
    small().fit(*data(), 1)
    assert order == ["run", "bar", "run"]


@pytest.mark.parametrize(
    ("stream", "verbose"),
    [(Terminal, 0), (io.StringIO, 1), (object, 1), (lambda: None, 1)],
    ids=["verbose=0", "a pipe", "no stream", "None"],
)
def test_elsewhere_nothing_is_shown_and_tqdm_not_imported(monkeypatch, capsys, stream, verbose):
    x, t = data()
    fake = stream()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", fake)
        patch.setitem(sys.modules, "tqdm", None)  # an import would fail
        small().fit(x, t, 3, verbose=verbose)
    assert not isinstance(fake, io.StringIO) or fake.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_closed_when_training_ends_early(monkeypatch, interrupt):
    x, t = data()
    bars = []  # held: a bar that is collected closes itself
    real = models.training.progress_bar
    monkeypatch.setattr(
        models.training, "progress_bar", lambda *a: bars.append(real(*a)) or bars[-1]
    )
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(FloatingPointError):
        small().fit(x * np.nan, t, 3)
    interrupt(1)
    small().fit(x, t, 3)
    assert len(bars) == 2 and all(bar.disable and bar.n == 0 for bar in bars)
    assert sys.stderr.getvalue().count("0/3") >= 2 and sys.stderr.getvalue().endswith("\n")
