"""scikit-learn's estimators on the loop: the same weights, scores, warnings, errors, and files."""

import copy
import pickle
import re
import sys
import warnings
from pathlib import Path

import children
import numpy as np
import pytest
import scipy.sparse
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import estimator_checks_generator

import fastnet.sklearn as ours
from fastnet import optimizer as rules
from fastnet.kernels import train_epochs
from fastnet.optimizer import RMSprop
from fastnet.schedules import CosineDecay
from fastnet.sklearn.lbfgs import Objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_iris, y_iris = load_iris(return_X_y=True)
X_iris = scale(X_iris)
X_reg, y_reg = (array[:130] for array in load_diabetes(return_X_y=True))
X_reg, y_reg = scale(X_reg), scale(y_reg)

# kind, y, its own arguments
PROBLEMS = {
    "classes": ("MLPClassifier", X_iris, y_iris, {}),
    "two classes": ("MLPClassifier", X_iris[:100], np.array(["no", "yes"])[y_iris[:100]], {}),
    "labels": ("MLPClassifier", X_iris, np.stack([y_iris < 1, y_iris > 1], axis=1).astype(int), {}),
    "numbers": ("MLPRegressor", X_reg, y_reg, {}),
    "rows of numbers": ("MLPRegressor", X_reg, np.stack([y_reg, X_reg[:, 0]], axis=1), {}),
    "counts": ("MLPRegressor", X_reg, np.floor(np.exp(y_reg)), {"loss": "poisson"}),
}


def both(problem, **arguments):
    kind, X, y, own = PROBLEMS[problem]
    given = {"random_state": 1, "max_iter": 50, "hidden_layer_sizes": (9, 6), **own, **arguments}
    weight = given.pop("sample_weight", None)
    return [getattr(module, kind)(**given).fit(X, y, weight) for module in (theirs, ours)]


def assert_same(one, other, tolerance=1e-8):
    assert one.n_iter_ == other.n_iter_
    assert one.out_activation_ == other.out_activation_
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert_allclose(b, a, rtol=0, atol=tolerance)
        assert a.dtype == b.dtype
    assert_allclose(other.loss_, one.loss_, rtol=0, atol=tolerance)
    for name in ("loss_curve_", "validation_scores_"):
        known = getattr(one, name, None)
        assert (known is None) == (getattr(other, name, None) is None)
        if known is not None:
            assert_allclose(getattr(other, name), known, rtol=0, atol=tolerance)
    for name in ("best_loss_", "best_validation_score_", "t_", "n_layers_", "n_outputs_"):
        if getattr(one, name, None) is not None:
            assert_allclose(getattr(other, name), getattr(one, name), rtol=0, atol=tolerance)


# --------------------------------------------------------------------------- the same weights


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_weights_are_scikit_learns(problem, solver, activation):
    """Batches of 40 leave a smaller one."""
    pair = both(problem, solver=solver, activation=activation, batch_size=40, alpha=0.01)
    assert_same(*pair)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_weights_of_lbfgs_are_scikit_learns(problem, activation, monkeypatch):
    """To the bit of few rows; where the objective is compiled, after 25 iterations.

    The line search multiplies roundings, tenfold every three iterations or so. scikit-learn's own
    weights differ as much when its rows come in another order: after 50 by 1e-14 to 1e-6.
    """
    given = {"solver": "lbfgs", "activation": activation}
    assert_same(*both(problem, **given), tolerance=0)
    monkeypatch.setattr("fastnet.sklearn.fitting.SAME_BITS", 0)
    assert_same(*both(problem, **given, alpha=1.0, max_iter=25))


def test_the_objective_of_lbfgs_is_compiled_but_for_few_rows(monkeypatch):
    """Of more rows, in float32, and for activations that scikit-learn does not have."""
    seen = []

    class Noted(Objective):
        def __call__(self, packed):
            seen.append(self.n)
            return super().__call__(packed)

    monkeypatch.setattr("fastnet.sklearn.fitting.Objective", Noted)
    many, more = np.tile(X_reg, (8, 1))[:1001], np.tile(y_reg, 8)[:1001]
    single = X_reg.astype(np.float32)
    for X, y, activation, compiled in (
        (many, more, "relu", True),
        (many[:1000], more[:1000], "relu", False),
        (single, y_reg, "relu", True),
        (X_reg, y_reg, "gelu", True),
    ):
        del seen[:]
        ours.MLPRegressor(solver="lbfgs", activation=activation, max_iter=2).fit(X, y)
        assert bool(seen) == compiled, (len(X), X.dtype, activation)


@pytest.mark.parametrize("problem", ["classes", "numbers"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"early_stopping": True},
        {"early_stopping": True, "solver": "adam"},
        {"learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 1, "max_iter": 80},
        {"learning_rate": "invscaling"},
        {"momentum": 0.0},
        {"nesterovs_momentum": False},
        {"shuffle": False, "batch_size": 30},
        {"alpha": 0.0},
        {"alpha": 2.0, "solver": "adam"},
        {"tol": 0.05, "n_iter_no_change": 3},
        {"batch_size": 1, "max_iter": 3},
        {"hidden_layer_sizes": 5},
        {"hidden_layer_sizes": ()},
        {"sample_weight": True},
        {"sample_weight": True, "early_stopping": True},
        {"sample_weight": True, "solver": "lbfgs", "alpha": 1.0},
        {"sample_weight": True, "solver": "lbfgs", "activation": "logistic"},
    ],
    ids=str,
)
def test_stopping_rates_and_weights_of_samples_are_scikit_learns(problem, arguments):
    n = len(PROBLEMS[problem][2])
    given = {"solver": "sgd", "learning_rate_init": 0.02, **arguments}
    if given.get("sample_weight"):
        given["sample_weight"] = np.random.default_rng(0).uniform(0, 2, n)
    assert_same(*both(problem, **given))


def test_outputs_are_scikit_learns():
    for problem in PROBLEMS:
        one, other = both(problem, max_iter=5)
        X, y = PROBLEMS[problem][1:3]
        assert_array_equal(other.predict(X).dtype, one.predict(X).dtype)
        if problem in ("classes", "two classes", "labels"):
            assert_array_equal(other.predict(X), one.predict(X))
            assert_allclose(other.predict_proba(X), one.predict_proba(X), atol=1e-12)
            assert_allclose(other.predict_log_proba(X), one.predict_log_proba(X), atol=1e-10)
        else:
            assert_allclose(other.predict(X), one.predict(X), atol=1e-12)
        assert_allclose(other.score(X, y), one.score(X, y))


def test_warm_starts_and_partial_fits_go_on_as_scikit_learns():
    X, y = PROBLEMS["classes"][1:3]
    for solver in ("sgd", "adam"):
        pair = both("classes", solver=solver, warm_start=True, max_iter=5)
        for one in pair:
            one.fit(X, y).set_params(warm_start=False)
            for start in (0, 50):
                one.partial_fit(X[start::3], y[start::3])
        assert_same(*pair)
        assert pair[0]._optimizer.learning_rate == pair[1]._optimizer.learning_rate


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_hidden_layers_of_a_warm_start_are_those_of_the_weights(solver):
    """Another depth is an error, as scikit-learn's is; other widths are left, but by lbfgs."""
    X, y = PROBLEMS["classes"][1:3]
    for asked in ((6,), (6, 5, 4), (), (6, 7)):
        pair = both("classes", hidden_layer_sizes=(6, 5), solver=solver, max_iter=2,
                    warm_start=True)  # fmt: skip
        for one in pair:
            one.set_params(hidden_layer_sizes=asked)
        if len(asked) == 2 and solver != "lbfgs":
            assert_same(*(one.fit(X, y) for one in pair))
            continue
        with pytest.raises((IndexError, AttributeError, ValueError, TypeError)):
            pair[0].fit(X, y)
        with pytest.raises(ValueError) as caught:
            pair[1].fit(X, y)
        assert caught.value.args[0] == (
            "MLPClassifier.fit: hidden_layer_sizes must stay (6, 5), as the weights by now have "
            f"it, got {asked}. Make a new estimator, or fit anew with warm_start=False."
        )


def test_labels_of_partial_fits():
    words = np.array(["a", "b", "c"])[y_iris]
    for labels, unknown in ((y_iris, 7), (words, "d"), (2 * (y_iris > 0), 1)):
        pair = [m.MLPClassifier((5,), random_state=0) for m in (theirs, ours)]
        for one in pair:
            one.partial_fit(X_iris[50:90], labels[50:90], classes=np.unique(labels))
            one.partial_fit(X_iris[::7], labels[::7])
        assert_same(*pair)
        assert_array_equal(pair[1].predict(X_iris), pair[0].predict(X_iris))
        texts = []
        for one in pair:
            with pytest.raises(ValueError, match="has classes not in") as caught:
                one.partial_fit(X_iris[:3], np.array([labels[0], unknown, unknown]))
            texts.append(str(caught.value))
        assert texts[0] == texts[1]


def test_the_generator_is_left_where_scikit_learn_leaves_it():
    states = [np.random.RandomState(3) for _ in range(2)]
    for module, state in zip((theirs, ours), states, strict=True):
        module.MLPClassifier(max_iter=30, tol=0.1, random_state=state).fit(X_iris, y_iris)
    assert states[0].randint(2**31) == states[1].randint(2**31)


def test_weights_follow_the_dtype_of_the_samples():
    for solver in ("sgd", "adam", "lbfgs"):
        single = ours.MLPClassifier(solver=solver, max_iter=5, random_state=0)
        single.fit(X_iris.astype(np.float32), y_iris)
        double = clone(single).fit(X_iris, y_iris)
        assert {array.dtype.name for array in single.coefs_ + single.intercepts_} == {"float32"}
        for a, b in zip(single.coefs_, double.coefs_, strict=True):
            assert_allclose(a, b, atol=1e-6)
    model = ours.MLPRegressor(max_iter=3).fit(X_reg.astype(np.float32), y_reg)
    assert model.predict(X_reg.astype(np.float32)).dtype == np.float32
    assert model.predict(X_reg).dtype == np.float64
    assert_allclose(model.predict(X_reg.astype(np.float32)), model.predict(X_reg), atol=1e-4)


def test_weights_that_are_changed_by_hand_are_those_that_predict():
    model = ours.MLPRegressor(hidden_layer_sizes=4, max_iter=3, random_state=0).fit(X_reg, y_reg)
    model.coefs_[1][:] = 0.0
    assert_allclose(model.predict(X_reg), model.intercepts_[1][0])
    model.intercepts_[1] = np.array([7.0])
    assert_array_equal(model.predict(X_reg), 7.0)
    kept = model.intercepts_[1]
    kept[0] = 8.0
    assert_array_equal(model.predict(X_reg), 8.0)
    model.partial_fit(X_reg, y_reg)
    assert model.intercepts_[1] is not kept


# --------------------------------------------------------------------------- what X and y may be


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_sparse_samples_give_what_dense_ones_give(solver, make, monkeypatch):
    monkeypatch.setattr("fastnet.sklearn.fitting.SAME_BITS", 0)
    X = np.where(np.abs(X_iris) > 1, X_iris, 0.0)
    dense = ours.MLPClassifier(solver=solver, max_iter=5, random_state=0, batch_size=16)
    dense.fit(X, y_iris)
    weight = np.linspace(0, 1, len(X))
    weighed = clone(dense).fit(X, y_iris, weight)
    for most in (None, 2000):  # all at once, or in parts
        if most:
            monkeypatch.setattr("fastnet.sklearn.samples.DENSE", most)
        sparse = clone(dense).fit(make(X), y_iris)
        assert_allclose(sparse.coefs_[0], dense.coefs_[0], atol=1e-12)
        assert_allclose(sparse.predict_proba(make(X)), dense.predict_proba(X), atol=1e-12)
        sparse = clone(dense).fit(make(X), y_iris, weight)
        assert_allclose(sparse.coefs_[0], weighed.coefs_[0], atol=1e-12)


def test_large_epochs_are_cut_into_calls(monkeypatch):
    whole = ours.MLPClassifier(max_iter=4, random_state=0, batch_size=16).fit(X_iris, y_iris)
    monkeypatch.setattr("fastnet.models.progress.FLOPS_A_CALL", 1e6)
    parts = clone(whole).fit(X_iris, y_iris)
    assert_array_equal(parts.coefs_[0], whole.coefs_[0])
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-14)


def test_frames_and_memmaps(tmp_path):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    known = ours.MLPClassifier(max_iter=5, random_state=0).fit(X_iris, y_iris)
    names = ["a", "b", "c", "d"]
    for frame in (pandas.DataFrame(X_iris, columns=names), polars.DataFrame(X_iris, schema=names)):
        model = clone(known).fit(frame, y_iris)
        known_names = theirs.MLPClassifier(max_iter=1).fit(frame, y_iris)
        # Before 1.9 scikit-learn has none of a frame of polars.
        assert list(getattr(known_names, "feature_names_in_", names)) == names
        assert hasattr(model, "feature_names_in_") == hasattr(known_names, "feature_names_in_")
        assert_array_equal(model.coefs_[0], known.coefs_[0])
        assert_array_equal(model.predict(frame), known.predict(X_iris))
    named = clone(known).fit(pandas.DataFrame(X_iris, columns=names), y_iris)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        named.predict(X_iris)
    np.save(tmp_path / "X.npy", X_iris)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(clone(known).fit(mapped, y_iris).coefs_[0], known.coefs_[0])
    columns = np.asfortranarray(X_iris)
    assert_array_equal(clone(known).fit(columns, y_iris).coefs_[0], known.coefs_[0])


# --------------------------------------------------------------------------- beyond scikit-learn


def test_class_weights_are_sample_weights():
    weight = {0: 1.0, 1: 3.0, 2: 0.5}
    given = {"max_iter": 5, "random_state": 0}
    by_class = ours.MLPClassifier(class_weight=weight, **given).fit(X_iris, y_iris)
    by_sample = theirs.MLPClassifier(**given)
    by_sample.fit(X_iris, y_iris, sample_weight=np.array([weight[label] for label in y_iris]))
    assert_same(by_sample, by_class)
    few = np.r_[0:50, 50:60]
    balanced = ours.MLPClassifier(class_weight="balanced", **given).fit(X_iris[few], y_iris[few])
    by_sample.fit(X_iris[few], y_iris[few], sample_weight=np.where(y_iris[few] == 0, 0.6, 3.0))
    assert_same(by_sample, balanced)
    with pytest.raises(ValueError, match="class_weight must be a dict, got 'balanced'"):
        balanced.partial_fit(X_iris[few], y_iris[few])


def test_a_part_of_the_samples_need_not_have_all_weighed_classes():
    names, some = np.array(["a", "b", "c"])[y_iris], y_iris < 2
    given = {"hidden_layer_sizes": (4,), "random_state": 0}
    for labels, weight in ((y_iris, {2: 5.0, 1: 2.0}), (names, {"c": 5.0, "b": 2.0})):
        classes = np.unique(labels)
        model = ours.MLPClassifier(class_weight=weight, **given)
        other = ours.MLPClassifier(**given)
        of_samples = np.where(y_iris[some] == 1, 2.0, 1.0)
        model.partial_fit(X_iris[some], labels[some], classes=classes)
        other.partial_fit(X_iris[some], labels[some], classes=classes, sample_weight=of_samples)
        assert_allclose(model.coefs_[0], other.coefs_[0], rtol=0)
        model.partial_fit(X_iris[some], labels[some].tolist())
    with pytest.raises(ValueError, match="are not in class_weight"):
        ours.MLPClassifier(class_weight={9: 1}, **given).partial_fit(
            X_iris, y_iris, classes=[0, 1, 2]
        )


def test_sample_weights_are_checked_before_class_weights_multiply_them():
    model = ours.MLPClassifier(class_weight={0: 2.0})
    for weight in ([1.0], [1.0] * 3):
        with pytest.raises(ValueError, match=r"sample_weight.shape == \(\d,\), expected \(150,\)"):
            model.fit(X_iris, y_iris, weight)
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.fit(X_iris, None)


@pytest.mark.parametrize("optimizer", ["adamw", "nadam", "rmsprop", RMSprop(0.003)], ids=str)
def test_other_optimizers_learn(optimizer):
    model = ours.MLPClassifier(optimizer=optimizer, learning_rate_init=0.01, random_state=0)
    model.set_params(max_iter=30).fit(X_iris, y_iris)
    assert model.score(X_iris, y_iris) > 0.85
    before = model.coefs_[0].copy()
    model.partial_fit(X_iris, y_iris)
    assert model._optimizer.t == 31
    assert not np.array_equal(before, model.coefs_[0])


def test_an_optimizer_object_is_the_solver_of_its_name():
    from fastnet.optimizer import Adam, Nesterov

    given = {"max_iter": 20, "random_state": 0, "learning_rate_init": 0.01}
    for solver, optimizer in (("sgd", Nesterov(0.01)), ("adam", Adam(0.01, eps=1e-8))):
        one = ours.MLPClassifier(solver=solver, **given).fit(X_iris, y_iris)
        given_own = given | {"learning_rate_init": 0.5}  # the object has one of its own
        other = ours.MLPClassifier(optimizer=optimizer, **given_own).fit(X_iris, y_iris)
        assert_allclose(other.coefs_[0], one.coefs_[0], atol=1e-12)
        assert optimizer.iter == 0  # it was copied


@pytest.mark.parametrize("activation", ["gelu", "silu", "leaky_relu", "sigmoid"])
def test_other_activations_learn(activation):
    model = ours.MLPClassifier((16, 8), activation, learning_rate_init=0.01, random_state=0)
    assert model.fit(X_iris, y_iris).score(X_iris, y_iris) > 0.9
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X_iris), model.predict(X_iris))


def test_dropout_is_for_training_alone():
    model = ours.MLPClassifier((64,), dropout=0.5, learning_rate_init=0.01, random_state=0)
    model.fit(X_iris, y_iris)
    assert model.score(X_iris, y_iris) > 0.9
    assert_array_equal(model.predict_proba(X_iris), model.predict_proba(X_iris))
    # What is kept is scaled up: outputs without masks are as large as those with.
    ones = np.ones((200, 3))
    level = ours.MLPRegressor(hidden_layer_sizes=64, dropout=0.5, learning_rate_init=0.01)
    level.set_params(max_iter=200, random_state=0, batch_size=50).fit(ones, 10 * ones[:, 0])
    assert abs(level.predict(ones[:1])[0] - 10) < 3
    again = clone(model).fit(X_iris, y_iris)
    assert_array_equal(again.coefs_[0], model.coefs_[0])
    without = clone(model).set_params(dropout=0.0).fit(X_iris, y_iris)
    assert not np.array_equal(without.coefs_[0], model.coefs_[0])
    stopped = clone(model).set_params(early_stopping=True).fit(X_iris, y_iris)
    assert max(stopped.validation_scores_) == stopped.best_validation_score_


def test_schedules_and_limits_of_gradients():
    given = {"solver": "sgd", "momentum": 0.0, "max_iter": 1, "random_state": 0, "alpha": 0.0}
    given |= {"shuffle": False, "batch_size": 50}
    rates = [0.1, 0.0, 0.05]  # of three updates
    model = ours.MLPClassifier(schedule=rates.__getitem__, **given).fit(X_iris, y_iris)
    one = ours.MLPClassifier(learning_rate_init=0.1, **given).fit(X_iris[:50], np.zeros(50, int))
    assert one.n_iter_ == model.n_iter_ == 1
    assert model._optimizer.learning_rate == 0.05
    slow = ours.MLPClassifier(schedule=lambda step: 0.0, **given).fit(X_iris, y_iris)
    first = ours.MLPClassifier(schedule=lambda step: 0.1, **given).fit(X_iris, y_iris)
    for limit in ("clip_norm", "clip_value"):
        clipped = ours.MLPClassifier(
            schedule=lambda step: 0.1 * (step == 0), **{limit: 1e-6}, **given
        ).fit(X_iris, y_iris)
        moved = np.concatenate(
            [(a - b).ravel() for a, b in zip(clipped.coefs_, slow.coefs_, strict=True)]
        )
        assert 0 < np.abs(moved).max() <= 1.001e-7
    assert np.abs(first.coefs_[0] - slow.coefs_[0]).max() > 1e-4
    cosine = ours.MLPClassifier(schedule=CosineDecay(0.1, 100), solver="sgd", random_state=0)
    assert cosine.fit(X_iris, y_iris).score(X_iris, y_iris) > 0.9


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"activation": "softmax"}, "The 'activation' parameter of MLPClassifier must be a str"),
        ({"optimizer": "sgdx"}, "The 'optimizer' parameter of MLPClassifier must be"),
        ({"dropout": 1.0}, "The 'dropout' parameter of MLPClassifier must be a float in"),
        ({"clip_norm": 0}, "The 'clip_norm' parameter of MLPClassifier must be a float in"),
        ({"schedule": 3}, "The 'schedule' parameter of MLPClassifier must be a callable"),
    ],
)
def test_wrong_arguments_are_told_as_scikit_learn_tells_them(arguments, text):
    with pytest.raises(ValueError, match=text):
        ours.MLPClassifier(**arguments).fit(X_iris, y_iris)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_targets_are_as_wide_as_the_outputs(solver):
    """The loop reads as many numbers a sample as there are outputs."""
    two = np.column_stack([y_reg, y_reg])
    for first, later in ((y_reg, two), (two, y_reg), (np.column_stack([two, y_reg]), two)):
        given = {"hidden_layer_sizes": (4,), "warm_start": True, "max_iter": 2}
        model = ours.MLPRegressor(solver=solver, **given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X_reg, first)
        outputs = model.n_outputs_
        with pytest.raises(ValueError, match=f"fit: y must have {outputs} outputs, as the weights"):
            model.fit(X_reg, later)
        assert model.n_outputs_ == outputs and model.predict(X_reg).shape == first.shape


def test_weights_changed_by_hand_must_take_the_samples():
    for k, shape in ((0, (9, 4)), (0, (2, 4)), (0, (3, 4)), (1, (7, 3)), (1, (12,))):
        model = ours.MLPClassifier((4,), tol=1.0, random_state=0).fit(X_iris, y_iris)
        model.coefs_[k] = np.ones(shape)
        for call in (model.predict, lambda X, m=model: m.partial_fit(X, y_iris)):
            with pytest.raises(ValueError, match=rf"coefs_\[{k}\] must have shape \(4, "):
                call(X_iris)


def test_long_doubles_are_answered_in_float64():
    model = ours.MLPClassifier((4,), tol=1.0, random_state=0).fit(X_iris, y_iris)
    assert_allclose(model.predict_proba(X_iris.astype(np.longdouble)), model.predict_proba(X_iris))


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "adamw"}, {"dropout": 0.5}, {"schedule": abs}, {"clip_norm": 1.0},
        {"clip_value": 1.0},
    ],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_what_only_mini_batches_have_a_use_for_is_refused_with_lbfgs(given):
    model, name = ours.MLPRegressor(solver="lbfgs", **given), next(iter(given))
    with pytest.raises(ValueError, match=rf"{name} must be left out with solver='lbfgs'"):
        model.fit(X_reg, y_reg)
    assert not hasattr(model, "coefs_")


def test_optimizers_by_name_are_rules():
    from fastnet.sklearn.stepping import OPTIMIZERS

    kinds = [getattr(rules, name) for name in rules.__all__]
    names = [kind.__name__ for kind in kinds if isinstance(kind, type)]
    assert set(OPTIMIZERS) == {name.lower() for name in names} - {"optimizer", "sgd", "adam"}
    assert "rmsprop" in OPTIMIZERS


def test_negative_sample_weights_are_refused():
    weight = np.ones(150)
    weight[7] = -2
    text = r"sample_weight must be at least 0, got sample_weight\[7\]=-2\. Give samples that do"
    for solver, method in (("adam", "fit"), ("lbfgs", "fit"), ("sgd", "partial_fit")):
        given = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
        with pytest.raises(ValueError, match=rf"^MLPClassifier\.{method}: {text}"):
            model = ours.MLPClassifier(solver=solver)
            getattr(model, method)(X_iris, y_iris, sample_weight=weight, **given)


def test_a_loss_that_overflows_is_scikit_learns_error():
    model = ours.MLPRegressor(solver="sgd", learning_rate_init=1e3, random_state=0, max_iter=30)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        model.fit(1e6 * X_reg, y_reg)
    assert np.isnan(model.loss_) and model.n_iter_ == 30


# --------------------------------------------------------------------------- scikit-learn's tools


CHECKS = [
    pair
    for kind in (ours.MLPClassifier, ours.MLPRegressor)
    for pair in estimator_checks_generator(kind(max_iter=50))
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    CHECKS,
    ids=lambda one: getattr(getattr(one, "func", None), "__name__", type(one).__name__),
)
def test_estimator_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_parameters_are_scikit_learns_and_ours():
    for name in ("MLPClassifier", "MLPRegressor"):
        their, our = getattr(theirs, name)().get_params(), getattr(ours, name)().get_params()
        assert their.items() <= our.items()
        more = {"optimizer", "schedule", "dropout", "clip_value", "clip_norm"}
        more |= {"class_weight"} if name == "MLPClassifier" else set()
        assert our.keys() - their.keys() == more
        assert repr(getattr(ours, name)(alpha=1.0)) == f"{name}(alpha=1.0)"
        assert isinstance(getattr(ours, name)(), getattr(theirs, name))


def test_warnings_are_scikit_learns():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        ours.MLPClassifier(max_iter=2).fit(X_iris, y_iris)
    with pytest.warns(UserWarning, match="batch_size` less than 1 or larger than sample size"):
        ours.MLPClassifier(max_iter=2, batch_size=1000).fit(X_iris, y_iris)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        ours.MLPClassifier(max_iter=2, solver="lbfgs").fit(X_iris, y_iris)


def test_verbose_says_what_scikit_learn_says(capsys):
    said = []
    for module in (theirs, ours):
        given = {"verbose": True, "random_state": 0, "tol": 0.5, "n_iter_no_change": 2}
        module.MLPClassifier(early_stopping=True, **given).fit(X_iris, y_iris)
        module.MLPClassifier(solver="sgd", learning_rate="adaptive", max_iter=9, **given).fit(
            X_iris, y_iris
        )
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "Setting learning rate to" in said[0]


def test_copies_and_files(tmp_path):
    joblib = pytest.importorskip("joblib")
    model = ours.MLPClassifier(max_iter=10, random_state=0).fit(X_iris, y_iris)
    answers = model.predict_proba(X_iris)
    joblib.dump(model, tmp_path / "model.joblib")
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    copies += [joblib.load(tmp_path / "model.joblib", mmap_mode=mode) for mode in (None, "r")]
    for one in copies:
        assert_array_equal(one.predict_proba(X_iris), answers)
    known = clone(model)
    for one in (model, *copies):
        one.partial_fit(X_iris, y_iris)
        assert_array_equal(one.coefs_[0], model.coefs_[0])
    assert not hasattr(known, "coefs_")


def test_skops_keeps_an_estimator():
    skops = pytest.importorskip("skops.io")
    model = ours.MLPClassifier(max_iter=10, random_state=0).fit(X_iris, y_iris)
    data = skops.dumps(model)
    loaded = skops.loads(data, trusted=skops.get_untrusted_types(data=data))
    assert_array_equal(loaded.predict_proba(X_iris), model.predict_proba(X_iris))
    loaded.partial_fit(X_iris, y_iris)


def test_pipelines_searches_and_ensembles():
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import BaggingClassifier, VotingClassifier
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def model(module):
        return module.MLPClassifier((8,), max_iter=20, random_state=0, learning_rate_init=0.02)

    def uses(module):
        scaled = ColumnTransformer([("scaled", StandardScaler(), [0, 1, 2, 3])])
        yield make_pipeline(scaled, model(module))
        yield GridSearchCV(model(module), {"alpha": [1e-4, 1.0]}, cv=2)
        yield HalvingGridSearchCV(
            model(module), {"alpha": [1e-4, 1.0]}, cv=2, random_state=0, max_resources=60
        )
        yield CalibratedClassifierCV(model(module), cv=2)
        yield BaggingClassifier(model(module), n_estimators=2, random_state=0)
        yield VotingClassifier([("one", model(module)), ("two", model(module))], voting="soft")

    for one, other in zip(uses(theirs), uses(ours), strict=True):
        probabilities = [use.fit(X_iris, y_iris).predict_proba(X_iris) for use in (one, other)]
        assert_allclose(probabilities[1], probabilities[0], atol=1e-8)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_searches_in_threads_and_processes(backend):
    from joblib import parallel_config
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(
        ours.MLPClassifier((8,), max_iter=20, random_state=0), {"alpha": [1e-4, 0.1, 1.0]}, cv=2
    )
    alone = clone(search).fit(X_iris, y_iris).cv_results_["mean_test_score"]
    with parallel_config(backend=backend, n_jobs=2):
        assert_array_equal(search.fit(X_iris, y_iris).cv_results_["mean_test_score"], alone)


# --------------------------------------------------------------------------- patch


def test_patch_and_unpatch(capsys, monkeypatch):
    known = type(sys)("known")
    known.MLPClassifier, known.other = theirs.MLPClassifier, theirs.MLPRegressor
    monkeypatch.setitem(sys.modules, "known", known)
    kept = theirs.MLPClassifier
    before = pickle.dumps(kept())
    ours.patch()
    try:
        ours.patch()
        assert theirs.MLPClassifier is known.MLPClassifier is ours.MLPClassifier
        assert theirs.MLPRegressor is ours.MLPRegressor
        assert type(pickle.loads(before)) is kept
        pickle.dumps(kept())
        ours.MLPClassifier(max_iter=2).fit(X_iris, y_iris)
    finally:
        ours.unpatch()
    said = capsys.readouterr().err
    assert said.count("are fastnet's now") == 1
    assert theirs.MLPClassifier is known.MLPClassifier is kept
    assert theirs.MLPClassifier.__module__.startswith("sklearn.")
    ours.unpatch()


def test_unpatch_leaves_what_has_imported_ours_by_itself(monkeypatch):
    users = type(sys)("users")
    users.MLPClassifier = ours.MLPClassifier
    monkeypatch.setitem(sys.modules, "users", users)
    ours.unpatch()
    assert users.MLPClassifier is ours.MLPClassifier
    ours.patch(verbose=False)
    ours.unpatch()
    assert users.MLPClassifier is ours.MLPClassifier is not theirs.MLPClassifier


@pytest.mark.slow
def test_scikit_learns_own_tests_pass(tmp_path):
    """All of its test_mlp.py, with our classes in the place of its own."""
    package = Path(sklearn.__file__).parent
    tests = package / "neural_network" / "tests" / "test_mlp.py"
    if not tests.is_file():
        pytest.skip("scikit-learn is installed without its tests")
    (tmp_path / "test_mlp.py").write_text(tests.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(
        "import fastnet.sklearn, pytest\n"
        "fastnet.sklearn.patch()\n"
        "@pytest.fixture\n"
        "def global_random_seed():\n"
        "    return 42\n"
    )
    done = children.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
    )  # fmt: skip
    assert re.search(r"^[0-9]{2} passed in", done.stdout, re.M), done.stdout[-3000:]


def test_the_command_runs_a_script_with_ours(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        "from sklearn.neural_network import MLPClassifier\n"
        "if __name__ == '__main__':\n"
        "    print(MLPClassifier.__module__, sys.argv[1:], sys.path[0])\n"
    )
    command = [sys.executable, "-m", "fastnet", "sklearn", str(script), "--folds", "5"]
    done = children.run(command)
    assert done.stdout == f"fastnet.sklearn.classifier ['--folds', '5'] {tmp_path}\n", done.stderr
    assert done.stderr.count("are fastnet's now") == 1
    from fastnet.cli import main

    with pytest.raises(SystemExit) as caught:
        main(["sklearn", str(tmp_path / "missing.py")])
    assert caught.value.code == 2


def test_targets_that_cannot_be_written_compile_nothing():
    """Numba has another type for them: the loop would be compiled once more, in four seconds."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    y = x @ [[1.0, 2.0], [0.0, 1.0], [1.0, 0.0]]
    ours.MLPRegressor(max_iter=1, n_iter_no_change=1, tol=1e9).fit(x, y)
    before = len(train_epochs.signatures)
    y.flags.writeable = False
    ours.MLPRegressor(max_iter=1, n_iter_no_change=1, tol=1e9).fit(x, y)
    assert len(train_epochs.signatures) == before
