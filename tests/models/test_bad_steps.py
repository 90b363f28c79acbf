"""What models say of samples, labels and states that do not fit their steps."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from stepped import Sequence, of_steps, sequences

from fastnet.layers import (
    LSTM,
    Conv2D,
    Dense,
    Flatten,
)
from fastnet.models import Sequential

REFUSED = [
    (
        np.ones((4, 15)),
        np.zeros((4, 3), int),
        r"x must be \(N, 3, 5\) with at least one sample, got x.shape=\(4, 15\). "
        r"Reshape it: x.reshape\(-1, 3, 5\).",
    ),
    (
        np.ones((3, 5)),
        np.zeros((1, 3), int),
        r"x must be \(N, 3, 5\) .*, got x.shape=\(3, 5\). Add the axis of samples: x\[None\].",
    ),
    (
        np.ones((4, 3, 5)),
        np.zeros(4, int),
        r"t must have shape \(4, 3\) or \(4, 3, C\), .*, got t.shape=\(4,\). Give -1 for",
    ),
    (
        np.ones((4, 3, 5)),
        np.zeros((4, 2), int),
        r"t must have shape \(4, 3\) or \(4, 3, C\), .*, got t.shape=\(4, 2\). Give -1 for",
    ),
]


@pytest.mark.parametrize(("x", "t", "message"), REFUSED)
def test_shapes_that_do_not_fit(x, t, message):
    model = Sequential([Sequence((3, 5)), Dense(4)], seed=0)
    before = model.parameter_vector.copy()
    for call in (model.fit, model.evaluate, model.forward):
        with pytest.raises(ValueError, match=message):
            call(x, t)
    assert_array_equal(model.parameter_vector, before)


def test_images_want_their_channels():
    class Image(Sequence):
        def output_shape(self, input_shape):
            return input_shape

    model = Sequential([Image((4, 4, 1)), Dense(2)], seed=0)
    with pytest.raises(ValueError, match=r"Add the axis of channels: x\[\.\.\., None\]\.$"):
        model.predict(np.ones((3, 4, 4)))
    model = Sequential([Image((4, 5, 3)), Dense(2)], seed=0)
    with pytest.raises(ValueError, match=r"Channels are the last axis: x\.transpose\(0, 2, 3, 1\)"):
        model.predict(np.ones((2, 3, 4, 5)))


def test_validation_data_have_the_shape_of_the_data():
    x, t = sequences(6, steps=4, features=6)
    other, model = np.ones((6, 6, 4)), Sequential([LSTM(3), Dense(4)], seed=0)
    with pytest.raises(ValueError, match=r"validation_data\[0\] must be \(N, 4, 6\)"):
        model.fit(x, t[:, 0], validation_data=(other, t[:, 0]), verbose=0)
    assert not model.layers[0].params


def test_batches_that_would_carry_no_state_are_refused():
    x, t = sequences(8)
    model = Sequential([LSTM(3, stateful=True, batch_size=4), Dense(4)], seed=0)
    with pytest.raises(ValueError, match=r"batch_size must be that of layers\[0\], .* 4, got 8: "):
        model.fit(x, t[:, 0], batch_size=32, verbose=0)
    model.fit(x, t[:, 0], batch_size=4, verbose=0)
    assert np.abs(model.layers[0].h).max() > 0
    model.layers[0].h = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"h of LSTM.* must have shape \(4, 3\), got \(2, 3\)"):
        model.fit(x, t[:, 0], batch_size=4, verbose=0)


def test_channels_that_come_first_are_seen():
    model = Sequential([Conv2D(2, 3), Flatten(), Dense(3)], seed=0)
    with pytest.raises(ValueError, match=r"Give x\.transpose\(0, 2, 3, 1\); or, if they do not, "):
        model.fit(np.ones((4, 3, 8, 8)), [0, 1, 2, 0], verbose=0)
    wide = Sequential([Conv2D(2, 3, input_shape=(3, 8, 8)), Flatten(), Dense(3)], seed=0)
    assert wide.predict(np.ones((4, 3, 8, 8))).shape == (4, 3)


def test_places_that_are_not_finite_are_named_in_their_shape():
    x, t = sequences(6)
    x[3, 2, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"got x\[3, 2, 1\]=nan"):
        of_steps().fit(x, t, verbose=0)
    x, _ = sequences(6)
    targets = np.ones((6, 3, 4))
    targets[2, 1, 3] = np.nan
    with pytest.raises(FloatingPointError, match=r"got t\[2, 1, 3\]=nan"):
        Sequential([Sequence(), Dense(4)], "mse", seed=0).fit(x, targets, verbose=0)


def test_a_label_out_of_range_is_named_by_its_sample_and_step():
    model, x = Sequential([Sequence(), Dense(4)], seed=0), np.ones((6, 7, 3))
    t = np.zeros((6, 7), int)
    t[4, 2] = 4
    for call in (model.fit, model.evaluate, model.forward):
        with pytest.raises(IndexError) as caught:
            call(x, t)
        assert str(caught.value).split(": ", 1)[1] == (
            "t must be in 0..3 for predict(x).shape=(6, 7, 4), got t[4, 2]=4. "
            "Give the last layer 5 units, one for each class."
        )
