"""Metrics of arrays: against scikit-learn, against the reference, by hand; NaN, and bad input.

test_models' room has what fit and evaluate make of them.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastnet import metrics
from fastnet.metrics import named
from fastnet.reference import metrics as reference

every_seed = pytest.mark.parametrize("seed", range(25))
every_average = pytest.mark.parametrize("average", ["macro", "micro"])
every_score = pytest.mark.parametrize("name", ["precision", "recall", "f1"])


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("sklearn.metrics", reason="needs scikit-learn, of the extra test")


def agree(ours, expected):
    assert type(ours) is float
    assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


def random(seed):
    """A size, a number of classes, and a generator: a few of each kind are among 25."""
    rng = np.random.default_rng(seed)
    return rng, int(rng.integers(1, 90)), int(rng.integers(2, 12))


def scores(rng, *shape):
    """Half of the time among few values, so that many are equal; in both dtypes."""
    y = rng.standard_normal(shape)
    y = np.round(y, 1) if rng.random() < 0.5 else y
    return y.astype(rng.choice(["float32", "float64"]))


def classes(seed):
    """Labels, often of a few of the classes or of a single one, and scores."""
    rng, n, size = random(seed)
    used = rng.integers(1, size + 1)
    return rng.integers(0, used, n), scores(rng, n, size)


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


# --------------------------------------------------------------------------- scikit-learn's numbers


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


# --------------------------------------------------------------------------- by hand


def test_a_column_is_not_broadcast_against_a_vector():
    """np.mean((y - t)**2) of these is 1.25."""
    assert metrics.mse([0.0, 1.0, 2.0], [[0.0], [1.0], [2.0]]) == 0
    assert metrics.r2([0.0, 1.0, 2.0], [[0.0], [1.0], [2.0]]) == 1


def test_every_name_is_a_function_or_a_form_of_one():
    for name in metrics.NAMES:
        word = name.removesuffix("_macro").removesuffix("_micro")
        word = "top_k_accuracy" if word.startswith("top_") else word
        assert word in metrics.__all__
    assert set(named.OF_CLASSES) | set(named.OF_LABELS) | set(named.OF_NUMBERS) == {*metrics.NAMES}
    assert not set(named.OF_NUMBERS) & (set(named.OF_CLASSES) | set(named.OF_LABELS))


@pytest.mark.parametrize("name", [*named.OF_CLASSES, *named.OF_LABELS, *named.OF_NUMBERS])
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


@pytest.mark.parametrize("call", CALLS)
def test_the_reference(call):
    rng = np.random.default_rng(3)
    t, y = (rng.random((60, 4)) < 0.5).astype(float), rng.standard_normal((60, 4))
    assert_allclose(CALLS[call](metrics, t, y), CALLS[call](reference, t, y), rtol=1e-13)


@pytest.mark.parametrize("call", CALLS)
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


# --------------------------------------------------------------------------- bad input

EACH = "Give one target for each output."


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
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
    ],
)  # fmt: skip
def test_bad_input(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and caught.value.args[0] == text
