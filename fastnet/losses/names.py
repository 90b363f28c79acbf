"""Losses by name: the library's own, and those that users of other libraries type."""

from __future__ import annotations

from typing import Any

from fastnet import checks
from fastnet.losses import LOSSES, Loss

# Keras' and PyTorch's names for the losses with the same values there: "mse" is the mean over the
# outputs. So PyTorch's losses of logarithms, nll_loss, kl_div and poisson_nll_loss, are none.
ALIASES = {
    "bce": "binary_cross_entropy",
    "bce_loss": "binary_cross_entropy",
    "bce_with_logits": "sigmoid_cross_entropy",
    "bce_with_logits_loss": "sigmoid_cross_entropy",
    "binary_cross_entropy_with_logits": "sigmoid_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "categorical_crossentropy": "categorical_cross_entropy",
    "cosine_similarity": "cosine_proximity",
    "cross_entropy": "softmax_cross_entropy",
    "cross_entropy_loss": "softmax_cross_entropy",
    "crossentropy": "softmax_cross_entropy",
    "hinge_loss": "hinge",
    "huber_loss": "huber",
    "kl_divergence": "kullback_leibler_divergence",
    "kld": "kullback_leibler_divergence",
    "l1": "mean_absolute_error",
    "l1_loss": "mean_absolute_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "elementwise_mean_squared_error",
    "mse_loss": "elementwise_mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
    "smooth_l1": "huber",
    "smooth_l1_loss": "huber",
    "softmax_crossentropy": "softmax_cross_entropy",
    "sparse_categorical_crossentropy": "sparse_categorical_cross_entropy",
}


def named_loss(where: str, name: Any) -> Loss:
    """Return a new loss of that name."""
    if isinstance(name, type) and issubclass(name, Loss):
        raise TypeError(
            f"{where}: loss must be a name or an object, got the class {name.__name__}. "
            f"Give an object, {name.__name__}()."
        )
    return LOSSES[checks.choice(where, "loss", name, LOSSES, ALIASES)]()
