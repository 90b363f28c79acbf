"""Contenders of images, sequences and words: they agree, with the books' own code beside them."""

import sys

import numpy as np
import pytest
from in_turn import every_dtype_name
from measured_rows import tiny_works


@every_dtype_name
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


@every_dtype_name
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
