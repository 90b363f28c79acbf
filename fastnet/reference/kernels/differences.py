"""Gradients by their definition, for the networks of ``train.py``."""

import numpy as np

from .losses import mean_squared_error_forward
from .record import SOFTMAX_CROSS_ENTROPY
from .softmax import softmax_cross_entropy_forward
from .train import _forward, _layers_of, _split, _views


def central_differences(
    x,
    labels,
    targets,
    params,
    programs,
    learn,
    steps,
    start,
    stop,
    work,
    grad,
    team,
    member,
):
    """Write the gradient of the mean loss of x (N, D) into grad[start:stop].

    For dense layers and two losses, as in ``train.py``. Each parameter is changed by its step,
    up and down, and put back. A member other than 0 of a team of threads returns at once.
    """
    if member > 0:
        return
    layers = _layers_of(programs)
    stack, (outs, douts) = _views(layers, params), _split(work, layers, len(x))
    total = np.empty(1)

    def mean_loss():
        out = _forward(x, stack, outs)[-1]
        if programs["loss"][0] == SOFTMAX_CROSS_ENTROPY:
            softmax_cross_entropy_forward(out, labels, douts[-1], total)
        else:
            mean_squared_error_forward(out, targets, total)
        return total[0]

    for p in range(start, stop):
        kept, h = params[p], steps[p]
        params[p] = kept + h
        above = mean_loss()
        params[p] = kept - h
        grad[p] = (above - mean_loss()) / (2 * h)
        params[p] = kept
