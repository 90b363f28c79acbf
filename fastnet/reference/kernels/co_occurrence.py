"""Words near each other: how often, and how much oftener than by chance."""

import numpy as np


def co_occurrence_forward(corpus, window_size, counts):
    """Add 1 to counts[v, w] and counts[w, v] for every v and w at most window_size words apart."""
    for distance in range(1, window_size + 1):
        v, w = corpus[:-distance], corpus[distance:]
        np.add.at(counts, (v, w), 1)
        np.add.at(counts, (w, v), 1)


def ppmi_forward(counts, rows, columns, total, eps, out):
    """Write out = max(0, log2(counts * total / (columns * rows) + eps)) where counts are not 0."""
    v, w = np.nonzero(counts)
    with np.errstate(invalid="ignore"):
        mutual = np.log2(counts[v, w] * total / (columns[w] * rows[v]) + eps)
    out[v, w] = np.fmax(mutual, 0)
