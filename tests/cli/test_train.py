"""fastnet train: its promises, what it prints where, and the same seed."""

import io
import json
import os
import re
import sys

import children
import numpy as np
import pytest
from command_line import only_json
from train_command import CURVES, HISTORY, MODEL, TRAIN

from fastnet import cli
from fastnet.cli import results
from fastnet.datasets import load_digits
from fastnet.models import Sequential


@pytest.mark.parametrize("seed", range(5))
def test_default_settings_reach_the_promised_accuracy(capsys, seed):
    assert cli.main(["train", "--seed", str(seed), "--quiet", "--json"]) == 0
    results = only_json(capsys.readouterr().out)
    assert list(results) == [
        "test_accuracy",
        "train_accuracy",
        "epochs",
        "seconds",
        "samples_per_second",
        "parameters",
        "wrote",
    ]
    assert 0.96 <= results["test_accuracy"] < 1
    assert results["train_accuracy"] >= 0.98
    assert (results["epochs"], results["parameters"]) == (30, 64 * 50 + 50 + 50 * 10 + 10)
    speed = 30 * 1437 / results["seconds"]
    assert results["samples_per_second"] == pytest.approx(speed)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0000217, "0.0000217"), (0.31, "0.310"), (12.34, "12.3"), (123.4, "123"), (4321, "4,321")],
)
def test_seconds_have_three_digits_and_no_exponent(seconds, text):
    assert results.three_digits(seconds) == text


def test_what_a_pipe_gets(tmp_path, warm_cache):
    out = tmp_path / "new" / "out"
    command = [*TRAIN, "--epochs", "3", "--out", str(out)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    done = children.run(command, env=environment, text=False)
    text = done.stdout.decode("utf-8")
    assert done.returncode == 0 and done.stderr.decode() == ""  # no progress bar
    assert "\x1b" not in text and "\r" not in text
    lines = text.split("\n")
    assert lines[:3] == [
        "data      digits, 1,437 images to learn from, 360 to test",
        "network   64-50-10, relu, float32, 3,760 parameters",
        "training  3 epochs of sgd, learning rate 0.2, batches of 32, seed 0",
    ]
    assert lines[4] == "epoch     loss  accuracy  test loss  test accuracy  seconds"
    for epoch, line in enumerate(lines[5:8], 1):
        columns = re.fullmatch(r" +(\d)  +(\S+)  +(\S+)  +(\S+)  +(\S+)  +(\S+)", line)
        assert columns[1] == str(epoch) and len(line) == len(lines[4])
        for place, digits in zip(range(2, 7), (4, 4, 4, 4, 4), strict=True):
            assert re.fullmatch(rf"\d\.\d{{{digits}}}", columns[place])
    record = json.loads((out / HISTORY).read_text())
    results = record["results"]
    assert record["settings"]["optimizer"] == "sgd" and len(record["history"]["val_loss"]) == 3
    right = round(360 * results["test_accuracy"])
    assert lines[9] == (
        f"test accuracy {results['test_accuracy']:.4f} ({right} of 360), "
        f"training accuracy {results['train_accuracy']:.4f}"
    )
    assert "█" in text and max(map(len, lines[:-4])) <= 80
    assert len(re.findall(r"says \d \(\d+%\)", text)) == 4
    assert re.findall(r"right|wrong, it is \d", text)[:3] == ["right"] * 3
    assert len(re.findall(r"wrong, it is \d", text)) == 1
    assert lines[-4:-1] == [f"wrote {out / name}" for name in (MODEL, HISTORY, CURVES)]
    assert sorted(os.listdir(out)) == [HISTORY, CURVES, MODEL]

    (_, _), (x_test, t_test) = load_digits()
    model = Sequential.load(out / MODEL)
    assert model.evaluate(x_test, t_test)["accuracy"] == results["test_accuracy"]
    # The last digit shown is the first mistake.
    said = model.predict(x_test).argmax(axis=1)
    first = np.flatnonzero(said != t_test)[0]
    assert f"wrong, it is {t_test[first]}\n" in text


def test_a_terminal_without_blocks_and_a_narrow_one(capsys, monkeypatch):
    monkeypatch.setattr(results, "blocks_can_be_shown", lambda: False)
    monkeypatch.setenv("COLUMNS", "40")
    assert cli.main(["train", "--epochs", "2"]) == 0
    text = capsys.readouterr().out
    assert text.isascii() and "@@" in text
    pictures = text[text.index("samples a second") :].split("\n")[1:]
    assert max(map(len, pictures)) <= 40


def test_the_encoding_decides_about_blocks(monkeypatch):
    class Stream:
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Stream)
    for encoding, can in [("ascii", False), ("utf-8", True), ("latin-1", False), ("cp437", True)]:
        Stream.encoding = encoding
        assert results.blocks_can_be_shown() == can
    for encoding in (None, "no-such-encoding"):
        Stream.encoding = encoding
        assert not results.blocks_can_be_shown()


def test_a_file_name_that_the_terminal_cannot_show(tmp_path, monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    arguments = ["--epochs", "1", "--quiet", "--out", str(tmp_path / "épreuve")]
    assert cli.main(["train", *arguments]) == 0
    assert rb"\xe9preuve" in stdout.buffer.getvalue()


def test_quiet(capsys):
    assert cli.main(["train", "--epochs", "2", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    first, second, end = printed.out.split("\n")
    assert first.startswith("test accuracy ") and second.endswith(" samples a second") and not end


def test_the_same_seed_gives_the_same_file(capsys, tmp_path):
    for out, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        arguments = ["--epochs", "2", "--seed", seed, "--quiet", "--out", str(tmp_path / out)]
        assert cli.main(["train", *arguments]) == 0
    a, b, c = ((tmp_path / out / MODEL).read_bytes() for out in "abc")
    assert a == b != c
