"""The command line on images: folders of PNG by class, single files, and IDX files."""

import struct
import sys

import numpy as np
import pytest
from command_line import only_json, refused

from fastnet import cli
from fastnet.datasets import load_digits
from fastnet.models import Sequential

Image = pytest.importorskip("PIL.Image", reason="the extra images is not installed")


def save(path, pixels, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty digits each of 0, 1 and 7, as PNG in folders called zero, one and seven."""
    where = tmp_path_factory.mktemp("images") / "numbers"
    (x, t), _ = load_digits()
    for label, name in ((0, "zero"), (1, "one"), (7, "seven")):
        for i, pixels in enumerate(x[t == label][:40]):
            save(where / name / f"{i:02}.png", (pixels.reshape(8, 8) * 15).astype(np.uint8))
    return where


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("run"))
    assert cli.main(["train", str(folder), "--quiet", "--epochs", "40", "--out", out]) == 0
    return out


def test_folders_are_classes(folder, run, tmp_path, capsys):
    assert cli.main(["train", str(folder), "--epochs", "2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "data      numbers, 96 images to learn from, 24 to validate\n"
        "classes   one, seven, zero: 8x8, grey\n"
        "network   64-100-3, relu, float32, "
    )
    kept = Sequential.load(f"{run}/model.safetensors").metadata["pipeline"]
    assert kept["labels"] == ["one", "seven", "zero"] and kept["shape"] == [8, 8, 1]
    assert cli.main(["evaluate", str(folder), "--model", run, "--json"]) == 0
    assert only_json(capsys.readouterr().out)["accuracy"] > 0.95
    assert cli.main(["predict", str(folder / "zero"), "--model", run]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "file,prediction" and lines[1] == f"{folder / 'zero' / '00.png'},zero"
    assert cli.main(["predict", str(folder), "--model", run, "--json", "--proba"]) == 0
    found = only_json(capsys.readouterr().out)
    assert len(found["files"]) == len(found["predictions"]) == len(found["probabilities"]) == 120
    one = str(folder / "seven" / "03.png")
    assert cli.main(["predict", one, "--model", run]) == 0
    assert capsys.readouterr().out == f"file,prediction\n{one},seven\n"


def test_sizes_and_colours(folder, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        for i in range(10):
            pixels = np.full((9 + i % 2, 12, 3), colour, np.uint8) + rng.integers(
                0, 30, (9 + i % 2, 12, 3), np.uint8
            )
            save(tmp_path / "colours" / name / f"{i}.png", pixels, "RGB" if i % 3 else "P")
    where = str(tmp_path / "colours")
    assert refused(capsys, "train", where) == (
        f"fastnet train: images must be of one size, got 12x9 in {where + '/blue/0.png'!r} and "
        f"12x10 in {where + '/blue/1.png'!r}. Give --size 12x9 to resize them."
    )
    out = str(tmp_path / "run")
    arguments = ["train", where, "--size", "6x5", "--out", out, "--json", "--epochs", "15"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    assert only_json(printed.out)["validation_accuracy"] == 1
    assert "classes   blue, red: 6x5, RGB\n" in printed.err
    kept = Sequential.load(f"{out}/model.safetensors").metadata["pipeline"]
    assert kept["shape"] == [5, 6, 3] and kept["resized"]
    assert cli.main(["evaluate", where, "--model", out, "--json"]) == 0
    assert only_json(capsys.readouterr().out)["accuracy"] == 1
    # Grey images of another size are resized and coloured as those of the training were.
    assert cli.main(["predict", str(folder / "one"), "--model", out]) == 0
    arguments = ["train", str(folder), "--model", "simple-conv", "--epochs", "2", "--quiet"]
    assert cli.main([*arguments, "--dropout", "0.2", "--optimizer", "nadam"]) == 0


def test_refusals(folder, run, tmp_path, capsys, monkeypatch):
    def told(*argv):
        return refused(capsys, *map(str, argv)).removeprefix(f"fastnet {argv[0]}: ")

    assert told("train", folder / "one").startswith("DATA must have labels to learn from, got ")
    assert told("evaluate", folder / "one", "--model", run).startswith(
        "DATA must have labels to compare with, got "
    )
    assert told("train", folder.parent).endswith(
        f"or the word digits, got a folder of other files: {str(folder.parent)!r}. Give one of "
        "these."
    )
    assert told("train", folder, "--target", "a") == (
        f"--target must go with a table, got it with {str(folder)!r}. Leave it out."
    )
    save(tmp_path / "small" / "one" / "a.png", np.zeros((4, 4), np.uint8))
    small = tmp_path / "small"
    assert told("train", small).startswith(
        "DATA must have a folder of PNG files for each of two classes or more, got one in "
    )
    assert told("predict", small / "one", "--model", run) == (
        f"images must be 8x8, as at training, got 4x4 in {str(small / 'one' / 'a.png')!r}. Train "
        "with --size 8x8, which resizes all, or give images of that size."
    )
    (tmp_path / "digits.csv").write_text("a\n1\n")
    assert told("predict", tmp_path / "digits.csv", "--model", run).startswith(
        "DATA must be images, as the model was trained on, got "
    )
    assert told("evaluate", "digits", "--model", run).startswith("images must have pixels of 0 to ")
    save(tmp_path / "named" / "two" / "a.png", np.zeros((8, 8), np.uint8))
    assert told("evaluate", tmp_path / "named", "--model", run) == (
        "DATA must have folders named after the classes of the training, one, seven, zero, got "
        "two. Rename them, or leave them out."
    )
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG and no more")
    assert told("predict", broken, "--model", run).startswith(
        f"images must be whole PNG files, got {str(broken)!r}: "
    )
    save(tmp_path / "deep.png", np.zeros((8, 8), np.uint16), "I;16")
    assert told("predict", tmp_path / "deep.png", "--model", run).startswith(
        "images must have 8 bits a channel, got mode I;16 in "
    )
    assert told("train", "--size", "8x8") == (
        "--size must go with a folder of PNG files, got it with 'digits'. Leave it out."
    )
    assert told("train", "--size", "28") == (
        "--size must be a width and a height in pixels, got '28'. Give them like this: 28x28."
    )
    (tmp_path / "a.txt.exe").touch()
    assert "got a file of another kind: " in told("predict", tmp_path / "a.txt.exe", "--model", run)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert told("train", folder).endswith("Run pip install 'fastnet-numba[images]'.")


def test_one_file_of_idx_images(tmp_path, capsys):
    """Without labels, for a model of images of that size."""
    rng = np.random.default_rng(0)
    for part, n in (("train", 40), ("t10k", 20)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8)
        header = struct.pack(">4I", 2051, n, 28, 28)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = struct.pack(">2I", 2049, n) + bytes(i % 10 for i in range(n))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    out = str(tmp_path / "run")
    arguments = ["train", str(tmp_path), "--quiet", "--json", "--epochs", "1", "--out", out]
    assert cli.main([*arguments, "--validation-split", "0.25"]) == 0
    names = list(only_json(capsys.readouterr().out))
    assert names[:3] == ["validation_accuracy", "test_accuracy", "train_accuracy"]
    file = tmp_path / "t10k-images-idx3-ubyte"
    assert cli.main(["predict", str(file), "--model", out, "--json"]) == 0
    said = only_json(capsys.readouterr().out)["predictions"]
    assert len(said) == 20 and set(said) <= set(range(10))
    assert cli.main(["predict", str(tmp_path), "--model", out, "--json"]) == 0
    assert only_json(capsys.readouterr().out)["predictions"] == said
    file.write_bytes(file.read_bytes()[:-1])
    assert refused(capsys, "predict", str(file), "--model", out).startswith(
        "fastnet predict: t10k-images-idx3-ubyte must be "
    )


def write_idx(folder, part, images, labels):
    folder.mkdir(exist_ok=True)
    header = struct.pack(">4I", 2051, *images.shape)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
    header = struct.pack(">2I", 2049, len(labels))
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + bytes(labels))


def test_idx_files_of_another_size_and_of_more_classes(tmp_path, capsys):
    """Twelve classes, told by which of 5 x 4 pixels is white."""
    folder, out = tmp_path / "idx", str(tmp_path / "run")
    labels = [i % 12 for i in range(120)]
    images = np.zeros((120, 20), np.uint8)
    images[np.arange(120), labels] = 255
    images = images.reshape(120, 5, 4)
    for part, n in (("train", 120), ("t10k", 24)):
        write_idx(folder, part, images[:n], labels[:n])
    options = ["--epochs", "40", "--quiet", "--json", "--out", out]
    assert cli.main(["train", str(folder), *options]) == 0
    assert only_json(capsys.readouterr().out)["test_accuracy"] == 1
    for asked in (folder, folder / "t10k-images-idx3-ubyte"):
        assert cli.main(["predict", str(asked), "--model", out, "--json"]) == 0
        assert only_json(capsys.readouterr().out)["predictions"] == labels[:24]
    assert cli.main(["evaluate", str(folder), "--model", out, "--json"]) == 0
    assert only_json(capsys.readouterr().out)["accuracy"] == 1
    write_idx(folder, "t10k", images[:24].reshape(24, 4, 5), labels[:24])
    for command in (["train", str(folder)], ["evaluate", str(folder), "--model", out]):
        assert refused(capsys, *command) == (
            f"fastnet {command[0]}: images must be of one size, got 4x5 and 5x4 in "
            f"{str(folder)!r}. Give others."
        )
    part, more = tmp_path / "part", tmp_path / "more"
    for name in ("train", "t10k"):
        write_idx(part, name, images[:9], labels[:9])  # without the last classes
        write_idx(more, name, images[:1], [12])
    assert cli.main(["evaluate", str(part), "--model", out, "--json"]) == 0
    assert only_json(capsys.readouterr().out)["accuracy"] == 1
    assert "of the training, got 13 for [0, 1" in refused(
        capsys, "evaluate", str(more), "--model", out
    )
    write_idx(more, "train", images[:, :0], labels)
    assert "must hold images of 1 x 1 and more pixels, got 0 x 4" in refused(
        capsys, "train", str(more)
    )


def test_mnist_is_learnt(mnist_dir, tmp_path, capsys):
    out = str(tmp_path)
    arguments = ["train", str(mnist_dir), "--epochs", "2", "--quiet", "--json", "--out", out]
    assert cli.main(arguments) == 0
    results = only_json(capsys.readouterr().out)
    assert results["test_accuracy"] > 0.94
    assert cli.main(["evaluate", str(mnist_dir), "--model", out, "--json"]) == 0
    scores = only_json(capsys.readouterr().out)
    assert scores["accuracy"] == results["test_accuracy"] and scores["rows"] == 10_000
