"""What the tests of the books' networks share."""

import importlib
import sys

import pytest


@pytest.fixture
def common(root, monkeypatch):
    """A function that imports a module of an edition's stand-in `common` anew."""

    def load(edition, name):
        forget()
        monkeypatch.syspath_prepend(root / "tests" / "dropin" / edition)
        return importlib.import_module(f"common.{name}")

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "common"]:
            del sys.modules[name]

    yield load
    forget()
