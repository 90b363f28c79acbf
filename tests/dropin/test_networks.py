"""The first book's networks on kernels: the weight decay in their losses, and chapter 4's own."""

import functools
import importlib
import sys

import numpy as np
import pytest
from books_classes import decided, on_kernels, own_of, same, who_answers
from in_turn import every_dtype

from fastnet import dropin
from fastnet.dropin import hook

X, LABELS = np.linspace(-1, 1, 12).reshape(3, 4), np.array([1, 0, 1])


@pytest.fixture(params=["MultiLayerNet", "MultiLayerNetExtend"])
def network(request, first):
    """Return a function that makes a network twice: as it is, and with the script's own loss."""
    module = {"MultiLayerNet": "multi_layer_net", "MultiLayerNetExtend": "multi_layer_net_extend"}
    kind = vars(getattr(first, module[request.param]))[request.param]
    assert set(on_kernels(kind)) == ({"loss"} if first.ours else set())

    def make(decay, dtype=np.float64):
        made = []
        for each in (kind, own_of(kind)):
            np.random.seed(3)  # noqa: NPY002  the book draws from it
            made.append(each(4, [5, 3], 2, weight_decay_lambda=decay))
            for layer in made[-1].layers.values():
                for name in ("W", "b") if hasattr(layer, "W") else ():
                    setattr(layer, name, getattr(layer, name).astype(dtype))
            made[-1].params = {k: v.astype(dtype) for k, v in made[-1].params.items()}
        return made

    return make


@every_dtype
@pytest.mark.parametrize("decay", [0, 0.3])
def test_losses_with_decay(network, decay, dtype):
    ours, own = network(decay, dtype)
    for i, t in enumerate((LABELS, np.eye(2)[LABELS])):
        ours.params["W2"] += i
        own.params["W2"] += i  # read at every call
        tolerance = 1e-12 if dtype == np.float64 else 1e-6
        same(ours.loss(X.astype(dtype), t), own.loss(X.astype(dtype), t), tolerance)
        same(ours.gradient(X.astype(dtype), t), own.gradient(X.astype(dtype), t), tolerance)


@pytest.mark.parametrize(
    "spoil", [np.asfortranarray, lambda W: W.astype(int), lambda W: W * np.nan]
)
def test_weights_that_are_no_usual_arrays(network, spoil):
    ours, own = network(0.3)
    for made in (ours, own):
        made.params["W1"] = spoil(made.params["W1"])
    same(ours.loss(X, LABELS), own.loss(X, LABELS))


@pytest.fixture
def two_layers(first):
    """Return chapter 4's class, which writes its products out."""
    sys.modules.pop("two_layer_net", None)
    module = importlib.import_module("two_layer_net")
    if first.ours:
        decided(module)
    yield module.TwoLayerNet
    del sys.modules["two_layer_net"]


def made_twice(kind, dtype=np.float64):
    made = []
    for each in (kind, own_of(kind)):
        np.random.seed(3)  # noqa: NPY002  the book draws from it
        made.append(each(4, 5, 2, 0.7))
        made[-1].params = {k: (v + 0.3).astype(dtype) for k, v in made[-1].params.items()}
    return made


def test_a_network_that_writes_its_products_out(two_layers, first):
    answers = who_answers(two_layers, on_kernels(two_layers))
    assert answers == ({"predict": [True], "gradient": [True]} if first.ours else {})
    for dtype in (np.float64, np.float32):
        ours, own = made_twice(two_layers, dtype)
        tolerance = 1e-12 if dtype == np.float64 else 1e-6
        for x in (X, X[::-1], np.asfortranarray(X), np.arange(12, dtype="u1").reshape(3, 4)):
            x = x if x.dtype == "u1" else x.astype(dtype)
            for t in (np.eye(2, dtype=dtype)[LABELS], np.eye(2, dtype="u1")[LABELS]):
                same(ours.predict(x), own.predict(x), tolerance)
                same(ours.loss(x, t), own.loss(x, t), tolerance)
                found, expected = ours.gradient(x, t), own.gradient(x, t)
                same({k: found[k] for k in expected}, expected, tolerance)
                assert list(found) == list(expected)
        assert ours.gradient(x, t)["W1"] is not found["W1"]  # fresh ones


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 600])
def test_predictions_of_many_rows(two_layers, rows):
    ours, own = made_twice(two_layers)
    x = np.random.default_rng(rows).standard_normal((rows, 4)).astype(np.float32)
    same(ours.predict(x), own.predict(x))


WIDER = np.linspace(-1, 1, 12).reshape(3, 4), np.eye(2)[LABELS]
ODD = {
    "one row": lambda net, x, t: (x[0], t[0]),
    "wider x": lambda net, x, t: (WIDER[0], t),
    "wider t": lambda net, x, t: (x, WIDER[1]),
    "a list": lambda net, x, t: (x, t.tolist()),
    "one t": lambda net, x, t: (x, t[:1]),
    "b1 a column": lambda net, x, t: net.params.update(b1=net.params["b1"][:, None]),
    "b2 a number": lambda net, x, t: net.params.update(b2=net.params["b2"][:1]),
    "a short W2": lambda net, x, t: net.params.update(W2=net.params["W2"][:3]),
    "a deep W2": lambda net, x, t: net.params.update(
        W2=net.params["W2"][:, :, None], b2=net.params["b2"][:, None]
    ),
    "no class": lambda net, x, t: (
        net.params.update(W2=np.empty((5, 0), "f4"), b2=np.empty(0, "f4")) or (x, t[:, :0])
    ),
    "a narrow x": lambda net, x, t: (x[:, :3], t),
    "mixed": lambda net, x, t: net.params.update(W2=net.params["W2"].astype("f8")),
    "a turned W": lambda net, x, t: net.params.update(W1=np.asfortranarray(net.params["W1"])),
    "a weight more": lambda net, x, t: net.params.update(W3=net.params["W2"]),
    "another switch": lambda net, x, t: setattr(net, "training", True),
    "no sample": lambda net, x, t: (x[:0], t[:0]),
}


@pytest.mark.parametrize("change", ODD)
def test_what_kernels_do_not_take_is_the_own_codes(two_layers, first, change, monkeypatch):
    ours, own = made_twice(two_layers, np.float32)
    found, asked = [], []
    for name, method in on_kernels(two_layers).items():

        @functools.wraps(method)
        def watched(*args, name=name, method=method):
            asked.append(name)
            return method(*args)

        monkeypatch.setitem(vars(two_layers)[name].__kwdefaults__, "own", watched)
    for network in (ours, own):
        x, t = X.astype(np.float32), np.eye(2, dtype=np.float32)[LABELS]
        x, t = ODD[change](network, x, t) or (x, t)
        for method, *args in ((network.predict, x), (network.gradient, x, t)):
            try:
                with np.errstate(all="ignore"):
                    found.append(method(*args))
            except Exception as error:
                found.append([type(error).__name__, str(error)])
    for ours_found, own_found in zip(found[:2], found[2:], strict=True):
        same(ours_found, own_found, 1e-6)
    of_t = change in ("wider t", "a list", "one t")
    assert asked == (["predict", "gradient"][of_t:] if first.ours else [])


def test_weights_that_another_thread_exchanges(two_layers):
    """Kernels let other threads go on: what is written to is of the weights that were read."""
    ours, own = made_twice(two_layers)
    expected = own.gradient(X, np.eye(2)[LABELS])

    class Exchanging(dict):
        def __getitem__(self, name):
            value = super().__getitem__(name)
            self[name] = value[:1]
            return value

    ours.params = Exchanging(ours.params)
    if on_kernels(two_layers):
        same(ours.gradient(X, np.eye(2)[LABELS]), expected)


def test_a_subclass_with_another_hidden_layer(two_layers):
    """What a method asks of its class is the subclass's."""
    (ours, own), t = made_twice(two_layers), np.eye(2)[LABELS]
    doubled = {"_hidden": lambda self, x: 2 * two_layers._hidden(self, x)}
    for others in ({"loss": None, "more": None}, doubled):
        ours.__class__ = type("Other", (two_layers,), others)
        own.__class__ = type("Other", (two_layers,), {**others, **on_kernels(two_layers)})
        same(ours.predict(X), own.predict(X))
        same(ours.gradient(X, t), own.gradient(X, t))


OTHERS = [
    ("sigmoid(self", "np.tanh(self"),
    (") / len(x)", ") / 3.5"),
    ('return {"W2": z.T @ dy, ', 'return {"W1": 0, "W2": z.T @ dy, '),  # gradients in another order
]


@pytest.mark.parametrize("old_new", OTHERS)
def test_another_network_of_that_name_is_the_scripts_own(package, root, tmp_path, old_new):
    text = (root / "tests" / "dropin" / "first" / "two_layer_net.py").read_text()
    assert old_new[0] in text
    (tmp_path / "two_layer_net.py").write_text(text.replace(*old_new))
    with package(""):
        sys.modules.pop("two_layer_net", None)
        module = importlib.import_module("two_layer_net")
        decided(module)
        assert not on_kernels(module.TwoLayerNet)
        said = "TwoLayerNet stayed the script's own: on a small example it gives other numbers"
        assert said in dropin.report()
        del sys.modules["two_layer_net"]


def test_a_network_of_layers_is_left_alone(package, tmp_path):
    """Chapter 5's: its layers are on kernels, and leave in themselves what they computed."""
    (tmp_path / "two_layer_net.py").write_text(
        "from common.layers import *\n"
        "class TwoLayerNet:\n"
        "    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01): ...\n"
        "    def predict(self, x): ...\n"
        "    def gradient(self, x, t): ...\n"
    )
    with package(""):
        sys.modules.pop("two_layer_net", None)
        module = importlib.import_module("two_layer_net")
        before = hook._installed.calls
        module.TwoLayerNet(1, 2, 3).predict(None)
        assert hook._installed.calls == before
        assert "two_layer_net.TwoLayerNet" not in hook._installed.report.kept
        del sys.modules["two_layer_net"]
