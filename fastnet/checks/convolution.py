"""Checks of what convolutions are given: kernels, images, and how windows move over them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastnet.checks.arrays import _shown
from fastnet.checks.numbers import count

__all__ = [
    "axis_sizes",
    "biased",
    "channels_of_groups",
    "elementwise",
    "filters_of_groups",
    "four_axes",
    "images",
    "of_shape",
    "padding",
    "sample_channels",
    "sample_of_image",
    "windows",
]


def axis_sizes(
    where: str, name: str, value: Any, dimensions: int, least: int = 1
) -> tuple[int, ...]:
    """Return one whole number for each axis of an image; a single one is for all."""
    given = value if isinstance(value, (tuple, list)) else (value,) * dimensions
    if len(given) != dimensions:
        way = (
            "Give one for all axes of an image, or one for each"
            if dimensions > 1
            else "Give an int"
        )
        raise ValueError(
            f"{where}: {name} must be a whole number or {dimensions if dimensions > 1 else 'one'} "
            f"of them, got {_shown(value)}. {way}."
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
            f"{where}: padding must have an entry for each axis, got {_shown(value)}. Give a "
            f"number, or one or a pair (before, behind) for each of {dimensions} axes."
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
    axis %= wanted
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
    """Return how many windows lie along each axis; at least one must fit.

    `image` has the axes first; if channels stand behind them, they may be meant to stand first.
    """
    sizes = [n + sum(zeros) for n, zeros in zip(image, before_and_behind, strict=False)]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = tuple((n - k) // s + 1 for n, k, s in zip(sizes, spans, strides, strict=True))
    if min(out) < 1:
        advice = "Give larger images, a smaller kernel, or padding"
        if len(image) == 3 and len(kernel) == 2 and image[0] < min(image[1:]):
            advice = "If channels stand first, they must stand last: x.transpose(0, 2, 3, 1)"
        raise ValueError(
            f"{where}: {name} must be at least as large as the kernel, {_by(spans)}, got "
            f"{_by(sizes)}, padding included. {advice}."
        )
    return out


def four_axes(where: str, name: str, shape: tuple[int, ...]) -> None:
    """Check that images are (N, C, H, W)."""
    if len(shape) != 4:
        raise ValueError(
            f"{where}: {name} must be (N, C, H, W), got shape {shape}. Give images of four axes."
        )


def biased(where: str, use_bias: bool) -> None:
    """Check that a layer has a bias."""
    if not use_bias:
        raise AttributeError(
            f"{where}: use_bias must be True, got False. Make the layer with a bias."
        )


def elementwise(where: str, activation: str) -> None:
    """Check that an activation works on each number by itself."""
    if activation == "softmax":
        raise ValueError(
            f"{where}: activation must be one of single numbers, got 'softmax'. Add Softmax() "
            "behind a Dense."
        )


def of_shape(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that an array that is assigned has the shape of the one that it replaces."""
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={array.shape}. "
            f"Give such an array{', or make another layer' * ('.' in where)}."
        )


def sample_of_image(where: str, shape: tuple[int, ...], axes: str) -> None:
    """Check that a sample has the axes that a layer takes."""
    if len(shape) != len(axes.split(", ")):
        raise ValueError(
            f"{where}: input_shape must be ({axes}), got {shape}. Give samples of that shape, or "
            "put a Reshape before the layer."
        )


def sample_channels(where: str, shape: tuple[int, ...], channels: int, W: tuple[int, ...]) -> None:
    """Check that a sample has the channels of W."""
    if shape[-1] != channels:
        advice = f"Give samples with {channels}"
        if shape[0] == channels and len(shape) == 3:
            advice = "Channels are the last axis: x.transpose(0, 2, 3, 1)"
        raise ValueError(
            f"{where}: input_shape must have {channels} channels to match W {W}, got {shape}. "
            f"{advice}."
        )


def channels_of_groups(where: str, shape: tuple[int, ...], groups: int) -> None:
    """Check that each group has as many channels."""
    if shape[-1] % groups:
        raise ValueError(
            f"{where}: input_shape must have a multiple of groups={groups} channels, got {shape}. "
            "Give each group as many channels."
        )


def _by(found: list[int]) -> str:
    return " x ".join(map(str, found))
