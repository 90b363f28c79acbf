"""Checks of what convolutions are given: kernels, images, and how windows move over them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastnet.checks.arrays import _shown
from fastnet.checks.numbers import count

__all__ = ["axis_sizes", "filters_of_groups", "images", "padding", "windows"]


def axis_sizes(
    where: str, name: str, value: Any, dimensions: int, least: int = 1
) -> tuple[int, ...]:
    """Return one whole number for each axis of an image; a single one is for all."""
    given = value if isinstance(value, (tuple, list)) else (value,) * dimensions
    if len(given) != dimensions:
        raise ValueError(
            f"{where}: {name} must be a whole number or {dimensions} of them, got "
            f"{_shown(value)}. Give one for all axes of an image, or one for each."
        )
    return tuple(count(where, name, size, least) for size in given)


def padding(where: str, value: Any, dimensions: int) -> str | tuple[tuple[int, int], ...]:
    """Return "valid", "same", or how many zeros stand before and behind each axis."""
    if isinstance(value, str):
        if value not in ("valid", "same"):
            raise ValueError(
                f"{where}: padding must be 'valid', 'same' or numbers of zeros, got {value!r}. "
                "Give one of these."
            )
        return value
    pairs = value if isinstance(value, (tuple, list)) else (value,) * dimensions
    if len(pairs) != dimensions:
        raise ValueError(
            f"{where}: padding must have an entry for each of {dimensions} axes, got "
            f"{_shown(value)}. Give a number, or one or a pair (before, behind) for each axis."
        )
    return tuple(
        (pair[0], pair[1])
        for pair in (axis_sizes(where, "padding", entry, 2, least=0) for entry in pairs)
    )


def filters_of_groups(where: str, filters: int, groups: int) -> None:
    """Check that each group has as many filters."""
    if filters % groups:
        raise ValueError(
            f"{where}: filters must be a multiple of groups={groups}, got {filters}. "
            "Give each group as many filters."
        )


def images(
    where: str,
    name: str,
    array: NDArray[Any],
    channels: int,
    axis: int,
    axes: str,
    W: tuple[int, ...],
) -> None:
    """Check that an array has the axes, such as N, H, W, C, and W's channels along one of them."""
    shape, wanted = array.shape, len(axes.split(", "))
    if len(shape) == wanted and shape[axis] == channels:
        return
    advice = f"Give {name} of shape ({axes}) with {channels} channels"
    other = 1 if axis == wanted - 1 else wanted - 1
    if len(shape) == wanted and shape[other] == channels and wanted == 4:
        if axis == 1:
            advice = f"Channels are the second axis: {name}.transpose(0, 3, 1, 2)"
        else:
            advice = f"Channels are the last axis: {name}.transpose(0, 2, 3, 1)"
    elif len(shape) == wanted - 1 and channels == 1:
        place = "[:, None]" if axis == 1 else "[..., None]"
        advice = f"Add the axis of channels: {name}{place}"
    raise ValueError(
        f"{where}: {name} must be ({axes}) with {channels} channels to match W {W}, got "
        f"{name}.shape={shape}. {advice}."
    )


def windows(
    where: str,
    name: str,
    image: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    before_and_behind: tuple[tuple[int, int], ...],
) -> tuple[int, ...]:
    """Return how many windows lie along each axis; at least one must fit."""
    out = tuple(
        (size + sum(zeros) - (k - 1) * d - 1) // s + 1
        for size, k, s, d, zeros in zip(
            image, kernel, strides, dilation, before_and_behind, strict=True
        )
    )
    if min(out) < 1:
        spans = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
        padded = tuple(
            size + sum(zeros) for size, zeros in zip(image, before_and_behind, strict=True)
        )
        raise ValueError(
            f"{where}: {name} must be at least as large as the kernel, {_by(spans)}, got "
            f"{_by(padded)}, padding included. Give larger images, a smaller kernel, or padding."
        )
    return out


def _by(found: tuple[int, ...]) -> str:
    return " x ".join(map(str, found))
