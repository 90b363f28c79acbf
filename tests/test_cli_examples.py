"""The examples below each command's --help run as they are written."""

import contextlib
import io
import re
import shlex
import sys

import children
import numpy as np
import pytest

from fastnet import cli

NAMES = "train predict evaluate inspect compare run sklearn info warmup".split()
FLOWERS = "length,width,species\n" + "".join(
    f"{i / 9 + (i % 3):.2f},{i % 7},{'abc'[i % 3]}\n" for i in range(30)
)


def helped(name):
    """The lines below "examples:" of a command's help."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        cli.main([*name, "--help"])
    shown = re.search(r"^examples:\n((?:  fastnet .*\n)+)", printed.getvalue(), re.M)
    return [line.strip() for line in shown[1].splitlines()]


EXAMPLES = [line for name in NAMES for line in helped([name])]


def test_there_are_examples_of_every_command():
    assert {line.split()[1] for line in EXAMPLES} == {*NAMES}
    assert len(EXAMPLES) > 20
    assert {*helped([])} <= {*EXAMPLES, "fastnet train --help"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder of the tables that the examples name, with models of flowers."""
    folder = tmp_path_factory.mktemp("tables")
    for name in ("flowers.csv", "test.csv"):
        (folder / name).write_text(FLOWERS)
    (folder / "new.csv").write_text("length,width\n1.5,2\n0.5,6\n")
    people = "".join(f"{i},ab,x{i},{1 + i % 3},{i % 5},{'yn'[i % 2]}\n" for i in range(20))
    (folder / "titanic.csv").write_text("name,sex,ticket,class,fare,survived\n" + people)
    for name in ("run", "run1", "run2", "run3"):
        train(folder, "flowers.csv", "--target", "species", "--out", name)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of the images that the examples name, with models of digits."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("run", "run1", "run2"):
        train(folder, "--out", name)
    return folder


def train(folder, *words):
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        assert cli.main(["train", *words, "--epochs", "1"]) == 0


def draw(path, size):
    image = pytest.importorskip("PIL.Image", reason="needs the extra images")
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 256, (size, size), dtype=np.uint8)
    image.fromarray(pixels).save(path)


def draw_classes(folder):
    for i in range(12):
        draw(folder / "ab"[i % 2] / f"{i}.png", 30)


def write_scripts(folder):
    """Scripts by the names that the examples give; one says what it was given."""
    for name in ("train.py", "ch05/train_neuralnet.py", "ch07/train_convnet.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("import sys\nprint('arguments', *sys.argv[1:])\n")


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_runs(line, tables, images, tmp_path, monkeypatch, capsys):
    program, *words = shlex.split(line)
    folder = images if "digit" in line else tables
    is_own = words[0] in ("train", "run", "sklearn") or "digit.png" in words
    monkeypatch.chdir(tmp_path if is_own else folder)
    monkeypatch.setattr(sys, "argv", [program, *words])
    monkeypatch.setattr(sys, "path", sys.path[:])
    if words[0] == "train":
        for path in tables.glob("*.csv"):
            (tmp_path / path.name).write_text(path.read_text())
    if "houses.parquet" in words:
        pandas = pytest.importorskip("pandas", reason="needs the extra tables")
        pytest.importorskip("pyarrow", reason="needs the extra tables")
        rows = {"rooms": range(40), "price": [1e5 + 3e3 * i for i in range(40)]}
        pandas.DataFrame(rows).to_parquet("houses.parquet")
    if "FOLDER" in words:
        draw_classes(tmp_path / "FOLDER")
    if "digit.png" in words:
        draw(tmp_path / "digit.png", 30)
        draw_classes(tmp_path / "FOLDER")
        train(tmp_path, "FOLDER", "--out", "run")
        capsys.readouterr()
    if words[0] in ("run", "sklearn"):  # which change the process that they run in
        if words[0] == "sklearn":
            pytest.importorskip("sklearn", reason="needs the extra sklearn")
        write_scripts(tmp_path)
        done = children.run([sys.executable, "-m", "fastnet", *words], cwd=tmp_path)
        given = words[words.index(next(word for word in words if ".py" in word)) + 1 :]
        assert done.returncode == 0 and " ".join(["arguments", *given]) in done.stdout, done.stderr
        return
    if words[0] == "warmup":  # of two kernels, and nobody else's files
        from fastnet.warmup import versions

        few = versions()[:2]
        monkeypatch.setattr("fastnet.warmup.versions", lambda: few)
        monkeypatch.setattr("fastnet.kernels._folders.clean", lambda: (0, 0))
    if "<" in words:
        given = io.BytesIO((folder / words.pop()).read_bytes())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
        words.remove("<")
    assert cli.main(words) == 0
    printed = capsys.readouterr()
    assert (printed.out + printed.err).strip() and "Traceback" not in printed.err
