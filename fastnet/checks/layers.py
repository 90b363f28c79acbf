"""Checks of what layers and losses hold: parameters, gradients, what forward left."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import COMPUTED, FLOAT16, FLOAT32, _shown, array, result_dtype
from fastnet.checks.numbers import number

__all__ = [
    "bias",
    "built",
    "entries",
    "gradient_shapes",
    "gradients",
    "lengths",
    "loss_objects",
    "loss_weights",
    "normalized",
    "parameter",
    "remembered",
    "rescaling",
    "same_features",
    "together",
    "too_few_samples",
    "unbuilt",
    "variances",
]


def parameter(where: str, name: str, value: ArrayLike, ndim: int) -> NDArray[Any]:
    """Return a layer's W (ndim 2, 4) or b (1): float32 and float64 arrays themselves, no copy.

    Lists and integers become float64, float16 becomes float32.
    """
    found = value if isinstance(value, np.ndarray) else array(where, name, value)
    if found.dtype not in COMPUTED:
        dtype = result_dtype(array(where, name, found))
        if not (found.dtype.kind == "f" and dtype.itemsize > 2):  # else: of the other byte order
            found = found.astype(FLOAT32 if dtype == FLOAT16 else dtype)
    if found.ndim != ndim or found.size == 0:
        wanted = {1: "(M,)", 2: "(D, M)", 4: "(FN, C, FH, FW)"}[ndim]
        raise ValueError(
            f"{where}: {name} must be {wanted} with at least one entry, got "
            f"{name}.shape={found.shape}. Give an array {wanted}."
        )
    return found


def bias(where: str, b: NDArray[Any], W: NDArray[Any]) -> None:
    """Check that b (M,) has an entry for each column of W (D, M)."""
    if b.shape != W.shape[1:]:
        raise ValueError(
            f"{where}: b must have shape {W.shape[1:]} to match W {W.shape}, got "
            f"b.shape={b.shape}. Assign W and b of the same M."
        )


def lengths(where: str, name: str, arrays: Collection[NDArray[Any]], count: int) -> None:
    """Check that a layer's params or grads still hold as many arrays as it made."""
    if len(arrays) != count:
        raise ValueError(
            f"{where}: {name} must hold {count} array{'s' * (count > 1)}, got {len(arrays)}. "
            "Assign to its entries; add and remove none."
        )


def gradients(
    where: str, params: tuple[NDArray[Any], ...], grads: tuple[NDArray[Any], ...], count: int
) -> None:
    """Check that the arrays in a layer's params and grads still fit each other."""
    if len(params) != count or len(grads) != count:
        lengths(where, "params", params, count)
        lengths(where, "grads", grads, count)
    W = params[0].shape
    if grads[0].shape == W and (count == 1 or grads[1].shape == params[1].shape == W[1:]):
        return
    gradient_shapes(where, params, grads)
    bias(where, params[1], params[0])


def gradient_shapes(
    where: str, params: tuple[NDArray[Any], ...], grads: tuple[NDArray[Any], ...]
) -> None:
    """Check that each gradient has the shape of its parameter."""
    for i, param in enumerate(params):
        if grads[i].shape != param.shape:
            raise ValueError(
                f"{where}: grads[{i}] must have shape {param.shape} to match params[{i}], got "
                f"{grads[i].shape}. Assign layer.W and layer.b, which remake the gradients."
            )


def remembered(where: str, layer: Any, attribute: str) -> Any:
    """Return what forward left in the layer for backward."""
    try:
        return getattr(layer, attribute)
    except AttributeError:
        raise RuntimeError(f"{where}: call forward first.") from None


def built(where: str, params: list[NDArray[Any]]) -> None:
    """Check that a Dense has its weights."""
    if not params:
        raise RuntimeError(
            f"{where}: call build(n_in, rng, dtype) first, or put the layer into a Sequential and "
            "build or fit that."
        )


def unbuilt(where: str, name: str, value: Any, params: list[NDArray[Any]]) -> None:
    """Check that a Dense has no weights yet, which an argument set later would not change."""
    if params:
        raise RuntimeError(
            f"{where}: {name} must be set before build, got {_shown(value)} for W "
            f"{params[0].shape}. Assign layer.W and layer.b, or make another "
            f"{where.partition('.')[0]}."
        )


def together(where: str, name: str, value: Any, other: str, companion: Any) -> None:
    """Check that both of two arguments are given, or neither."""
    if (value is None) != (companion is None):
        given, missing = (other, name) if value is None else (name, other)
        raise TypeError(
            f"{where}: {missing} must be given where {given} is, got None. Give both, or neither."
        )


def rescaling(where: str, name: str, value: Any) -> float:
    """Return the scale or offset of a rescaling as a float; it must be finite, a scale not 0."""
    found = number(where, name, value)
    if not math.isfinite(found) or (found == 0 and name == "scale"):
        rule = "be finite and not 0" if name == "scale" else "be finite"
        raise ValueError(
            f"{where}: {name} must {rule}, got {found}. Give a number such as "
            f"{'1 / 255' if name == 'scale' else '-1'}."
        )
    return found


def same_features(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that an array of features, such as beta, has the length of gamma."""
    if np.shape(array) != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={np.shape(array)}. "
            "Give one number for each feature."
        )


def variances(where: str, name: str, array: NDArray[Any]) -> None:
    """Check that no variance is negative."""
    if (array < 0).any():
        i = int(np.argmax(array < 0))
        raise ValueError(
            f"{where}: {name} must not be negative, got {name}[{i}]={array[i]}. Give variances."
        )


def normalized(
    where: str, name: str, shape: tuple[int, ...], found: int, gamma: tuple[int, ...]
) -> None:
    """Check that samples have as many features as gamma (D,)."""
    if (found,) != gamma:
        raise ValueError(
            f"{where}: {name} must have {gamma[0]} features to match gamma {gamma}, got "
            f"{name}.shape={shape}. Give samples of {gamma[0]} numbers."
        )


def loss_objects(where: str, value: Any) -> list[Any]:
    """Return a list of one loss object or more, each with forward and backward, all different."""
    if not isinstance(value, (list, tuple)) or not value:
        raise TypeError(
            f"{where}: losses must be a list of at least one loss, got {_shown(value)}. "
            "Give one for each output."
        )
    for i, loss in enumerate(value):
        # A class has both, too, but no place to remember an output.
        if isinstance(loss, type) or not (hasattr(loss, "forward") and hasattr(loss, "backward")):
            raise TypeError(
                f"{where}: losses[{i}] must have forward and backward, got {_shown(loss)}. "
                "Give a loss object, such as MeanSquaredError()."
            )
        for j in range(i):
            if value[j] is loss:
                raise ValueError(
                    f"{where}: losses[{i}] must be an object of its own, got losses[{j}] again. "
                    "Make one for each output: a loss remembers what it was given."
                )
    return list(value)


def loss_weights(where: str, value: Any, count: int) -> list[float]:
    """Return the weights of so many losses: finite, not negative, and not all 0; None is all 1."""
    if value is None:
        return [1.0] * count
    entries(where, "weights", value, count)
    found = [number(where, f"weights[{i}]", weight) for i, weight in enumerate(value)]
    for i, weight in enumerate(found):
        if not 0 <= weight < math.inf:
            raise ValueError(
                f"{where}: weights[{i}] must be finite and not negative, got {weight}. "
                "Give 0 to leave a loss out."
            )
    if not 0 < sum(found) < math.inf:
        raise ValueError(
            f"{where}: weights must have a finite sum above 0, got {sum(found)}. "
            "Give weights such as 1."
        )
    return found


def entries(where: str, name: str, value: Any, count: int) -> None:
    """Check that value has one entry for each loss."""
    if not isinstance(value, (list, tuple)) or len(value) != count:
        got = f"{len(value)}" if isinstance(value, (list, tuple)) else _shown(value)
        raise ValueError(
            f"{where}: {name} must be a list of {count}, one for each loss, got {got}. "
            "Give as many as there are losses."
        )


def too_few_samples(where: str, layer: Any, least: int, n: int, batch_size: int) -> ValueError:
    """Return the error for batches of fewer rows than a layer needs to learn."""
    kind = type(layer).__name__
    return ValueError(
        f"{where}: batch_size must be at least {least} for {kind} to learn, got "
        f"batches of {batch_size} of {n} samples. Give larger batches, or freeze the layer: "
        "trainable = False."
    )
