"""Optimizers: update(params, grads) changes the arrays of params in place."""

from fastnet.optimizer.adam import (
    Adam,
    AdamW,
    Nadam,
)
from fastnet.optimizer.adaptive import (
    AdaDelta,
    AdaGrad,
    RMSprop,
)
from fastnet.optimizer.base import _Optimizer as _Optimizer
from fastnet.optimizer.clipping import (
    clip_by_norm,
    clip_by_value,
)
from fastnet.optimizer.descent import KERNELS as KERNELS
from fastnet.optimizer.descent import (
    SGD,
    Momentum,
    Nesterov,
)
from fastnet.optimizer.descent import _update_at_once as _update_at_once

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nadam",
    "Nesterov",
    "RMSprop",
    "clip_by_norm",
    "clip_by_value",
]


for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
