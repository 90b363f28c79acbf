"""`patch`: fastnet's estimators in the place of scikit-learn's, for a program as it is."""

from __future__ import annotations

import sys
from typing import Any

import sklearn.neural_network
import sklearn.neural_network._multilayer_perceptron as original

from fastnet.sklearn.classifier import MLPClassifier
from fastnet.sklearn.regressor import MLPRegressor

__all__ = ["patch", "unpatch"]

OURS: dict[str, Any] = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
THEIRS: dict[str, Any] = {name: getattr(original, name) for name in OURS}
# Where the classes stand, for pickles of scikit-learn's own, which are known by that place.
KEPT = {original.__name__}


def patch(verbose: bool = True) -> None:
    """Put fastnet's MLPClassifier and MLPRegressor in the place of scikit-learn's.

    `from sklearn.neural_network import MLPClassifier` gives fastnet's from now on, and modules that
    have imported scikit-learn's by that name have fastnet's. Estimators that exist stay as they
    are, and pickles of scikit-learn's give scikit-learn's.

    Parameters
    ----------
    verbose : bool
        Say so on standard error, the first time.

    Notes
    -----
    As `sklearnex.patch_sklearn` of scikit-learn-intelex does it.

    Examples
    --------
    >>> import fastnet.sklearn
    >>> fastnet.sklearn.patch(verbose=False)
    >>> from sklearn.neural_network import MLPClassifier
    >>> MLPClassifier is fastnet.sklearn.MLPClassifier
    True
    >>> fastnet.sklearn.unpatch()
    """
    if sklearn.neural_network.MLPClassifier is MLPClassifier:
        return
    _replace(THEIRS, OURS)
    if verbose:
        print(
            "fastnet.sklearn: MLPClassifier and MLPRegressor of sklearn.neural_network are "
            "fastnet's now.",
            file=sys.stderr,
        )


def unpatch() -> None:
    """Give scikit-learn its own classes back, where `patch` has replaced them.

    Examples
    --------
    >>> import fastnet.sklearn
    >>> fastnet.sklearn.unpatch()
    """
    _replace(OURS, THEIRS)


def _replace(olds: dict[str, Any], news: dict[str, Any]) -> None:
    for name, module in list(sys.modules.items()):
        if name in KEPT or name.partition(".")[0] == "fastnet":
            continue
        for known, old in olds.items():
            # vars(): asking a module would let lazy ones import what nobody wants.
            if getattr(module, "__dict__", {}).get(known) is old:
                setattr(module, known, news[known])
