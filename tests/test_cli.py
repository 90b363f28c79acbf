"""The command line: what it reaches, what it prints and writes, and how it refuses."""

import io
import json
import os
import re
import signal
import struct
import sys
import time

import children
import numpy as np
import pytest
from command_line import only_json, refused

import fastnet
from fastnet import cli, datasets
from fastnet.cli import results
from fastnet.datasets import load_digits
from fastnet.info import installation
from fastnet.layers import Dense
from fastnet.models import Sequential

MODEL, CURVES, HISTORY = "model.safetensors", "learning_curves.png", "history.json"
TRAIN = [sys.executable, "-m", "fastnet", "train"]


@pytest.fixture
def asked(monkeypatch, tmp_path_factory):
    """What `fit` was called with; it trains for one epoch of one batch, as if interrupted then."""
    calls = {}

    def fit(self, x, t, epochs, **options):
        calls.update(model=self, x=x, t=t, epochs=epochs, **options)
        history = real(self, x, t, epochs=1, batch_size=len(x), verbose=0, validation_data=(x, t))
        history.interrupted = epochs > 1
        return history

    real = Sequential.fit
    monkeypatch.setattr(Sequential, "fit", fit)
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))  # where interrupted ones are saved
    return calls


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


# --------------------------------------------------------------------------- the main job


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


# --------------------------------------------------------------------------- options


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
    assert refused(capsys, "train", "--epoch", "3") == (  # no abbreviations
        "fastnet: unrecognized arguments: --epoch. Run fastnet --help."
    )
    message = refused(capsys, "bake")
    assert message.startswith(
        "fastnet: argument {train,predict,evaluate,inspect,compare,run,sklearn,"
    )
    assert "invalid choice: 'bake'" in message


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
        "fastnet train: load_mnist: t10k-labels-idx1-ubyte must be 16 bytes long for its 8 labels, "
        f"got 15 in {str(labels)!r}. The file is truncated: download it again."
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


# --------------------------------------------------------------------------- --out


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


# --------------------------------------------------------------------------- stopped early


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


# --------------------------------------------------------------------------- info


def test_info(capsys):
    assert cli.main(["info"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    known = installation()
    assert lines.pop("cached") and known.pop("cached")  # grows while other tests compile
    assert lines == known


@pytest.mark.parametrize("command", ["info", "warmup", "train"])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "FASTNET_NUM_THREADS",
            "x",
            "must be a whole number from 1 to 256, got 'x'. Unset it to use all cores.",
        ),
        (
            "FASTNET_VECTOR_BITS",
            "64",
            "must be 128, 256 or 512, got '64'. Unset it to use the width of this CPU.",
        ),
    ],
)
def test_a_variable_that_cannot_be_used(command, name, value, message):
    """It is looked at when the kernels are imported: in a process of their own."""
    done = children.run([sys.executable, "-m", "fastnet", command], env=os.environ | {name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.replace(f"fastnet {command}: ", "fastnet: ") == f"fastnet: {name} {message}\n"
    )


def test_other_errors_are_no_variables(monkeypatch):
    """A mistake of fastnet's own keeps its traceback."""

    def fail():
        raise ValueError("of FASTNET_NUM_THREADS")

    monkeypatch.setattr("fastnet.info.installation", fail)
    with pytest.raises(ValueError, match="of FASTNET_NUM_THREADS"):
        cli.main(["info"])
