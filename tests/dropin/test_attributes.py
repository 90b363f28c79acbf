"""Attributes that a script's class calls otherwise than the book, told apart by their values."""

import numpy as np
import pytest
from books_classes import DOUT, B, W, X, on_kernels
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import dropin
from fastnet.dropin import hook, known

AFFINE = [
    ("self.W, self.b = W, b", "self.w, self.bias = W, b"),
    ("self.x = self.original_x_shape = None", "self.inputs = None"),
    ("self.dW = self.db = None", "self.grad_w = self.grad_bias = None"),
    ("self.original_x_shape = x.shape\n        self.x = x.reshape(len(x), -1)", "self.inputs = x"),
    ("return np.dot(self.x, self.W) + self.b", "return np.dot(self.inputs, self.w) + self.bias"),
    ("dx = np.dot(dout, self.W.T)", "dx = np.dot(dout, self.w.T)"),
    ("self.dW = np.dot(self.x.T, dout)", "self.grad_w = np.dot(self.inputs.T, dout)"),
    ("self.db = np.sum(dout, axis=0)", "self.grad_bias = np.sum(dout, axis=0)"),
    ("return dx.reshape(*self.original_x_shape)", "return dx"),
]


@pytest.mark.parametrize("before", [0, 1, 2], ids=["at once", "in backward", "in the next step"])
def test_an_affine_whose_attributes_have_other_names(module, monkeypatch, before):
    found = module("renamed", *AFFINE)
    layer = found.Affine(W.copy(), B.copy())
    work = known.CALL + X.size * B.size
    monkeypatch.setattr(known, "ENOUGH", [1, 2 * work, 4 * work][before])
    for _ in range(3):
        assert_allclose(layer.forward(X), X @ layer.w + layer.bias, 1e-12)
        assert_allclose(layer.backward(DOUT), DOUT @ layer.w.T, 1e-12)
        assert_allclose(layer.grad_w, X.T @ DOUT, 1e-12)
        assert_allclose(layer.grad_bias, DOUT.sum(axis=0), 1e-12)
        assert layer.inputs is X
        layer.w, layer.bias = layer.w - layer.grad_w, layer.bias - layer.grad_bias
    assert on_kernels(found.Affine).keys() == {"forward", "backward"}
    assert not {"W", "b", "x", "dW", "db"} & vars(layer).keys()


def test_what_an_affine_asks_for_is_counted_by_its_first_matrix(module):
    found = module("renamed", *AFFINE)
    found.Affine(W, B).forward(X)
    assert hook._installed.operations == known.CALL + X.size * B.size


def test_a_sigmoid_whose_attribute_has_another_name(module):
    names = [
        ("self.out = None", "self.result = None"),
        (
            "self.out = sigmoid(x)\n        return self.out",
            "self.result = sigmoid(x); return self.result",
        ),
        ("(1.0 - self.out) * self.out", "(1.0 - self.result) * self.result"),
    ]
    found = module("renamed", *names)
    layer = found.Sigmoid()
    out = layer.forward(X)
    assert layer.result is out and on_kernels(found.Sigmoid).keys() == {"forward", "backward"}
    assert_allclose(layer.backward(X), X * out * (1 - out), 1e-12)


def test_an_sgd_whose_rate_has_another_name(package):
    with package("optimizer", "self.lr", "self.rate") as common:
        for name in ("SGD", "Momentum", "AdaGrad"):
            kind = getattr(common.optimizer, name)
            optimizer, param = kind(0.5), {"W": W.copy()}
            optimizer.update(param, {"W": np.ones_like(W)})
            optimizer.rate = 0.0
            before = param["W"].copy()
            optimizer.update(param, {"W": np.ones_like(W)})
            assert on_kernels(kind) and (name == "Momentum" or (param["W"] == before).all())


KEPT, GRAD = AFFINE[0][1], AFFINE[6][1]
ODD = {
    "two hold what was given": [(KEPT, f"{KEPT}; self.first = W")],
    "it reads what it has made of that": [
        (KEPT, f"{KEPT}; self.turned = W.T.copy()"),
        ("np.dot(dout, self.w.T)", "np.dot(dout, self.turned)"),
    ],
    "it reads what was given, too": [
        (KEPT, f"{KEPT}; self.get = lambda: W"),
        ("np.dot(self.inputs, self.w)", "np.dot(self.inputs, self.get())"),
    ],
    "two are the same in the end": [(GRAD, GRAD.replace(" = ", " = self.again = "))],
    "it keeps something of the first call": [
        ("self.inputs = x", "self.inputs, self.seen = x, getattr(self, 'seen', x.sum())")
    ],
}


@pytest.mark.parametrize("how", ODD)
def test_where_two_might_be_meant_the_class_stays_the_scripts_own(module, how):
    found = module("odd", *AFFINE, *ODD[how])
    layer = found.Affine(W, B)
    layer.forward(X)
    layer.w = 2 * W
    first = W if hasattr(layer, "get") else layer.w
    turned = W.T if hasattr(layer, "turned") else layer.w.T
    assert_array_equal(layer.forward(X), np.dot(X, first) + B)
    assert_array_equal(layer.backward(DOUT), np.dot(DOUT, turned))
    assert not on_kernels(found.Affine)
    assert "odd.Affine stayed the script's own: on a small example" in dropin.report()
