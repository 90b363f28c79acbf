"""Labels and targets that a loss cannot take: each is told, and changes nothing."""

import re

import numpy as np
import pytest
from in_turn import with_each
from made_layers import NUMBERS, X, called
from numpy.testing import assert_array_equal

from fastnet.functions import (
    cross_entropy_error,
    softmax_loss,
)
from fastnet.layers import (
    SoftmaxWithLoss,
)
from fastnet.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CategoricalHinge,
    Poisson,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
)

# Losses and the name that they give the scores.
LABELLED = {
    "cross_entropy_error": (cross_entropy_error, "y"),
    "softmax_loss": (softmax_loss, "x"),
    "SoftmaxWithLoss.forward": (lambda x, t: SoftmaxWithLoss().forward(x, t), "x"),
    "SoftmaxCrossEntropy.forward": (lambda x, t: SoftmaxCrossEntropy().forward(x, t), "x"),
    "CategoricalHinge.forward": (lambda x, t: CategoricalHinge().forward(x, t), "x"),
    "SparseCategoricalCrossEntropy.forward": (
        lambda x, t: SparseCategoricalCrossEntropy().forward(x, t),
        "x",
    ),
}
NOT_ONE_HOT = "t must be one-hot, a single 1 and zeros in each row, got"
LABELS = [
    (
        [0, 4, 1],
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[1]=4. {wider}",
    ),
    ([0, 1, -1], IndexError, "t must be in 0..3 for {}.shape=(3, 4), got t[2]=-1. {leave}"),
    (
        np.array([0, 4, 1]),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[1]=4. {wider}",
    ),
    (
        np.array([-(2**63), 1, 1]),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[0]=-9223372036854775808. {count}",
    ),
    (
        np.array([0, 1]),
        ValueError,
        "t must have shape (3,) or (3, 4) {match}, got t.shape=(2,). {give}",
    ),
    (
        np.array([2**63, 0, 0], np.uint64),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[0]=9223372036854775808. {count}",
    ),
    (
        np.array([0, 1, 255], np.uint8),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[2]=255. {wide}",
    ),
    ([0, 1], ValueError, "t must have shape (3,) or (3, 4) {match}, got t.shape=(2,). {give}"),
    ([], ValueError, "t must have shape (3,) or (3, 4) {match}, got t.shape=(0,). {give}"),
    (0, ValueError, "t must have shape (3,) or (3, 4) {match}, got t.shape=(). {give}"),
    (
        np.eye(3),
        ValueError,
        "t must have shape (3,) or (3, 4) {match}, got t.shape=(3, 3). {give}",
    ),
    (
        [0.0, 1.0, 2.0],
        TypeError,
        "t must be integer labels or one-hot rows, got list of dtype float64 with t.shape=(3,). "
        "Give numpy.asarray(t, int).",
    ),
    (
        np.array(["a", "b", "c"]),
        TypeError,
        f"t {NUMBERS} dtype <U1 with t[0]='a'. "
        "Number what are names, of all t at once: numpy.unique(t, return_inverse=True)[1].",
    ),
    (
        np.array([0, 1, 2], object),
        TypeError,
        f"t {NUMBERS} dtype object. Give numpy.asarray(t, int).",
    ),
    (
        np.zeros((3, 4), complex),
        TypeError,
        f"t {NUMBERS} dtype complex128. Give its real part, numpy.real(t).",
    ),
    (np.zeros((3, 4)), ValueError, "{rows} t[0]=[0. 0. 0. 0.]. {divide}"),
    (
        [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]],
        ValueError,
        f"{NOT_ONE_HOT} t[1]=[0 1 0 1]. {{one_hot}}",
    ),
    (
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0]],
        ValueError,
        f"{NOT_ONE_HOT} t[2]=[0 0 2 0]. {{one_hot}}",
    ),
    (
        [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]],  # as many entries as rows
        ValueError,
        f"{NOT_ONE_HOT} t[1]=[0 0 0 0]. {{one_hot}}",
    ),
    (
        [[1, 0, 0, 0], [0.5, 0.4, 0, 0], [0, 1, 0, 0]],
        ValueError,
        "{rows} t[1]=[0.5 0.4 0.  0. ]. {divide}",
    ),
    (
        [[1, 0, 0, np.nan], [0, 1, 0, 0], [0, 1, 0, 0]],
        ValueError,
        "{rows} t[0]=[ 1.  0.  0. nan]. {divide}",
    ),
    (
        [[1, -1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]],
        ValueError,
        f"{NOT_ONE_HOT} t[0]=[ 1 -1  0  0]. {{one_hot}}",
    ),
]


@with_each("t, error, text", LABELS)
@pytest.mark.parametrize("name", LABELLED)
def test_labels(name, t, error, text):
    call, scores = LABELLED[name]
    advice = {
        "count": "Count classes from 0, of all t at once: numpy.unique(t, return_inverse=True)[1].",
        "leave": "Leave such samples out by SoftmaxCrossEntropy(ignore_index=-1), or count classes "
        "from 0, of all t at once: numpy.unique(t, return_inverse=True)[1].",
        "wide": f"Give {scores} 256 columns, one for each class.",
        "wider": f"Give {scores} 5 columns, one for each class.",
        "match": f"to match {scores}.shape=(3, 4)",
        "give": "Give one label or one one-hot row a sample.",
        "one_hot": "Give labels (N,) or one-hot rows (N, C).",
        "rows": NOT_ONE_HOT,
        "divide": "Give labels (N,) or one-hot rows (N, C).",
    }
    if name not in ("CategoricalHinge.forward", "SparseCategoricalCrossEntropy.forward"):
        advice["rows"] = "t must be one-hot, or rows of probabilities that add up to 1, got"
        advice["divide"] = "Give labels (N,), one-hot rows, or each row divided by its sum."
    with pytest.raises(error) as raised:
        call(X, t)
    assert str(raised.value) == f"{name}: {text.format(scores, **advice)}"


@pytest.mark.parametrize("shape", [(2, 2), (4, 1), (1, 1, 4), (1, 2)])
def test_labels_of_one_row_are_not_flattened(shape):
    t = np.zeros(shape, int)
    t.flat[0] = 1
    with pytest.raises(ValueError) as raised:
        cross_entropy_error(np.full(4, 0.25), t)
    assert str(raised.value) == (
        "cross_entropy_error: t must have shape (1,) or (1, 4) to match y.shape=(1, 4), got "
        f"t.shape={shape}. Give one label or one one-hot row a sample."
    )


def test_long_one_hot_rows_are_shortened():
    with pytest.raises(ValueError, match=re.escape("got t[0]=[1. 1. 1. ... 1. 1. 1.]. Give")):
        cross_entropy_error(np.ones((2, 500)), np.ones((2, 500)))


# Targets that a loss cannot take, x being fit for all.
SIGNS = "t must be -1 or 1, got t[1, 0]={}. Give 2 * t - 1 for targets 0 and 1."
PROBABLE = "t must lie in 0..1, got t[1, 0]={}. Give probabilities."
TARGETS = [
    *[(name, bad, SIGNS) for name in ("hinge", "squared_hinge") for bad in (0.0, 1.5, np.nan)],
    *[
        (name, bad, PROBABLE)
        for name in (
            "categorical_cross_entropy",
            "binary_cross_entropy",
            "sigmoid_cross_entropy",
            "kullback_leibler_divergence",
        )
        for bad in (-1.0, 1.5, np.nan)
    ],
    *[
        (name, bad, "t must be at least 0, got t[1, 0]={}. Give counts or sizes.")
        for name in ("poisson", "mean_squared_logarithmic_error")
        for bad in (-1.0, np.nan)
    ],
]


@with_each("name, bad, text", TARGETS)
def test_targets_that_a_loss_cannot_take(name, bad, text):
    kind = LOSSES[name]
    t = np.ones((3, 4))
    t[1, 0] = bad
    with pytest.raises(ValueError) as raised:
        kind().forward(X, t)
    assert str(raised.value) == f"{kind.__name__}.forward: {text.format(bad)}"


def test_a_bad_target_changes_nothing():
    loss = called(BinaryCrossEntropy(), X, X > 0.5)
    value, dx = loss.loss, loss.backward()
    with pytest.raises(ValueError, match="lie in"):
        loss.forward(X * 2, X * 9)
    assert loss.loss == value
    assert_array_equal(loss.backward(), dx)
    assert Poisson().forward(X, X * 9) > 0  # any size
