"""What the tests of the comparisons with peers share."""

import importlib
import shutil
import sys

import pytest


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A folder with asv_benchmarks/ and no fastnet/: the package that is tested is measured."""
    home = tmp_path_factory.mktemp("peers")
    (home / "asv_benchmarks").mkdir()
    for path in (root / "asv_benchmarks").glob("*.py"):
        shutil.copy(path, home / "asv_benchmarks")
    return home


@pytest.fixture
def peers(home, monkeypatch):
    monkeypatch.syspath_prepend(home)
    yield importlib.import_module("asv_benchmarks.peers")
    for name in [name for name in sys.modules if name.startswith("asv_benchmarks")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def environment(peers):
    return importlib.import_module("asv_benchmarks.environment")
