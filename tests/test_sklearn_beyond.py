"""What our estimators have beyond scikit-learn's: class weights, optimizers, dropout, schedules."""

import pickle

import numpy as np
import pytest
from estimated import X_iris, X_reg, assert_same, y_iris, y_reg
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.base import clone

import fastnet.sklearn as ours
from fastnet import optimizer as rules
from fastnet.optimizer import RMSprop
from fastnet.schedules import CosineDecay

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
