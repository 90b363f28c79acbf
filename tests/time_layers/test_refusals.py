"""The second book's layers say what is wrong with sequences, labels and the order of calls."""

import re

import examples
import numpy as np
import pytest
from in_turn import with_each
from refused import refused

from fastnet import layers
from fastnet.models import Sequential

every_layer = with_each("name", examples.SEQUENCES)
LOSSES = {"TimeSoftmaxWithLoss", "TimeSigmoidWithLoss", "NegativeSamplingLoss"}


@every_layer
def test_backward_needs_forward_and_sequential_says_what_to_use(name):
    layer = examples.SEQUENCES[name].make("float64")
    kind = type(layer).__name__
    with pytest.raises(RuntimeError, match=rf"^{kind}\.backward: call forward first\.$"):
        layer.backward(np.ones((7, 3, 3)) if name not in LOSSES else 1)
    with pytest.raises(TypeError, match=rf"got {kind}\. {re.escape(layer.unstacked[:20])}"):
        Sequential([layer])


@with_each(
    "call, error, text",
    [
        (
            lambda: layers.TimeEmbedding(np.ones((5, 3))).forward([0, 1]),
            ValueError,
            "TimeEmbedding.forward: xs must be (N, T) with at least one entry, got "
            "xs.shape=(2,). Give an array (N, T).",
        ),
        (
            lambda: layers.TimeEmbedding(np.ones((5, 3))).forward([[0, 5]]),
            IndexError,
            "TimeEmbedding.forward: idx must be in 0..4 for W (5, 3), got idx[0, 1]=5. "
            "Count rows from 0.",
        ),
        (
            lambda: layers.TimeAffine(np.ones((5, 3)), np.ones(3)).forward(np.ones((2, 5))),
            ValueError,
            "TimeAffine.forward: x must be (N, T, D) with at least one entry, got x.shape=(2, 5). "
            "Give an array (N, T, D).",
        ),
        (
            lambda: layers.TimeAffine(np.ones((5, 3)), np.ones(3)).forward(np.ones((2, 4, 6))),
            ValueError,
            "TimeAffine.forward: x must have 5 features a step to match W, got x.shape=(2, 4, 6). "
            "Give an array (N, T, 5).",
        ),
        (
            lambda: layers.TimeSoftmaxWithLoss().forward(np.ones((2, 3, 4)), np.full((2, 3), 4)),
            IndexError,
            "TimeSoftmaxWithLoss.forward: ts must be in 0..3, or -1 where a step does not count, "
            "for xs.shape=(2, 3, 4), got ts[0, 0]=4. Count classes from 0.",
        ),
        (
            lambda: layers.TimeSoftmaxWithLoss().forward(np.ones((2, 3, 4)), np.ones((2, 3))),
            TypeError,
            "TimeSoftmaxWithLoss.forward: ts must be integer labels or one-hot rows, got dtype "
            "float64. Give numpy.asarray(ts, int).",
        ),
        (
            lambda: layers.TimeSoftmaxWithLoss().forward(np.ones((2, 3, 4)), np.ones(2, int)),
            ValueError,
            "TimeSoftmaxWithLoss.forward: ts must have shape (2, 3), got ts.shape=(2,). "
            "Give one number for each output of forward.",
        ),
        (
            lambda: layers.TimeSigmoidWithLoss().forward(np.ones((2, 3)), np.full((2, 3), 2)),
            ValueError,
            "TimeSigmoidWithLoss.forward: t must be 0 or 1, got t[0, 0]=2. "
            "Give 1 for yes and 0 for no.",
        ),
        (
            lambda: layers.WeightSum().forward(np.ones((2, 3, 4)), np.ones((2, 4))),
            ValueError,
            "WeightSum.forward: a must have shape (2, 3) to match hs (2, 3, 4), got "
            "a.shape=(2, 4). Give arrays of the same samples.",
        ),
        (
            lambda: layers.TimeAttention().forward(np.ones((2, 3, 4)), np.ones((2, 5))),
            ValueError,
            "TimeAttention.forward: hs_dec must have shape (2, S, 4) to match hs_enc (2, 3, 4), "
            "got hs_dec.shape=(2, 5). Give arrays of the same samples.",
        ),
        (
            lambda: layers.EmbeddingDot(np.ones((5, 3))).forward(np.ones((2, 3)), [1, 2, 3]),
            ValueError,
            "EmbeddingDot.forward: idx must have shape (2) to match h (2, 3), got idx.shape=(3,). "
            "Give arrays of the same samples.",
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)
