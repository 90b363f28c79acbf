"""The second book's Trainer: its numbers, tied parameters, what it prints and plots."""

# ruff: noqa: NPY002  the books draw from NumPy's global generator

import re
import sys

import numpy as np
import pytest
from books_networks import LABELS, X, assert_near
from in_turn import with_each
from numpy.testing import assert_array_equal
from refused import refused

from fastnet import layers, optimizer
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.reference import layers as plain_layers
from fastnet.reference import optimizer as plain_optimizer
from fastnet.reference.textbook import second as plain_second
from fastnet.textbook import second
from fastnet.textbook.second import remove_duplicate


class Tied:
    """Three products, the last by the first's W transposed, after the second book's models."""

    def __init__(self, layers, tied):
        rng = np.random.default_rng(2)
        W, V = rng.standard_normal((6, 4)), rng.standard_normal((4, 4))
        last = [W.T] if tied else [rng.standard_normal((4, 6))]
        self.layers = [layers.MatMul(A) for A in (W, V, V, *last)]
        self.last = layers.SoftmaxWithLoss()
        self.params = [param for layer in self.layers for param in layer.params]
        self.grads = [grad for layer in self.layers for grad in layer.grads]

    def forward(self, x, t):
        for layer in self.layers:
            x = layer.forward(x)
        return self.last.forward(x, t)

    def backward(self, dout=1):
        dout = self.last.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


@pytest.mark.parametrize("max_grad", [None, 0.5])
@pytest.mark.parametrize("tied", [True, False])
def test_second_trainer_is_the_books(common, capsys, tied, max_grad):
    books = common("second", "trainer").Trainer
    t = np.random.default_rng(1).integers(0, 6, 105)
    results = []
    for kind, parts, rule in (
        (second.Trainer, layers, optimizer),
        (plain_second.Trainer, plain_layers, plain_optimizer),
        (books, plain_layers, plain_optimizer),
    ):
        np.random.seed(4)
        trainer = kind(Tied(parts, tied), rule.Momentum(lr=0.001))
        trainer.fit(X, t, max_epoch=3, batch_size=10, max_grad=max_grad, eval_interval=4)
        trainer.fit(X, t, max_epoch=1, batch_size=30, max_grad=max_grad)
        results.append(trainer)
        assert len(capsys.readouterr().out.splitlines()) == 10
    ours, *others = results
    assert ours.current_epoch == 4 and ours.eval_interval == 20
    assert len(ours.loss_list) == 10  # at updates 1, 5 and 9 of ten; and the first of three
    for other in others:
        assert ours.current_epoch == other.current_epoch
        assert_near(ours.loss_list, other.loss_list)
        for a, b in zip(ours.model.params, other.model.params, strict=True):
            assert_near(a, b)
    W, *_, last = ours.model.params
    assert (W.T == last).all() == tied


def test_second_trainer_prints_its_losses(capsys):
    trainer = second.Trainer(Sequential([layers.Dense(3)], seed=0), SGD(lr=0.1))
    trainer.fit(X, LABELS, max_epoch=2, batch_size=50, eval_interval=2)
    said = re.sub(r"time \d+", "time 0", capsys.readouterr().out)  # compiling takes some
    assert said.splitlines() == [
        f"| epoch {epoch} |  iter 1 / 2 | time 0[s] | loss {loss:.2f}"
        for epoch, loss in zip((1, 2), trainer.loss_list, strict=True)
    ]
    trainer.fit(X, LABELS, max_epoch=1, eval_interval=None)
    assert capsys.readouterr().out == "" and len(trainer.loss_list) == 2
    assert trainer.current_epoch == 3 and trainer.eval_interval is None


def test_second_trainer_leaves_x_and_t():
    x, t = X.copy(), LABELS.copy()
    trainer = second.Trainer(Sequential([layers.Dense(3)], seed=0), Adam())
    trainer.fit(x, t, eval_interval=None)
    assert_array_equal(x, X)
    assert_array_equal(t, LABELS)


@pytest.mark.parametrize("merge", [remove_duplicate, plain_second.remove_duplicate])
def test_remove_duplicate(merge):
    W, b = np.arange(6.0).reshape(2, 3), np.zeros(3)
    params = [W, b, W.T, W, np.zeros(3), W.T.copy(), W.copy()]
    grads = [np.full(param.shape, 10.0**i) for i, param in enumerate(params)]
    grads[2][0, 1] = 7
    lists = params[:], grads[:]
    found, sums = merge(params, grads)
    assert [any(a is b for b in (W, b, params[4], params[6])) for a in found] == [True] * 4
    assert len(found) == len(sums) == 4  # an equal b or W is another array
    expected = np.full((2, 3), 1 + 100 + 1e3 + 1e5)
    expected[1, 0] += 7 - 100
    assert sums[0] is grads[0]
    assert_array_equal(sums[0], expected)
    for kept, now in zip(lists, (params, grads), strict=True):
        assert all(a is b for a, b in zip(kept, now, strict=True))


NO_MODEL = "Trainer: model must be an object with forward, backward, got {}. Make one of a class "


NO_MODEL += "that has these."


@with_each("call, error, text", [
        (lambda: second.Trainer(5, SGD()), TypeError, NO_MODEL.format(5)),
        (lambda: second.Trainer(Tied, SGD()), TypeError, NO_MODEL.format(repr(Tied))),
        (
            lambda: second.Trainer(Sequential(), "sgd"), TypeError,
            "Trainer: optimizer must be an object with update, got 'sgd'. Make one of a class that "
            "has these.",
        ),
        (
            lambda: fit(t=LABELS[:7]), ValueError,
            "Trainer.fit: t must have a target for each sample, and x a sample, got "
            "x.shape=(105, 6) and t.shape=(7,). Give equally many.",
        ),
        (
            lambda: fit(max_epoch=0), ValueError,
            "Trainer.fit: max_epoch must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: fit(batch_size="9"), TypeError,
            "Trainer.fit: batch_size must be a whole number, got '9'. Give an int.",
        ),
        (
            lambda: fit(batch_size=106), ValueError,
            "Trainer.fit: batch_size must be at most the number of samples, 105, got 106. Give "
            "fewer.",
        ),
        (
            lambda: fit(max_grad=0), ValueError,
            "Trainer.fit: max_grad must be above 0, got 0.0. Give a number such as 1.",
        ),
        (
            lambda: fit(eval_interval=0), ValueError,
            "Trainer.fit: eval_interval must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: remove_duplicate([X], []), ValueError,
            "remove_duplicate: grads must be as many as params, got 0 grads for 1 params. Give the "
            "two lists of the same layers.",
        ),
        (
            lambda: second.Trainer(Sequential(), SGD()).plot(), ValueError,
            "Trainer.plot: loss_list must have a loss, got none. Call fit first.",
        ),
    ])  # fmt: skip
def test_bad_arguments_of_the_second_trainer(call, error, text):
    state = np.random.get_state()[1].copy()
    refused(call, error, text)
    assert_array_equal(np.random.get_state()[1], state)


def fit(**change):
    model = Sequential([layers.Dense(3)], seed=0)
    second.Trainer(model, SGD()).fit(**({"x": X, "t": LABELS} | change))


def test_plot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="needs the extra plot")
    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gca()))
    trainer = second.Trainer(Sequential([layers.Dense(3)], seed=0), SGD())
    trainer.fit(X, LABELS, max_epoch=2, eval_interval=7)
    trainer.plot(ylim=(0, 9))
    (axes,) = shown
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == [0, 1]
    assert line.get_ydata().tolist() == trainer.loss_list
    assert axes.get_xlabel() == "iterations (x7)" and axes.get_ylabel() == "loss"
    assert axes.get_ylim() == (0, 9)
    pyplot.close("all")


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    trainer = second.Trainer(Sequential(), SGD())
    trainer.loss_list.append(1.0)
    with pytest.raises(ImportError) as caught:
        trainer.plot()
    message = str(caught.value)
    assert message.startswith("Trainer.plot: matplotlib must be installed, got ")
    assert message.endswith(". Run pip install matplotlib.")
