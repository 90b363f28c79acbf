"""What a network has learnt and what it sees: filters, feature maps, where attention looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks

__all__ = ["attention_map", "feature_maps", "filters"]


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
    ax, largest = _axes(where, ax), float(np.abs(array).max()) or 1.0
    tiles = array.reshape(-1, *array.shape[2:])
    columns = channels if channels > 1 else math.ceil(math.sqrt(count))
    ax.imshow(_tiled(tiles, columns), cmap="RdBu_r", vmin=-largest, vmax=largest)
    ax.set_title(f"{count} filters" + f" of {channels} channels" * (channels > 1))
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
    ax = _axes(where, ax)
    ax.imshow(_tiled(maps, math.ceil(math.sqrt(count))), cmap="gray")
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
    ax = _axes(where, ax, len(answer) / len(question))
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


def _axes(where: str, ax: Any, height: float = 0.75) -> Any:
    """Return the axes to draw on; height is that of the picture over its width."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise checks.no_matplotlib(where, error) from error
    if ax is not None:
        checks.members(where, "ax", ax, ("imshow", "set_title"))
        return ax
    figure = Figure((6.4, max(1.6, min(12.8, 6.4 * height))), layout="constrained", dpi=144)
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def _tiled(images: NDArray[Any], columns: int) -> NDArray[np.float64]:
    """Return images (N, H, W) side by side, so many abreast, with a pixel of NaN between them."""
    count, height, width = images.shape
    rows = -(-count // columns)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        canvas[top : top + height, left : left + width] = image
    return canvas
