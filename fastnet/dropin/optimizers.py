"""The optimizers of `common`: the books differ in the container, and in Nesterov's order.

Their methods get the script's own as `own`, as those of the layers in first.py do. The own one does
the first update, and so makes the state: a dict or a list of arrays. The kernels go on with that.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.worth import is_little
from fastnet.kernels.updates import (
    adagrad_update,
    adam_update,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from fastnet.optimizer.descent import update_at_once

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "RMSprop"]

UNADJUSTED = 0.0, math.inf, 1.0  # no weight decay and no clipping
EPS = 1e-7
# Bytes of an array, in the mean of all, from which a kernel is sooner than NumPy's passes: two of
# SGD, four of Momentum. Six arrays of a small recurrent net took SGD 44 us, NumPy 6.
TWO_PASSES, FOUR_PASSES = 60_000, 10_000


def _are_little(params: Any, enough: int) -> bool:
    """Tell whether NumPy updates arrays of that size sooner."""
    try:
        arrays = params.values() if type(params) is dict else params
        return is_little(sum(array.nbytes for array in arrays), enough * len(params))
    except (AttributeError, TypeError):
        return False  # they are looked at closer


def rows_of(
    params: Any, grads: Any, numbers: tuple[Any, ...], states: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]] | None:
    """Return (key, grad, *states, param) of dicts or lists, flat; None where no kernel takes one.

    `numbers` are the optimizer's; a whole number, or one of NumPy's, is left to the script's own.
    """
    kind = type(params)
    if kind is not type(grads) or any(type(n) is not float for n in numbers):
        return None
    if kind is dict:
        keys: Any = params
    elif kind is list and len(params) <= len(grads):
        keys = range(len(params))
    else:
        return None
    found = []
    for key in keys:
        param = params[key]
        try:
            row = settled(grads[key]), *[state[key] for state in states]
        except (IndexError, KeyError, TypeError):  # no state yet, or no gradient
            return None
        if checks.common_dtype(param, *row) is None:
            return None
        for array in row:
            # Where they overlapped, the kernel would read what it has written; NumPy looks ahead.
            # Two arrays that are no views do not: 0.1 us instead of 0.5.
            if array.shape != param.shape or array is param:
                return None
            if not (array.base is None is param.base) and np.may_share_memory(array, param):
                return None
        found.append((key, *[array.ravel() for array in (*row, param)]))
    return found


class SGD(Own):
    """param -= lr * grad, in place; what a kernel cannot take is left to the script's own."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params."""
        lr = self.lr
        if type(lr) is float and update_at_once(params, grads, lr):
            return
        rows = None if _are_little(params, TWO_PASSES) else rows_of(params, grads, (lr,))
        if rows is None:
            return own(self, params, grads)
        for _, grad, param in rows:
            sgd_update(grad, param.dtype.type(lr), param)


class Momentum(Own):
    """v = momentum * v - lr * grad, a fresh array, and param += v."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params, and renew those of v."""
        numbers, little = (self.lr, self.momentum), _are_little(params, FOUR_PASSES)
        rows = None if little else rows_of(params, grads, numbers, (self.v,))
        if rows is None:
            return own(self, params, grads)
        for key, grad, _, param in rows:
            self.v[key] = self.v[key].copy()
            momentum_update(grad, *numbers, *UNADJUSTED, self.v[key].ravel(), param)


class Nesterov(Own):
    """The first book's: param takes the v of the update before, then v is updated."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params and of v."""
        numbers = self.lr, self.momentum
        rows = rows_of(params, grads, numbers, (self.v,))
        if rows is None:
            return own(self, params, grads)
        for _, grad, v, param in rows:
            nesterov_update(grad, *numbers, *UNADJUSTED, v, param)


class AdaGrad(Own):
    """h += grad**2, and param -= lr * grad / (sqrt(h) + 1e-7)."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params and of h."""
        rows = rows_of(params, grads, (self.lr,), (self.h,))
        if rows is None:
            return own(self, params, grads)
        for _, grad, h, param in rows:
            adagrad_update(grad, self.lr, EPS, *UNADJUSTED, h, param)


class RMSprop(Own):
    """h = decay_rate * h + (1 - decay_rate) * grad**2, and AdaGrad's step."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params and of h."""
        numbers = self.lr, self.decay_rate
        rows = rows_of(params, grads, numbers, (self.h,))
        if rows is None:
            return own(self, params, grads)
        for _, grad, h, param in rows:
            rmsprop_update(grad, *numbers, EPS, *UNADJUSTED, h, param)


class Adam(Own):
    """Adam with 1e-7 added to the root of v; iter counts the updates."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params, of m and of v."""
        numbers = self.lr, self.beta1, self.beta2
        rows = rows_of(params, grads, numbers, (self.m, self.v))
        if rows is None or type(self.iter) is not int:
            return own(self, params, grads)
        self.iter += 1
        for _, grad, m, v, param in rows:
            adam_update(grad, *numbers, EPS, *UNADJUSTED, self.iter, m, v, param)
