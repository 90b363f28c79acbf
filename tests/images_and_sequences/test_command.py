"""Rows of images, sequences and words as commands print them."""

import json
import os
import re
import sys
from pathlib import Path

import children
import pytest
from measured_rows import command, tiny_works


def test_command_writes_json_and_a_table(home, tmp_path):
    file = tmp_path / "out.json"
    arguments = ["--grid", "--only", "4x16 -> 8", "--contenders", "fastnet", "--json", str(file)]
    done = command(home, *arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(file.read_text())
    [row] = result["rows"]
    assert (row["work"], row["dtype"]) == ("4x16 -> 8, 1x1", "float32")
    assert row["flops"] == 3 * 2 * 32 * 16 * 16 * 4 * 8
    assert row["of_limit"] == pytest.approx(row["microseconds"]["fastnet"][1] / row["limit"])
    assert "ratio" not in row and "book_ratio" not in row
    assert (result["kind"], result["isa"], result["threads"]) == ("grid", "native", 1)
    head, _, cells = re.findall(r"^\|.*\|$", done.stdout, re.MULTILINE)
    assert head.count("|") == cells.count("|") == 8
    assert cells.startswith("| 4x16 -> 8, 1x1 | ")


def test_ratios_are_of_the_best_and_marked_where_they_miss(modules):
    command = modules.images_and_sequences
    work = next(tiny_works(modules, "float32"))._replace(best=2.0, book=3.0)

    def row(**micros):
        times = {name.replace("_", " "): [0, time, 0] for name, time in micros.items()}
        return command.row_of(work, 1e-6, {}, times)

    found = row(book=9.0, PyTorch=5.0, JAX=4.0, fastnet=2.0)
    assert (found["best"], found["ratio"], found["book_ratio"]) == ("JAX", 2.0, 4.5)
    assert found["of_limit"] == pytest.approx(2.0)
    cells = modules.rows_tables.cells
    assert cells(found) == ["1", "2", "4 (JAX)", "2.00 (2)", "9", "4.50 (3)"]
    # Of two ways the faster one counts, and a peer's name is not one of them.
    found = row(book=9.0, PyTorch=5.0, fastnet=6.0, fastnet_fit=4.0)
    assert found["fastnet"] == "fastnet fit" and found["ratio"] == 1.25
    assert cells(found)[3:] == ["1.25 (2) **missed**", "9", "2.25 (3) **missed**"]
    work = work._replace(best=None)
    assert cells(row(PyTorch=1.0, fastnet=2.0))[3] == "0.50 **slower**"
    text = command.summary([row(PyTorch=time, fastnet=1.0) for time in (0.9, 2.0, 4.0)])
    assert text.startswith("3 rows: geometric mean of best / fastnet 1.93, below 0.95: 1. Worst:")


def test_two_runs_stand_side_by_side(home, tmp_path, modules):
    row_of = modules.images_and_sequences.row_of
    work = next(tiny_works(modules, "float32"))
    files = []
    for isa in ("avx2", "native"):
        row = row_of(work, 1e-6, {}, {"PyTorch": [0, 4.0, 0], "fastnet": [0, 2.0, 0]})
        row["work"] = row["work"] if isa == "avx2" else "another"
        files.append(tmp_path / isa)
        files[-1].write_text(json.dumps({"isa": isa, "cpu": "EPYC", "rows": [row]}))
    done = command(home, "--beside", *map(str, files))
    assert done.returncode == 0, done.stderr
    head, _, first, second = done.stdout.splitlines()
    assert head.startswith("| work | avx2: limit |") and head.endswith("| EPYC: book / fastnet |")
    assert first == f"| {work.name} | 1 | 2 | 4 (PyTorch) | 2.00 |  |  |" + "  |" * 6
    assert second == "| another |" + "  |" * 6 + " 1 | 2 | 4 (PyTorch) | 2.00 |  |  |"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "--fit"], "--grid goes without --fit."),
        (["--rounds", "0"], "--rounds and --threads must be at least 1."),
    ],
)
def test_bad_arguments_are_named(modules, capsys, words, message):
    with pytest.raises(SystemExit):
        modules.images_and_sequences.parse(words)
    assert message in capsys.readouterr().err


@pytest.mark.slow  # 8 s of CPU: a process for each of those compared
def test_memory_command(home, tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak can be cleared on Linux only")
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.memory", "--batch", "4", "--json", "out"]
    done = children.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out").read_text())
    assert {"fastnet", "fastnet fit"} <= set(found)
    for name, row in found.items():
        assert row["step"] >= 0 and row["code"] > 0
        assert f"| {name} | {row['step']:.1f} | " in done.stdout


def test_unknown_rows_and_contenders_are_named(home):
    done = command(home, "--only", "Transformer")
    assert done.returncode != 0
    assert "--only must be in the name of a row, got Transformer." in done.stderr
    done = command(home, "--contenders", "tensorflow")
    assert "--contenders must be of " in done.stderr and done.returncode != 0
