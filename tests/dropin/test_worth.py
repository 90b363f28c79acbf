"""The smallest arrays are left to the script's own code, once it is known to be the book's."""

import importlib

import numpy as np
import pytest
from books_classes import imported, on_kernels
from numpy.testing import assert_allclose

from fastnet.dropin import optimizers, worth
from fastnet.dropin.first import ONE_PASS
from fastnet.dropin.products import MANY


@pytest.fixture
def module(root, monkeypatch):
    """Return a function that imports a module of a book, on kernels where they are worth it."""

    def find(edition, name):
        monkeypatch.setattr(worth, "_all_calls", False)
        return importlib.import_module(f"common.{name}")

    def of(edition):
        return imported(root / "tests" / "dropin" / edition, monkeypatch, True)

    find.of = of
    return find


@pytest.fixture(params=["first", "second"])
def either(request, module):
    with module.of(request.param):
        yield request.param


def asked(kind, monkeypatch, method, *arguments):
    """Return whether a call of a method reaches the script's own."""
    calls, function = [], vars(kind)[method]
    own = function.__kwdefaults__["own"]
    monkeypatch.setitem(
        function.__kwdefaults__, "own", lambda *args: calls.append(args) or own(*args)
    )
    result = function(*arguments)
    return bool(calls), result


@pytest.mark.parametrize("size", [ONE_PASS - 1, ONE_PASS])
def test_passes(module, monkeypatch, size):
    x, little = np.linspace(-1, 1, size).reshape(1, -1), size < ONE_PASS
    with module.of("first"):
        layers, functions = module("first", "layers"), module("first", "functions")
        for layer in (layers.Relu(), layers.Dropout(0.5)):
            layer.forward(x)  # the first call decides, and is answered by kernels or own
            layer.backward(x.copy())
            kind = type(layer)
            assert on_kernels(kind).keys() == {"forward", "backward"}
            assert asked(kind, monkeypatch, "forward", layer, x)[0] is little
            assert asked(kind, monkeypatch, "backward", layer, x.copy())[0] is little
        functions.relu(x)
        (now,) = [
            c.cell_contents.now
            for c in functions.relu.__closure__
            if hasattr(c.cell_contents, "now")
        ]
        calls = []
        assert_allclose(now(x, own=lambda x: calls.append(1) or np.maximum(0, x)), np.maximum(0, x))
        assert bool(calls) is little


@pytest.mark.parametrize("rows", [MANY // 2**9 - 1, MANY // 2**9])
def test_products(module, monkeypatch, rows):
    W, little = np.ones((16, 32)), rows * 2**9 < MANY
    x, dout = np.ones((rows, 16)), np.ones((rows, 32))
    with module.of("second"):
        MatMul = module("second", "layers").MatMul
        layer = MatMul(W)
        layer.forward(x)
        layer.backward(dout)
        found, out = asked(MatMul, monkeypatch, "forward", layer, x)
        assert found is little
        assert_allclose(out, x @ W)
        found, dx = asked(MatMul, monkeypatch, "backward", layer, dout)
        assert found is little
        assert_allclose(np.asarray(dx), dout @ W.T)


@pytest.mark.parametrize(
    ("name", "enough"), [("SGD", optimizers.TWO_PASSES), ("Momentum", optimizers.FOUR_PASSES)]
)
@pytest.mark.parametrize("more", [-8, 0])
def test_updates(module, either, monkeypatch, name, enough, more):
    """The mean of all arrays counts."""
    sizes = 10, enough // 4 - 10 + more // 8
    params, grads = ([np.ones(size) for size in sizes] for _ in range(2))
    if either == "first":
        params, grads = dict(zip("Wb", params, strict=True)), dict(zip("Wb", grads, strict=True))
    kind = getattr(module(either, "optimizer"), name)
    optimizer = kind(0.5)
    optimizer.update(params, grads)
    assert on_kernels(kind)
    assert asked(kind, monkeypatch, "update", optimizer, params, grads)[0] is (more < 0)


def test_an_example_is_answered_by_kernels(module, package):
    """However small it is: the script's own would be like itself, whatever it does."""
    with package("layers", "out[self.mask] = 0", "out[self.mask] *= 0.01"):
        layer = module("first", "layers").Relu()
        layer.forward(np.ones(3))
        assert not on_kernels(type(layer))
    assert not worth._all_calls
