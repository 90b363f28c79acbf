"""The scripts in examples/: each says what it prints, and prints that.

Words must be the same and numbers near: another CPU adds up in another order, and a network that
learnt otherwise in the last bit answers otherwise in the third digit.
"""

import ast
import os
import re
import runpy
import sys
from pathlib import Path

import children
import pytest

import fastnet

# What they write; these draw pictures, or train for a quarter of a minute.
SLOW = {
    "convert_dates.py": ["dates.png"],
    "see_digits.py": ["filters.png", "maps.png"],
    "write_text.py": [],
}
# Those of several processes, and what they need: test_scaling.py has more of them.
SCALED = {"data_parallel": "mpi4py", "grid_search_on_dask": "distributed"}
SCALED |= {"trials_on_dask": "optuna_integration"}
QUICK = {"and_gate", "cart_pole", "digits", "lstm", "many_nets", "mnist", "own_loop"}
QUICK |= {"regression", "xor"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def said(path):
    """Return what a script's docstring says that it prints; "..." stands for any lines."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return [line.strip() for line in text.partition("Expected")[2].split("\n\n")[1].splitlines()]


def agree(wanted, got, near=0.2, apart=0.02):
    """Whether lines have the same words, and numbers that differ by a fifth, or 0.02, at most."""
    if "..." in wanted:
        i = wanted.index("...")
        j = len(wanted) - i - 1
        return (
            len(got) >= i + j
            and agree(wanted[:i], got[:i], near, apart)
            and agree(wanted[i + 1 :], got[len(got) - j :], near, apart)
        )
    if [NUMBER.sub("0", line).split() for line in wanted] != [
        NUMBER.sub("0", line).split() for line in got
    ]:
        return False
    pairs = zip(NUMBER.findall("\n".join(wanted)), NUMBER.findall("\n".join(got)), strict=True)
    return all(abs(float(a) - float(b)) <= max(apart, near * abs(float(a))) for a, b in pairs)


def test_words_numbers_and_lines_are_compared():
    wanted = ["loss 0.500", "...", "right 10"]
    assert agree(wanted, ["loss 0.51", "anything", "more", "right 11"])
    assert not agree(wanted, ["loss 0.7", "right 10"])
    assert not agree(wanted, ["lose 0.5", "right 10"])
    assert not agree(wanted, ["loss 0.5"])
    assert not agree(["a 1", "b 2"], ["a 1"])


def test_every_script_says_what_it_prints(root):
    found = {path.name: path for path in (root / "examples").glob("*.py")}
    assert found.keys() == SLOW.keys() | {f"{name}.py" for name in QUICK | SCALED.keys()}
    for name, path in found.items():
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert f"    python examples/{name}" in text and re.search(r"Expected,\sin\ssome ", text)
        assert f"`{name}`" in (root / "docs" / "examples.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    # Its functions are compiled from nothing: 6 s of CPU.
    [pytest.param(n, marks=[pytest.mark.slow] * (n == "own_loop")) for n in sorted(QUICK)],
)
def test_scripts_print_what_they_say(root, name, capsys, monkeypatch, request):
    path, arguments = root / "examples" / f"{name}.py", []
    if name == "mnist":
        arguments = [str(request.getfixturevalue("mnist_dir"))]
    if name == "many_nets":
        pytest.importorskip("joblib", reason="needs joblib, of the extra trials")
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    threads = fastnet.get_num_threads()
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        fastnet.set_num_threads(threads)
    got = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert agree(said(path), got), "\n".join(got)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_scripts_of_some_seconds_print_what_they_say(root, name, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    path = root / "examples" / name
    done = children.run([sys.executable, str(path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == SLOW[name]
    last = NUMBER.sub("0", said(path)[-1])
    lines = [NUMBER.sub("0", line.strip()) for line in done.stdout.splitlines()]
    # What a model writes hangs on rounding: of that the last line but the words of it.
    assert last in lines or name == "write_text.py"
    numbers = {
        "convert_dates.py": r"epoch 5: ([\d.]+)% right",
        "see_digits.py": r"accuracy ([\d.]+)",
        "write_text.py": r"perplexity ([\d.]+), of the grammar",
    }
    found = float(re.search(numbers[name], done.stdout)[1])
    assert found < 4 if name == "write_text.py" else found > (99 if "dates" in name else 0.97)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCALED)
def test_scripts_of_several_processes_print_what_they_say(root, name, tmp_path):
    if name == "data_parallel":
        pytest.importorskip("mpi4py.MPI", reason="needs mpi4py and an MPI", exc_type=Exception)
    pytest.importorskip(SCALED[name], reason="needs the extra trials, or mpi")
    path = root / "examples" / f"{name}.py"
    source = str(Path(fastnet.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    done = children.run([sys.executable, str(path)], cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    wanted = [line for line in said(path) if not line.startswith("kernels compiled")]
    assert agree(wanted, [line for line in lines if not line.startswith("kernels compiled")])
