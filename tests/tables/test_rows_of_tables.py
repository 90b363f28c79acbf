"""Networks of tables: predictions and evaluations of raw rows."""

import csv
import io
import sys

import numpy as np
import pytest
from command_line import only_json, refused
from table_files import ROWS, fresh_rows, made, pandas, write

from fastnet import cli
from fastnet.cli import tables


def test_predictions_are_labels_of_raw_rows(run, tmp_path, capsys, monkeypatch):
    new = fresh_rows(tmp_path)
    assert cli.main(["predict", new, "--model", run]) == 0
    said = capsys.readouterr().out.split()
    assert said[0] == "prediction" and set(said[1:]) <= {"big", "small"} and len(said) == 7
    assert cli.main(["predict", new, "--model", run, "--proba", "--json"]) == 0
    found = only_json(capsys.readouterr().out)
    assert found["predictions"] == said[1:] and found["labels"] == ["big", "small"]
    shares = np.array(found["probabilities"])
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert [found["labels"][i] for i in shares.argmax(axis=1)] == said[1:]
    monkeypatch.setattr(sys, "stdin", io.StringIO((tmp_path / "new.csv").read_text()))
    out = tmp_path / "said.csv"
    assert cli.main(["predict", "-", "--model", run, "--proba", "--out", str(out)]) == 0
    rows = list(csv.reader(out.read_text().splitlines()))
    assert rows[0] == ["prediction", "probability of big", "probability of small"]
    assert [row[0] for row in rows[1:]] == said[1:] and capsys.readouterr().out == ""
    # The order of the columns is no matter, and those of the training may be there.
    other = pandas.read_csv(new)[["colour", "weight", "size"]].assign(price=1, kind="?")
    other.to_csv(tmp_path / "other.csv", index=False)
    assert cli.main(["predict", str(tmp_path / "other.csv"), "--model", run]) == 0
    assert capsys.readouterr().out.split() == said


def test_targets_that_are_too_large_are_refused(tmp_path, capsys):
    path = write(tmp_path / "large.csv", {"a": [1, 2, 3, 4], "price": [1e300, 2e300, 1.5, 5.5]})
    assert refused(capsys, "train", path, "--target", "price") == (
        "fastnet train: column 'price' must have numbers of which squares can be added up, got up "
        "to 2e+300. Divide them by a power of ten."
    )


def test_predictions_go_into_a_file_with_json_too(run, tmp_path, capsys):
    new, out = fresh_rows(tmp_path), tmp_path / "labels.csv"
    assert cli.main(["predict", new, "--model", run]) == 0
    said = capsys.readouterr().out
    assert cli.main(["predict", new, "--model", run, "--json", "--out", str(out)]) == 0
    assert only_json(capsys.readouterr().out) == {"rows": 6, "wrote": [str(out)]}
    assert out.read_text() == said


def test_evaluation_is_what_the_predictions_say(run, table, capsys):
    assert cli.main(["evaluate", table, "--model", run, "--json"]) == 0
    scores = only_json(capsys.readouterr().out)
    assert cli.main(["predict", table, "--model", run]) == 0
    said = capsys.readouterr().out.split()[1:]
    right = np.mean([one == other for one, other in zip(said, made()["kind"], strict=True)])
    assert scores["accuracy"] == pytest.approx(right) and scores["rows"] == ROWS
    assert list(scores) == "loss accuracy precision recall f1 auc rows task".split()
    assert cli.main(["evaluate", table, "--model", run, "--metrics", "f1"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("200 rows, classification\nloss ") and text.count("\n") == 3


def test_what_is_missing_or_unseen_is_told(run, tmp_path, capsys):
    new = fresh_rows(tmp_path, weight=["", 1, 2, 3, 4, 5], colour=["red"] * 5 + ["pink"])
    assert refused(capsys, "predict", new, "--model", run).endswith(
        "fastnet predict: column 'colour' must have values of the training, blue, green, red, got "
        "'pink' in row 6. Correct it, or give --allow-unseen, which takes it for none of them."
    )
    assert cli.main(["predict", new, "--model", run, "--allow-unseen"]) == 0
    printed = capsys.readouterr()
    assert re_lines(printed.err) == [
        "fastnet predict: note: 1 missing in 'weight', of which the training had none: read as its "
        "median, #",
        "fastnet predict: note: 1 in 'colour' not seen in training, such as 'pink': read as none",
    ]
    assert len(printed.out.split()) == 7


def re_lines(text):
    import re

    return re.sub(r"median, [\d.]+", "median, #", text).splitlines()


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        ("True False True", "bool", [1, 0, 1]),
        ("True - False", "bool", [1, np.nan, 0]),
        ("3 - 4", "whole", [3, np.nan, 4]),
        ("3 2.5 4", "number", [3, 2.5, 4]),
        ("a - True", "text", ["a", None, "True"]),
    ],
)
def test_what_a_column_holds(tmp_path, cells, kind, values):
    """Cells without anything, too, which make objects of what is true or false."""
    path = tmp_path / "one.csv"
    rows = "\n".join(f"{i},{'' if cell == '-' else cell}" for i, cell in enumerate(cells.split()))
    path.write_text(f"row,name\n{rows}\n")
    found = tables.read_table(str(path))["name"]
    assert found.kind == kind
    np.testing.assert_array_equal(found.values, np.array(values, found.values.dtype))
