"""Networks of tables: what is refused."""

import json

import numpy as np
import pytest
from command_line import refused
from table_files import fresh_rows, pandas, write

from fastnet import cli
from fastnet.cli import columns, tables
from fastnet.cli.pipeline import read_pipeline
from fastnet.models import Sequential


def test_rows_as_the_network_takes_them():
    """By hand: the mean and deviation of [1, 2, 3, 2], a median, categories and what is missing."""
    made = {
        "a": tables.Column("number", np.array([1.0, 2.0, 3.0, np.nan])),
        "b": tables.Column("text", np.array(["x", "y", None, "x"], object)),
        "c": tables.Column("bool", np.array([1.0, 1.0, 1.0, 1.0])),
    }
    known = columns.fitted(made, np.arange(4), [], [], 10, True)
    assert columns.input_names(known) == [
        "a", "a is missing", "b=x", "b=y", "b is missing", "c"
    ]  # fmt: skip
    notes = []
    rows = columns.inputs(known, made, "float64", False, notes)
    deviation = np.sqrt(0.5)
    np.testing.assert_allclose(
        rows,
        [
            [-1 / deviation, 0, 1, 0, 0, 0],
            [0, 0, 0, 1, 0, 0],
            [1 / deviation, 0, 0, 0, 1, 0],
            [0, 1, 1, 0, 0, 0],
        ],
    )
    assert notes == [] and columns.checked(json.loads(json.dumps(known))) == known


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--target must name the column to predict, got none. The table has size, weight, "
         "colour, code, kind, price."),
        ("--target knd", "--target must be a column of the table, got 'knd'. It has size, weight, "
         "colour, code, kind, price. Did you mean kind?"),
        ("--target kind --drop codes", "--drop must be a column of the table, got 'codes'. It has "
         "size, weight, colour, code, kind, price. Did you mean code?"),
        ("--target kind --drop kind", "column 'kind' must be named once, got it in two of "
         "--target, --numeric, --categorical and --drop. Leave one out."),
        ("--target code --task classification", "--target must have classes that come again, got "
         "200 values in 200 rows of column 'code'. Give another column, or, for numbers, --task "
         "regression."),
        ("--target kind --categorical code", "columns of text must have at most 100 values, got "
         "more in code (160). Leave them out by --drop code, or allow more by --max-categories."),
        ("--target kind --numeric colour", "column 'colour' must be numbers, got 'green' in row 1. "
         "Put a number there, or leave the cell empty."),
        ("--target colour", "column 'colour' must have a value in each row, as it is the target, "
         "got none in row 7 and 15 others. Remove these rows, or fill them in."),
        ("--target kind --model simple-conv",
         "--model must be dense for a table, got 'simple-conv'. Leave it out."),
        ("--target kind --loss huber", "--loss must suit the task, classification, got 'huber'. "
         "Give one of softmax_cross_entropy, mean_squared_error, "
         "elementwise_mean_squared_error, hinge, squared_hinge, categorical_hinge, "
         "categorical_cross_entropy, sparse_categorical_cross_entropy, binary_cross_entropy, "
         "sigmoid_cross_entropy, kullback_leibler_divergence."),
        ("--target kind --loss hubr", "--loss must be one of softmax_cross_entropy, #. Did you "
         "mean huber?"),
        ("--target kind --optimizer adm", "--optimizer must be one of #. Did you mean adam?"),
        ("--target kind --optimizer adam:beta=1", "--optimizer adam must have numbers of its own, "
         "got 'beta'. It has lr, beta1, beta2, eps, weight_decay, clip_value, clip_norm."),
        ("--target kind --drop code,price --optimizer adam:beta1=2",
         "--optimizer adam:beta1=2: Adam: beta1 must be #."),
        ("--target kind --optimizer adam:lr=1 --lr 2",
         "--lr must be given once, got it in --optimizer, too. Leave one out."),
        ("--target kind --drop code,price --schedule step", "--schedule step must have every, a "
         "number of epochs, got none. Give --schedule step:every=10."),
        ("--target kind --drop code,price --schedule cosine:steps=0", "--schedule steps must be a "
         "number of epochs above 0, got 0. Give a number such as 10, or fewer --warmup-epochs."),
        ("--target kind --optimizer adam:lr=none",
         "--optimizer lr must be a number, got none. Leave it out for its default."),
        ("--target price --drop code,kind,colour --loss poisson --size 8x8",
         "--size must go with a folder of PNG files, got it with #. Leave it out."),
        ("--target kind --activation reluu", "--activation must be one of #. Did you mean relu?"),
        ("--data x --target kind", "--data must stand alone, got DATA # beside it. Leave one out."),
        ("--target kind --drop code,price --validation-split 0.001", "--validation-split must "
         "leave a row on either side, got 0.001 of 200 rows. Give more rows, or another fraction."),
        ("--optimizer adam:beta1", "--optimizer must be a name, or a name with numbers of its own, "
         "got 'adam:beta1'. Give it like this: adam:name=0.5,name=0.1."),
        ("--drop a,,b", "--drop must be names with commas between them, got 'a,,b'. Give them like "
         "this: age,city."),
        ("--dropout 1", "--dropout must be a fraction above 0 and below 1, got '1'. Give a number "
         "such as 0.2."),
    ],
)  # fmt: skip
def test_bad_trainings(table, capsys, monkeypatch, arguments, message):
    monkeypatch.setattr(Sequential, "fit", None)
    found = refused(capsys, "train", table, *arguments.split())
    start, _, end = f"fastnet train: {message}".partition("#")
    assert found.startswith(start) and found.endswith(end), found


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"a": [1, 2, 3], "y": ["u", "u", "u"]}, "--target must have two values or more, got only "
         "'u' in column 'y'. Give another column."),
        ({"y": [1, 2, 3]}, "DATA must have a column beside the target 'y', got none. Give a table "
         "with columns to learn from."),
        ({"a": ["", "", ""], "y": [1, 2, 1]}, "column 'a' must have a value in the training part, "
         "got none. Leave it out by --drop a."),
        ({"a": [1, "inf", 3], "y": [1, 2, 1]}, "column 'a' must be finite, got inf in row 2. Put a "
         "number there, or leave the cell empty."),
        ({"a": [1, 1e200, 3], "y": [1.5, 2, 1]}, "column 'a' must have numbers of which squares "
         "can be added up, got up to 1e+200. Divide them by a power of ten."),
        ({"a": [1, 2, 3], "y": [-1.5, 2, 1]}, "Sequential.evaluate: t must be at least 0, got "
         "t[#. Give counts or sizes."),
        ({"a": [], "y": []}, "DATA must have a row of values, got none in #. Give another file."),
    ],
)  # fmt: skip
def test_bad_tables(tmp_path, capsys, rows, message):
    path = write(tmp_path / "t.csv", rows)
    arguments = ["--target", "y", "--validation-split", "0.4", "--seed", "2"]
    if "-1.5" in str(rows):
        arguments += ["--loss", "poisson"]
    found = refused(capsys, "train", path, *arguments)
    start, _, end = f"fastnet train: {message}".partition("#")
    assert found.startswith(start) and found.endswith(end), found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,a,y\n1,2,3\n", "DATA must have a name of its own for each column, got a twice in #. "
         "Give each another name in the first row."),
        ("a,y\n1,2,3\n1,2,3\n", "DATA must have a name in the first row for each column, got 2 "
         "names for more in #. Name them all."),
        ("a,y\n1,caf\xe9\n", "DATA must be UTF-8, got 'utf-8' codec can't #. Save it as UTF-8."),
        ("", "DATA must be a table, got #. Give another file."),
    ],
)  # fmt: skip
def test_heads_of_files(tmp_path, capsys, text, message):
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    found = refused(capsys, "train", str(tmp_path / "t.csv"), "--target", "y")
    start, _, end = f"fastnet train: {message}".partition("#")
    assert found.startswith(start) and found.endswith(end), found


def test_names_are_read_without_the_space_around_them(tmp_path, capsys):
    rows = "".join(f"{i % 3:02}, {i}, {'pq'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(
        f"\ufeffcode , size,kind , \n{rows.replace(chr(10), ',0' + chr(10))}"
    )
    out = str(tmp_path / "run")
    arguments = ["train", str(tmp_path / "t.csv"), "--target", "kind", "--categorical", "code"]
    assert cli.main([*arguments, "--drop", "Unnamed: 3", "--epochs", "1", "--out", out]) == 0
    kept = Sequential.load(f"{out}/model.safetensors").metadata["pipeline"]["columns"]
    assert kept[0]["values"] == ["00", "01", "02"] and kept[1]["name"] == "size"


def test_files_that_are_no_tables(tmp_path, capsys):
    ragged = tmp_path / "t.csv"
    ragged.write_text("a,b\n1,2\n1,2,3,4\n")
    assert refused(capsys, "train", str(ragged), "--target", "a").startswith(
        f"fastnet train: DATA must be a table, got {str(ragged)!r}: Error tokenizing data"
    )
    pytest.importorskip("pyarrow", reason="the extra tables is not installed")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    assert refused(capsys, "train", str(tmp_path / "t.parquet"), "--target", "a").startswith(
        "fastnet train: DATA must be a table, got "
    )
    frame = pandas.DataFrame(
        {"when": pandas.to_datetime(["2020-01-01", "2020-01-02"]), "y": [0, 1]}
    )
    frame.to_parquet(tmp_path / "dates.parquet")
    assert refused(capsys, "train", str(tmp_path / "dates.parquet"), "--target", "y").endswith(
        "Leave it out by --drop when, or make numbers of it, such as days, before."
    )


@pytest.mark.parametrize(
    ("changed", "more", "message"),
    [
        ({"weight": []}, "", "DATA must have the columns of the training, got none called weight. "
         "It has size, colour."),
        ({"age": [1] * 6}, "", "DATA must have the columns of the training alone, got age, too. "
         "Leave them out by --drop age."),
        ({"weight": ["heavy"] * 6}, "", "column 'weight' must be numbers, got 'heavy' in row 1. "
         "Put a number there, or leave the cell empty."),
        ({}, "--drop ages", "--drop must be a column of the table, got 'ages'. It has size, "
         "weight, colour. Give one of these names."),
    ],
)  # fmt: skip
def test_bad_rows(run, tmp_path, capsys, changed, more, message):
    new = fresh_rows(tmp_path, **changed)
    found = refused(capsys, "predict", new, "--model", run, *more.split())
    assert found == f"fastnet predict: {message}"


def test_bad_answers(run, tmp_path, capsys):
    assert refused(capsys, "evaluate", fresh_rows(tmp_path), "--model", run) == (
        "fastnet evaluate: DATA must have the column 'kind', which was the target at training, got "
        "the columns size, weight, colour. Give one of these names."
    )
    new = fresh_rows(tmp_path, kind=["big"] * 5 + ["huge"])
    assert refused(capsys, "evaluate", new, "--model", run) == (
        "fastnet evaluate: column 'kind' must have labels of the training, big, small, got 'huge' "
        "in row 6. Leave such rows out."
    )
    assert refused(capsys, "evaluate", new, "--model", run, "--metrics", "r2") == (
        "fastnet evaluate: --metrics must suit the task, classification, got 'r2'. Give some of "
        "accuracy, precision, recall, f1, auc."
    )
    assert refused(capsys, "evaluate", "digits", "--model", run) == (
        "fastnet evaluate: DATA must be a table, as the model was trained on, got 'digits'. Give "
        "data of that kind."
    )


def test_a_regression_that_diverges_ends_with_1(table, capsys):
    arguments = ["train", table, "--target", "price", "--drop", "code,kind", "--quiet", "--lr", "9"]
    message = refused(capsys, *arguments, "--optimizer", "sgd", status=1)
    assert message.startswith("fastnet train: Sequential.fit: loss must stay finite, got ")


@pytest.mark.parametrize(
    "change",
    [{"kind": "tables"}, {"labels": ["a"]}, {"columns": [{}]}, {"labels": None}, {"task": 3},
     {"columns": [{"name": "a", "kind": "number", "mean": 0, "deviation": 0, "median": 0,
                   "indicator": False}]}],
)  # fmt: skip
def test_a_pipeline_that_was_tampered_with(run, change):
    described = Sequential.load(f"{run}/model.safetensors").metadata["pipeline"]
    assert read_pipeline(described).to_json() == described
    with pytest.raises(ValueError, match="its pipeline is not one that this fastnet knows"):
        read_pipeline(described | change)
