"""Options of fastnet train reach the network; bad ones are told."""

import argparse
import re
import struct

import numpy as np
import pytest
from command_line import only_json, refused
from in_turn import with_each

import fastnet
from fastnet import cli
from fastnet.cli import parser
from fastnet.datasets import load_digits
from fastnet.layers import Dense
from fastnet.models import Sequential


@pytest.fixture
def small_mnist(tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part, n in (("train", 20), ("t10k", 8)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8)
        header = struct.pack(">4I", 2051, n, 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">2I", 2049, n)
        labels = (np.arange(n) % 10).astype(np.uint8)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return folder


def test_defaults_reach_fit(capsys, asked):
    cli.main(["train", "--quiet"])
    (x_train, t_train), (x_test, t_test) = load_digits()
    np.testing.assert_array_equal(asked["x"], x_train)
    np.testing.assert_array_equal(asked["t"], t_train)
    for got, want in zip(asked["validation_data"], (x_test, t_test), strict=True):
        np.testing.assert_array_equal(got, want)
    assert (asked["epochs"], asked["batch_size"], asked["optimizer"].lr) == (30, 32, 0.2)
    assert asked["verbose"] == 0
    cli.main(["train"])
    assert asked["verbose"] == 1


def test_options_reach_the_network(capsys, asked):
    options = (
        "--hidden 7,6,5 --activation tanh --optimizer sgd --lr 0.03 --batch-size 11 --epochs 4 "
        "--seed 3 --dtype float64 --weight-init-std 0.01"
    )
    assert cli.main(["train", *options.split()]) == 130  # the fixture stops after one epoch of four
    model = asked["model"]
    assert repr(model.layers[0]) == "Rescaling(0.0625)"  # the digits' pixels are 0 to 16
    assert [(layer.units, layer.activation) for layer in model.layers[1:]] == [
        (7, "tanh"),
        (6, "tanh"),
        (5, "tanh"),
        (10, None),
    ]
    assert model.dtype == np.float64
    assert (asked["epochs"], asked["batch_size"], asked["optimizer"].lr) == (4, 11, 0.03)
    layers = [Dense(n, "tanh", weight_init_std=0.01) for n in (7, 6, 5)]
    again = Sequential([*layers, Dense(10, weight_init_std=0.01)], dtype="float64", seed=3)
    again.build(64)
    difference = np.abs(again.parameter_vector - model.parameter_vector).max()
    assert difference < 0.01  # one small step away from the same first weights
    assert "training  4 epochs of sgd, learning rate 0.03, batches of 11, seed 3" in (
        capsys.readouterr().out
    )


def test_simple_conv_is_the_textbooks_network(capsys, asked, small_mnist):
    cli.main(["train", "--model", "simple-conv", "--data", str(small_mnist), "--seed", "3"])
    model = asked["model"]
    assert [repr(layer) for layer in model.layers] == [
        f"Rescaling({1 / 255})",
        "Reshape((28, 28, 1))",
        "Conv2D(30, (5, 5), activation='relu')",
        "MaxPooling2D((2, 2))",
        "Flatten()",
        "Dense(100, activation='relu')",
        "Dense(10)",
    ]
    assert {layer.weight_init_std for layer in model.layers if layer.params} == {0.01}
    assert type(asked["optimizer"]).__name__ == "Adam" and asked["optimizer"].lr == 0.001
    assert (asked["epochs"], asked["batch_size"]) == (20, 100)
    assert capsys.readouterr().out.startswith(
        "data      MNIST, 20 images to learn from, 8 to test\n"
        "network   30 filters of 5x5, 784-100-10, relu, float32, 433,890 parameters\n"
        "training  20 epochs of adam, learning rate 0.001, batches of 100, seed 3\n"
    )


def test_simple_conv_learns_the_digits(capsys):
    assert cli.main("train --model simple-conv --epochs 8 --quiet --json".split()) == 0
    assert only_json(capsys.readouterr().out)["test_accuracy"] > 0.95


def test_mnist_goes_in_as_stored(capsys, asked, small_mnist):
    assert cli.main(["train", "--data", str(small_mnist), "--epochs", "1", "--json"]) == 0
    assert asked["x"].dtype == np.uint8 and asked["x"].shape == (20, 784)
    assert asked["validation_data"][0].dtype == np.uint8
    assert asked["model"].layers[0].scale == 1 / 255
    printed = capsys.readouterr()
    assert printed.err.startswith(
        "data      MNIST, 20 images to learn from, 8 to test\n"
        "network   784-50-10, relu, float32, 39,760 parameters\n"
    )
    assert only_json(printed.out)["parameters"] == 39760
    assert "▀" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--hidden 50,0", "--hidden must be the layers' numbers of units, got '50,0'. "
         "Give them with commas: 50,50."),
        ("--hidden 50,,50", "--hidden must be the layers' numbers of units, got '50,,50'. "
         "Give them with commas: 50,50."),
        ("--model deep", "--model must be dense or simple-conv, got 'deep'. "
         "Give one of these names."),
        ("--lr fast", "--lr must be a positive number, got 'fast'. Give another value."),
        ("--lr 0", "--lr must be a positive number, got '0'. Give another value."),
        ("--lr nan", "--lr must be a positive number, got 'nan'. Give another value."),
        ("--lr inf", "--lr must be a positive number, got 'inf'. Give another value."),
        ("--lr=-0.1", "--lr must be a positive number, got '-0.1'. Give another value."),
        ("--batch-size 0", "--batch-size must be a whole number, 1 or more, got '0'. "
         "Give another value."),
        ("--epochs 1.5", "--epochs must be a whole number, 1 or more, got '1.5'. "
         "Give another value."),
        ("--seed -1", "--seed must be a whole number, 0 or more, got '-1'. Give another value."),
        ("--dtype float16", "--dtype must be float32 or float64, got 'float16'. "
         "Give one of these names."),
        ("--weight-init-std 0", "--weight-init-std must be a positive number, got '0'. "
         "Give another value."),
        ("--lr", "argument --lr: expected one argument. Run fastnet train --help."),
    ],
)  # fmt: skip
def test_bad_options(capsys, asked, arguments, message):
    assert refused(capsys, "train", *arguments.split()) == f"fastnet train: {message}"
    assert not asked


def test_bad_commands(capsys):
    assert refused(capsys) == (
        "fastnet: the following arguments are required: "
        "{train,predict,evaluate,inspect,compare,run,sklearn,info,warmup}. Run fastnet --help."
    )
    start = "arguments must be some that the command takes, got"
    for command, words, told in (
        ("train", "--epoch 3", "--epoch. Did you mean --epochs?"),  # no abbreviations
        ("train", "--learning-rate=1", "--learning-rate=1. Did you mean --lr?"),
        ("info", "--zzz", "--zzz. Run fastnet info --help."),
        ("train", "a.csv b.csv", "b.csv. Run fastnet train --help."),
    ):
        assert refused(capsys, command, *words.split()) == f"fastnet {command}: {start} {told}"
    names = "train, predict, evaluate, inspect, compare, run, sklearn, info, warmup"
    for typed, way in (("tarin", "Did you mean train?"), ("bake", "Give one of these names.")):
        assert refused(capsys, typed) == (
            f"fastnet: COMMAND must be one of {names}, got {typed!r}. {way}"
        )


def test_more_units_than_memory(capsys, asked):
    for units in (900000000000000, 99999999999999999999999):
        message = refused(capsys, "train", "--hidden", str(units))
        assert message == (
            f"fastnet train: --hidden must fit in memory, got [{units}]. Give fewer units."
        )
    assert not asked


def test_bad_data(capsys, asked, tmp_path, small_mnist):
    assert refused(capsys, "train", "--data", str(tmp_path / "none")) == (
        "fastnet train: DATA must be a table (.csv, .tsv, .parquet), a folder of PNG files by "
        "class, a folder of MNIST's four IDX files, or the word digits, got a path that does not "
        f"exist: {str(tmp_path / 'none')!r}. Give one of these."
    )
    labels = small_mnist / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    assert refused(capsys, "train", "--data", str(small_mnist)) == (
        "fastnet train: t10k-labels-idx1-ubyte must be 16 bytes long for its 8 labels, got 15 in "
        f"{str(labels)!r}. The file is truncated: download it again."
    )
    labels.unlink()
    assert refused(capsys, "train", str(small_mnist)).startswith(
        "fastnet train: DATA must hold t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz, got "
    )
    assert not asked


def test_help_and_version(capsys):
    names = "train predict evaluate inspect compare run sklearn info warmup".split()
    for arguments in (["--help"], *([name, "--help"] for name in names)):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 0
        text = capsys.readouterr().out
        assert text.startswith(f"usage: fastnet {' '.join(arguments[:-1])}")
        assert f"examples:\n  fastnet {' '.join(arguments[:-1])}" in text
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"fastnet {fastnet.__version__}\n"


MALFORMED = ["", ":a=1", "adam:", "adam:=1", "adam:a", "adam:a=", "adam:a=x", "adam:a=1=2"]


@with_each("text", [*MALFORMED, "adam:a=1,", "adam:a=1,a=2", "adam:a=1,b=2,a=3"])
def test_each_way_in_which_a_part_is_malformed(text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"got '{re.escape(text)}'. Give it like"):
        parser.part(text)


def test_a_part_and_its_numbers():
    assert parser.part("adam") == parser.Part("adam", {})
    assert parser.part("adam:a=1,b=0.5,c=None") == parser.Part(
        "adam", {"a": 1, "b": 0.5, "c": None}
    )
