"""Penalties on large weights: their value, and their gradient added to another."""

import numpy as np


def l1_penalty_forward(W, strength, loss):
    """Write loss[0] = strength * sum of |W|."""
    loss[0] = strength * np.sum(np.abs(W))


def l1_penalty_backward(W, strength, dW):
    """Add strength * sign(W) to dW."""
    dW += strength * np.sign(W)


def l2_penalty_forward(W, strength, loss):
    """Write loss[0] = strength / 2 * sum of W**2."""
    loss[0] = 0.5 * strength * np.sum(W**2)


def l2_penalty_backward(W, strength, dW):
    """Add strength * W to dW."""
    dW += strength * W
