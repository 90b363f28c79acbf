"""Metrics that are functions of your own, and of a loss of your own."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from small_models import SQUARED_ERROR, data, small

from fastnet import metrics
from fastnet.layers import Dense
from fastnet.losses import Loss, MeanSquaredError
from fastnet.models import Sequential


def test_functions_of_ones_own():
    seen = []

    def largest(t, y):
        seen.append((t, y))
        return np.abs(y - t).max()

    x = data()[0]
    model = Sequential([Dense(1)], SQUARED_ERROR, "float64", seed=0)
    history = model.fit(x, x[:, 0], 2, verbose=0, metrics=[largest, "r2", lambda t, y: True])
    assert list(history.to_dict()) == ["loss", "largest", "r2", "lambda", "seconds"]
    assert history.to_dict()["lambda"] == [1.0, 1.0]
    assert [t.shape for t, _ in seen] == [y.shape for _, y in seen] == [(37,)] * 2
    assert_array_equal(seen[-1][1], model.predict(x))
    assert history.largest[-1] == np.abs(model.predict(x) - x[:, 0]).max()
    model.evaluate(x, x[:, :1], [largest])
    assert seen[-1][0].shape == seen[-1][1].shape == (37, 1)
    labels, model = data()[1], small()
    assert model.evaluate(x, labels, [metrics.accuracy]) == model.evaluate(x, labels)


class Fourth(Loss):
    """A loss of one's own: no metric unasked, any by name."""

    def forward(self, x, t):
        self.y, self.t = x, t
        return ((x - t) ** 4).mean()

    def backward(self, dout=1):
        return 4 * (self.y - self.t) ** 3 * dout / self.y.size

    def in_loop(self):
        return MeanSquaredError().in_loop()


def test_a_loss_of_ones_own():
    x, t = data(loss=SQUARED_ERROR)
    model = Sequential([Dense(3)], Fourth(), seed=0)
    seen = model.fit(x, t, 2, verbose=0)
    assert list(seen.to_dict()) == ["loss", "seconds"]
    seen = model.evaluate(x, t, ["accuracy", "r2", "f1"])
    y = model.predict(x)
    assert seen["accuracy"] == np.mean(y.argmax(axis=1) == t.argmax(axis=1))
    assert_allclose(seen["r2"], metrics.r2(t, y), rtol=1e-12)
