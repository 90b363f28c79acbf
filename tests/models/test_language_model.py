"""Language models in a Sequential: every step is answered, a label of -1 does not count."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import LSTM, Dense, Embedding, TimeSoftmaxWithLoss
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

TEXT = "the quick brown fox jumps over the lazy dog, and the dog sleeps. "
CHARS = sorted(set(TEXT))
NUMBERS = {char: i for i, char in enumerate(CHARS)}
CORPUS = np.array([NUMBERS[char] for char in TEXT * 12])
STEPS = 12


def windows(corpus):
    """Return rows of STEPS characters, and the next of each."""
    rows = np.lib.stride_tricks.sliding_window_view(corpus, STEPS + 1)[::5]
    return rows[:, :-1].copy(), rows[:, 1:].copy()


X, T = windows(CORPUS)


def language_model(dtype="float32", units=48):
    table = np.random.default_rng(1).standard_normal((len(CHARS), 16)).astype(dtype) / 4
    layers = [Embedding(table), LSTM(units, return_sequences=True), Dense(len(CHARS))]
    return Sequential(layers, dtype=dtype, seed=0)


def test_it_learns_a_text_and_writes_it():
    model = language_model()
    history = model.fit(X, T, epochs=25, batch_size=16, optimizer=Adam(lr=0.01), verbose=0)
    assert history.loss[0] > 2 and history.loss[-1] < 0.15 and history.accuracy[-1] > 0.95
    assert model.evaluate(X, T)["accuracy"] > 0.95
    assert model.predict(X[:3]).shape == (3, STEPS, len(CHARS))
    said = TEXT[:STEPS]
    while len(said) < len(TEXT):
        x = np.array([[NUMBERS[char] for char in said[-STEPS:]]])
        said += CHARS[int(model.predict(x)[0, -1].argmax())]
    assert said == TEXT


def some_left_out():
    t = T.copy()
    t[np.random.default_rng(0).random(t.shape) < 0.4] = -1
    t[3] = -1  # all of a sample
    return t


def test_labels_of_minus_one_do_not_count():
    model, t = language_model("float64", units=8), some_left_out()
    x, t = X[:20], t[:20]
    loss = model.forward(x, t)
    own = TimeSoftmaxWithLoss()
    assert loss == pytest.approx(own.forward(model.predict(x), t), rel=1e-12)
    model.backward()
    grads = [grad.copy() for grad in model.grads]
    # Whatever else stands at the steps that do not count, what is learnt is the same.
    for grad, exact in zip(grads, model.numerical_gradient(x, t), strict=True):
        assert_allclose(grad, exact, rtol=0, atol=1e-7 * np.abs(exact).max())
    other = np.where(t < 0, T[:20], t)
    assert model.forward(x, other) != loss
    said = model.predict(x).argmax(axis=2)
    wanted = (said == t)[t >= 0].mean()
    assert model.evaluate(x, t)["accuracy"] == pytest.approx(wanted, rel=1e-12)


def test_the_loop_leaves_them_out_too():
    t = some_left_out()
    # One update of all rows by the loop is the gradient's; in float64 to rounding.
    model, by_hand = language_model("float64", units=8), language_model("float64", units=8)
    model.fit(X, t, 1, len(X), SGD(lr=0.5), shuffle=False, verbose=0)
    by_hand.forward(X, t)
    by_hand.backward()
    SGD(lr=0.5).update(by_hand.params, by_hand.grads)
    for param, other in zip(model.params, by_hand.params, strict=True):
        assert_allclose(param, other, rtol=0, atol=1e-12)
    # What is never answered is never learnt, and all else is.
    half = T.copy()
    half[:, STEPS // 2 :] = -1
    model = language_model()
    model.fit(X, half, epochs=25, batch_size=16, optimizer=Adam(lr=0.01), verbose=0)
    right = model.predict(X).argmax(axis=2) == T
    # The first characters alone do not tell what follows.
    assert right[:, 3 : STEPS // 2].mean() > 0.9
    assert model.evaluate(X, half)["accuracy"] == pytest.approx(
        right[:, : STEPS // 2].mean(), rel=1e-6
    )


def test_a_batch_without_a_label_changes_nothing():
    t = T[:16].copy()
    t[:8] = -1
    with_them, without = language_model("float64", units=8), language_model("float64", units=8)
    rule = {"batch_size": 8, "shuffle": False, "verbose": 0}
    with_them.fit(X[:16], t, 2, optimizer=SGD(lr=0.5), **rule)
    without.fit(X[8:16], T[8:16], 2, optimizer=SGD(lr=0.5), **rule)
    for param, other in zip(with_them.params, without.params, strict=True):
        assert_array_equal(param, other)
    with pytest.raises(ValueError, match=r"^Sequential.fit: t must have a label other than"):
        without.fit(X[:8], t[:8], verbose=0)


def test_labels_that_do_not_fit():
    model = language_model()
    for t, error in ((T[:, 1:], ValueError), (T + 100, IndexError), (T[:, 0], ValueError)):
        with pytest.raises(error, match=r"^Sequential.fit: t must "):
            model.fit(X, t, verbose=0)
