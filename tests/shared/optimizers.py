"""Every optimizer with its states, and arrays for it to update."""

import copy

import numpy as np
import pytest

from fastnet import optimizer
from fastnet.optimizer import Optimizer
from fastnet.reference import optimizer as reference_optimizer

SHAPES = [(4, 3), (3,), (3, 2), (2,), (2, 5), (5,)]  # of W, b, W, b ...


def pairs(rng, dtype=np.float64):
    shapes = [(4, 3), (3,), (1, 1), (33,), (7, 17), (), (0,), (2, 2, 3)]
    return tuple([np.array(rng.standard_normal(s), dtype) for s in shapes] for _ in range(2))


VIEWS = {
    "transposed": lambda a: a.T,
    "sliced": lambda a: a[::2, 1::3],
    "reversed": lambda a: a[::-1, ::-1],
    "column": lambda a: a[:, :1],
}


KINDS = {
    name: kind
    for name, kind in vars(optimizer).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
STATES = {name: kind.state_names for name, kind in KINDS.items()}
# No option; and all of them: the norm of the gradients below is some 15.
OPTIONS = {"plain": {}, "limited": {"weight_decay": 0.01, "clip_value": 0.5, "clip_norm": 9.0}}

every_optimizer = pytest.mark.parametrize("name", STATES)
every_option = pytest.mark.parametrize("options", OPTIONS)


def both(name, options="plain", **more):
    """Return an optimizer and its NumPy twin."""
    return [getattr(m, name)(**OPTIONS[options], **more) for m in (optimizer, reference_optimizer)]


def gradient(rng, shape, dtype=np.float64):
    """Multiples of 2**-10: their squares are summed without rounding, so all norms are the same."""
    return np.asarray(np.round(1024 * rng.standard_normal(shape)) / 1024, dtype)


def copies(arrays):
    return copy.deepcopy(arrays)  # pickle would make byte-swapped arrays native
