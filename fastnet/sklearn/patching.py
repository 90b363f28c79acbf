"""`patch`: fastnet's estimators in the place of scikit-learn's, for a program as it is."""

from __future__ import annotations

import sys
from types import ModuleType
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
# (module, name) of those that have imported ours by themselves: `unpatch` leaves them alone.
_own: set[tuple[str, str]] = set()


def patch(verbose: bool = True) -> None:
    """Put fastnet's MLPClassifier and MLPRegressor in the place of scikit-learn's.

    `from sklearn.neural_network import MLPClassifier` gives fastnet's from now on, and modules that
    have imported scikit-learn's by that name have fastnet's. Estimators that exist stay as they
    are, and pickles of scikit-learn's give scikit-learn's.

    Parameters
    ----------
    verbose : bool
        Say so on standard error, unless they are in place already.

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
    _own.clear()
    _own.update((module.__name__, name) for module, name in _holding(OURS))
    for module, name in _holding(THEIRS):
        setattr(module, name, OURS[name])
    if verbose:
        print(
            "fastnet.sklearn: MLPClassifier and MLPRegressor of sklearn.neural_network are "
            "fastnet's now.",
            file=sys.stderr,
        )


def unpatch() -> None:
    """Give scikit-learn its own classes back, where `patch` has replaced them.

    Modules that had imported fastnet's before `patch` keep them.

    Examples
    --------
    >>> import fastnet.sklearn
    >>> fastnet.sklearn.unpatch()
    """
    if sklearn.neural_network.MLPClassifier is not MLPClassifier:
        return
    for module, name in _holding(OURS):
        if (module.__name__, name) not in _own:
            setattr(module, name, THEIRS[name])


def _holding(classes: dict[str, Any]) -> list[tuple[ModuleType, str]]:
    """Return the modules that have a class by its name, and that name."""
    found = []
    for place, module in list(sys.modules.items()):
        if place in KEPT or place.partition(".")[0] == "fastnet":
            continue
        for name, known in classes.items():
            # vars(): asking a module would let lazy ones import what nobody wants.
            if getattr(module, "__dict__", {}).get(name) is known:
                found.append((module, name))
    return found
