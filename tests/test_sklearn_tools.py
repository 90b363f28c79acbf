"""Our estimators in scikit-learn's tools: its checks, searches, pipelines, warnings, files."""

import copy
import pickle
import warnings

import pytest
from estimated import X_iris, y_iris
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

import fastnet.sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


CHECKS = [
    pair
    for kind in (ours.MLPClassifier, ours.MLPRegressor)
    for pair in estimator_checks_generator(kind(max_iter=50))
]


@with_each("estimator, check", CHECKS)
def test_estimator_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_parameters_of_a_class_that_derives_from_ours():
    """The signature is kept on each constructor: that of a subclass is its own."""

    class Narrow(ours.MLPClassifier):
        def __init__(self, alpha=0.5):
            super().__init__((3,), alpha=alpha, max_iter=5)

    class Same(ours.MLPClassifier):
        pass

    assert Narrow().get_params() == {"alpha": 0.5}
    assert clone(Narrow(alpha=0.1)).fit(X_iris, y_iris).coefs_[0].shape == (4, 3)
    assert Same().get_params() == ours.MLPClassifier().get_params()


def test_a_constructor_that_is_another_classes_is_left_as_it_is():
    class Mixed:
        def __init__(self):
            pass

    class First(Mixed, ours.MLPClassifier):
        pass

    class Mapping(dict, ours.MLPClassifier):
        """Whose constructor, written in C, takes no signature."""

    class Bare(ours.MLPClassifier):
        __init__ = object.__init__

    assert First().get_params() == {} and not hasattr(Mixed.__init__, "__signature__")
    assert Mapping(a=1) == {"a": 1} and type(Bare()) is Bare


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
