"""Softmax and cross entropy of the steps of sequences, of which those labelled -1 do not count."""

import numpy as np

from .softmax import softmax_forward


def sequence_loss_forward(x, t, y, loss):
    """Write y = softmax(x) and loss[0] = mean(logsumexp(x) - x[t]) of the rows with t >= 0."""
    counts = t >= 0
    rest = x[counts] - x[counts].max(axis=1, keepdims=True)
    chosen = rest[np.arange(len(rest)), t[counts]]
    loss[0] = np.sum(np.log(np.exp(rest).sum(axis=1)) - chosen) / max(counts.sum(), 1)
    softmax_forward(x, y)


def sequence_loss_backward(y, t, dout, dx):
    """Write dx[n, c] = (y[n, c] - [c == t[n]]) * dout / M of the M rows with t >= 0, else 0."""
    counts = t >= 0
    dx[...] = y
    dx[counts, t[counts]] -= 1
    dx *= dout / max(counts.sum(), 1)
    dx[~counts] = 0
