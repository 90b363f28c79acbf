"""Checks of what poolings and layers that give samples another shape are given."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

from fastnet.checks.numbers import count, shape

__all__ = [
    "Padding",
    "channels_first",
    "channels_last",
    "image",
    "image_axes",
    "input_shape",
    "lies_channels_last",
    "target_shape",
    "windows_in",
]

Pair: TypeAlias = tuple[int, int]
# Rows above and below, columns left and right; or the name of a way to find them.
Padding: TypeAlias = str | tuple[Pair, ...]


def input_shape(where: str, value: Any) -> tuple[int, ...] | None:
    """Return the shape that a layer's samples are said to have, if any."""
    return None if value is None else shape(where, value)


def image(where: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the shape of a sample, which must be an image (height, width, channels)."""
    if len(shape) != 3:
        raise ValueError(
            f"{where}: samples must be images (height, width, channels), got the shape {shape}. "
            "Give x (N, height, width, channels), or put Reshape((height, width, channels)) "
            "before it."
        )
    return shape


def image_axes(where: str, name: str, x: NDArray[Any], axes: str = "(N, H, W, C)") -> NDArray[Any]:
    """Return an array of images, whose pixels must be at least one."""
    if x.ndim != 4 or (not x[:1].size and 0 in x.shape[1:]):
        raise ValueError(
            f"{where}: {name} must be images {axes}, got {name}.shape={x.shape}. "
            f"Reshape {name} to four axes."
        )
    return x


def channels_last(x: NDArray[Any]) -> NDArray[Any]:
    """Return images (N, C, H, W) as a view (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1)


def channels_first(x: NDArray[Any]) -> NDArray[Any]:
    """Return images (N, H, W, C) as a view (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def lies_channels_last(x: NDArray[Any]) -> bool:
    """Tell whether images (N, C, H, W) are such a view, of an array in which channels lie together.

    What is computed element by element keeps it: a convolution and a pooling, which the textbook
    puts around an activation, then read each other's arrays without a copy.
    """
    return x.ndim == 4 and not x.flags.c_contiguous and channels_last(x).flags.c_contiguous


def windows_in(
    where: str, name: str, shape: tuple[int, ...], window: Pair, stride: Pair, padding: Padding
) -> tuple[Pair, Pair]:
    """Return rows above and columns left of an image that windows reach over, and their counts.

    With "same" there are as many as strides in the image, rounded up, and half of what is missing
    lies before it, rounded down: Keras' rule.
    """
    before, counts = [], []
    for axis, (size, length, step) in enumerate(zip(shape, window, stride, strict=True)):
        if padding == "same":
            found = -(-size // step)
            start = max((found - 1) * step + length - size, 0) // 2
        else:
            start, end = (0, 0) if isinstance(padding, str) else padding[axis]
            found = (size + start + end - length) // step + 1
        if found < 1:
            raise ValueError(
                f"{where}: {name} must be no larger than the image, got {window} for "
                f"{shape[0]} x {shape[1]} pixels, padding {padding!r}. Make it smaller, or pad."
            )
        before.append(start)
        counts.append(found)
    return (before[0], before[1]), (counts[0], counts[1])


def target_shape(where: str, name: str, value: Any) -> tuple[int, ...]:
    """Return the shape that samples get: a number of it may be -1."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not sizes:
        raise ValueError(
            f"{where}: {name} must have a dimension, got (). Give a shape such as (28, 28, 1)."
        )
    found = tuple(n if n == -1 else count(where, name, n) for n in sizes)
    if found.count(-1) > 1:
        raise ValueError(
            f"{where}: {name} must have one -1 at most, got {found}. Give the other numbers."
        )
    return found
