"""The delta rule and XOR by hand: the same learning, line by line."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import functions, layers, models, optimizer
from fastnet.reference import layers as plain_layers
from fastnet.reference import models as plain_models
from fastnet.reference import optimizer as plain_optimizer

COLUMNS = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)  # the last is the bias
AND, XOR = np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 0])
RULES = [
    pytest.param(t, shapes, loss, id=f"{name}-{loss}")
    for name, t, shapes in (("AND", AND, [(3, 1)]), ("XOR", XOR, [(3, 4), (4, 1)]))
    for loss in ("mean_squared_error", "sigmoid_cross_entropy")
]


def weights(seed, shapes):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, shape) for shape in shapes]


def delta_rule(Ws, t, loss, epochs, models=models, layers=layers, optimizer=optimizer):
    """Return weights, outputs and History after the one-line use of fit."""
    stack = [layer for W in Ws for layer in (layers.MatMul(W), layers.Sigmoid())]
    if loss == "sigmoid_cross_entropy":
        stack.pop()  # the loss's own
    model = models.Sequential(stack, loss, "float64")
    rule = optimizer.SGD(lr=0.9)
    options = {"shuffle": False, "verbose": 0, "metrics": ["accuracy"]}
    history = model.fit(COLUMNS, t, epochs, 1, rule, **options)
    y = model.predict(COLUMNS).ravel()
    return model.params, y if len(stack) % 2 == 0 else 1 / (1 + np.exp(-y)), history


def numpys_delta_rule(Ws, t, loss, epochs):
    """The same for many seeds at once: each W is (S, D, M)."""
    Ws = [W.copy() for W in Ws]
    for _ in range(epochs):
        for x, target in zip(COLUMNS, t, strict=True):
            ys = [np.broadcast_to(x, (len(Ws[0]), 1, 3))]
            for W in Ws:
                ys.append(1 / (1 + np.exp(-(ys[-1] @ W))))
            delta = ys[-1] - target
            for i in reversed(range(len(Ws))):
                if loss == "mean_squared_error" or i < len(Ws) - 1:
                    delta = delta * ys[i + 1] * (1 - ys[i + 1])
                step = 0.9 * ys[i].transpose(0, 2, 1) @ delta
                delta = delta @ Ws[i].transpose(0, 2, 1)
                Ws[i] -= step
    y = np.broadcast_to(COLUMNS, (len(Ws[0]), 4, 3))
    for W in Ws:
        y = 1 / (1 + np.exp(-(y @ W)))
    return Ws, y[:, :, 0]


@pytest.mark.parametrize(("t", "shapes", "loss"), RULES)
def test_a_hundred_seeds_of_the_delta_rule(t, shapes, loss):
    starts = [weights(seed, shapes) for seed in range(100)]
    stacked = [np.array(Ws) for Ws in zip(*starts, strict=True)]
    expected, numpys = numpys_delta_rule(stacked, t, loss, 10**4)
    found = [delta_rule(start, t, loss, 10**4) for start in starts]
    ours = np.array([y for _, y, _ in found])
    right, numpys_right = (((y > 0.5) == (t > 0.5)).all(axis=1) for y in (ours, numpys))
    assert right.sum() >= (99 if t is AND else numpys_right.sum() or 1)
    assert_array_equal(right, numpys_right)
    # 40,000 updates, each of them rounded otherwise: NumPy has no fused multiply-add.
    assert_allclose(ours, numpys, rtol=0, atol=40_000 * np.finfo(float).eps)
    for k, W in enumerate(expected):
        atol = 40_000 * np.finfo(float).eps * np.abs(W).max()
        assert_allclose([params[k] for params, _, _ in found], W, rtol=0, atol=atol)


@pytest.mark.parametrize(("t", "shapes", "loss"), RULES)
def test_the_same_lines_on_the_reference(t, shapes, loss):
    ours, y, history = delta_rule(weights(3, shapes), t, loss, 100)
    theirs, expected, told = delta_rule(
        weights(3, shapes), t, loss, 100, plain_models, plain_layers, plain_optimizer
    )
    assert_allclose(y, expected, rtol=0, atol=400 * np.finfo(float).eps)
    assert history.accuracy == told.accuracy
    assert_allclose(history.loss, told.loss, rtol=0, atol=400 * np.finfo(float).eps)
    for a, b in zip(ours, theirs, strict=True):
        assert_allclose(a, b, rtol=0, atol=400 * np.finfo(float).eps * np.abs(b).max())


def fused(a, b, c):
    """a * b + c, rounded once."""
    return float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))


@pytest.mark.parametrize(("t", "shapes"), [(AND, [(3, 1)]), (XOR, [(3, 4), (4, 1)])], ids=len)
def test_the_delta_rule_to_the_bit(t, shapes):
    """In the loop's order, with its multiply-adds and its sigmoid, Python has the same bits."""
    for seed in range(5):
        Ws = weights(seed, shapes)
        found, _, _ = delta_rule([W.copy() for W in Ws], t, "mean_squared_error", 40)
        for _ in range(40):
            for x, target in zip(COLUMNS, t, strict=True):
                ys = [x]
                for W in Ws:
                    sums = np.zeros(W.shape[1])
                    for k, m in np.ndindex(W.shape):
                        sums[m] = fused(W[k, m], ys[-1][k], sums[m])
                    ys.append(functions.sigmoid(sums))
                delta = ys[-1] - target
                for i in reversed(range(len(Ws))):
                    delta = delta * (1 - ys[i + 1]) * ys[i + 1]
                    step, W = np.outer(ys[i], delta), Ws[i].copy()
                    for k, m in np.ndindex(W.shape):
                        Ws[i][k, m] = fused(step[k, m], -0.9, W[k, m])
                    delta = W[:, 0] * delta[0]  # i > 0: of the one output
        for a, b in zip(found, Ws, strict=True):
            assert_array_equal(a, b)
