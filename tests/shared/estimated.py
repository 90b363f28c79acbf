"""scikit-learn's estimator and ours, fitted to the same samples and compared."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn import neural_network as theirs
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale

import fastnet.sklearn as ours

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
