"""The command line on tables: what is read, decided, kept in the file, told and refused."""

import csv
import io
import json
import sys

import numpy as np
import pytest
from command_line import only_json, refused

from fastnet import cli
from fastnet.cli import columns, tables
from fastnet.cli.pipeline import read_pipeline
from fastnet.models import Sequential

pandas = pytest.importorskip("pandas", reason="the extra tables is not installed")

ROWS = 200


def write(path, table):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([table, *zip(*table.values(), strict=True)])
    return str(path)


def made(n=ROWS, seed=0):
    """Sizes and colours, of which a kind and a price come; some sizes and colours are missing."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(50, 20, n), rng.normal(3, 1, n)
    colour = rng.choice(["red", "green", "blue"], n)
    kind = np.where(size + 20 * (colour == "red") > 55, "big", "small")
    price = 3 * size + 100 * (colour == "blue") + weight
    gone = rng.random(n) < 0.1
    return {
        "size": ["" if one else f"{value:.4f}" for one, value in zip(gone, size, strict=True)],
        "weight": weight.tolist(),
        "colour": ["" if one else value for one, value in zip(gone[::-1], colour, strict=True)],
        "code": [f"{i:05}" for i in range(n)],
        "kind": kind.tolist(),
        "price": price.tolist(),
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("table") / "things.csv", made())


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """A trained classification, its folder."""
    out = str(tmp_path_factory.mktemp("run"))
    train = ["train", table, "--target", "kind", "--drop", "code,price", "--epochs", "30"]
    assert cli.main([*train, "--quiet", "--out", out]) == 0
    return out


def fresh_rows(tmp_path, **changed):
    rows = {name: values[:6] for name, values in made(seed=1).items() if name in ("size", "weight")}
    rows |= {"colour": ["red", "green", "blue"] * 2} | changed
    return write(tmp_path / "new.csv", {name: rows[name] for name in rows if rows[name]})


# --------------------------------------------------------------------------- train


def test_a_classification_is_learnt_told_and_kept(table, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ["train", table, "--target", "kind", "--drop", "code,price", "--out", str(out)]
    assert cli.main([*arguments, "--epochs", "40"]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[:5] == [
        "data      things.csv, 160 rows to learn from, 40 to validate",
        "task      classification of 'kind' (text of 2 values)",
        "columns   3 as 7 inputs; one-hot: colour; with missing values: size, colour",
        "network   7-32-2, relu, float32, 322 parameters",
        "training  40 epochs of adam, learning rate 0.003, batches of 32, seed 0",
    ]
    assert "validation accuracy" in lines[6] and len(lines[7:]) < 50
    kept = Sequential.load(out / "model.safetensors").metadata["pipeline"]
    assert kept["labels"] == ["big", "small"] and kept["dropped"] == ["code", "price"]
    size, weight, colour = kept["columns"]
    assert size["indicator"] and not weight["indicator"] and colour["missing"]
    assert colour["values"] == ["blue", "green", "red"]
    record = json.loads((out / "history.json").read_text())
    assert record["results"]["validation_accuracy"] > 0.8


def test_scaling_is_that_of_the_training_part(table, run):
    """Of the rows that are learnt from, alone: those held out are the seed's."""
    from fastnet.cli.data import _rows

    read = tables.read_table(table)
    kinds = np.array([kind == "small" for kind in read["kind"].values])
    learnt, held = _rows(kinds, 0.2, 0, True)
    assert len(held) == 40 and not set(learnt) & set(held)
    assert abs(kinds[held].mean() - kinds[learnt].mean()) < 0.02  # stratified
    weight = read["weight"].values[learnt]
    kept = Sequential.load(f"{run}/model.safetensors").metadata["pipeline"]["columns"][1]
    assert kept["mean"] == weight.mean() and kept["deviation"] == weight.std()


def test_a_regression_is_judged_in_its_own_units(table, tmp_path, capsys):
    arguments = ["train", table, "--target", "price", "--drop", "code,kind", "--json"]
    assert cli.main([*arguments, "--epochs", "60", "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr()
    assert "task      regression of 'price' (numbers of 200 values; --task classif" in printed.err
    results = only_json(printed.out)
    assert results["validation_r2"] > 0.8 and 1 < results["validation_rmse"] < 40
    assert cli.main(["predict", table, "--model", str(tmp_path / "run"), "--drop", "kind"]) == 0
    said = np.array(capsys.readouterr().out.split()[1:], float)
    price = np.array(made()["price"])
    assert np.corrcoef(said, price)[0, 1] > 0.9 and abs(said.mean() - price.mean()) < 10


def test_the_task_is_that_of_the_target(tmp_path, capsys):
    for values, task in (
        ([0, 1, 2] * 10, "classification"),
        ([True, False, True] * 10, "classification"),
        (list(range(30)), "regression"),
        ([0.5, 1.5, 2.5] * 10, "regression"),
    ):
        path = write(tmp_path / "t.csv", {"a": list(range(30)), "y": values})
        assert cli.main(["train", path, "--target", "y", "--epochs", "1"]) == 0
        assert f"task      {task} of 'y'" in capsys.readouterr().out
    assert (
        cli.main(["train", path, "--target", "y", "--epochs", "1", "--task", "classification"]) == 0
    )
    assert "classification of 'y' (numbers of 3 values, by --task)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("loss", "task"),
    [("categorical_hinge", "kind"), ("kullback_leibler_divergence", "kind"), ("hinge", "kind"),
     ("binary_cross_entropy", "kind"), ("elementwise_mean_squared_error", "kind"),
     ("huber:delta=2", "price"), ("poisson", "price")],
)  # fmt: skip
def test_losses_get_the_targets_and_the_last_layer_that_they_take(table, capsys, loss, task):
    drop = {"kind": "code,price", "price": "code,kind"}[task]
    arguments = ["train", table, "--target", task, "--drop", drop, "--loss", loss, "--quiet"]
    assert (
        cli.main([*arguments, "--epochs", "60", "--hidden", "64,32", "--json", "--lr", "0.01"]) == 0
    )
    results = only_json(capsys.readouterr().out)
    score = results["train_accuracy"] if task == "kind" else results["train_r2"]
    assert score > 0.85


def test_every_optimizer_schedule_and_activation(table, capsys):
    from fastnet.cli import parts

    base = ["train", table, "--target", "kind", "--drop", "code,price", "--quiet", "--epochs", "2"]
    for name in parts.optimizers():
        assert cli.main([*base, "--optimizer", f"{name}:clip_norm=1,weight_decay=1e-4"]) == 0
    for name in parts.activations():
        assert cli.main([*base, "--activation", name, "--dropout", "0.2"]) == 0
    capsys.readouterr()
    for schedule in ("cosine", "cosine:last=0.0001,steps=1", "step:every=1,factor=0.5"):
        assert cli.main([*base[:-3], "--schedule", schedule, "--warmup-epochs", "1",
                         "--epochs", "2"]) == 0  # fmt: skip
        assert f"learning rate 0.003 ({schedule}), batches" in capsys.readouterr().out
    assert set(parts.schedules()) == {"cosine", "exponential", "step"}


def test_numbers_of_an_optimizer_reach_fit(table, monkeypatch, capsys):
    seen = {}
    real = Sequential.fit

    def fit(self, *arguments, **options):
        seen.update(options)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Sequential, "fit", fit)
    base = ["train", table, "--target", "kind", "--drop", "code,price", "--quiet", "--epochs", "9"]
    assert cli.main([*base, "--optimizer", "adamw:beta1=0.8,clip_norm=2"]) == 0
    optimizer = seen["optimizer"]
    assert (optimizer.lr, optimizer.beta1, optimizer.clip_norm) == (0.001, 0.8, 2)
    assert cli.main([*base, "--schedule", "cosine", "--warmup-epochs", "2", "--lr", "0.5"]) == 0
    lr = seen["optimizer"].lr
    assert (lr.steps, lr.lr.steps, lr.lr.lr) == (2 * 5, 7 * 5, 0.5)  # 160 rows in batches of 32


def test_a_name_with_a_comma_is_quoted(tmp_path, capsys):
    path = write(tmp_path / "t.csv", {"a, b": [1, 2] * 20, "c": [3, 4] * 20, "y": ["p", "q"] * 20})
    arguments = ["train", path, "--target", "y", "--epochs", "1", "--out", str(tmp_path)]
    assert cli.main([*arguments, "--drop", '"a, b"']) == 0
    kept = Sequential.load(tmp_path / "model.safetensors").metadata["pipeline"]
    assert kept["dropped"] == ["a, b"] and [one["name"] for one in kept["columns"]] == ["c"]


def test_early_stopping_keeps_the_best_epoch(table, tmp_path, capsys):
    base = ["train", table, "--target", "price", "--drop", "code,kind", "--out", str(tmp_path)]
    assert cli.main([*base, "--early-stopping", "4", "--lr", "0.03", "--hidden", "64,32"]) == 0
    text = capsys.readouterr().out
    record = json.loads((tmp_path / "history.json").read_text())
    held_out, best = record["history"]["val_loss"], record["results"]["best_epoch"]
    assert len(held_out) == best + 4 < 100 and held_out[best - 1] == min(held_out)
    assert f"; the weights are those of epoch {best}, the best\n" in text
    deviation = Sequential.load(tmp_path / "model.safetensors").metadata["pipeline"]["deviation"]
    loss = (record["results"]["validation_rmse"] / deviation) ** 2 / 2
    assert loss == pytest.approx(held_out[best - 1], rel=1e-4)
    assert cli.main(["train", "--early-stopping", "2", "--json", "--quiet", "--lr", "2"]) == 0
    results = only_json(capsys.readouterr().out)
    assert {"validation_accuracy", "test_accuracy", "best_epoch"} < set(results)


def test_parquet_and_separators(table, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason="the extra tables is not installed")
    frame = pandas.read_csv(table, dtype={"code": str})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", sep=";", index=False)
    frame.to_csv(tmp_path / "t.tsv.gz", sep="\t", index=False)
    frame["colour"] = frame["colour"].astype("category")
    frame.to_parquet(tmp_path / "category.pq")
    said = []
    for name in ("t.parquet", "t.csv", "t.tsv.gz", "category.pq"):
        base = ["train", str(tmp_path / name), "--target", "kind", "--drop", "code,price"]
        assert cli.main([*base, "--quiet", "--json", "--epochs", "3"]) == 0
        said.append(only_json(capsys.readouterr().out)["validation_accuracy"])
    assert len(set(said)) == 1


def test_numbers_can_be_categories_and_keep_their_zeros(tmp_path, capsys):
    path = write(tmp_path / "t.csv", {"zip": ["01", "1", "02"] * 20, "y": ["a", "b", "c"] * 20})
    arguments = ["train", path, "--target", "y", "--categorical", "zip", "--epochs", "80"]
    assert cli.main([*arguments, "--quiet", "--json", "--out", str(tmp_path)]) == 0
    assert only_json(capsys.readouterr().out)["validation_accuracy"] == 1
    new = write(tmp_path / "new.csv", {"zip": ["01", "1"]})
    assert cli.main(["predict", new, "--model", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "prediction\na\nb\n"


def test_numbers_without_pandas(tmp_path, monkeypatch, capsys):
    rows = {"a": [0.5, "", 3.5] * 20, "b": [1, 2, 3] * 20, "y": [0, 1, 1] * 20}
    path = write(tmp_path / "t.csv", rows)
    arguments = ["train", path, "--target", "y", "--quiet", "--json", "--epochs", "5"]
    said = []
    for _ in range(2):
        assert cli.main(arguments) == 0
        said.append(only_json(capsys.readouterr().out)["train_accuracy"])
        monkeypatch.setitem(sys.modules, "pandas", None)
    assert said[0] == said[1]
    words = write(tmp_path / "words.csv", {"a": ["x", "y"], "y": [0, 1]})
    assert refused(capsys, "train", words, "--target", "y") == (
        "fastnet train: DATA must be numbers with commas between them where pandas is missing, got "
        f"{words!r}. Run pip install 'fastnet-numba[tables]'."
    )
    assert refused(capsys, "train", "t.parquet", "--target", "y").endswith("Give another path.")
    (tmp_path / "t.parquet").touch()
    assert refused(capsys, "train", str(tmp_path / "t.parquet"), "--target", "y") == (
        f"fastnet train: DATA must be read by pandas, which is missing: "
        f"{str(tmp_path / 't.parquet')!r}. Run pip install 'fastnet-numba[tables]'."
    )


# --------------------------------------------------------------------------- predict, evaluate


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


# --------------------------------------------------------------------------- refusals


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
