"""Gradient clipping."""

import numpy as np


def squared_norm_forward(x, total):
    """Write the sum of the squares of x."""
    total[0] = np.sum(np.square(x, dtype=np.float64))
