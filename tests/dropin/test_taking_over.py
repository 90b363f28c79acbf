"""Kernels take over at some call: what the script holds goes on as it was."""

import copy
import gc
import importlib
import inspect
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pytest
from books_classes import (
    DOUT,
    ONE_HOT,
    OPTIMIZERS,
    B,
    Common,
    W,
    X,
    held,
    imported,
    on_kernels,
    same,
)
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import dropin
from fastnet.dropin import hook, known
from fastnet.dropin.examples import EXAMPLES
from fastnet.dropin.known import CALL, ELEMENT, ENOUGH, KNOWN, LIGHT, Known
from fastnet.dropin.replaced import _without_collection


def trained(common, name, updates=3):
    """Train two layers and all between them; return what came of it, and count after each call."""
    layers, optimizer, rng = (
        common.layers,
        getattr(common.optimizer, name)(0.05),
        np.random.default_rng(11),
    )
    np.random.seed(3)  # noqa: NPY002
    first = common.edition == "first"
    params = [rng.standard_normal(shape) for shape in ((6, 5), 5, (5, 3), 3)]
    parts = [layers.Affine(*params[:2]), layers.Sigmoid(), layers.Dropout(0.3)]
    if first:
        gamma, beta = np.ones(5), np.zeros(5)
        parts[1:1] = [layers.BatchNormalization(gamma, beta), layers.Relu()]
    parts, last = [*parts, layers.Affine(*params[2:])], layers.SoftmaxWithLoss()
    found, counts = [], []

    def note(value):
        found.append(np.array(value))
        counts.append(hook._installed.operations if hook._installed else 0)
        return value

    for _ in range(updates):
        x = X
        for layer in parts:
            x = note(layer.forward(x))
        note(last.forward(x, ONE_HOT))
        dout = note(last.backward())
        for layer in reversed(parts):
            dout = note(layer.backward(dout))
        if first:
            grads = [g for layer in (parts[0], parts[-1]) for g in (layer.dW, layer.db)]
            held_params, held_grads = held("first", params), held("first", grads)
        else:
            held_params = params
            held_grads = [g for layer in (parts[0], parts[-1]) for g in layer.grads]
        optimizer.update(held_params, held_grads)
        note(params[0])
        note(common.functions.softmax(x))
    state = [vars(thing) for thing in (*parts, last, optimizer)]
    return found, state, counts, np.random.get_state()[1:3]  # noqa: NPY002


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("edition", ["first", "second"])
def test_kernels_may_take_over_at_any_call(root, monkeypatch, edition, name):
    """Layers, losses and optimizers go on with the state that the script's own code left."""
    folder = root / "tests" / "dropin" / edition
    with imported(folder, monkeypatch, True, enough=ENOUGH):
        expected, own_state, counts, draws = trained(Common(edition, False), name)
        assert not hook._installed.taken_over
    counts = sorted({0, *counts[:-1]})
    assert len(counts) > 20
    # A bias below a batch normalization has a gradient of rounding alone, some 1e-17, which these
    # divide by 1e-7, and multiply by lr.
    least = 0.05 * 3 * 1e-16 / 1e-7 if name in ("AdaGrad", "RMSprop", "Adam") else 1e-13
    # All calls with one optimizer; with the others those around the first two updates.
    for enough in counts if name == "Adam" else counts[len(counts) // 3 :: 5]:
        with imported(folder, monkeypatch, True, enough=enough + 1):
            ours, state, after, drawn = trained(Common(edition, False), name)
            assert hook._installed.taken_over and after != counts
            if enough < counts[len(counts) // 2]:
                assert on_kernels(importlib.import_module("common.layers").Affine)
        for found, wanted in zip(ours, expected, strict=True):
            assert_allclose(found, wanted, 1e-11, least)
        for found, wanted in zip(state, own_state, strict=True):
            same(
                {key: found[key] for key in wanted}, wanted, 1e-11
            )  # `_dx_is_read` may stand in ours
        assert_array_equal(drawn[0], draws[0])
        assert drawn[1] == draws[1]


def test_what_the_script_holds_is_what_it_was(root, monkeypatch):
    """Objects, copies, pickles, bound methods, subclasses and functions from before."""
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True, enough=ENOUGH):
        scope = {}
        exec("from common.functions import *\nfrom common.layers import *", scope)
        Affine, softmax = scope["Affine"], scope["softmax"]

        class Scaled(Affine):
            def __init__(self, W, b):
                super(Affine, self).__init__()
                Affine.__init__(self, W, b)

            def forward(self, x):
                return 2 * Affine.forward(self, x)

        layer, scaled = Affine(W, B), Scaled(W, B)
        forward, kept = layer.forward, pickle.dumps(layer)
        before = forward(X), scaled.forward(X), softmax(X)
        identity = Affine, type(layer), Affine.__mro__, Affine.__qualname__, Affine.__module__
        calls = hook._installed.calls
        monkeypatch.setattr(known, "ENOUGH", 0)
        after = forward(X), scaled.forward(X), softmax(X)
        for a, b in zip(before, after, strict=True):
            assert_allclose(a, b, 1e-12)
        assert on_kernels(Affine)
        assert hook._installed.calls == calls + 2  # a bound method asks again, no other does
        layers = importlib.import_module("common.layers")
        assert scope["Affine"] is layers.Affine is Affine
        assert identity == (Affine, type(layer), Affine.__mro__, "Affine", "common.layers")
        for other in (pickle.loads(kept), copy.copy(layer), copy.deepcopy(layer)):
            assert type(other) is Affine and isinstance(other, Affine)
            assert_array_equal(other.forward(X), after[0])
        assert pickle.loads(pickle.dumps(softmax)) is softmax
        assert list(inspect.signature(Affine.forward).parameters) == ["self", "x"]
        assert "np.dot" in inspect.getsource(Affine.forward)
        assert_array_equal(softmax(x=X), after[2])


def test_the_old_form_of_super_reaches_the_scripts_own(package):
    """Of a class that stood before the script's own it would find that again, for ever."""
    old = "class Affine:\n    def __init__(self, W, b):\n"
    new = "class Layer:\n    pass\n\n\nclass Affine(Layer):\n    def __init__(self, W, b):\n"
    with package("layers", old, new + "        super(Affine, self).__init__()\n") as common:
        assert_allclose(common.layers.Affine(W, B).forward(X), X @ W + B, 1e-12)
        assert on_kernels(common.layers.Affine)


def test_what_the_script_has_put_there_stays(root, monkeypatch):
    """A method in the place of the book's, which calls that; and the book's, put there again."""
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True, enough=ENOUGH):
        Affine = importlib.import_module("common.layers").Affine
        found = Affine.forward

        def doubled(self, x):
            return 2 * found(self, x)

        Affine.forward, layer, expected = doubled, Affine(W, B), X @ W + B
        for enough in (ENOUGH, 0, 0):
            monkeypatch.setattr(known, "ENOUGH", enough)
            assert_allclose(layer.forward(X), 2 * expected, 1e-12)
        assert vars(Affine)["forward"] is doubled and on_kernels(Affine).keys() == {"backward"}
        Affine.forward = found
        assert_allclose(layer.forward(X), expected, 1e-12)


def test_what_was_taken_before_an_uninstall_decides_nothing(root, monkeypatch):
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True, enough=ENOUGH):
        Affine = importlib.import_module("common.layers").Affine
        forward = Affine(W, B).forward
        dropin.uninstall()
        monkeypatch.setattr(known, "ENOUGH", 0)
        assert_allclose(forward(X), X @ W + B, 1e-12)
        assert not on_kernels(Affine)


def test_what_no_kernel_takes_counts_as_a_call(root, monkeypatch):
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True, enough=ENOUGH):
        module = importlib.import_module("common.functions")
        optimizer = importlib.import_module("common.optimizer").SGD()
        relu, counter = module.relu, hook._installed
        for call, operations in (
            (lambda: relu(-3), 0),
            (lambda: relu([1, 2]), 0),
            (lambda: relu(x=X), 0),
            (lambda: relu(X), ELEMENT * X.size),
            (lambda: optimizer.update({"a": 1.0}, {"a": 1.0}), 0),
            (lambda: optimizer.update({"a": W, "b": B}, {"a": W, "b": B}), LIGHT * 21),
        ):
            before = counter.operations, counter.calls
            call()
            assert counter.operations - before[0] == CALL + operations
            assert counter.calls - before[1] == 1
        layer = importlib.import_module("common.layers").Affine(W, B)
        before = counter.operations
        layer.forward(X)
        assert counter.operations - before == CALL + 5 * 6 * 3
        layer.backward(DOUT)
        assert counter.operations - before == 2 * CALL + 3 * 5 * 6 * 3


def test_the_first_call_that_is_enough_is_the_kernels(root, monkeypatch):
    folder, once = root / "tests" / "dropin" / "first", CALL + 5 * 6 * 3
    for enough, calls in ((once, 1), (once + 1, 2), (2 * once, 2), (2 * once + 1, 3)):
        with imported(folder, monkeypatch, True, enough=enough):
            layer = importlib.import_module("common.layers").Affine(W, B)
            for call in range(1, calls + 1):
                layer.forward(X)
                assert bool(hook._installed.taken_over) == (call == calls)


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_looked_for_while_kernels_are_loaded(enabled):
    gc.enable() if enabled else gc.disable()
    try:
        with _without_collection():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        with pytest.raises(ImportError), _without_collection():
            raise ImportError
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_threads_decide_once(root, monkeypatch):
    together, tried, adapters = threading.Barrier(4), [], hook.Replaced._adapters
    monkeypatch.setattr(Known, "operations", lambda *_: together.wait(10) * 0 + ENOUGH)
    monkeypatch.setattr(
        hook.Replaced, "_adapters", lambda self: tried.append(self) or adapters(self)
    )
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True):
        softmax = importlib.import_module("common.functions").softmax
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(softmax, [X] * 4))
        assert len(tried) == 1
        for y in found:
            assert_allclose(y, np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), 1e-12)


def test_inherited_methods_are_inherited_again():
    class Base:
        def forward(self, x):
            return 2 * x

        def backward(self, dout):
            return 2 * dout

    class Relu(Base):
        pass

    Relu.__module__ = "common.layers"
    module = ModuleType("common.layers")
    module.Relu = Relu
    dropin.install()
    try:
        hook._installed.replace(module)
        assert {"forward", "backward"} <= set(vars(Relu)) and Relu().forward(3) == 6
    finally:
        dropin.uninstall()
    assert not {"forward", "backward"} & set(vars(Relu))


def test_names_have_an_example():
    assert EXAMPLES.keys() == KNOWN.keys()
