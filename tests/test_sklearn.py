"""scikit-learn's estimators on the loop: the same weights, outputs, labels and generators."""

import numpy as np
import pytest
from estimated import PROBLEMS, X_iris, X_reg, assert_same, both, y_iris, y_reg
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs

import fastnet.sklearn as ours
from fastnet.sklearn.lbfgs import Objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
