"""scikit-learn's multilayer perceptrons, trained in the compiled loop (extra `sklearn`).

    from fastnet.sklearn import MLPClassifier, MLPRegressor

Changing one import is enough: parameters, attributes, methods and warnings are scikit-learn's own,
and a `random_state` gives its initial weights and its order of samples. `patch` puts both classes
in the place of scikit-learn's without a change to a program, and the command `fastnet sklearn
script.py` runs a script so.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as _error:
    raise ImportError(
        "fastnet.sklearn: scikit-learn must be installed, got no module named 'sklearn'. "
        "Install it: pip install 'fastnet-numba[sklearn]'."
    ) from _error

from fastnet.sklearn.classifier import MLPClassifier
from fastnet.sklearn.patching import patch, unpatch
from fastnet.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "patch", "unpatch"]
