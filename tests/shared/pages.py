"""Code that pages show: its blocks, and a run of them in order, in one namespace."""

import contextlib
import doctest
import io
import os
import re
import textwrap
import warnings

import pytest

# Not a fence of { .python }: it shows a file that a test of its own runs.
BLOCK = re.compile(r"^( *)```(python|text)\n(.*?)^\1```$", re.M | re.S)
# Not in the extra `test`, or not on every machine: what needs them is skipped, and said.
OPTIONAL = re.compile(r"^(?:import|from) (torch|keras|sklearn|pandas|onnx\w*|dask|optuna)\b", re.M)


def blocks(path):
    """Return (language, code, line) of a page's blocks; one in a tab is taken out of it."""
    text = path.read_text(encoding="utf-8")
    return [
        (found[2], textwrap.dedent(found[3]), text.count("\n", 0, found.start()) + 2)
        for found in BLOCK.finditer(text)
    ]


def agree(wanted, got):
    """Whether the output is what the page shows, where ... stands for anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(wanted, got, flags)


def run(path, names=None):
    """Run a page's Python; a block of text behind it is what it prints. Return its names."""
    names = {"__name__": "page"} if names is None else names
    out = None
    for language, code, line in blocks(path):
        if language == "text":
            assert out is not None, f"{path.name}, line {line}: no code prints this"
            assert agree(code, out), f"{path.name}, line {line}: the code above printed\n{out}"
            out = None
            continue
        for module in OPTIONAL.findall(code):
            if module == "keras":  # of its backends, the one that the page beside needs, too
                os.environ.setdefault("KERAS_BACKEND", "torch")
            why = f"{path.name} from line {line} on needs {module}"
            pytest.importorskip(module, reason=why, exc_type=ImportError)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            # Keras' own arrays with PyTorch beneath them.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            exec(compile("\n" * (line - 1) + code, str(path), "exec"), names)
        out = printed.getvalue()
    return names
