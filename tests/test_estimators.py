"""The losses, the penalty and the sum of gradients that estimators are to the loop."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose

from fastnet.kernels import estimators
from fastnet.kernels.estimators import FIRST, NEXT
from fastnet.kernels.loop.record import LAYER, PENALIZED, PROGRAM
from fastnet.kernels.loop.train import train_epochs, work_size
from fastnet.threads import ALONE

LOSSES = {
    "softmax_log_loss": lambda z, t: -np.log(_softmax(z)[np.arange(len(z)), t]),
    "logistic_log_loss": lambda z, t: (np.logaddexp(0, z) - t * z).sum(axis=1),
    "half_squared_error": lambda z, t: 0.5 * ((z - t) ** 2).mean(axis=1),
    "half_poisson_deviance": lambda z, t: _deviance(z, t).sum(axis=1),
}
ANSWERS = {
    "softmax_log_loss": lambda z: _softmax(z),
    "logistic_log_loss": lambda z: 1 / (1 + np.exp(-z)),
    "half_squared_error": lambda z: z,
    "half_poisson_deviance": np.exp,
}


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _deviance(z, t):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t == 0, 0.0, t * (np.log(t) - z)) - t + np.exp(z)


class OneLayer:
    """A product x @ W in the loop, without a bias, whose gradients are added up."""

    def __init__(self, name, dtype, x, t, columns, bounds=(0.0, np.inf), penalty=None):
        rng = np.random.default_rng(3)
        self.W = rng.normal(size=(x.shape[1], columns)).astype(dtype)
        self.x, self.sum, self.grads = x.astype(dtype), *np.zeros((2, self.W.size), dtype)
        self.table, self.program = np.zeros(1, LAYER), np.zeros(1, PROGRAM)
        self.bounds, self.hyper, self.penalty = np.array(bounds), np.zeros(2), penalty
        layer, record = self.table[0], self.program[0]
        layer["inputs"], layer["outputs"], layer["bias"] = *self.W.shape, -1
        layer["count"] = self.W.size
        record["layers"], record["depth"] = self.table.ctypes.data, 1
        record["x_scale"], record["x_offset"] = 1.0, -0.0
        record["grads"], record["slots"] = self.grads.ctypes.data, self.sum.ctypes.data
        record["hyper"] = self.hyper.ctypes.data
        record["loss"] = getattr(estimators, f"{name}_in_loop").address(np.dtype(dtype))
        record["loss_numbers"] = self.bounds.ctypes.data
        record["rule"] = estimators.gradient_sum_in_loop.address(np.dtype(dtype))
        if penalty is not None:
            record["penalty"] = estimators.shared_penalty_in_loop.address(np.dtype(dtype))
            record["penalty_numbers"] = penalty.ctypes.data
        labels = t if t.ndim == 1 else np.empty(0, np.int64)
        self.targets = labels, t.astype(dtype) if t.ndim > 1 else np.empty((0, 0), dtype)

    def run(self, order, batch_size):
        work = np.empty(work_size(self.program, batch_size), self.W.dtype)
        totals = np.empty((len(order), 3))
        kind = 0 if self.W.dtype == np.float32 else 1
        train_epochs(
            self.x.ctypes.data, kind, self.x.strides[0], *self.targets, order, batch_size,
            self.W.ravel(), self.program, self.W.dtype.type(0), True, work, totals, ALONE, 0,
        )  # fmt: skip
        return totals


@every_dtype
@with_each("columns", [1, 2, 3, 19])
@with_each("name", LOSSES)
def test_losses_and_gradients_are_the_published_ones(name, columns, dtype):
    rng = np.random.default_rng(columns)
    x = rng.normal(size=(37, 5)).astype(dtype)
    if name == "softmax_log_loss":
        t = rng.integers(0, columns, 37)
    else:
        t = rng.integers(0, 2, (37, columns)) * (3.0 if "poisson" in name else 1.0)
    one = OneLayer(name, dtype, x, t, columns)
    order = rng.permutation(37).reshape(1, 37)
    totals = one.run(order, 37)
    z = x.astype(float) @ one.W.astype(float)
    exact = LOSSES[name](z, t)
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    assert_allclose(totals[0, 0], exact.sum(), rtol=tolerance)
    hot = np.eye(columns)[t] if name == "softmax_log_loss" else t
    gradient = x.T.astype(float) @ (ANSWERS[name](z) - hot) / 37
    assert_allclose(one.sum.reshape(one.W.shape), gradient, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["softmax_log_loss", "logistic_log_loss"])
def test_log_losses_stay_between_their_bounds(name):
    t = np.array([0, 1]) if name == "softmax_log_loss" else np.array([[0.0], [1.0]])
    columns = 2 if name == "softmax_log_loss" else 1
    one = OneLayer(name, np.float64, np.array([[1e4], [1e4]]), t, columns, (2.0**-52, 36.0))
    one.W[:] = [[1.0, -1.0]] if columns == 2 else [[1.0]]
    # One answer is as right as can be, the other as wrong.
    assert one.run(np.array([[0, 1]]), 2)[0, 0] == 2.0**-52 + 36.0


@every_dtype
def test_each_batch_bears_its_share_of_the_penalty(dtype):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    strengths = [0.5, 0.5, 2.0]  # the last batch is smaller
    penalty = np.array([0.0] * FIRST + strengths)
    plain = OneLayer("half_squared_error", dtype, x, t, 2)
    shared = OneLayer("half_squared_error", dtype, x, t, 2, penalty=penalty)
    order = np.arange(10).reshape(1, 10)
    without, within = plain.run(order, 4), shared.run(order, 4)
    square = 0.5 * float((plain.W.astype(float) ** 2).sum())
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    cost = square * (4 * 0.5 + 4 * 0.5 + 2 * 2.0)
    assert_allclose(within[0, 0], without[0, 0] + cost, rtol=tolerance)
    assert_allclose(shared.sum, plain.sum + 3.0 * plain.W.ravel(), rtol=10 * tolerance)
    assert penalty[NEXT] == 3
    assert_allclose(penalty[PENALIZED], 2.0 * square, rtol=tolerance)


@pytest.mark.parametrize("name", LOSSES)
def test_nan_ends_the_training(name):
    t = np.zeros(2, np.int64) if name == "softmax_log_loss" else np.zeros((2, 1))
    one = OneLayer(name, np.float64, np.array([[1.0], [np.nan]]), t, 1, (0.0, 36.0))
    assert one.run(np.array([[0, 1]]), 2)[0, 2] == 0
