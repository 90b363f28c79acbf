"""Layers from a perceptron of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet import checks, layers

# What its last layer does -> the activation of ours, and the loss that includes the rest.
LAST = {
    "softmax": (None, "softmax_cross_entropy"),
    "logistic": ("sigmoid", "binary_cross_entropy"),
    "identity": (None, "mean_squared_error"),
}


def layers_of(where: str, mlp: Any) -> tuple[list[Any], str, str]:
    """Return layers with the weights of a fitted MLPClassifier or MLPRegressor, loss and dtype."""
    if not hasattr(mlp, "coefs_"):
        raise TypeError(
            f"{where}: mlp must be an MLPClassifier or MLPRegressor that is fitted, got "
            f"{type(mlp).__name__}. Call mlp.fit(x, t) first."
        )
    checks.convertible(where, "out_activation_", mlp.out_activation_, LAST)
    last, loss = LAST[mlp.out_activation_]
    found: list[Any] = []
    for i, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        activation = mlp.activation if i + 1 < len(mlp.coefs_) else last  # Dense knows its names
        options = {"units": W.shape[1], "activation": activation}
        found.append(layers.Dense._from_saved(options, {"W": np.array(W), "b": np.array(b)}))
    return found, loss, np.dtype(mlp.coefs_[0].dtype).name
