"""Which arrays an optimizer is given: those twice among them, and those that its states are of."""

from __future__ import annotations

from operator import is_
from typing import Any

import numpy as np
from numpy import ndarray

from fastnet import checks

__all__ = ["each_array_once", "followed", "goes_along", "moved"]


def each_array_once(where: str, pairs: list[Any]) -> list[Any]:
    """Return the pairs with every array once: its gradient is the sum of those that it has."""
    if len({getattr(param, "size", None) for _, param, _, _ in pairs}) == len(pairs):
        return pairs  # 0.4 us for two layers, where a look at addresses takes 4
    found: list[Any] = []
    places: dict[Any, list[int]] = {}
    for pair in pairs:
        _, param, grad, _ = pair
        base = getattr(param, "base", None)
        owner = base if isinstance(base, ndarray) else param
        same = places.setdefault((id(owner), np.size(param)), [])
        tied = [i for i in same if _are_tied(found[i][1], param)]
        if tied:
            key, first, total, _ = found[tied[0]]
            if (first.shape, first.strides) != (param.shape, param.strides):
                grad = grad.T
            total = np.add(total, grad, dtype=checks.result_dtype(total, grad), order="C")
            found[tied[0]] = checks.pairs(where, {key: first}, {key: total})[0]
        else:
            same.append(len(found))
            found.append(pair)
    return found


def _are_tied(first: Any, second: Any) -> bool:
    """Tell whether the two are one array, as it is or transposed."""
    if not isinstance(first, ndarray) or first.dtype != second.dtype:
        return False
    forms = [(array.shape, array.strides) for array in (second, second.T)]
    return (first.shape, first.strides) in forms and first.ctypes.data == second.ctypes.data


def followed(optimizer: Any, params: Any) -> list[Any]:
    """Bring an optimizer's states into the order of params, which may have come or gone since.

    An array that is new among them will begin with zeros. Where other arrays have taken the places
    of those that the states belong to, nothing is changed; a list with the first one's key is
    returned.
    """
    known = optimizer._params
    if isinstance(params, dict) is not isinstance(known, dict):
        return []  # `checks.state_kind` says so
    if isinstance(params, dict):
        others = [key for key in params if key in known and _differ(params[key], known[key])]
        if not others:
            optimizer._params = {**known, **params}
        return others[:1]
    if len(params) == len(known) and all(map(is_, params, known)):
        return []
    places = [_place(i, param, known) for i, param in enumerate(params)]
    gone = [i for i in range(len(known)) if i not in places]
    if None in places and any(_place(i, known[i], params) is None for i in gone):
        return [places.index(None)]
    for name in optimizer.state_names:
        held = getattr(optimizer, name)
        if type(held) is list:
            held = [*held, *[None] * (len(known) - len(held))]
            moved = [None if i is None else held[i] for i in [*places, *gone]]
            setattr(optimizer, name, moved)
    optimizer._params = [*params, *[known[i] for i in gone]]
    return []


def goes_along(optimizer: Any, params: list[Any]) -> bool:
    """Tell whether a copy of a model can have its optimizer; bring its states into their order.

    Not where they are of other arrays by now, and not with a lambda for lr, which no pickle takes.
    """
    is_local = "<" in getattr(optimizer.lr, "__qualname__", "")
    return not is_local and not optimizer._others(params)


def moved(optimizer: Any, places: list[tuple[Any, Any]]) -> None:
    """Let an optimizer know its arrays where they now are: pairs of the old one and the new."""
    if isinstance(getattr(optimizer, "_params", None), list):
        for old, new in places:
            optimizer._params = [new if param is old else param for param in optimizer._params]


def _place(i: int, param: Any, known: list[Any]) -> int | None:
    """Return where a parameter stands among the known ones, at i if it can; None: nowhere."""
    places = [i, *range(len(known))] if i < len(known) else range(len(known))
    for place in places:
        if not _differ(param, known[place]):
            return place
    return None


def _differ(param: Any, other: Any) -> bool:
    """Tell whether two parameters are two arrays; a view that is made anew is the same one."""
    if param is other or not (isinstance(param, ndarray) and isinstance(other, ndarray)):
        return isinstance(param, ndarray) is not isinstance(other, ndarray)
    return param.ctypes.data != other.ctypes.data or param.strides != other.strides
