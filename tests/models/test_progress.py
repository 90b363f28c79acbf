"""Progress on a terminal and in a notebook, lines where they are asked for, and none elsewhere."""

import io
import json
import re
import sys

import children
import numpy as np
import pytest
from small_models import SQUARED_ERROR, data, refused, small

from fastnet import models
from fastnet.models import progress
from fastnet.models.steps import Steps


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_progress(monkeypatch):
    x, t = data()
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "200")  # older versions of tqdm look there
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
    monkeypatch.setattr(models.epochs, "progress_bar", lambda *_: order.append("bar"))
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
    real = models.epochs.progress_bar
    monkeypatch.setattr(models.epochs, "progress_bar", lambda *a: bars.append(real(*a)) or bars[-1])
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(FloatingPointError):
        small().fit(x * np.nan, t, 3)
    interrupt(1)
    small().fit(x, t, 3)
    assert len(bars) == 2 and all(bar.disable and bar.n == 0 for bar in bars)
    assert sys.stderr.getvalue().count("0/3") >= 2 and sys.stderr.getvalue().endswith("\n")


class Recorder:
    """A bar that keeps where it was."""

    def __init__(self):
        self.n, self.seen, self.closed = 0.0, [], False

    def update(self, count):
        self.n += count
        self.seen.append(self.n)

    def set_postfix(self, shown, refresh):
        self.seen.append(sorted(shown))

    def close(self):
        self.closed = True


def test_the_bar_moves_within_a_long_epoch(monkeypatch):
    x, t = data(40)
    seen = small().fit(x, t, 2, 4, verbose=0)
    bar, asked = Recorder(), []
    monkeypatch.setattr(
        models.epochs, "progress_bar", lambda *arguments: asked.append(arguments) or bar
    )
    monkeypatch.setattr(progress, "FLOPS_A_CALL", 4 * progress.FLOPS_A_BATCH)  # some batches
    again = small().fit(x, t, 2, 4)
    assert again.loss == pytest.approx(seen.loss, rel=1e-6)  # sums in parts
    assert asked == [(2, "epoch", 1, True)] and bar.closed
    assert [entry for entry in bar.seen if isinstance(entry, list)] == [["accuracy", "loss"]] * 2
    moved = [entry for entry in bar.seen if not isinstance(entry, list)]
    assert moved == sorted(moved) and len(moved) > 6
    assert moved[-1] == 2 and 1 in moved and 0 < moved[0] < 0.5
    assert 0 < np.diff(moved).min() and np.diff(moved).max() < 0.4


def test_a_bar_of_long_epochs_shows_parts(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = progress.progress_bar(2, "epoch", 1, True)
    bar.update(0.25 - bar.n)
    bar.refresh()
    assert "0.25/2" in sys.stderr.getvalue()
    bar.update(2 - bar.n)
    bar.close()
    assert re.search(r"100%.* 2\.00/2 \[.*epoch", sys.stderr.getvalue().split("\r")[-1])


@pytest.mark.parametrize("validation", [False, True])
def test_a_line_an_epoch(capsys, validation):
    x, t = data(20)
    quiet, loud = small(), small()
    held_out = (x[:5], t[:5]) if validation else None
    seen = quiet.fit(x, t, 3, 8, validation_data=held_out, verbose=0)
    assert capsys.readouterr() == ("", "")
    again = loud.fit(x, t, 3, 8, validation_data=held_out, verbose=2)
    out, err = capsys.readouterr()
    assert err == ""
    np.testing.assert_array_equal(quiet.parameter_vector, loud.parameter_vector)
    assert again.loss == seen.loss
    lines = out.splitlines()
    assert len(lines) == 3
    for i, line in enumerate(lines):
        held = ""
        if validation:
            held = f", val_loss {seen.val_loss[i]:.4f}, val_accuracy {seen.val_accuracy[i]:.4f}"
        wanted = f"epoch {i + 1}/3: loss {seen.loss[i]:.4f}, accuracy {seen.accuracy[i]:.4f}{held}"
        assert re.fullmatch(re.escape(wanted) + r", [\d.e-]+ s", line)


def test_lines_stay_whole_within_a_long_epoch(capsys, monkeypatch):
    monkeypatch.setattr(progress, "FLOPS_A_CALL", 1.0)  # a batch
    x, t = data(20)
    small().fit(x, t, 2, 4, verbose=2)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "epoch 1/2",
        "epoch 2/2",
    ]


@pytest.mark.parametrize("verbose", [3, -1, "auto", None, 1.0])
def test_verbose_is_one_of_three(verbose):
    x, t = data()
    refused(
        lambda: small().fit(x, t, verbose=verbose),
        ValueError,
        f"Sequential.fit: verbose must be 0, 1 or 2, got {verbose!r}. "
        "Give 0 for nothing, 1 for a bar, or 2 for a line an epoch.",
    )


NOTEBOOK = """
import json, sys
import nbformat
from nbclient import NotebookClient

cell = '''
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential
{hidden}
x = np.random.default_rng(0).random((40, 3))
history = Sequential([Dense(2)], seed=0).fit(x, np.arange(40) % 2, epochs=3)
print(history)
'''.format(hidden=sys.argv[1])
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
NotebookClient(book, timeout=400, kernel_name="python3").execute()
widgets = book.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
values = [w["state"].get("value") for w in widgets.get("state", {}).values()]
outputs = [
    (o.output_type, o.get("name"), o.get("text") or sorted(o.get("data", [])))
    for o in book.cells[0].outputs
]
print(json.dumps([values, outputs]))
"""


@pytest.mark.parametrize("widgets", [True, False], ids=["widgets", "text"])
def test_a_notebook_shows_progress(tmp_path, widgets):
    """A kernel of Jupyter runs a cell, with ipywidgets and as if there were none."""
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    if widgets:
        pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    hidden = "" if widgets else "import sys; sys.modules['ipywidgets'] = None"
    script = tmp_path / "notebook.py"
    script.write_text(NOTEBOOK)
    done = children.run([sys.executable, "-W", "ignore", str(script), hidden])
    assert done.returncode == 0, done.stderr[-2000:]
    values, outputs = json.loads(done.stdout.splitlines()[-1])
    streams = dict.fromkeys(("stdout", "stderr"), "")
    for kind, name, text in outputs:
        if kind == "stream":
            streams[name] += text
    assert re.match("<History: 3 epochs, at last loss", streams["stdout"])
    if widgets:
        shown = [data for kind, _, data in outputs if kind == "display_data"]
        assert len(shown) == 1 and "application/vnd.jupyter.widget-view+json" in shown[0]
        assert 3 in values  # the bar's own
        assert any("3/3" in str(value) and "loss=" in str(value) for value in values)
        assert "IProgress" not in streams["stderr"] and "epoch" not in streams["stderr"]
    else:
        assert "3/3" in streams["stderr"] and "loss=" in streams["stderr"]
        assert "Warning" not in streams["stderr"]
