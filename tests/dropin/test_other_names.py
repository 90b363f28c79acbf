"""What readers of the books call otherwise: their folders, files and arguments."""

import importlib
import sys

import numpy as np
import pytest
from books_classes import DOUT, LABELS, ONE_HOT, B, W, X, on_kernels
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import dropin
from fastnet.dropin import hook, known


@pytest.mark.parametrize("name", ["commons.layers", "chapter05.commons.parts", "my_layers"])
def test_layers_are_found_in_any_folder(module, name):
    found = module(name)
    layer = found.Affine(W, B)
    assert_allclose(layer.forward(X), X @ W + B, 1e-12)
    assert_allclose(found.softmax(X), np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), 1e-12)
    assert on_kernels(found.Affine).keys() == {"forward", "backward"}
    assert f"in {name}.Affine.forward, call 1" in dropin.report()
    dropin.uninstall()
    assert not on_kernels(found.Affine)


def test_what_is_installed_is_not_looked_at(module, tmp_path):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    sys.path.insert(0, str(folder))
    try:
        found = module("site-packages.installed_layers")
        assert found.__spec__.loader is found.__loader__
        del sys.modules["site-packages.installed_layers"]
        found = importlib.import_module("installed_layers")
        found.Affine(W, B).forward(X)
        assert not on_kernels(found.Affine) and not hook._installed.calls
        assert {"installed_layers", "json", "fastnet"} <= hook._installed.others
    finally:
        sys.path.remove(str(folder))


OTHER = [
    (
        "def __init__(self, W, b):\n        self.W, self.b = W, b",
        "def __init__(self, w, b):\n        self.W, self.b = w, b",
    ),
    (
        "def forward(self, x, t):\n        self.t, self.y = t, softmax(x)",
        "def forward(self, logits, labels):\n        self.t, self.y = labels, softmax(logits)",
    ),
    (
        "def forward(self, x, train_flg=True):\n        if not train_flg:\n            return x",
        "def forward(self, x, train=False):\n        if not train:\n            return x",
    ),
]


def test_arguments_may_have_other_names(module):
    """They are given by those names, and their defaults are the script's."""
    found = module("renamed", *OTHER)
    affine, loss = found.Affine(w=W, b=B), found.SoftmaxWithLoss()
    out = affine.forward(x=X)
    assert_allclose(out, X @ W + B, 1e-12)
    assert_allclose(affine.backward(DOUT), DOUT @ W.T, 1e-12)
    first = loss.forward(out, ONE_HOT)
    assert loss.forward(labels=ONE_HOT, logits=out) == first == loss.forward(out, labels=ONE_HOT)
    with pytest.raises(TypeError, match="missing"):
        loss.forward(logits=out)
    with pytest.raises(TypeError, match="unexpected"):
        affine.forward(inputs=X)
    for kind in (found.Affine, found.SoftmaxWithLoss):
        assert on_kernels(kind).keys() == {"forward", "backward"}
    dropout = found.Dropout(0.25)
    state = np.random.get_state()[2]  # noqa: NPY002
    assert_array_equal(dropout.forward(X), X * 0.75)
    assert np.random.get_state()[2] == state  # noqa: NPY002
    assert (dropout.forward(X, train=True) == 0).any() and on_kernels(found.Dropout)


LETTERS = [
    ("class Relu:", "class ReLU:"),
    ("class SoftmaxWithLoss:", "class SoftMaxWithLoss:"),
    ("softmax(", "soft_max("),
]


def test_names_may_have_other_letters(module):
    """So that a class is not taken for a function: class ReLU and def relu are two things."""
    found = module("letters", *LETTERS)
    loss = found.SoftMaxWithLoss()
    assert_allclose(found.soft_max(X), np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), 1e-12)
    assert_array_equal(found.ReLU().forward(X), np.maximum(X, 0))
    assert_array_equal(found.relu(X), np.maximum(X, 0))
    assert_allclose(loss.forward(DOUT, ONE_HOT), found.cross_entropy_error(loss.y, ONE_HOT), 1e-12)
    assert on_kernels(found.ReLU).keys() == {"forward", "backward"} == on_kernels(type(loss)).keys()
    report = dropin.report()
    for name in ("ReLU.forward", "SoftMaxWithLoss.forward", "soft_max", "relu"):
        assert f"letters.{name}\n" in report.partition("the script's own")[0], name


# As the first book's text has them, which its files go beyond.
TARGETS = {
    2: [
        ("    if t.size == y.size:\n        t = t.argmax(axis=1)\n", ""),
        ("np.sum(np.log(y[np.arange(n), t] + 1e-7))", "np.sum(t * np.log(y + 1e-7))"),
        ("        if self.t.size == self.y.size:\n            return", "        return"),
    ],
    1: [
        ("    if t.size == y.size:\n        t = t.argmax(axis=1)\n", ""),
        ("if self.t.size == self.y.size:\n            return (self.y - self.t) / n", "pass"),
    ],
}


@pytest.mark.parametrize("axes", TARGETS)
def test_targets_of_one_kind_alone(module, axes):
    """Of the other kind the script's own answers, right or wrong."""
    found = module("kinds", *TARGETS[axes])
    right, wrong = (ONE_HOT, LABELS) if axes == 2 else (LABELS, ONE_HOT)
    loss = found.SoftmaxWithLoss()
    y = np.exp(DOUT) / np.exp(DOUT).sum(axis=1, keepdims=True)
    expected = -np.log(y[np.arange(5), LABELS] + 1e-7).mean()
    assert_allclose(loss.forward(DOUT, right), expected, 1e-12)
    assert_allclose(loss.forward(DOUT, t=right), expected, 1e-12)
    assert_allclose(loss.backward(), (y - ONE_HOT) / 5, 1e-12)
    assert_allclose(found.cross_entropy_error(y, right), expected, 1e-12)
    # Their functions are wrapped once more than others of fastnet's.
    assert "forward" in on_kernels(found.SoftmaxWithLoss)
    for call in (loss.forward, found.cross_entropy_error):
        with pytest.raises((ValueError, IndexError)):
            call(y, wrong)
    if axes == 2:  # three labels of three classes: NumPy takes them for a row
        x, labels = DOUT[:3], LABELS[:3]
        y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        assert_allclose(loss.forward(x, labels), -np.sum(labels * np.log(y + 1e-7)) / 3, 1e-12)
        assert_allclose(loss.backward(), (y - labels) / 3, 1e-12)


MORE = {"with a default": "slope=0.0", "any number": "*rest", "by name": "*, slope=0.0"}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
def test_a_constructor_that_takes_more_stays_the_scripts_own(module, more):
    """Left out in the small example, it would be left out of what is calculated, too."""
    before = "def __init__(self):\n        self.mask"
    found = module("more", (before, before.replace("self)", f"self, {more})")))
    found.Relu().forward(X)
    found.Affine(W, B).forward(X)
    assert not on_kernels(found.Relu) and on_kernels(found.Affine)
    assert "more.Relu stayed the script's own: its constructor takes (" in dropin.report()


IDLE = {
    "set by the constructor": ("self.mask = None", "self.mask, self.slope = None, 0.0"),
    "of the class": ("class Relu:\n", "class Relu:\n    slope = 0.0\n\n"),
    "yes or no": ("class Relu:\n", "class Relu:\n    slope = False\n\n"),
}


@pytest.mark.parametrize("where", IDLE)
def test_a_number_that_the_example_says_nothing_of(module, where):
    """A slope of 0: what is set later, or by a class derived from it, would be ignored."""
    found = module("idle", IDLE[where], ("out[self.mask] = 0", "out[self.mask] *= self.slope"))
    layer = found.Relu()
    assert_array_equal(layer.forward(X), np.maximum(X, 0))
    layer.slope = 0.5
    assert_array_equal(layer.forward(X), np.where(X > 0, X, X / 2))
    why = "idle.Relu stayed the script's own: on a small example its slope makes no difference"
    assert why in dropin.report()


def test_a_number_that_no_method_reads_is_none(module):
    found = module("read", ("class Relu:\n", "class Relu:\n    number = 0\n\n"))
    found.Relu().forward(X)
    assert on_kernels(found.Relu)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "def forward(self, x):\n        self.mask",
            "def forward(self, *x):\n        x, = x\n        self.mask",
        ),
        (
            "def forward(self, x):\n        self.mask",
            "@staticmethod\n    def forward(self, x):\n        self.mask",
        ),
        (
            "def forward(self, x):\n        self.mask",
            "def forward(self, x, *, y=0):\n        self.mask",
        ),
    ],
    ids=["any number", "static", "by name alone"],
)
def test_other_kinds_of_methods_stay_the_scripts_own(module, old, new):
    found = module("odd", (old, new))
    before = vars(found.Relu)["forward"]
    assert "odd.Relu stayed the script's own: its forward takes" in dropin.report()
    found.Affine(W, B).forward(X)
    dropin.uninstall()
    assert isinstance(before, staticmethod) == isinstance(vars(found.Relu)["forward"], staticmethod)


OF_MATRICES = [
    ("self.x = self.original_x_shape = None", "self.x = None"),
    ("self.original_x_shape = x.shape\n        self.x = x.reshape(len(x), -1)", "self.x = x"),
    ("return dx.reshape(*self.original_x_shape)", "return dx"),
]


def test_kernels_take_over_between_forward_and_backward(module, monkeypatch):
    """An Affine of matrices, as the book has it first, keeps no shape for its backward."""
    found = module("matrices", *OF_MATRICES)
    monkeypatch.setattr(known, "ENOUGH", 2 * known.CALL + X.size * B.size)
    layer = found.Affine(W, B)
    assert_array_equal(layer.forward(X), np.dot(X, W) + B)
    assert not on_kernels(found.Affine)
    assert_allclose(layer.backward(DOUT), DOUT @ W.T, 1e-12)
    assert on_kernels(found.Affine).keys() == {"forward", "backward"}
    for _ in range(2):
        assert_allclose(layer.forward(X), X @ W + B, 1e-12)
        assert_allclose(layer.backward(DOUT), DOUT @ W.T, 1e-12)
        assert_allclose(layer.dW, X.T @ DOUT, 1e-12)


def test_what_forward_keeps_outside_of_the_layer(module):
    """Either may answer the next call: what the own backward reads, kernels would not write."""
    found = module(
        "elsewhere",
        ("self.mask = x <= 0", "self.mask = type(self).seen = x <= 0"),
        ("dout[self.mask] = 0", "dout[self.seen] = 0"),
    )
    layer = found.Relu()
    layer.forward(-X)
    layer.forward(X)
    assert_array_equal(layer.backward(np.ones(X.shape, np.float16)), X > 0)
    assert not on_kernels(found.Relu)


SUMS = [
    ("self.dW = self.db = None", "self.dW, self.db = np.zeros_like(W), np.zeros_like(b)"),
    ("self.dW = np.dot(self.x.T, dout)", "self.dW = self.dW + np.dot(self.x.T, dout)"),
]


def test_gradients_that_are_added_to_those_before(module):
    found = module("sums", *SUMS)
    layer = found.Affine(W, B)
    for step in (1, 2, 3):
        layer.forward(X)
        layer.backward(DOUT)
        assert_allclose(layer.dW, step * (X.T @ DOUT), 1e-12)
    assert not on_kernels(found.Affine)
