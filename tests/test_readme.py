"""The README's examples run as they stand."""

import re
from pathlib import Path

import numpy as np
import pytest

from fastnet import optimizer

README = Path(__file__).resolve().parent.parent / "README.md"
OPTIMIZERS = [name for name in optimizer.__all__ if name[0].isupper() and name != "Optimizer"]
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_readme_has_its_examples():
    """NumPy layers, a model to train, kernels in jitted code; and 150 lines at most."""
    assert len(EXAMPLES) == 3
    assert len(README.read_text().splitlines()) <= 150


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run an example, in a folder of its own for the files that it writes; return its names."""
    monkeypatch.chdir(tmp_path)

    def run(number, stop=None):
        names = {"__name__": "example"}
        code = EXAMPLES[number] if stop is None else EXAMPLES[number].split(stop)[0]
        exec(compile(code, f"README.md, example {number}", "exec"), names)
        return names

    return run


def test_layers(run):
    before, after = run(0, "for _ in range"), run(0)
    for i in (0, 2):
        for start, end in zip(before["layers"][i].params, after["layers"][i].params, strict=True):
            assert (start != end).any()
    # Random labels: ten steps take little off, but what SGD learned shows in the loss.
    assert after["loss"] < before["last"].forward(_logits(before), before["t"])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_loop_over_layers_goes_with_every_optimizer(kind, monkeypatch):
    code = EXAMPLES[0].replace("SGD(lr=0.1)", "SGD()")
    assert code != EXAMPLES[0]
    monkeypatch.setattr(optimizer, "SGD", getattr(optimizer, kind))
    names = {"__name__": "example"}
    exec(compile(code, "README.md, example 0", "exec"), names)
    assert type(names["optimizer"]).__name__ == kind and names["optimizer"].iter == 10
    assert np.isfinite(names["loss"])


def _logits(names):
    out = names["x"]
    for layer in names["layers"]:
        out = layer.forward(out)
    return out


def test_a_model(run, capsys):
    names = run(1)
    assert names["history"].val_accuracy[-1] > 0.95
    assert (names["same"].predict(names["x"]) == names["model"].predict(names["x"])).all()


def test_kernels(run):
    names = run(2)
    assert names["loss"][0] < 0.5 * np.log(10)  # what guessing gives, and the first step


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)", README.read_text())
    assert len(links) > 5
    assert [link for link in links if not (README.parent / link).exists()] == []
