"""Warnings that name the line of the user's own code."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn"]

# What may stand between a user's line and a warning: scikit-learn calls our estimators' methods.
BETWEEN = {"fastnet", "joblib", "sklearn"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn with the line that called fastnet, however deep in it this is called."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
