"""The classes of the books' common as they are, and with fastnet's in their place.

They are those of the `common` in tests/dropin/first and tests/dropin/second, in the style of each.
"""

import contextlib
import functools
import importlib
import inspect
import os
import re
import sys

import children
import numpy as np
from numpy.testing import assert_allclose

from fastnet import dropin
from fastnet.dropin import hook, known, worth
from fastnet.dropin.examples import EXAMPLES, outcome
from fastnet.dropin.methods import with_own

PYTHON = [sys.executable, "-X", "utf8"]
NOTHING = "fastnet: nothing was replaced: the script has nothing of the books that fastnet has\n"
OPTIMIZERS = ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"]


def names_in_file(path):
    """Return the names of the books that a file defines, in the order of the drop-in's table."""
    defined = re.findall(r"^(?:class|def) (\w+)", path.read_text(), re.M)
    return [name for name in known.KNOWN if name in defined]


def run(folder, *arguments):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
    return children.run([*PYTHON, *arguments], cwd=folder, env=environment)


class Common:
    """The stand-in `common` of an edition, imported anew, with fastnet's in it or without."""

    def __init__(self, edition, ours):
        self.edition, self.ours = edition, ours

    def __getattr__(self, name):
        module = importlib.import_module(f"common.{name}")
        if self.ours:
            decided(module)
        return module


def decided(module):
    """Call what fastnet has, once: kernels come at the first call after enough work."""
    for name in hook.names_in(module):
        with contextlib.suppress(Exception):
            outcome(EXAMPLES[name], vars(module)[name])


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] == "common"]:
        del sys.modules[name]


@contextlib.contextmanager
def imported(folder, monkeypatch, install, enough=0):
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(known, "ENOUGH", enough)
    monkeypatch.setattr(worth, "_all_calls", True)  # on kernels: the tests' arrays are small
    forget()
    if install:
        dropin.install()
    try:
        yield
    finally:
        dropin.uninstall()
        forget()


RNG = np.random.default_rng(7)
X, W, B, DOUT = (RNG.standard_normal(shape) for shape in ((5, 6), (6, 3), 3, (5, 3)))
LABELS = np.array([2, 0, 1, 1, 0])
ONE_HOT = np.eye(3)[LABELS]


def on_kernels(kind):
    """Return the methods that are fastnet's -> the script's own that they pass calls on to."""
    methods = {
        name: inspect.unwrap(f, stop=is_bound) for name, f in vars(kind).items() if callable(f)
    }
    return {name: f.__kwdefaults__["own"] for name, f in methods.items() if is_bound(f)}


def is_bound(function):
    return "own" in (getattr(function, "__kwdefaults__", None) or ())


def own_of(kind):
    """Return a class with the methods that the script gave it."""
    return type(kind.__name__, (kind,), on_kernels(kind))


def who_answers(kind, own):
    """Return, of each method of an example's calls, whether kernels answered: one bool a call."""
    answers = {method: [] for method in own}

    def watched(name, method):
        inside = []

        @functools.wraps(own[name])
        def asked(*args, **kwargs):
            inside[:] = [False] * len(inside)
            return own[name](*args, **kwargs)

        function = with_own(method, asked, {})

        def call(*args, **kwargs):
            inside.append(True)
            try:
                return function(*args, **kwargs)
            finally:
                answers[name].append(inside.pop())

        return call

    methods = {name: watched(name, inspect.unwrap(vars(kind)[name], stop=is_bound)) for name in own}
    outcome(EXAMPLES[kind.__name__], type(kind.__name__, (kind,), methods))
    return answers


def same(found, expected, tolerance=1e-12):
    """Check numbers, dtypes and containers of what two objects hold."""
    assert type(found) is type(expected)
    if isinstance(expected, (dict, list, tuple)):
        assert len(found) == len(expected)
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            same(found[key], expected[key], tolerance)
    elif isinstance(expected, (np.ndarray, np.generic, float)):
        assert found.dtype == expected.dtype if hasattr(expected, "dtype") else True
        assert_allclose(found, expected, tolerance, tolerance, equal_nan=True)
    else:
        assert found == expected


def held(edition, arrays):
    return dict(zip("WbcUd", arrays, strict=False)) if edition == "first" else list(arrays)
