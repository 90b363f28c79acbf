"""What goes wrong in a training: files, divergence, Ctrl-C, a reader that goes away."""

import os
import re
import signal
import sys
import time

import children
import pytest
from command_line import only_json, refused
from train_command import CURVES, HISTORY, MODEL, TRAIN

from fastnet import cli, datasets
from fastnet.models import Sequential


def test_out_that_cannot_be_used_is_told_before_training(capsys, asked, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    assert refused(capsys, "train", "--out", str(file)) == (
        f"fastnet train: --out must be a folder that can be written, got {str(file)!r} "
        "(File exists). Give another folder."
    )
    assert refused(capsys, "train", "--out", str(file / "below")) == (
        "fastnet train: --out must be a folder that can be written, got "
        f"{str(file / 'below')!r} (Not a directory). Give another folder."
    )
    (tmp_path / "out" / MODEL).mkdir(parents=True)
    assert refused(capsys, "train", "--out", str(tmp_path / "out")) == (
        f"fastnet train: --out must have a place for the file {MODEL}, got the folder "
        f"{str(tmp_path / 'out' / MODEL)!r}. Give another folder."
    )

    def temporary(dir):  # chmod would not stop root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", temporary)
    assert refused(capsys, "train", "--out", str(tmp_path)) == (
        f"fastnet train: --out must be a folder that can be written, got {str(tmp_path)!r} "
        "(Permission denied). Give another folder."
    )
    assert not asked
    assert os.listdir(tmp_path / "out") == [MODEL]


def test_without_matplotlib_the_model_is_still_written(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["train", "--epochs", "2", "--quiet", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(
        "fastnet train: learning_curves.png was not written, because matplotlib cannot be imported "
    )
    assert printed.err.endswith("). Run pip install matplotlib.\n")
    assert printed.out.endswith(f"wrote {tmp_path / HISTORY}\n") and CURVES not in printed.out
    assert sorted(os.listdir(tmp_path)) == [HISTORY, MODEL]


def test_a_full_disk_costs_the_model_and_not_the_results(capsys, tmp_path, monkeypatch):
    def save(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Sequential, "save", save)
    assert cli.main(["train", "--epochs", "2", "--quiet", "--json", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"fastnet train: {str(tmp_path / MODEL)!r} was not written: ")
    assert only_json(printed.out)["epochs"] == 2
    assert f"wrote {tmp_path / MODEL}" not in printed.err
    assert sorted(os.listdir(tmp_path)) == [HISTORY, CURVES]


def test_a_learning_rate_that_float32_cannot_hold(capsys):
    assert refused(capsys, "train", "--quiet", "--lr", "1e300") == (
        "fastnet train: Sequential.fit: lr must be finite in float32, got 1e+300. "
        "Give a number such as 0.1."
    )


def test_divergence(capsys, tmp_path):
    arguments = ["train", "--quiet", "--json", "--lr", "1e30", "--out", str(tmp_path)]
    message = refused(capsys, *arguments, status=1)
    assert message.startswith("fastnet train: Sequential.fit: loss must stay finite, got ")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("epochs", [0, 2])
def test_interrupted_training_is_reported_and_saved(capsys, tmp_path, monkeypatch, epochs):
    real = Sequential.fit

    def fit(self, *arguments, **options):  # what a fit that met Ctrl-C returns
        history = real(self, *arguments, **options | {"epochs": max(1, epochs)})
        for column in vars(history).values():
            if isinstance(column, list):
                del column[epochs:]
        history.interrupted = True
        return history

    monkeypatch.setattr(Sequential, "fit", fit)
    arguments = ["--epochs", "9", "--json", "--out", str(tmp_path)]
    assert cli.main(["train", *arguments]) == 130
    printed = capsys.readouterr()
    assert (
        f"fastnet train: interrupted after {epochs} of 9 epochs; what was learnt is kept\n"
        in printed.err
    )
    results = only_json(printed.out)
    assert results["epochs"] == epochs and (results["samples_per_second"] > 0) == (epochs > 0)
    assert "test accuracy" in printed.err
    assert sorted(os.listdir(tmp_path)) == [
        HISTORY,
        *[CURVES] * (epochs > 0),
        MODEL,
    ]


@pytest.mark.parametrize("epochs", [0, 2])
def test_interrupted_training_without_a_place_is_saved_beside(
    capsys, tmp_path, monkeypatch, epochs
):
    monkeypatch.chdir(tmp_path)
    real = Sequential.fit

    def fit(self, *arguments, **options):
        history = real(self, *arguments, **options | {"epochs": max(1, epochs)})
        for column in vars(history).values():
            del column[epochs:]
        history.interrupted = True
        return history

    monkeypatch.setattr(Sequential, "fit", fit)
    for name in ("interrupted.safetensors", "interrupted-2.safetensors"):
        assert cli.main(["train", "--quiet", "--epochs", "9"]) == 130
        printed = capsys.readouterr()
        assert printed.err == (
            f"fastnet train: interrupted after {epochs} of 9 epochs; what was learnt is kept in "
            f"{name!r}, as no --out was given\n"
        )
        assert f"wrote {name}\n" in printed.out
        assert ("no epoch of training was completed\n" in printed.out) == (epochs == 0)
        assert ("s of training" in printed.out) == (epochs > 0)
        assert Sequential.load(name).parameter_count == 3760

    def save(self, path):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Sequential, "save", save)
    assert cli.main(["train", "--quiet", "--epochs", "9"]) == 130
    assert capsys.readouterr().err == (
        f"fastnet train: interrupted after {epochs} of 9 epochs; what was learnt is lost: "
        "'interrupted-3.safetensors' was not written (Read-only file system). Give --out\n"
    )
    assert cli.main(["train", "--quiet", "--epochs", "9", "--out", "."]) == 130
    assert capsys.readouterr().err.endswith("9 epochs; what was learnt is lost\n")


@pytest.mark.parametrize("lr", ["1e9", "100"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_finite_divergence(capsys, tmp_path, lr, activation):
    arguments = ["--quiet", "--lr", lr, "--activation", activation, "--out", str(tmp_path)]
    message = refused(capsys, "train", *arguments, "--epochs", "3", status=1)
    assert re.fullmatch(
        r"fastnet train: training diverged: after 3 epochs the loss is \S+, before them it was "
        rf"2\.\d+\. Lower --lr, which is {re.escape(f'{float(lr):g}')}\.",
        message,
    )
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [["--lr", "1e-9"], ["--lr", "3"], ["--weight-init-std", "10"], ["--lr", "10"]]
)
def test_what_learns_little_has_not_diverged(capsys, arguments):
    assert cli.main(["train", "--quiet", "--epochs", "3", *arguments]) == 0


def test_ctrl_c_elsewhere(capsys, monkeypatch):
    def load(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "load_digits", load)
    assert cli.main(["train"]) == 130
    assert capsys.readouterr().err == "fastnet: interrupted\n"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_real_ctrl_c(tmp_path):
    command = [*TRAIN, "--epochs", "10000000", "--out", str(tmp_path)]
    with children.started(command) as process:
        for _ in range(4):
            process.stdout.readline()  # the lines that stand above the training
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert re.search(r"interrupted after \d+ of 10000000 epochs; what was learnt is kept", str(err))
    assert b"Traceback" not in err and b"test accuracy" in out
    assert Sequential.load(tmp_path / MODEL).parameter_count == 3760


def test_a_reader_that_goes_away(tmp_path, warm_cache):
    command = [*TRAIN, "--epochs", "3", "--out", str(tmp_path)]
    with children.started(command) as process:
        for _ in range(4):
            process.stdout.readline()  # the lines that stand above the training
        process.stdout.close()
        err = process.stderr.read()
        process.wait()
    assert (process.returncode, err.decode()) == (1, "")
    assert (tmp_path / MODEL).is_file()
