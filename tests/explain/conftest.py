"""What the tests of explain share."""

import importlib
import shutil
import sys

import pytest


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A folder with asv_benchmarks/ and no fastnet/: the package that is tested is explained."""
    home = tmp_path_factory.mktemp("explain")
    (home / "asv_benchmarks" / "benchmarks").mkdir(parents=True)
    for path in (root / "asv_benchmarks").glob("*.py"):
        shutil.copy(path, home / "asv_benchmarks")
    shutil.copy(root / "asv_benchmarks/benchmarks/__init__.py", home / "asv_benchmarks/benchmarks")
    return home


@pytest.fixture(scope="module")
def explain(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home)
        yield importlib.import_module("asv_benchmarks.explain")


@pytest.fixture(scope="module")
def work(explain):
    return sys.modules["asv_benchmarks.work"]


@pytest.fixture(scope="module")
def kernel_arguments(explain):
    return sys.modules["asv_benchmarks.arguments"]


@pytest.fixture(scope="module")
def ceilings(explain):
    return sys.modules["asv_benchmarks.ceilings"]


@pytest.fixture(scope="module")
def inner_loops(explain):
    return sys.modules["asv_benchmarks.inner_loops"]


@pytest.fixture(scope="module")
def verdicts(explain):
    return sys.modules["asv_benchmarks.verdicts"]
