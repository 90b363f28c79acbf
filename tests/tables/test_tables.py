"""Networks of tables: training, what is told, and what is kept."""

import json
import sys

import numpy as np
import pytest
from command_line import only_json, refused
from table_files import made, pandas, write

from fastnet import cli
from fastnet.cli import tables
from fastnet.models import Sequential


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
