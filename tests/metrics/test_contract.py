"""Metrics: names, parts, the reference, and what they refuse."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose

from fastnet import metrics
from fastnet.metrics import named
from fastnet.reference import metrics as reference


def test_a_column_is_not_broadcast_against_a_vector():
    """np.mean((y - t)**2) of these is 1.25."""
    assert metrics.mse([0.0, 1.0, 2.0], [[0.0], [1.0], [2.0]]) == 0
    assert metrics.r2([0.0, 1.0, 2.0], [[0.0], [1.0], [2.0]]) == 1


@pytest.mark.parametrize("module", [metrics, reference])
def test_r2_of_targets_that_are_all_alike_is_1_where_answers_are_right_else_0(module):
    assert module.r2(np.full(3, 2.0), np.full(3, 2.0)) == 1
    assert module.r2(np.full(3, 2.0), np.array([2.0, 2.0, 2.5])) == 0
    t = np.array([[2.0, 1.0], [2.0, 3.0]])
    assert module.r2(t, np.array([[2.0, 2.0], [2.0, 2.0]])) == 0.5  # (1 + 0) / 2


def test_every_name_is_a_function_or_a_form_of_one():
    for name in metrics.NAMES:
        word = name.removesuffix("_macro").removesuffix("_micro")
        word = "top_k_accuracy" if word.startswith("top_") else word
        assert word in metrics.__all__
    assert set(named.OF_CLASSES) | set(named.OF_LABELS) | set(named.OF_NUMBERS) == {*metrics.NAMES}
    assert not set(named.OF_NUMBERS) & (set(named.OF_CLASSES) | set(named.OF_LABELS))


@with_each("name", [*named.OF_CLASSES, *named.OF_LABELS, *named.OF_NUMBERS])
def test_parts_add_up_to_the_whole(name):
    """As models use them: sums of some rows after the other."""
    rng = np.random.default_rng(0)
    t, y = rng.integers(0, 12, 50), rng.standard_normal((50, 12))
    yes, numbers = rng.random((50, 12)) < 0.4, rng.standard_normal((50, 12))
    ways = named.METRICS[name]
    kinds = [(ways.classes, t, y), (ways.labels, yes, y > 0)]
    kinds.append((ways.numbers, numbers - numbers.mean(axis=0), y - numbers))
    for way, wanted, found in kinds:
        if way is not None and way.sums is not None:
            parts = [slice(0, 1), slice(1, 17), slice(17, 50)]
            total = sum(way.sums(wanted[part], found[part]) for part in parts)
            assert_allclose(way.value(total), way.value(way.sums(wanted, found)), rtol=1e-13)


CALLS = {
    "accuracy": lambda m, t, y: m.accuracy(t.argmax(axis=1), y),
    "top_k_accuracy": lambda m, t, y: m.top_k_accuracy(t.argmax(axis=1), y, 2),
    **{
        f"{name}, {average}": lambda m, t, y, name=name, average=average: getattr(m, name)(
            t.argmax(axis=1), y, average
        )
        for name in ("precision", "recall", "f1")
        for average in ("macro", "micro")
    },
    "f1, labels": lambda m, t, y: m.f1(t, y, threshold=0.2),
    "auc, classes": lambda m, t, y: m.auc(t.argmax(axis=1), y),
    "binary_accuracy": lambda m, t, y: m.binary_accuracy(t, y),
    "exact_match": lambda m, t, y: m.exact_match(t, y, 0.0),
    "auc": lambda m, t, y: m.auc(t, y),
    **{
        name: lambda m, t, y, name=name: getattr(m, name)(t, y)
        for name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "r2")
    },
}


@with_each("call", CALLS)
def test_the_reference(call):
    rng = np.random.default_rng(3)
    t, y = (rng.random((60, 4)) < 0.5).astype(float), rng.standard_normal((60, 4))
    assert_allclose(CALLS[call](metrics, t, y), CALLS[call](reference, t, y), rtol=1e-13)


@with_each("call", CALLS)
def test_one_output_that_is_nan_shows(call):
    rng = np.random.default_rng(3)
    t, y = (rng.random((60, 4)) < 0.5).astype(float), rng.standard_normal((60, 4))
    assert np.isfinite(CALLS[call](metrics, t, y))
    y[41, 2] = np.nan
    assert np.isnan(CALLS[call](metrics, t, y))


def test_infinite_scores_are_scores():
    assert metrics.accuracy([1], [[-np.inf, np.inf]]) == 1
    assert metrics.binary_accuracy([1, 0], [np.inf, -np.inf]) == 1
    assert metrics.auc([0, 1, 1], [-np.inf, np.inf, 2.0]) == 1


def test_what_is_given_stays_as_it_is():
    t, y = np.array([0, 1, 1]), np.array([[2.0, 1.0], [0.5, 3.0], [1.0, 0.0]])
    for array in (t, y):
        array.flags.writeable = False
    for name in ("accuracy", "precision", "recall", "f1", "auc"):
        getattr(metrics, name)(t, y)
    for name in ("mse", "rmse", "mae", "r2", "auc"):
        getattr(metrics, name)(t, y[:, 0])
    assert metrics.accuracy(t.tolist(), y.tolist()) == 2 / 3


EACH = "Give one target for each output."


@with_each("call, error, text", [
        (
            lambda: metrics.accuracy([0, 1], [0.5, 0.7]), TypeError,
            "accuracy: y must be integer labels where y is (N,), got dtype float64. "
            "Give scores y (N, C), or a threshold: binary_accuracy has one.",
        ),
        (
            lambda: metrics.accuracy([0, 3], [[0.5, 0.7], [0.1, 0.2]]), IndexError,
            "accuracy: t must be in 0..1 for y.shape=(2, 2), got t[1]=3. "
            "Give y 4 columns, one for each class.",
        ),
        (
            lambda: metrics.f1([0, 1], [0, 1, 1]), ValueError,
            f"f1: t must have shape (3,) to match y, got t.shape=(2,). {EACH}",
        ),
        (
            lambda: metrics.mse([], []), ValueError,
            "mean_squared_error: t must be (N,) or (N, C) with at least one sample, got "
            "t.shape=(0,). Give one answer or one row a sample.",
        ),
        (
            lambda: metrics.r2([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]]), ValueError,
            f"r2: t must have shape (2, 2) to match y, got t.shape=(2,). {EACH}",
        ),
        (
            lambda: metrics.auc([0, 2], [0.5, 0.7]), ValueError,
            "auc: t must be 0 or 1, or -1 or 1, got t[1]=2. Give 1 for yes; for labels, scores "
            "y (N, C).",
        ),
        (
            lambda: metrics.binary_accuracy([[0.0, 0.5]], [[0.5, 0.7]]), ValueError,
            "binary_accuracy: t must be 0 or 1, or -1 or 1, got t[0, 1]=0.5. Give 1 for yes; for "
            "labels, scores y (N, C).",
        ),
        (
            lambda: metrics.top_k_accuracy([0, 1], [0, 1]), ValueError,
            "top_k_accuracy: y must be scores (N, C), got y.shape=(2,). "
            "Give the outputs before argmax.",
        ),
        (
            lambda: metrics.top_k_accuracy([0], [[1.0, 2.0]], 0), ValueError,
            "top_k_accuracy: k must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: metrics.recall([0, 1], [0, 1], "weighted"), ValueError,
            "recall: average must be one of 'macro', 'micro', got 'weighted'. "
            "Give one of these names.",
        ),
        (
            lambda: metrics.precision([0, 1], [0.2, 0.7], threshold="half"), TypeError,
            "precision: threshold must be a real number, got 'half'. Give a float.",
        ),
        (
            lambda: metrics.mae(["a"], [0.5]), TypeError,
            "mean_absolute_error: t must be an array of integers, float16, float32 or float64, got "
            "list of dtype <U1 with t[0]='a'. Number what are names, of all t at once: "
            "numpy.unique(t, return_inverse=True)[1].",
        ),
    ])  # fmt: skip
def test_bad_input(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and caught.value.args[0] == text
