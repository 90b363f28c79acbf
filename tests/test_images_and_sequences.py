"""The command that compares images and sequences: what it writes, and that it refuses to lie."""

import importlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import children
import numpy as np
import pytest

MODULES = """
images_and_sequences images sequences words language_models convnets negative_sampling fits rows
rows_tables pieces geometry books
""".split()


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A folder with asv_benchmarks/ and no fastnet/: the package that is tested is measured."""
    home = tmp_path_factory.mktemp("images_and_sequences")
    (home / "asv_benchmarks").mkdir()
    for path in (root / "asv_benchmarks").glob("*.py"):
        shutil.copy(path, home / "asv_benchmarks")
    shutil.copytree(root / "asv_benchmarks" / "benchmarks", home / "asv_benchmarks" / "benchmarks")
    return home


@pytest.fixture
def modules(home, monkeypatch):
    """asv_benchmarks' modules of this command, by name."""
    monkeypatch.syspath_prepend(home)

    class Modules:
        pass

    for name in MODULES:
        setattr(Modules, name, importlib.import_module(f"asv_benchmarks.{name}"))
    yield Modules
    for name in [name for name in sys.modules if name.startswith("asv_benchmarks")]:
        monkeypatch.delitem(sys.modules, name)


def command(home, *arguments):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.images_and_sequences", "--rounds", "1"]
    environment = {**os.environ, "PYTHONPATH": path}
    return children.run([*words, "--seconds", "0.1", *arguments], cwd=home, env=environment)


def tiny_works(modules, dtype):
    """One small work of each kind, with the sides that the table's have."""
    g, rows = modules.geometry, modules.rows
    sides = rows.sides_of_everything(None, None)
    yield modules.images.convolution(
        g.Convolution(2, 5, 3, 3, pad=1, batch=4), dtype, sides["convolution"]
    )
    yield modules.images.convolution(
        g.Convolution(1, 6, 3, 3, 2, 0, 4, True), dtype, sides["convolution"]
    )
    yield modules.images.pooling(g.Pooling(3, 6, 4), dtype, sides["pooling"])
    parts = [*modules.convnets.conv(3), ("pooling",), ("dense", 4)]
    yield modules.convnets.network(
        "small", parts, dtype, sides["network"], shape=(1, 6, 6), batch=5
    )
    for kind in ("LSTM", "GRU", "RNN"):
        yield modules.sequences.recurrence(
            g.Recurrence(kind, 3, 4, 2, 5), dtype, sides["recurrence"]
        )
    yield modules.words.embedding(dtype, sides["embedding"], 20, 5, 3, 4)
    yield modules.words.attention(dtype, sides["attention"], 3, 5, 2, 8)
    yield modules.language_models.language_model(dtype, sides["language model"], 20, 5, 6, 3, 4)
    yield modules.negative_sampling.cbow(dtype, sides["cbow"], 20, 5, 6, 2)
    *_, fitted = rows.fitted(dtype, sides)
    sides = fitted.contenders, fitted.references
    yield modules.fits.sequences(8, dtype, sides, 3, 2, 4, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", range(12))
def test_all_contenders_agree_and_one_that_is_wrong_is_named(modules, kind, dtype):
    if kind == 11:
        pytest.importorskip("torch", reason="what an epoch of a recurrent net is compared with")
    work = list(tiny_works(modules, dtype))[kind].few()
    checked = modules.images_and_sequences.checked
    names = [name for name in work.contenders if name.startswith("fastnet")]
    if not names:
        pytest.skip("fastnet has no such layer")
    if dtype == "float32":  # XLA's compiler takes its time
        names = [name for name in work.contenders if name != "torch.compile"]
    found, left_out = checked(work, names)
    assert set(found) | set(left_out) == set(names)
    for run in found.values():
        run()
    right = {}
    for name in found:
        if name.startswith("fastnet") or not right:
            run, results = work.contenders[name](work, 0.05)
            run()
            right = {what: np.asarray(array) for what, array in results().items()}

    def wrong_by(change):
        return lambda work, lr: ((lambda: None), lambda: change(right))

    def one(name, function):
        return lambda results: results | {name: function(results[name])}

    for name in right:
        for what, change in {
            "1 % off": lambda a: a + 0.01 * np.abs(a).max().astype(a.dtype),
            "NaN": lambda a: a * a.dtype.type(np.nan),
            "another dtype": lambda a: a.astype(np.float16),
            "too short": lambda a: a[1:],
        }.items():
            broken = work._replace(
                contenders={what: wrong_by(one(name, change))},
            )
            with pytest.raises(AssertionError, match=rf"^{what}( disagrees on|: .*:) {name} "):
                checked(broken, [what])
    lacking = work._replace(contenders={"nothing": wrong_by(lambda results: {})})
    with pytest.raises(AssertionError, match=r"^nothing: "):
        checked(lacking, ["nothing"])


def test_a_library_that_is_missing_is_left_out_by_name(modules):
    def missing(work, lr):
        raise ModuleNotFoundError(name="torch")

    def unable(work, lr):
        raise modules.pieces.LeftOut("has none")

    work = next(tiny_works(modules, "float32"))
    work = work._replace(contenders={"PyTorch": missing, "other": unable})
    found, left_out = modules.images_and_sequences.checked(work, ["PyTorch", "other", "unknown"])
    assert found == {} and left_out == {"PyTorch": "torch is not installed", "other": "has none"}


def test_flops_are_those_of_the_products(modules):
    g = modules.geometry
    # 4 images of 3 x 3 outputs, 2 * 9 terms each for 5 kernels; forward, dx and dW.
    assert g.Convolution(2, 5, 5, 3, batch=4).flops == 3 * 2 * 4 * 9 * 18 * 5
    assert g.Convolution(2, 5, 5, 3, batch=4, first=True).flops == 2 * 2 * 4 * 9 * 18 * 5
    assert g.Convolution(2, 5, 5, 3, 2, 1).side == 3 and g.Convolution(2, 6, 5, 3, 2, 1).side == 3
    assert g.Recurrence("LSTM", 3, 4, 2, 5).flops == 3 * 2 * 2 * 5 * (3 + 4) * 16
    assert g.Recurrence("GRU", 3, 4, 2, 5).flops == 3 * 2 * 2 * 5 * (3 + 4) * 12
    work = modules.convnets.network("two", [*modules.convnets.conv(3), ("dense", 4)], "float32",
                                    ({}, {}), shape=(2, 6, 6), batch=5)  # fmt: skip
    assert work.flops == 2 * 2 * 5 * 36 * 18 * 3 + 3 * 2 * 5 * 108 * 4
    shapes = modules.convnets.shapes_of(modules.convnets.DEEP, (1, 28, 28))
    assert shapes[-4:] == [(64, 4, 4), (50,), (50,), (10,)]


def test_grid_is_as_wide_as_promised(modules):
    rows = modules.rows
    convolutions = [rows.convolution_of(text) for text in rows.GRID]
    recurrences = [rows.recurrence_of(text) for text in rows.SEQUENCES]
    assert len(set(convolutions)) == 40 and len(set(recurrences)) == 20
    assert {c.size for c in convolutions} == {1, 3, 5} and {c.stride for c in convolutions} == {
        1,
        2,
    }
    for values in ([c.channels for c in convolutions], [c.kernels for c in convolutions]):
        assert (min(values), max(values)) == (1, 64)
    assert {5, 64} <= {c.pixels for c in convolutions}
    assert {8, 512} <= {r.units for r in recurrences} and {1, 128} <= {r.batch for r in recurrences}
    assert {1, 100} <= {r.steps for r in recurrences}
    assert {r.kind for r in recurrences} == {"LSTM", "GRU", "RNN"}


# --------------------------------------------------------------------------- the books


UTIL = "import numpy as np\ndef im2col(): return np.zeros(2)\n"
LAYERS = "from common.util import im2col\nimport numpy as np\nclass Relu: pass\n"


@pytest.fixture
def shelf(tmp_path, modules, monkeypatch):
    """A folder with a book of two modules."""
    folder = tmp_path / modules.books.FIRST / "common"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "util.py").write_text(UTIL)
    (folder / "layers.py").write_text(LAYERS)
    monkeypatch.setitem(
        modules.books.MODULES, modules.books.FIRST, ["common.util", "common.layers"]
    )
    return tmp_path


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_book_is_loaded_alone_and_in_a_dtype(modules, shelf, monkeypatch, dtype):
    monkeypatch.setitem(sys.modules, "common", "of another")
    path = list(sys.path)
    book = modules.books.load(shelf, modules.books.FIRST, dtype)
    assert book.im2col().dtype == dtype and book.Relu.__module__ == "common.layers"
    assert sys.modules["common"] == "of another" and "common.util" not in sys.modules
    assert sys.path == path and np.zeros(2).dtype == np.float64


def test_a_folder_without_the_book_is_named(modules, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^--books must be a folder with deep-learning-"):
        modules.books.load(tmp_path, modules.books.SECOND, "float32")


# --------------------------------------------------------------------------- the command


def test_command_writes_json_and_a_table(home, tmp_path):
    file = tmp_path / "out.json"
    arguments = ["--grid", "--only", "4x16 -> 8", "--contenders", "fastnet", "--json", str(file)]
    done = command(home, *arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(file.read_text())
    [row] = result["rows"]
    assert (row["work"], row["dtype"]) == ("4x16 -> 8, 1x1", "float32")
    assert row["flops"] == 3 * 2 * 32 * 16 * 16 * 4 * 8
    assert row["of_limit"] == pytest.approx(row["microseconds"]["fastnet"][1] / row["limit"])
    assert "ratio" not in row and "book_ratio" not in row
    assert (result["kind"], result["isa"], result["threads"]) == ("grid", "native", 1)
    head, _, cells = re.findall(r"^\|.*\|$", done.stdout, re.MULTILINE)
    assert head.count("|") == cells.count("|") == 8
    assert cells.startswith("| 4x16 -> 8, 1x1 | ")


def test_ratios_are_of_the_best_and_marked_where_they_miss(modules):
    command = modules.images_and_sequences
    work = next(tiny_works(modules, "float32"))._replace(best=2.0, book=3.0)

    def row(**micros):
        times = {name.replace("_", " "): [0, time, 0] for name, time in micros.items()}
        return command.row_of(work, 1e-6, {}, times)

    found = row(book=9.0, PyTorch=5.0, JAX=4.0, fastnet=2.0)
    assert (found["best"], found["ratio"], found["book_ratio"]) == ("JAX", 2.0, 4.5)
    assert found["of_limit"] == pytest.approx(2.0)
    cells = modules.rows_tables.cells
    assert cells(found) == ["1", "2", "4 (JAX)", "2.00 (2)", "9", "4.50 (3)"]
    # Of two ways the faster one counts, and a peer's name is not one of them.
    found = row(book=9.0, PyTorch=5.0, fastnet=6.0, fastnet_fit=4.0)
    assert found["fastnet"] == "fastnet fit" and found["ratio"] == 1.25
    assert cells(found)[3:] == ["1.25 (2) **missed**", "9", "2.25 (3) **missed**"]
    work = work._replace(best=None)
    assert cells(row(PyTorch=1.0, fastnet=2.0))[3] == "0.50 **slower**"
    text = command.summary([row(PyTorch=time, fastnet=1.0) for time in (0.9, 2.0, 4.0)])
    assert text.startswith("3 rows: geometric mean of best / fastnet 1.93, below 0.95: 1. Worst:")


def test_two_runs_stand_side_by_side(home, tmp_path, modules):
    row_of = modules.images_and_sequences.row_of
    work = next(tiny_works(modules, "float32"))
    files = []
    for isa in ("avx2", "native"):
        row = row_of(work, 1e-6, {}, {"PyTorch": [0, 4.0, 0], "fastnet": [0, 2.0, 0]})
        row["work"] = row["work"] if isa == "avx2" else "another"
        files.append(tmp_path / isa)
        files[-1].write_text(json.dumps({"isa": isa, "cpu": "EPYC", "rows": [row]}))
    done = command(home, "--beside", *map(str, files))
    assert done.returncode == 0, done.stderr
    head, _, first, second = done.stdout.splitlines()
    assert head.startswith("| work | avx2: limit |") and head.endswith("| EPYC: book / fastnet |")
    assert first == f"| {work.name} | 1 | 2 | 4 (PyTorch) | 2.00 |  |  |" + "  |" * 6
    assert second == "| another |" + "  |" * 6 + " 1 | 2 | 4 (PyTorch) | 2.00 |  |  |"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "--fit"], "--grid goes without --fit."),
        (["--rounds", "0"], "--rounds and --threads must be at least 1."),
    ],
)
def test_bad_arguments_are_named(modules, capsys, words, message):
    with pytest.raises(SystemExit):
        modules.images_and_sequences.parse(words)
    assert message in capsys.readouterr().err


@pytest.mark.slow  # 8 s of CPU: a process for each of those compared
def test_memory_command(home, tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak can be cleared on Linux only")
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.memory", "--batch", "4", "--json", "out"]
    done = children.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out").read_text())
    assert {"fastnet", "fastnet fit"} <= set(found)
    for name, row in found.items():
        assert row["step"] >= 0 and row["before"] > 10
        assert f"| {name} | {row['step']:.1f} | " in done.stdout


def test_unknown_rows_and_contenders_are_named(home):
    done = command(home, "--only", "Transformer")
    assert done.returncode != 0
    assert "--only must be in the name of a row, got Transformer." in done.stderr
    done = command(home, "--contenders", "tensorflow")
    assert "--contenders must be of " in done.stderr and done.returncode != 0
