"""Metrics beside those of scikit-learn."""

import warnings

import numpy as np
import pytest
from in_turn import with_each
from judged import classes, random, scores
from numpy.testing import assert_allclose

from fastnet import metrics

every_seed = with_each("seed", range(25))
every_average = pytest.mark.parametrize("average", ["macro", "micro"])
every_score = pytest.mark.parametrize("name", ["precision", "recall", "f1"])


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("sklearn.metrics", reason="needs scikit-learn, of the extra test")


def agree(ours, expected):
    assert type(ours) is float
    assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


def yes_or_no(seed):
    """Answers of one output, or of some, often one that is never yes or always; and scores."""
    rng, n, size = random(seed)
    shape = [(n,), (n, 1), (n, size)][seed % 3]
    t = rng.random(shape) < rng.choice([0.0, 0.2, 0.5, 1.0], shape[1:])
    return t.astype(rng.choice(["int64", "float32", "bool"])), scores(rng, *shape)


def quiet(function, *arguments, **options):
    """What scikit-learn gives where it warns that something is not defined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


@every_seed
def test_accuracy(theirs, seed):
    t, y = classes(seed)
    expected = theirs.accuracy_score(t, y.argmax(axis=1))
    agree(metrics.accuracy(t, y), expected)
    agree(metrics.accuracy(t, y.argmax(axis=1)), expected)
    agree(metrics.accuracy(np.eye(y.shape[1])[t], y), expected)
    agree(metrics.accuracy(t[:, None], y), expected)


@every_seed
def test_top_k_accuracy(theirs, seed):
    t, y = classes(seed)
    for k in range(1, y.shape[1]):
        if y.shape[1] > 2:  # of two classes theirs takes scores of the second
            labels = np.arange(y.shape[1])
            agree(
                metrics.top_k_accuracy(t, y, k),
                theirs.top_k_accuracy_score(t, y, k=k, labels=labels),
            )
    assert metrics.top_k_accuracy(t, y, y.shape[1]) == 1


@every_seed
def test_yes_or_no(theirs, seed):
    t, y = yes_or_no(seed)
    for threshold in (0.5, 0.0):
        said = (y > threshold).astype(int)
        wanted = t.astype(int)
        agree(metrics.binary_accuracy(t, y, threshold), 1 - theirs.hamming_loss(wanted, said))
        agree(metrics.exact_match(t, y, threshold), theirs.accuracy_score(wanted, said))
    agree(metrics.binary_accuracy(2.0 * t - 1, y, 0), metrics.binary_accuracy(t, y, 0))


@every_score
@every_average
@every_seed
def test_scores_of_classes(theirs, name, average, seed):
    t, y = classes(seed)
    said = y.argmax(axis=1)
    expected = quiet(getattr(theirs, f"{name}_score"), t, said, average=average)
    ours = getattr(metrics, name)
    for given in (y, said):
        agree(ours(t, given, average), expected)
    agree(ours(7 * t - 3, 7 * said - 3, average), expected)  # any integers are labels


@every_score
@every_average
@every_seed
def test_scores_of_yes_or_no(theirs, name, average, seed):
    t, y = yes_or_no(seed)
    wanted, said = t.astype(int), (y > 0.25).astype(int)
    kind = average if wanted.ndim == 2 and wanted.shape[1] > 1 else "binary"
    expected = (
        quiet(getattr(theirs, f"{name}_score"), np.squeeze(wanted), np.squeeze(said), average=kind)
        if len(t) > 1
        else None
    )
    if expected is not None:
        agree(getattr(metrics, name)(t, y, average, threshold=0.25), expected)


@every_average
@every_seed
def test_auc(theirs, average, seed):
    t, y = yes_or_no(seed)
    if np.ndim(np.squeeze(t)) == 0:
        return
    if average == "macro":
        expected = quiet(theirs.roc_auc_score, np.squeeze(t), np.squeeze(y))
    else:
        expected = quiet(theirs.roc_auc_score, t.ravel(), y.ravel())
    agree(metrics.auc(t, y, average), expected)
    agree(metrics.auc(2.0 * t - 1, y, average), expected)


@every_average
@every_seed
def test_auc_of_classes(theirs, average, seed):
    t, y = classes(seed)
    t[: y.shape[1]] = np.arange(y.shape[1])[: len(t)]
    y = np.exp(y.astype(float))
    y /= y.sum(axis=1, keepdims=True)
    if len(t) < y.shape[1] or len(np.unique(t)) < y.shape[1]:
        assert average == "micro" or np.isnan(metrics.auc(t, y))  # a class that is not there
    elif y.shape[1] == 2:
        if average == "macro":
            agree(metrics.auc(t, y), quiet(theirs.roc_auc_score, t, y[:, 1]))
    else:
        expected = theirs.roc_auc_score(t, y, multi_class="ovr", average=average)
        agree(metrics.auc(t, y, average), expected)
        agree(metrics.auc(np.eye(y.shape[1])[t], y, average), expected)


@every_seed
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("mean_squared_error", "mean_squared_error"),
        ("root_mean_squared_error", "root_mean_squared_error"),
        ("mean_absolute_error", "mean_absolute_error"),
        ("r2", "r2_score"),
    ],
)
def test_errors(theirs, name, other, seed):
    rng, n, size = random(seed)
    shape = [(n,), (n, 1), (n, size)][seed % 3]
    t = 3 * rng.standard_normal(shape) + rng.choice([0, 1000])
    if seed % 4 == 0:
        t[...] = np.float64(0.1)  # no variance
    y = t + rng.standard_normal(shape) * (seed % 5 > 0)  # some are exact
    expected = quiet(getattr(theirs, other), t, y)
    if seed % 4 == 0 and name == "r2" and n > 1:
        expected = float(seed % 5 == 0)  # theirs finds a variance in the mean's rounding
    ours = getattr(metrics, name)
    agree(ours(t, y), expected)
    if shape == (n,):
        agree(ours(t, y[:, None]), expected)
        agree(ours(t[:, None], y), expected)
