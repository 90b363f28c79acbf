"""What a network has learnt and what it sees: weights, filters, feature maps, attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.plot.axes import axes_of

__all__ = ["attention_map", "feature_maps", "filters", "tiled", "weight_images"]


def filters(W: ArrayLike, ax: Any = None) -> Any:
    """Draw the filters of a convolution: red above 0, blue below, white where they are 0.

    Parameters
    ----------
    W : (FN, C, FH, FW)
        As `Convolution` has it; that of a Conv2D is `layer.W.transpose(3, 2, 0, 1)`. Filters of
        one channel fill a square, of more each has a row, with a column for each channel.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes
        `ax.figure.savefig(path)` writes the picture to a file.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        W is no such array.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.plot import filters
    >>> ax = filters(np.random.default_rng(0).standard_normal((16, 1, 3, 3)))
    >>> ax.get_title()
    '16 filters'
    """
    where = "filters"
    array = _images(where, "W", W, 4, "(FN, C, FH, FW)")
    count, channels = array.shape[:2]
    ax, largest = axes_of(where, ax), float(np.abs(array).max()) or 1.0
    tiles = array.reshape(-1, *array.shape[2:])
    columns = channels if channels > 1 else math.ceil(math.sqrt(count))
    ax.imshow(tiled(tiles, columns), cmap="RdBu_r", vmin=-largest, vmax=largest)
    ax.set_title(f"{count} filters" + f" of {channels} channels" * (channels > 1))
    ax.set_axis_off()
    return ax


def weight_images(W: ArrayLike, shape: tuple[int, int] | None = None, ax: Any = None) -> Any:
    """Draw the weights of each unit of a first layer as an image: red above 0, blue below.

    Parameters
    ----------
    W : (D, M)
        As `Dense` and `Affine` have it: a column a unit, each drawn as an image. The units have one
        scale. For some of many, give `layer.W[:, :25]`.
    shape : (H, W), optional
        Of an image, H * W = D. Default: a square.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes
        `ax.figure.savefig(path)` writes the picture to a file.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        W is no such array, or its columns are no images of that shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.plot import weight_images
    >>> ax = weight_images(np.random.default_rng(0).standard_normal((64, 50)))
    >>> ax.get_title()
    'weights of 50 units'
    """
    where = "weight_images"
    array = _images(where, "W", W, 2, "(D, M)")
    side = image_shape(where, "W", array.shape[0], shape)
    tiles, largest = array.T.reshape(-1, *side), float(np.abs(array).max()) or 1.0
    ax = axes_of(where, ax)
    canvas = tiled(tiles, math.ceil(math.sqrt(len(tiles) * side[0] / side[1])))
    ax.imshow(canvas, cmap="RdBu_r", vmin=-largest, vmax=largest)
    ax.set_title(f"weights of {len(tiles)} units")
    ax.set_axis_off()
    return ax


def feature_maps(x: ArrayLike, ax: Any = None) -> Any:
    """Draw the channels of one image, such as what a convolution returns: brighter is larger.

    Parameters
    ----------
    x : (C, H, W)
        As `Convolution` returns it for each image; what a Conv2D returns, (H, W, C), is
        `x.transpose(2, 0, 1)`. The channels have one scale.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        x is no such array.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.plot import feature_maps
    >>> feature_maps(np.ones((6, 8, 8))).get_title()
    '6 maps of 8 x 8'
    """
    where = "feature_maps"
    maps = _images(where, "x", x, 3, "(C, H, W)")
    count, height, width = maps.shape
    ax = axes_of(where, ax)
    ax.imshow(tiled(maps, math.ceil(math.sqrt(count))), cmap="gray")
    ax.set_title(f"{count} maps of {height} x {width}")
    ax.set_axis_off()
    return ax


def attention_map(
    weights: ArrayLike, question: Sequence[str], answer: Sequence[str], ax: Any = None
) -> Any:
    """Draw where attention looked in a question for each character of the answer.

    Parameters
    ----------
    weights : (A, Q)
        For each of A characters of the answer, how much it took from each of Q of the question, in
        0..1: of one question, a row of each array in `TimeAttention.attention_weights`.
    question, answer : str, or lists of str
        What stands at the columns and at the rows: Q and A characters, or words.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        weights is no such array.

    Examples
    --------
    >>> from fastnet.plot import attention_map
    >>> ax = attention_map([[0.1, 0.9, 0.0], [0.7, 0.2, 0.1]], "abc", "BA")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['B', 'A']
    """
    where = "attention_map"
    array = _images(where, "weights", weights, 2, "(A, Q)")
    if array.shape != (len(answer), len(question)):
        raise ValueError(
            f"{where}: weights must be (A, Q) for the A characters of answer and the Q of "
            f"question, got weights.shape={array.shape} for {len(answer)} and {len(question)}. "
            "Give a row for each character of the answer."
        )
    ax = axes_of(where, ax, len(answer) / len(question))
    ax.imshow(array, cmap="gray", vmin=0, vmax=1)
    ax.set_xticks(range(len(question)), list(question))
    ax.set_yticks(range(len(answer)), list(answer))
    ax.tick_params(length=0)
    return ax


def _images(where: str, name: str, value: ArrayLike, ndim: int, shape: str) -> NDArray[Any]:
    """Return an array of so many dimensions, none of them empty."""
    array = checks.array(where, name, value)
    if array.ndim != ndim or not array.size:
        raise ValueError(
            f"{where}: {name} must be {shape} with at least one entry, got "
            f"{name}.shape={array.shape}. Give an array {shape}."
        )
    return array


def image_shape(where: str, name: str, pixels: int, shape: Any) -> tuple[int, int]:
    """Return (H, W) of an image of so many pixels: a square's, where no shape is given."""
    if shape is None:
        side = math.isqrt(pixels)
        height, width = side, side
    else:
        if not isinstance(shape, (tuple, list)) or len(shape) != 2:
            raise ValueError(
                f"{where}: shape must be (height, width), got {shape!r}. Give two whole numbers."
            )
        height, width = (checks.count(where, f"shape[{i}]", side) for i, side in enumerate(shape))
    if height * width != pixels:
        raise ValueError(
            f"{where}: {name} must have the pixels of images {height} x {width}, got {pixels}. "
            "Give their shape, (height, width)."
        )
    return height, width


def tiled(images: NDArray[Any], columns: int) -> NDArray[np.float64]:
    """Return images (N, H, W) side by side, so many abreast, with a pixel of NaN between them."""
    count, height, width = images.shape
    rows = -(-count // columns)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        canvas[top : top + height, left : left + width] = image
    return canvas
