"""Digits as a terminal can show them."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastnet import checks

__all__ = ["BLOCKS", "draw_digits"]

SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
HALVES = " ▀▄█"  # two pixels, one above the other: none, the upper, the lower, both
BLOCKS = SHADES + HALVES


def draw_digits(
    x: ArrayLike,
    t: ArrayLike,
    proba: ArrayLike,
    columns: int = 80,
    count: int = 4,
    blocks: bool = True,
) -> str:
    """Return a few digits as text, each with what a network says it is.

    The first that are right and, in the last place, the first mistake, if there is one.

    Parameters
    ----------
    x : (N, side * side)
        One square image at least, of any dtype; 0 is blank. A side above 16 must be even.
    t : (N,) integers
        Labels.
    proba : (N, C)
        What the network says, as from `Sequential.predict_proba`.
    columns : int
        Width of the terminal. Where it is too narrow for a picture, the words stand alone.
    count : int
        How many, at most; 1 or more.
    blocks : bool
        Draw with the block characters in `BLOCKS`. False: with ASCII.

    Returns
    -------
    str
        Lines, each ending with a newline; no colours.

    Raises
    ------
    TypeError, ValueError
        x, t or proba is no such array, or they are not equally long.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.plot import draw_digits
    >>> x = np.array([[0, 9, 0, 0, 9, 0, 0, 9, 0], [9, 9, 9, 0, 0, 9, 0, 0, 9]])
    >>> print(draw_digits(x, np.array([1, 7]), np.array([[0.1, 0.9], [0.4, 0.6]]), blocks=False))
      @@            @@@@@@
      @@                @@
      @@                @@
    says 1 (90%)    says 1 (60%)
    right           wrong, it is 7
    <BLANKLINE>
    """
    where = "draw_digits"
    x, t = checks.array(where, "x", x), checks.array(where, "t", t)
    proba = checks.array(where, "proba", proba)
    side = math.isqrt(x.shape[1]) if x.ndim == 2 and x.size else 0
    if not side or side * side != x.shape[1] or (side > 16 and side % 2):
        raise ValueError(
            f"{where}: x must be square images (N, side * side), with an even side above 16, got "
            f"x.shape={x.shape}. Give a row an image."
        )
    if t.shape != (len(x),) or proba.ndim != 2 or len(proba) != len(x) or not proba.size:
        raise ValueError(
            f"{where}: t and proba must be (N,) and (N, C) for N = {len(x)}, got {t.shape} and "
            f"{proba.shape}. Give a label and a row of probabilities an image."
        )
    said = proba.argmax(axis=1)
    right, wrong = (said == t).nonzero()[0].tolist(), (said != t).nonzero()[0].tolist()
    chosen = right[: count - bool(wrong)]
    chosen += wrong[: max(1, count - len(chosen))]

    top = x.max() or 1
    cells = []
    for i in chosen:
        verdict = "right" if said[i] == t[i] else f"wrong, it is {t[i]}"
        picture = _picture(x[i].reshape(side, side) / top, blocks)
        cells.append([*picture, f"says {said[i]} ({proba[i].max():.0%})", verdict])
    if columns < max(len(line) for cell in cells for line in cell):
        cells = [cell[-2:] for cell in cells]
    width = max(len(line) for cell in cells for line in cell)
    abreast = max(1, (columns + 2) // (width + 2))
    lines = []
    for start in range(0, len(cells), abreast):
        for parts in zip(*cells[start : start + abreast], strict=True):
            lines.append("  ".join(part.ljust(width) for part in parts).rstrip())
        lines.append("")
    return "\n".join(lines)


def _picture(image: NDArray[Any], blocks: bool) -> list[str]:
    """Return the lines of image (H, W) in 0..1, drawn with more ink where it is larger.

    A character is about twice as high as wide. So a pixel of a small image is two characters
    wide; in a large one, a character holds two pixels, one above the other.
    """
    shades = SHADES if blocks else ASCII_SHADES

    def shade(value: float) -> str:
        return shades[round(value * (len(shades) - 1))]

    if image.shape[1] <= 16:
        return ["".join(2 * shade(value) for value in row) for row in image.tolist()]
    lines = []
    for upper, lower in zip(image[0::2].tolist(), image[1::2].tolist(), strict=True):
        pixels = list(zip(upper, lower, strict=True))
        if blocks:
            lines.append("".join(HALVES[(a > 0.4) + 2 * (b > 0.4)] for a, b in pixels))
        else:
            lines.append("".join(shade((a + b) / 2) for a, b in pixels))
    return lines
