"""Checks of what an optimizer is given, and of what it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from fastnet.checks.arrays import COMPUTED, FLOAT32, FLOAT64, _shown, array, is_canonical
from fastnet.checks.numbers import number

__all__ = [
    "clippable",
    "no_optimizer",
    "optimizer_of_others",
    "other_array",
    "pairs",
    "state",
    "state_kind",
]


def pairs(where: str, params: Any, grads: Any) -> list[tuple[Any, Any, Any, bool]]:
    """Return (key, param, grad, fits) for every entry of two lists, or of dicts by params' keys.

    fits tells whether an update kernel takes the two arrays as they are.
    """
    if isinstance(params, dict) and isinstance(grads, dict):
        for key in params:
            if key not in grads:
                raise KeyError(
                    f"{where}: grads must have every key of params, got none for {key!r}. "
                    "Compute its gradient, or leave it out of params."
                )
        keys: Any = params
    elif isinstance(params, list) and isinstance(grads, (list, tuple)):
        if len(params) != len(grads):
            raise ValueError(
                f"{where}: grads must be as many as params, got {len(grads)} grads for "
                f"{len(params)} params. Give the two lists of the same layers."
            )
        keys = range(len(params))
    else:
        raise TypeError(
            f"{where}: params and grads must be two lists or two dicts, got "
            f"{type(params).__name__} and {type(grads).__name__}. Give layer.params and "
            "layer.grads, or a network's params and gradient."
        )
    found = []
    for key in keys:
        param, grad = params[key], grads[key]
        if (  # `common_dtype` of arrays that own their memory, in line: a third of the time
            type(param) is type(grad) is ndarray
            and param.flags.carray
            and grad.flags.carray
            and ((dtype := param.dtype) is FLOAT64 or dtype is FLOAT32)
            and grad.dtype is dtype
            and param.shape == grad.shape
            and param.base is grad.base is None
        ):
            found.append((key, param, grad, True))
        else:
            found.append(_pair(where, key, param, grad))
    return found


def _pair(where: str, key: Any, param: Any, grad: Any) -> tuple[Any, Any, Any, bool]:
    """Check one parameter that an optimizer is to change, and its gradient."""
    if (
        type(param) is np.ndarray
        and param.dtype in COMPUTED
        and param.flags.carray
        and is_canonical(grad, param.dtype)
        and grad.shape == param.shape
        # Where they overlap, the kernel would read what it has written; NumPy looks ahead.
        and not np.may_share_memory(param, grad)
    ):
        return key, param, grad, True
    if not isinstance(param, np.ndarray):
        number(where, f"params[{key!r}]", param)
        return key, param, number(where, f"grads[{key!r}]", grad), False
    if param.dtype.kind != "f" or param.dtype.itemsize > 8:
        raise TypeError(
            f"{where}: params[{key!r}] must be an array of float16, float32 or float64, got dtype "
            f"{param.dtype}. Convert it before training."
        )
    if not param.flags.writeable:
        raise ValueError(
            f"{where}: params[{key!r}] must be writeable, got a read-only array. "
            "Train a copy of it."
        )
    grad = array(where, f"grads[{key!r}]", grad)
    if grad.shape != param.shape:
        raise ValueError(
            f"{where}: grads[{key!r}] must have shape {param.shape} to match params[{key!r}], got "
            f"{grad.shape}. Give the gradient of that array."
        )
    return key, param, grad, False


def other_array(where: str, key: Any, names: tuple[str, ...]) -> ValueError:
    """Return the error for an array in the place of one that an optimizer has states of."""
    return ValueError(
        f"{where}: params[{key!r}] must be the array of which it has {' and '.join(names)}, got "
        "another one. Give all parameters at each step, in one list or dict, and change them in "
        "place; for others make a new optimizer, or call reset()."
    )


def optimizer_of_others(where: str, optimizer: Any) -> ValueError:
    """Return the error for an optimizer that goes on from what other arrays have left in it."""
    return ValueError(
        f"{where}: optimizer must be a new one, or have trained this model, got {optimizer!r} "
        f"after {optimizer.iter} updates of other arrays. Make a new one, or call its reset()."
    )


def state_kind(where: str, name: str, kind: type, held: Any) -> None:
    """Check that what an optimizer keeps under a name is a list or dict as params is."""
    if not isinstance(held, kind):
        raise TypeError(
            f"{where}: {name} must be a {kind.__name__} like params, got a {type(held).__name__}. "
            "Make another optimizer for other parameters."
        )


def state(where: str, name: str, key: Any, array: Any, shape: tuple[int, ...]) -> None:
    """Check one array that an optimizer keeps against its parameter's shape."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(
            f"{where}: {name}[{key!r}] must be an array of floats, got {_shown(array)}. "
            f"Leave {name} to the optimizer."
        )
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name}[{key!r}] must have shape {shape} to match params[{key!r}], got "
            f"{array.shape}. Give all parameters in one list, the same in each update; or make "
            "another optimizer for other parameters."
        )
    if not array.flags.writeable:
        raise ValueError(
            f"{where}: {name}[{key!r}] must be writeable, got a read-only array. Assign a copy."
        )


def clippable(where: str, grads: Any) -> list[NDArray[Any]]:
    """Return the arrays of a list, tuple or dict of gradients that are to be changed in place."""
    if not isinstance(grads, (list, tuple, dict)):
        raise TypeError(
            f"{where}: grads must be a list or a dict of arrays, got {_shown(grads)}. "
            "Give layer.grads, or a network's gradient."
        )
    entries = grads.items() if isinstance(grads, dict) else enumerate(grads)
    for key, grad in entries:
        if not isinstance(grad, np.ndarray) or grad.dtype.kind != "f" or grad.dtype.itemsize > 8:
            raise TypeError(
                f"{where}: grads[{key!r}] must be an array of float16, float32 or float64, got "
                f"{_shown(grad)}. Convert it to float64."
            )
        if not grad.flags.writeable:
            raise ValueError(
                f"{where}: grads[{key!r}] must be writeable, got a read-only array. Clip a copy."
            )
    return [*grads.values()] if isinstance(grads, dict) else [*grads]


def no_optimizer(where: str, value: Any, names: Iterable[str]) -> TypeError:
    """Return the error for an optimizer that is none; a class, or the name of one, is told so."""
    advice = "Give one, such as SGD()"
    if isinstance(value, str):
        known = {name.lower(): name for name in names}
        advice = f"Give an object, {known.get(value.lower(), 'SGD')}()"
    elif isinstance(value, type):
        advice = f"Give an object, {value.__name__}()" if value.__name__ in names else advice
    return TypeError(
        f"{where}: optimizer must be one of fastnet.optimizer, got {_shown(value)}. {advice}."
    )
