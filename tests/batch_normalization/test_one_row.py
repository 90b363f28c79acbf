"""Batches of one row, whose variance is 0, and of one image, which is many."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import LSTM, BatchNormalization, Conv2D, Dense, Flatten
from fastnet.models import Sequential
from fastnet.optimizer import SGD


def one_row_models():
    x, t = np.random.default_rng(0).standard_normal((33, 4)), np.arange(33) % 2
    model = Sequential([Dense(8), BatchNormalization(), Dense(2)], seed=0)
    model.build(4)
    return model, x, t


@pytest.mark.parametrize(("n", "batch_size"), [(33, 1), (1, 32), (1, 1)])
def test_batches_of_one_row_are_refused(n, batch_size):
    model, x, t = one_row_models()
    before = model.parameter_vector.copy()
    with pytest.raises(ValueError) as caught:
        model.fit(x[:n], t[:n], batch_size=batch_size, verbose=0)
    assert str(caught.value) == (
        "Sequential.fit: batch_size must be at least 2 for BatchNormalization to learn, got "
        f"batches of 1 of {n} samples. Give larger batches, or freeze the layer: trainable = False."
    )
    assert_array_equal(model.parameter_vector, before)
    model.layers[1].trainable = False
    assert len(model.fit(x[:n], t[:n], batch_size=batch_size, verbose=0).loss) == 1


@pytest.mark.parametrize("batch_size", [4, 16, 32])
def test_a_last_batch_of_one_row_is_left_out(batch_size):
    model, x, t = one_row_models()
    expected, _, _ = one_row_models()
    seen = model.fit(x, t, 3, batch_size, shuffle=False, verbose=0)
    wanted = expected.fit(x[:-1], t[:-1], 3, batch_size, shuffle=False, verbose=0)
    assert seen.loss == wanted.loss and seen.accuracy == wanted.accuracy
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model.fit(x, t, 3, batch_size, validation_data=(x, t), verbose=0)  # another one each epoch
    # A model without it visits all.
    model, expected = (Sequential([Dense(2, input_shape=4)], seed=0) for _ in range(2))
    model.fit(x, t, 1, batch_size, shuffle=False, verbose=0)
    expected.fit(x[:-1], t[:-1], 1, batch_size, shuffle=False, verbose=0)
    assert not np.array_equal(model.parameter_vector, expected.parameter_vector)


def image_model(kernel_size):
    layers = [Conv2D(2, kernel_size), BatchNormalization(), Flatten(), Dense(3)]
    model = Sequential(layers, dtype="float64", seed=0)
    model.build((2, 3, 2))
    return model


def in_batches_of(size, x, t):
    return [(x[at : at + size], t[at : at + size]) for at in range(0, len(x), size)]


@pytest.mark.parametrize("batch_size", [1, 2])  # of five: the last batch is one image
def test_one_image_is_rows_enough(batch_size, rng):
    x, t = rng.standard_normal((5, 2, 3, 2)), np.arange(5) % 3
    arrays, batches, by_hand = (image_model(1) for _ in range(3))
    norm, hand_norm = arrays.layers[1], by_hand.layers[1]
    seen = arrays.fit(x, t, 1, batch_size, SGD(0.1), shuffle=False, verbose=0)
    batches.fit(in_batches_of(batch_size, x, t), epochs=1, optimizer=SGD(0.1), verbose=0)
    losses = []
    for few, labels in in_batches_of(batch_size, x, t):
        losses.append(by_hand.forward(few, labels) * len(few))
        by_hand.backward()
        for param, grad in zip(by_hand.params, by_hand.grads, strict=True):
            param -= 0.1 * grad
    assert_allclose(seen.loss, [sum(losses) / 5], rtol=1e-14)
    assert_allclose(arrays.parameter_vector, by_hand.parameter_vector, rtol=0, atol=1e-14)
    assert_allclose(norm.running_var, hand_norm.running_var, rtol=1e-12)
    assert_array_equal(arrays.parameter_vector, batches.parameter_vector)
    assert arrays.train_on_batch(x[:1], t[:1]) > 0
    steps = Sequential([LSTM(2, return_sequences=True), BatchNormalization(), Dense(2)], seed=0)
    steps.fit(rng.standard_normal((1, 4, 3)), np.zeros((1, 4), int), 1, 1, verbose=0)


def test_one_image_of_one_pixel_is_not():
    x, t = np.ones((5, 2, 3, 2)), np.arange(5) % 3
    with pytest.raises(ValueError, match=r"^Sequential\.fit: batch_size must be at least 2 for"):
        image_model((2, 3)).fit(x, t, batch_size=1, verbose=0)


def test_what_is_learnt_by_heart_is_evaluated_alike():
    model, x, t = one_row_models()
    seen = model.fit(x, t, 200, 16, SGD(0.1), verbose=0)
    assert abs(model.evaluate(x, t)["loss"] - seen.loss[-1]) < 0.5


def test_one_row_by_hand_is_warned_of():
    norm = BatchNormalization(np.ones(2), np.zeros(2))
    with pytest.warns(RuntimeWarning) as warned:
        assert_array_equal(norm.forward([[3.0, 4.0]]), 0)
    assert str(warned[0].message) == (
        "BatchNormalization.forward: x should have more than one row in training, got one, which "
        "becomes beta whatever it holds, as its variance is 0. Give a batch, train_flg=False, or "
        "freeze the layer (trainable = False)."
    )
    assert warned[0].filename == __file__
    norm.forward([[3.0, 4.0]], train_flg=False)
    norm.trainable = False
    norm.forward([[3.0, 4.0]])
