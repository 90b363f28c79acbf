"""Checks of samples: rows, one row, and how many features they have."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

__all__ = ["channels_come_last", "features", "one_row", "samples", "shaped_samples"]


def samples(where: str, name: str, array: NDArray[Any], width: int | None = None) -> NDArray[Any]:
    """Return the array as a matrix (N, D) of at least one sample; (N, ...) is flattened.

    A width is the D that is known, for the advice.
    """
    if array.ndim < 2 or array.size == 0:
        raise ValueError(
            f"{where}: {name} must be (N, D) with at least one sample and one feature, got "
            f"{name}.shape={array.shape}. {_reshaped(name, array, width)}."
        )
    return array if array.ndim == 2 else array.reshape(len(array), -1)


def channels_come_last(where: str, name: str, shape: tuple[int, ...]) -> None:
    """Check images of a model that does not know their shape: 1 or 3 rows look like channels."""
    if len(shape) == 4 and shape[1] in (1, 3) and shape[1] < shape[2] == shape[3]:
        raise ValueError(
            f"{where}: {name} must be (N, height, width, channels), got {name}.shape={shape}, "
            f"whose channels seem to come first. Give {name}.transpose(0, 2, 3, 1); or, if they do "
            f"not, the first layer an input_shape={shape[1:]}."
        )


def shaped_samples(
    where: str, name: str, shape: tuple[int, ...], known: tuple[int, ...] | None
) -> None:
    """Check the shape of an array of samples that keep theirs, against the one that is known."""
    if len(shape) > 1 and 0 not in shape and known in (None, shape[1:]):
        return
    sample = "..." if known is None else ", ".join(map(str, known))
    advice = "Give an array of samples, one after the other"
    if known is not None and shape == known:
        advice = f"Add the axis of samples: {name}[None]"
    elif known is not None and len(shape) > 1:
        if shape[1:] == known[:-1] and known[-1] == 1:
            advice = f"Add the axis of channels: {name}[..., None]"
        elif len(shape) == 4 and (*shape[2:], shape[1]) == known:
            advice = f"Channels are the last axis: {name}.transpose(0, 2, 3, 1)"
        elif math.prod(shape[1:]) == math.prod(known):
            advice = f"Reshape it: {name}.reshape(-1, {sample})"
    raise ValueError(
        f"{where}: {name} must be (N, {sample}) with at least one sample, got {name}.shape={shape}."
        f" {advice}."
    )


def one_row(where: str, name: str, array: NDArray[Any], known: int | None) -> NDArray[Any]:
    """Return one row (D,) as a matrix (1, D), of as many features as the model takes."""
    if known not in (None, array.size):
        advice = f"Give rows of {known} features"
        if array.size % known == 0:
            advice = f"Reshape it to (-1, {known})"
        raise ValueError(
            f"{where}: {name} must be (N, {known}) or one row ({known},), got "
            f"{name}.shape={array.shape}. {advice}."
        )
    return array[None]


def _reshaped(name: str, array: NDArray[Any], width: int | None) -> str:
    """Say how an array that is not (N, D) becomes so."""
    if array.ndim != 1 or array.size == 0:
        return "Give an array of samples, one a row"
    if width == 1:
        return f"Reshape samples of one feature to (N, 1): {name}.reshape(-1, 1)"
    if width == array.size:
        return f"Reshape one sample to (1, D): {name}.reshape(1, -1)"
    return (
        f"Reshape samples of one feature to (N, 1): {name}.reshape(-1, 1); one sample to (1, D): "
        f"{name}.reshape(1, -1)"
    )


def features(where: str, name: str, found: int, known: int, shape: tuple[int, ...] = ()) -> None:
    """Check the number of features of x, of that shape, against the one that the model takes."""
    if found != known:
        advice = f"Give {name} the width that the first layer takes"
        if math.prod(shape) == known and len(shape) > 1:
            advice = f"Reshape one sample to (1, D): {name}.reshape(1, -1)"
        elif len(shape) == 2 and shape[0] == known:
            advice = f"Transpose it to one sample a row: {name}.T"
        raise ValueError(f"{where}: {name} must have {known} features, got {found}. {advice}.")
