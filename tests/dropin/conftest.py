"""What the tests of the drop-in share: the classes of either book, with kernels and without."""

import contextlib
import importlib
import os
import sys

import pytest
from books_classes import Common, imported, run
from books_sequences import forget

from fastnet import dropin
from fastnet.dropin import known, worth
from fastnet.dropin.examples import EXAMPLES, outcome


@pytest.fixture(params=["own", "ours"])
def first(request, root, monkeypatch):
    ours = request.param == "ours"
    with imported(root / "tests" / "dropin" / "first", monkeypatch, ours):
        yield Common("first", ours)


@pytest.fixture(params=["own", "ours"])
def second(request, root, monkeypatch):
    ours = request.param == "ours"
    with imported(root / "tests" / "dropin" / "second", monkeypatch, ours):
        yield Common("second", ours)


@pytest.fixture(params=["first-own", "first-ours", "second-own", "second-ours"])
def either(request, root, monkeypatch):
    edition, _, which = request.param.partition("-")
    with imported(root / "tests" / "dropin" / edition, monkeypatch, which == "ours"):
        yield Common(edition, which == "ours")


@pytest.fixture
def book(root, monkeypatch):
    """Return a function that gives a module's class or function, the own one and on kernels."""
    monkeypatch.syspath_prepend(root / "tests" / "dropin" / "second")
    monkeypatch.setattr(known, "ENOUGH", 0)
    monkeypatch.setattr(worth, "_all_calls", True)
    forget()
    dropin.install()

    def find(module, name):
        kind = vars(importlib.import_module(module))[name]
        with contextlib.suppress(Exception):
            outcome(EXAMPLES[name], kind)  # kernels come at the first call
        return kind

    yield find
    dropin.uninstall()
    forget()


@pytest.fixture
def package(tmp_path, monkeypatch, root):
    """Write a `common` of the test's own, starting from the first edition's, and import it."""
    folder = tmp_path / "common"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    source = root / "tests" / "dropin" / "first" / "common"

    @contextlib.contextmanager
    def write(module, old="", new="", **files):
        for name in ("functions", "layers", "optimizer", "util"):
            text = (source / f"{name}.py").read_text()
            if name == module:
                assert old in text
                text = text.replace(old, new)
            (folder / f"{name}.py").write_text(text)
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        with imported(tmp_path, monkeypatch, False):
            dropin.install(report=True)
            yield Common("own", True)

    return write


@pytest.fixture
def script(tmp_path):
    def write(text, *arguments, options=(), python=()):
        path = tmp_path / "folder" / "script.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        command = ["-m", "fastnet", "run", *options] if not python else []
        return run(tmp_path, *python, *command, os.path.join("folder", "script.py"), *arguments)

    return write


@pytest.fixture
def module(tmp_path, monkeypatch, root):
    """Return a function that writes a module of any name, and imports it with the drop-in there.

    It starts from the layers of the tests' first book, of which each change replaces the first
    text by the second.
    """
    source = root / "tests" / "dropin" / "first" / "common"
    text = (source / "functions.py").read_text() + (source / "util.py").read_text()
    layers = (source / "layers.py").read_text()
    text += "\n".join(line for line in layers.splitlines() if not line.startswith("from common"))

    with contextlib.ExitStack() as stack:

        def write(name, *changes):
            changed = text
            for old, new in changes:
                assert old in changed
                changed = changed.replace(old, new)
            path = tmp_path / f"{name.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changed)
            stack.enter_context(imported(tmp_path, monkeypatch, False))
            dropin.install(report=True)
            stack.callback(lambda: sys.modules.pop(name, None))
            return importlib.import_module(name)

        yield write
