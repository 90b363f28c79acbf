"""The command line on saved models: inspect, compare, --json everywhere, start-up, completion."""

import json
import sys

import children
import pytest
from command_line import only_json, refused

from fastnet import cli
from fastnet.layers import BatchNormalization, Dense
from fastnet.models import Sequential


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two trained networks of the digits: the folders."""
    found = []
    for units in ("20", "30"):
        out = str(tmp_path_factory.mktemp(f"run{units}"))
        arguments = ["train", "--quiet", "--epochs", "4", "--hidden", units, "--out", out]
        assert cli.main([*arguments, "--optimizer", "adam", "--schedule", "cosine"]) == 0
        found.append(out)
    return found


def test_inspect(runs, capsys):
    assert cli.main(["inspect", runs[0]]) == 0
    text = capsys.readouterr().out
    lines = text.split("\n")
    assert lines[0].startswith(f"{runs[0]}/model.safetensors, ")
    assert lines[1] == "input 64, float32, loss softmax_cross_entropy"
    assert lines[5].split() == ("Dense units=20, activation=relu W (64, 20) b (20,) 1,300".split())
    assert "optimizer Adam(lr=CosineDecay(lr=0.001, steps=180, last=0), beta1=0.9" in text
    assert "180 updates, 3,020 numbers of its own" in text
    assert "labels    0, 1, 2, 3, 4, 5, 6, 7, 8, 9\nimages    8x8, grey, 0 to 16\n" in text
    assert cli.main(["inspect", f"{runs[0]}/model.safetensors", "--json"]) == 0
    found = only_json(capsys.readouterr().out)
    assert found["numbers"] == 1510 and found["layers"][1]["arrays"]["W"] == [64, 20]
    assert found["pipeline"]["labels"] == list(range(10))


def test_inspect_of_any_model(tmp_path, capsys):
    """Of one that was saved from Python, and with nothing of its data."""
    model = Sequential([Dense(3, input_shape=(4,)), BatchNormalization(), Dense(2)], seed=0)
    model.layers[0].trainable = False
    model.save(tmp_path / "m.safetensors")
    assert cli.main(["inspect", str(tmp_path / "m.safetensors")]) == 0
    text = capsys.readouterr().out
    assert "Dense (frozen)" in text and "running_mean (3,)" in text and "task" not in text
    assert refused(capsys, "evaluate", "digits", "--model", str(tmp_path / "m.safetensors")) == (
        "fastnet evaluate: the model must say what its data are, got none of that in "
        f"{str(tmp_path / 'm.safetensors')!r}, which no fastnet train wrote. Use "
        "fastnet.models.Sequential.load."
    )


def test_compare(runs, capsys):
    assert cli.main(["compare", *runs]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0].split()[:4] == ["model", "test", "accuracy", "train"]
    assert [line.split()[0] for line in lines[1:3]] == runs
    assert cli.main(["compare", *runs, "--json"]) == 0
    for run, row in zip(runs, only_json(capsys.readouterr().out)["models"], strict=True):
        held_out = json.loads(open_text(f"{run}/history.json"))["history"]["val_loss"]
        assert row["best_val_loss"] == min(held_out) == held_out[row["best_epoch"] - 1]
    assert cli.main(["compare", *runs, "--data", "digits", "--json"]) == 0
    found = only_json(capsys.readouterr().out)["models"]
    for run, row in zip(runs, found, strict=True):
        record = json.loads(open_text(f"{run}/history.json"))
        assert row["model"] == run and row["accuracy"] == record["results"]["test_accuracy"]
        assert row["rows_per_second"] > 1000 and row["bytes"] > 4 * row["parameters"]
    assert [row["parameters"] for row in found] == [1510, 2260]
    assert cli.main(["compare", *runs, "--data", "digits", "--metrics", "f1"]) == 0
    head = capsys.readouterr().out.split("\n")[0].split()
    assert head == "model loss f1 parameters bytes rows per second".split()


def open_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_refusals(runs, tmp_path, capsys):
    assert refused(capsys, "compare", runs[0]) == (
        "fastnet compare: RUN must be two models or more, got 1. Name another."
    )
    assert refused(capsys, "compare", runs[0], str(tmp_path)) == (
        "fastnet compare: RUN must be a folder that fastnet train --out made, got "
        f"{str(tmp_path)!r} without history.json. Give --data, to compare the models on data."
    )
    column = '{"results": {}, "history": {"val_loss": [null, 2.0]}}'
    (tmp_path / "history.json").write_text(column)
    assert cli.main(["compare", runs[0], str(tmp_path), "--json"]) == 0
    row = only_json(capsys.readouterr().out)["models"][1]
    assert (row["best_val_loss"], row["best_epoch"]) == (2, 2)
    (tmp_path / "history.json").write_text("{}")
    assert refused(capsys, "compare", runs[0], str(tmp_path)).startswith(
        "fastnet compare: history.json must be one that fastnet train wrote, got "
    )
    missing = str(tmp_path / "none")
    for argument, command in (
        ("FILE", ["inspect", missing, "--json"]),
        ("--model", ["predict", "digits", "--model", missing]),
        ("--model", ["evaluate", "digits", "--model", missing]),
        ("RUN", ["compare", runs[0], missing, "--data", "digits"]),
    ):
        assert refused(capsys, *command) == (
            f"fastnet {command[0]}: {argument} must be a saved model, got {missing!r}, which does "
            "not exist. Give the file that Sequential.save wrote."
        )
    assert refused(capsys, "predict", "digits", "--model", runs[0], "--out", f"{missing}/a") == (
        f"fastnet predict: --out must be a file that can be written, got '{missing}/a' (No such "
        "file or directory). Give another."
    )
    assert refused(capsys, "predict", "digits") == (
        "fastnet predict: the following arguments are required: --model. Run fastnet predict "
        "--help."
    )
    model = Sequential.load(f"{runs[0]}/model.safetensors")
    model.metadata["pipeline"]["labels"] = [0, 1]
    model.save(tmp_path / "few.safetensors")
    assert "the model must have 2 outputs" in refused(
        capsys, "evaluate", "digits", "--model", str(tmp_path / "few.safetensors")
    )
    model.metadata["pipeline"]["kind"] = "sounds"
    model.save(tmp_path / "strange.safetensors")
    for command in (["inspect"], ["evaluate", "digits", "--model"]):
        message = refused(capsys, *command, str(tmp_path / "strange.safetensors"))
        assert "its pipeline is not one that this fastnet knows" in message


def test_probabilities_are_those_of_a_loss_of_probabilities(tmp_path, capsys):
    arguments = ["train", "--quiet", "--epochs", "1", "--out", str(tmp_path)]
    for loss, has in (("sparse_categorical_cross_entropy", True), ("mean_squared_error", False)):
        assert cli.main([*arguments, "--loss", loss]) == 0
        capsys.readouterr()
        asked = ["predict", "digits", "--model", str(tmp_path), "--proba", "--json"]
        if has:
            assert cli.main(asked) == 0
            shares = only_json(capsys.readouterr().out)["probabilities"]
            assert all(abs(sum(row) - 1) < 1e-5 for row in shares)
        else:
            assert refused(capsys, *asked) == (
                "fastnet predict: --proba must go with a loss of probabilities, got a model of "
                "mean_squared_error. Train with --loss softmax_cross_entropy."
            )


def test_json_of_info_and_run(tmp_path, capsys, monkeypatch):
    assert cli.main(["info", "--json"]) == 0
    assert only_json(capsys.readouterr().out)["fastnet"].startswith("0.")
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('said', sys.argv[1:])\nsys.exit(3)\n")
    command = [sys.executable, "-m", "fastnet", "run", "--json", str(script), "a"]
    done = children.run(command)
    assert done.returncode == 3 and "said ['a']" in done.stderr
    found = only_json(done.stdout)
    assert found["status"] == 3 and found["script"] == str(script) and found["report"]


def test_json_of_sklearn(tmp_path):
    pytest.importorskip("sklearn", reason="the extra sklearn is not installed")
    script = tmp_path / "script.py"
    script.write_text(
        "from sklearn.neural_network import MLPClassifier as M\nprint(M.__module__)\n"
    )
    done = children.run([sys.executable, "-m", "fastnet", "sklearn", "--json", str(script)])
    assert done.returncode == 0 and "fastnet.sklearn" in done.stderr
    assert only_json(done.stdout) == {"script": str(script), "status": 0}


def test_json_of_warmup(capsys, monkeypatch):
    from fastnet.kernels import sigmoid_forward
    from fastnet.warmup import versions

    few = [(kernel, types) for kernel, types in versions() if kernel is sigmoid_forward]
    assert few
    monkeypatch.setattr("fastnet.warmup.versions", lambda: few)
    assert cli.main(["warmup", "--json"]) == 0
    printed = capsys.readouterr()
    found = only_json(printed.out)
    assert found["kernels"] == len(few) and list(found) == "kernels compiled seconds folder".split()
    assert "kernels" in printed.err


def test_help_imports_no_numba():
    """Nor NumPy; what is in a model is told without Numba, too."""
    code = (
        "import sys\nfrom fastnet import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'numpy', 'numba', 'pandas'} & set(sys.modules)\n"
        "try:\n    cli.main(['inspect', 'none'])\nexcept SystemExit:\n    pass\n"
        "assert 'numba' not in sys.modules\n"
    )
    done = children.run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("fastnet inspect: FILE must be a saved model")


def test_the_help_of_train_lists_what_there_is(capsys):
    from fastnet.cli import parts

    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    text = capsys.readouterr().out
    for names in (parts.optimizers(), parts.losses(), parts.schedules()):
        assert all(f"\n  {name} " in text or f"\n  {name}\n" in text for name in names)
    assert "\n  nesterov  lr=0.01 momentum=0.9 weight_decay=0.0 clip_value=none" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion(capsys, monkeypatch, shell):
    pytest.importorskip("shtab", reason="the extra completion is not installed")
    with pytest.raises(SystemExit) as caught:
        cli.main(["--print-completion", shell])
    text = capsys.readouterr().out
    assert caught.value.code == 0 and "fastnet" in text
    if shell == "tcsh":  # shtab has it complete words of the first place alone
        return
    assert "rmsprop" in text and "simple-conv" in text and "--validation-split" in text


def test_completion_without_shtab(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    message = refused(capsys, "--print-completion", "bash")
    assert message.startswith("fastnet: --print-completion must have shtab, got ")
    assert message.endswith("Run pip install 'fastnet-numba[completion]'.")


def test_metadata_goes_along(tmp_path, monkeypatch):
    model = Sequential([Dense(2, input_shape=(3,))], seed=0)
    assert model.metadata is None
    model.metadata = {"classes": ["no", "yes"], "top": 1.5}
    model.save(tmp_path / "m.safetensors")
    assert Sequential.load(tmp_path / "m.safetensors").metadata == model.metadata
    for wrong in ([1], {"a": object()}, {"a": float("nan")}):
        model.metadata = wrong
        with pytest.raises(TypeError, match="save_model: metadata must be a dict that JSON can"):
            model.save(tmp_path / "m.safetensors")
    monkeypatch.setattr("fastnet.models.saved._checked_metadata", lambda metadata: [1])
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"its metadata is \[1\]\. Give a file that Sequential"):
        Sequential.load(tmp_path / "m.safetensors")
