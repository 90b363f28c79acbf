import warnings

import numpy as np

from . import DTYPES


class Estimators:
    """Five epochs of digits, and its answers; `python -m asv_benchmarks.estimators` has tables."""

    param_names = ["library", "dtype", "solver"]
    params = [["scikit-learn", "fastnet"], DTYPES, ["sgd", "adam", "lbfgs"]]

    def setup(self, library, dtype, solver):
        try:
            from sklearn import neural_network
            from sklearn.datasets import load_digits
        except ImportError:
            raise NotImplementedError from None  # asv leaves it out
        import fastnet.sklearn

        kinds = {"scikit-learn": neural_network, "fastnet": fastnet.sklearn}
        X, self.y = load_digits(return_X_y=True)
        self.X = X.astype(dtype)
        warnings.simplefilter("ignore")
        fitted = {
            name: kind.MLPClassifier(solver=solver, max_iter=5, random_state=0).fit(self.X, self.y)
            for name, kind in kinds.items()
        }
        # Of five epochs: both have learnt the same, as far as float32 rounds.
        weights = [model.coefs_ + model.intercepts_ for model in fitted.values()]
        for theirs, own in zip(*weights, strict=True):
            np.testing.assert_allclose(own, theirs, atol=1e-12 if dtype == "float64" else 3e-5)
        self.fitted = fitted[library]
        self.model = kinds[library].MLPClassifier(solver=solver, max_iter=5, random_state=0)

    def time_fit(self, *_):
        self.model.fit(self.X, self.y)

    def time_predict(self, *_):
        self.fitted.predict(self.X)
