"""What the tests of images_and_sequences share."""

import importlib
import shutil
import sys

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
