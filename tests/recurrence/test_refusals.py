"""Recurrent layers say what is wrong with weights, sequences, states and arguments."""

import numpy as np
import pytest
from in_turn import with_each
from recurrences import model_of, weights
from refused import refused

from fastnet import layers
from fastnet.models import Sequential


def called(name, **options):
    layer = getattr(layers, name)(*weights(name, 5, 6), **options)
    layer.forward(np.ones((2, 3, 5)))
    return layer


@with_each(
    "call, error, text",
    [
        (
            lambda: layers.TimeLSTM(np.ones((3, 8)), np.ones((2, 6)), np.ones(8)),
            ValueError,
            "TimeLSTM: Wh must be (H, 4 H), got Wh.shape=(2, 6). Give a row for each of H units, "
            "and 4 columns for each.",
        ),
        (
            lambda: layers.TimeRNN(np.ones((3, 2)), np.ones((2, 3)), np.ones(2)),
            ValueError,
            "TimeRNN: Wh must be (H, H), got Wh.shape=(2, 3). Give a row for each of H units, "
            "and 1 column for each.",
        ),
        (
            lambda: layers.TimeGRU(np.ones((3, 8)), np.ones((2, 6)), np.ones(6)),
            ValueError,
            "TimeGRU: Wx must have 6 columns to match Wh (2, 6), got Wx.shape=(3, 8). "
            "Give an array (D, 6).",
        ),
        (
            lambda: layers.TimeGRU(np.ones((3, 6)), np.ones((2, 6)), np.ones(8)),
            ValueError,
            "TimeGRU: b must have 6 entries to match Wh (2, 6), got b.shape=(8,). "
            "Give an array (6,).",
        ),
        (
            lambda: called("TimeLSTM").forward(np.ones((2, 5))),
            ValueError,
            "TimeLSTM.forward: xs must be (N, T, D), got xs.shape=(2, 5). Give one sequence as "
            "xs[None], or sequences of one feature as xs[..., None].",
        ),
        (
            lambda: called("TimeLSTM").forward(np.ones((0, 3, 5))),
            ValueError,
            "TimeLSTM.forward: xs must be (N, T, D) with at least one entry, got "
            "xs.shape=(0, 3, 5). Give sequences (N, T, D).",
        ),
        (
            lambda: called("TimeRNN").forward(np.ones((2, 3, 4))),
            ValueError,
            "TimeRNN.forward: xs must have 5 features to match Wx (5, ...), got "
            "xs.shape=(2, 3, 4). Give an array (N, T, 5).",
        ),
        (
            lambda: called("TimeRNN", stateful=True).forward(np.ones((4, 3, 5))),
            ValueError,
            "TimeRNN.forward: h must have shape (4, 6), got h.shape=(2, 6). Give a row for each "
            "sequence, or call reset_state first.",
        ),
        (
            lambda: called("TimeRNN").backward(np.ones((2, 3, 5))),
            ValueError,
            "TimeRNN.backward: dhs must have shape (2, 3, 6), got dhs.shape=(2, 3, 5). Give one "
            "number for each output of forward.",
        ),
        (
            lambda: layers.TimeRNN(*weights("TimeRNN", 5, 6)).backward(np.ones((2, 3, 6))),
            RuntimeError,
            "TimeRNN.backward: call forward first.",
        ),
    ],
)
def test_bad_arguments(call, error, text):
    refused(call, error, text)


def test_backward_runs_once_for_each_forward():
    layer = called("TimeGRU")
    layer.backward(np.ones((2, 3, 6)))
    with pytest.raises(RuntimeError, match=r"^TimeGRU.backward: call forward first, once for each"):
        layer.backward(np.ones((2, 3, 6)))


def test_they_show_what_they_are():
    assert repr(called("TimeLSTM")) == "TimeLSTM(5, 6)"
    assert repr(called("TimeBiLSTM")) == "TimeBiLSTM(TimeLSTM(5, 6), TimeLSTM(5, 6))"


@with_each(
    "call, error, text",
    [
        (
            lambda: layers.LSTM(0),
            ValueError,
            "LSTM: units must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: layers.LSTM(3, stateful=True),
            ValueError,
            "LSTM: batch_size must be given where stateful is True, got None. Give the number of "
            "sequences in a batch, as fit gets it.",
        ),
        (
            lambda: layers.GRU(3, batch_size=8),
            ValueError,
            "GRU: batch_size must be None where stateful is False, got 8. Give it to fit alone, "
            "or stateful=True.",
        ),
        (
            lambda: Sequential([layers.Dense(4), layers.LSTM(3)]).build(5),
            ValueError,
            "LSTM: samples must have the shape (steps, features), got (4,). Give sequences "
            "(N, steps, features), or put Reshape((steps, features)) before it.",
        ),
        (
            lambda: Sequential([layers.LSTM(3), layers.LSTM(3)]).build((6, 5)),
            ValueError,
            "LSTM: samples must have the shape (steps, features), got (3,). Give sequences "
            "(N, steps, features), or put Reshape((steps, features)) before it.",
        ),
        (
            lambda: layers.Bidirectional(layers.Dense(3)),
            TypeError,
            "Bidirectional: layer must be a SimpleRNN, an LSTM or a GRU, got Dense. Give "
            "Bidirectional(LSTM(units)).",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(3, stateful=True, batch_size=2)),
            ValueError,
            "Bidirectional: layer must be new and not stateful, got a stateful one. Give "
            "Bidirectional(LSTM(3)).",
        ),
        (
            lambda: model_of(lambda: [layers.LSTM(3)]).layers[0].forward(np.ones((2, 6, 4))),
            ValueError,
            "LSTM.forward: x must have 5 features to match Wx (5, ...), got x.shape=(2, 6, 4). "
            "Give an array (N, T, 5).",
        ),
        (
            lambda: layers.SimpleRNN(3).forward(np.ones((2, 6, 4))),
            RuntimeError,
            "SimpleRNN.forward: call build(n_in, rng, dtype) first, or put the layer into a "
            "Sequential and build or fit that.",
        ),
    ],
)
def test_bad_arguments_of_layers_by_units(call, error, text):
    refused(call, error, text)
