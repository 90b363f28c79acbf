"""What a start imports, and what stands in the packages whose files are imported later."""

import ast
import importlib
import pickle
import sys
from pathlib import Path

import children
import numpy as np
import pytest
from in_turn import with_each

import fastnet
from fastnet import kernels, layers
from fastnet.kernels import _cache, _folders
from fastnet.kernels._compile import jit, vector

CODE = """
import sys
from fastnet.models import Sequential
from fastnet.layers import Dense
Sequential([Dense(3, activation="relu"), Dense(2)], seed=0).build(4)
print(*[name for name in sys.modules if name.startswith("fastnet.")])
"""


def test_a_plain_network_imports_no_other_layers_nor_their_kernels():
    done = children.run([sys.executable, "-c", CODE])
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert "fastnet.layers.dense" in imported
    later = {f"fastnet.layers.{file}" for file in layers._LATER}
    words = ("attention", "average_pooling", "convolution", "embedding", "lstm", "pooling", "gru")
    assert not imported & (later | {f"fastnet.kernels.{word}" for word in words})


def test_a_convolution_imports_no_kernels_of_sequences():
    code = "import sys\nfrom fastnet.layers import Conv2D, Convolution\nprint(*sys.modules)"
    done = children.run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert "fastnet.kernels.convolution" in imported
    assert not imported & {f"fastnet.kernels.{word}" for word in ("attention", "embedding", "gru")}


@with_each("name", layers.__all__)
def test_every_layer_is_found_where_pickles_look(name):
    found = getattr(layers, name)
    assert found.__module__ == "fastnet.layers" and name in dir(layers)
    assert pickle.loads(pickle.dumps(found)) is found


def test_every_kernel_is_found():
    for name in kernels.__all__:
        assert hasattr(kernels, name) and name in dir(kernels), name
    for package in (kernels, layers):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = package.nothing


def test_of_sources_that_were_edited_since_nothing_is_kept(monkeypatch, tmp_path):
    """A file that is imported late may be another than the one that the folder is named after."""
    monkeypatch.setattr(_cache, "cache_directory", lambda: tmp_path)

    def make():
        @jit(vector)
        def doubled(x):
            for i in range(len(x)):
                x[i] *= 2

        return doubled

    monkeypatch.setattr(_folders, "_STATE", _folders._STATE[1:])
    monkeypatch.setattr(_folders, "_looked_at", [])  # as after an import
    x = np.ones(3)
    make()(x)
    assert x.tolist() == [2, 2, 2] and not list(tmp_path.iterdir())
    monkeypatch.undo()
    monkeypatch.setattr(_cache, "cache_directory", lambda: tmp_path)
    make()(x)
    assert x.tolist() == [4, 4, 4] and len(list(tmp_path.iterdir())) == 1


def test_a_file_of_layers_is_an_attribute_before_it_is_imported():
    """As every file was that `fastnet.layers` imports itself."""
    code = "import fastnet.layers as l; print(l.conv.Conv2D is l.Conv2D, hasattr(l, 'nothing'))"
    done = children.run([sys.executable, "-c", code])
    assert done.stdout.split() == ["True", "False"], done.stderr


@pytest.mark.parametrize("package", [fastnet, layers])
def test_type_checkers_see_no_function_that_finds_names(package):
    """They skip what is for others by the name TYPE_CHECKING alone; else every name is there."""
    tree = ast.parse(Path(package.__file__).read_text())
    tests = [ast.unparse(node.test) for node in tree.body if isinstance(node, ast.If)]
    assert [test for test in tests if "CHECKING" in test] == [
        "_typing.TYPE_CHECKING",
        "not _typing.TYPE_CHECKING",
    ]


def test_no_list_of_layers_is_stale():
    """Type checkers read two of them, and a start a third, which says the same of each file."""
    tree = ast.parse(Path(layers.__file__).read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "_typing.TYPE_CHECKING"
    ]
    told = {node.module: sorted(name.name for name in node.names) for node in block.body}
    later = {f"fastnet.layers.{file}": sorted(names) for file, names in layers._LATER.items()}
    assert told == later
    assert {name for names in later.values() for name in names} < {*layers.__all__}
    assert len(layers.__all__) == len({*layers.__all__})
    for path in Path(layers.__file__).parent.glob("[a-z]*.py"):
        module = importlib.import_module(f"fastnet.layers.{path.stem}")
        public = getattr(module, "__all__", [])
        assert later.get(module.__name__) in (None, sorted(public)), path.name
        kinds = {name for name in public if isinstance(getattr(module, name), type)}
        bases = {"TimeLayer"}  # what a file shares with others, not with users
        assert kinds - bases <= {*layers.__all__}, path.name
