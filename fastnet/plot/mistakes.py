"""The samples that a network gets wrong, as it sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.plot.answers import answered
from fastnet.plot.axes import INK, axes_of, fitting
from fastnet.plot.images import image_shape

__all__ = ["wrong_answers"]


def wrong_answers(
    x: ArrayLike,
    t: ArrayLike,
    y: ArrayLike,
    count: int = 25,
    shape: tuple[int, int] | None = None,
    names: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw images that a network takes for another class, each with what it is and what is said.

    Parameters
    ----------
    x : (N, H * W), (N, H, W), or (N, H, W, C) of 1 or 3 channels
        Images, 0 black; the brightest number of all is white.
    t : (N,) labels, or one-hot (N, C)
    y : (N, C) scores, or (N,) labels
        What the network says. Of scores, the surest mistakes come first: those whose answer is the
        farthest above the score of the right class. Of labels, they come in their order.
    count : int
        How many, at most.
    shape : (H, W), optional
        Of rows (N, H * W). Default: a square.
    names : list of str, optional
        What the classes are called.
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
    TypeError, ValueError, IndexError
        x, t, y and names do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.plot import wrong_answers
    >>> ax = wrong_answers(np.eye(4), [0, 1, 1, 0], [0, 1, 0, 1])
    >>> [text.get_text() for text in ax.texts]
    ['1, not 0', '0, not 1']
    >>> ax.get_title()
    '2 wrong of 4: what it is, not what was said'
    """
    where = "wrong_answers"
    count = checks.count(where, "count", count)
    labels, answers, names = answered(where, t, y, names)
    images = _pictures(where, x, len(labels), shape)
    wrong = np.flatnonzero(labels != answers)
    scores = np.asarray(y)
    if scores.ndim == 2 and scores.shape[1] > 1:
        sure = scores[wrong, answers[wrong]] - scores[wrong, labels[wrong]]
        wrong = wrong[np.argsort(-sure, kind="stable")]
    shown = wrong[:count]

    height, width = images.shape[1:3]
    words = [f"{names[labels[i]]}, not {names[answers[i]]}" for i in shown]
    columns = math.ceil(math.sqrt(max(len(shown), 1) * height / width))
    rows = max(-(-len(shown) // columns), 1)
    given = None if ax is None else axes_of(where, ax)
    if fitting(given, columns, longest(words)) < 8:  # long words: in two lines
        words = [text.replace(", not ", ",\nnot ") for text in words]
    size, lines = fitting(given, columns, longest(words)), 1 + any("\n" in text for text in words)
    # Pixels of an image for the words above it: a font is 1.7 times as high as a character is wide.
    height_of_font = width * size / (0.75 * fitting(given, columns, 1, math.inf))
    line = math.ceil((0.3 + 1.3 * lines) * height_of_font)
    step = height + max(1, line), width + max(1, width // 12)
    canvas = np.zeros((rows * step[0], columns * step[1] - (step[1] - width), 4))
    ax = given or axes_of(where, None, canvas.shape[0] / canvas.shape[1] + 0.06)
    for k, (i, text) in enumerate(zip(shown, words, strict=True)):
        top, left = (k // columns + 1) * step[0] - height, k % columns * step[1]
        canvas[top : top + height, left : left + width] = images[i]
        ax.text(
            left + width / 2 - 0.5, top - 0.75, text, fontsize=size, color=INK, ha="center",
            va="bottom",
        )  # fmt: skip
    ax.imshow(canvas, interpolation="nearest")
    ax.set_title(f"{len(wrong):,} wrong of {len(labels):,}: what it is, not what was said")
    ax.set_axis_off()
    return ax


def longest(words: list[str]) -> int:
    """Return how many characters the longest line has."""
    return max((len(line) for text in words for line in text.split("\n")), default=1)


def _pictures(where: str, x: ArrayLike, n: int, shape: Any) -> NDArray[np.float64]:
    """Return n images as RGBA in 0..1, (N, H, W, 4)."""
    images = checks.array(where, "x", x)
    if images.ndim == 2 and images.size:
        images = images.reshape(-1, *image_shape(where, "x", images.shape[1], shape))
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size or len(images) != n:
        raise ValueError(
            f"{where}: x must be {n} images to match t, (N, H * W), (N, H, W), or (N, H, W, C) of "
            f"1 or 3 channels, got x.shape={np.shape(x)}. Channels come last."
        )
    low, high = min(0.0, float(images.min())), float(images.max())
    result = np.ones((*images.shape[:3], 4))
    result[..., :3] = (images - low) / ((high - low) or 1.0)
    return result
