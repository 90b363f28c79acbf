"""Checks of what models and numerical gradients are given."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from fastnet.checks.arrays import _shown

__all__ = [
    "batches_of_states",
    "changeable",
    "converted",
    "derivable",
    "function",
    "one_each",
    "pair",
    "path",
    "remembers",
    "repeatable",
]


def path(where: str, value: Any) -> str:
    """Return the path of a file as text, from text, bytes or a path object."""
    try:
        found = os.fsdecode(value)
    except TypeError:
        raise TypeError(
            f"{where}: path must be text, bytes or a path, got {_shown(value)}. Give a file name."
        ) from None
    if not found or "\0" in found:
        raise ValueError(f"{where}: path must be a file name, got {found!r}. Give another.")
    return found


def converted(where: str, name: str, array: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Write a parameter into out, in whose dtype its finite numbers must stay finite; return it."""
    with np.errstate(over="ignore"):
        out[...] = array
    if out.dtype.itemsize < array.dtype.itemsize and (np.isfinite(array) > np.isfinite(out)).any():
        raise ValueError(
            f"{where}: {name} must be finite in {out.dtype.name}, got numbers up to "
            f"{np.abs(array[np.isfinite(array)]).max():g}. Scale it down, or make a model of "
            f"{array.dtype.name}."
        )
    return out


def pair(where: str, name: str, value: Any) -> None:
    """Check that value is a pair (x, t), or has weights, too."""
    if not isinstance(value, (tuple, list)) or len(value) not in (2, 3):
        got = f"{len(value)} parts" if isinstance(value, (tuple, list)) else _shown(value)
        raise TypeError(f"{where}: {name} must be a pair, got {got}. Give (x, t).")


def function(where: str, name: str, value: Any) -> None:
    """Check that value can be called."""
    if not callable(value):
        raise TypeError(
            f"{where}: {name} must be a function, got {_shown(value)}. Give one that takes x."
        )


def changeable(where: str, name: str, value: Any) -> None:
    """Check that value is an array of floats whose elements can be changed in place."""
    if not isinstance(value, ndarray):
        raise TypeError(
            f"{where}: {name} must be an array, as it is changed in place, got {_shown(value)}. "
            f"Give numpy.array({name}, float)."
        )
    if value.dtype.kind != "f" or value.dtype.itemsize > 8:
        raise TypeError(
            f"{where}: {name} must be an array of float16, float32 or float64, got dtype "
            f"{value.dtype}. Give {name}.astype(float)."
        )
    if not value.flags.writeable:
        raise ValueError(
            f"{where}: {name} must be writeable, as it is changed in place, got a read-only array. "
            f"Give {name}.copy()."
        )


def one_each(where: str, value: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that f gave as many numbers as it was given."""
    if value.shape != shape:
        raise ValueError(
            f"{where}: f(x) must have the shape of x {shape}, got {value.shape}. For a function "
            "that makes one number of many, use numerical_gradient."
        )


def derivable(where: str, model: Any) -> tuple[Any, Any]:
    """Return a model's function of (x, t) that gives the loss, and the one for the gradient.

    The second is None where backward fills grads instead.
    """
    loss, gradient = (getattr(model, name, None) for name in ("loss", "gradient"))
    if not callable(loss):  # the name of one, in Sequential
        loss = getattr(model, "forward", None)
    if not callable(loss):
        lacking = "loss and forward"
    elif not callable(gradient) and not callable(getattr(model, "backward", None)):
        lacking = "gradient and backward"
    else:
        return loss, gradient if callable(gradient) else None
    raise TypeError(
        f"{where}: model must have loss(x, t) or forward(x, t), and gradient(x, t) or backward(), "
        f"got {type(model).__name__} without {lacking}. Give a Sequential, a TwoLayerNet, or an "
        "object with these, params and grads."
    )


def batches_of_states(where: str, layers: list[Any], batch_size: int) -> None:
    """Check that batches have as many sequences as stateful layers keep states of."""
    for i, layer in enumerate(layers):
        if layer.stateful and layer.batch_size != batch_size:
            raise ValueError(
                f"{where}: batch_size must be that of layers[{i}], which is stateful, "
                f"{layer.batch_size}, got {batch_size}: no other batch goes on from its states. "
                f"Give batch_size={layer.batch_size}, of as many samples or more."
            )


def remembers(where: str, layer: Any, name: str, shape: tuple[int, ...]) -> None:
    """Check the shape of what a user may have assigned to what a layer remembers."""
    kept = getattr(layer, name)
    if kept is not None and np.shape(kept) != shape:
        raise ValueError(
            f"{where}: {name} of {layer!r} must have shape {shape}, got {np.shape(kept)}. Assign "
            "an array of that shape, or None."
        )


def repeatable(where: str, first: Any, second: Any) -> None:
    """Check that a loss was the same twice; NaN is."""
    if first != second and (first == first or second == second):
        raise ValueError(
            f"{where}: loss must be the same in every call, got {first} and then {second}. "
            "Leave out what is random, such as Dropout, and stateful=True."
        )
