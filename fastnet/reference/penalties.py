"""Penalties on large weights, L1 and L2: their value and their gradient."""

import numpy as np


def l1_penalty(W: np.ndarray, strength: float) -> float:
    """Return strength * sum(|W|)."""
    return strength * np.sum(np.abs(W))


def l1_penalty_gradient(W: np.ndarray, strength: float) -> np.ndarray:
    """Return strength * sign(W)."""
    return strength * np.sign(W)


def l2_penalty(W: np.ndarray, strength: float) -> float:
    """Return strength / 2 * sum(W**2)."""
    return 0.5 * strength * np.sum(W**2)


def l2_penalty_gradient(W: np.ndarray, strength: float) -> np.ndarray:
    """Return strength * W."""
    return strength * W
