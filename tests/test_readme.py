"""The README's examples run as they stand."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_readme_has_its_examples():
    """One for each kind of user: NumPy layers, a model to train, kernels in jitted code."""
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example(number, tmp_path, monkeypatch, capsys):
    """The examples write files into the folder they run in."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    exec(compile(EXAMPLES[number], f"README.md, example {number}", "exec"), names)
    if "loss" in names:
        assert float(names["loss"].item()) < 2.31  # log(10) = 2.303 is what guessing gives
    else:
        assert names["history"].val_accuracy[-1] > 0.95
        assert (names["same"].predict(names["x"]) == names["model"].predict(names["x"])).all()
