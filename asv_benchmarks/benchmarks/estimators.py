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

        module = neural_network if library == "scikit-learn" else fastnet.sklearn
        X, self.y = load_digits(return_X_y=True)
        self.X = X.astype(dtype)
        warnings.simplefilter("ignore")
        self.model = module.MLPClassifier(solver=solver, max_iter=5, random_state=0)
        self.fitted = module.MLPClassifier(solver=solver, max_iter=5, random_state=0)
        self.fitted.fit(self.X, self.y)
        assert np.isfinite(self.fitted.loss_)

    def time_fit(self, *_):
        self.model.fit(self.X, self.y)

    def time_predict(self, *_):
        self.fitted.predict(self.X)
