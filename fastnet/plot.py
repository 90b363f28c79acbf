"""Pictures: learning curves as a PNG, and digits as a terminal can show them.

The PNG needs matplotlib, the extra `plot`, which is imported when used.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastnet import checks

if TYPE_CHECKING:
    from fastnet.models import History

__all__ = ["BLOCKS", "draw_digits", "save_learning_curves"]

SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
HALVES = " ▀▄█"  # two pixels, one above the other: none, the upper, the lower, both
BLOCKS = SHADES + HALVES

TRAIN, VALIDATION = "#1f5fa8", "#d95f02"  # told apart by colour-blind eyes, and in grey


def save_learning_curves(history: History, path: str | os.PathLike[str]) -> None:
    """Draw loss and metrics by epoch into a PNG, side by side.

    Works without a display and leaves matplotlib's global state (pyplot, backend) alone.

    Parameters
    ----------
    history : History
        What `Sequential.fit` returned; one epoch at least. Each of its numbers but the seconds has
        a panel, with both curves where it has validation values.
    path : str or path
        File to write, in PNG format whatever its name; one that exists is replaced.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        history has no epoch.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnet.models import History
    >>> from fastnet.plot import save_learning_curves
    >>> history = History({"loss": [1.2, 0.6, 0.4], "accuracy": [0.61, 0.83, 0.9]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_learning_curves(history, os.path.join(folder, "curves.png"))
    ...     os.listdir(folder)
    ['curves.png']
    """
    columns = history.to_dict()
    if not columns.get("loss"):
        raise ValueError(
            "save_learning_curves: history must have an epoch, got none. Call fit first."
        )
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise checks.no_matplotlib("save_learning_curves", error) from error

    names = [name for name in columns if name != "seconds" and not name.startswith("val_")]
    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        for values, label, colour in (
            (columns[name], "training", TRAIN),
            (columns.get(f"val_{name}"), "validation", VALIDATION),
        ):
            if values:
                # A lone epoch is a point, which a line would not show.
                mark = "o" if len(values) == 1 else None
                epochs = range(1, len(values) + 1)
                axes.plot(
                    epochs, values, color=colour, marker=mark, label=f"{label}: {values[-1]:.4f}"
                )
        axes.set(title=name[0].upper() + name[1:], xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, title="at the last epoch")
    figure.savefig(path, format="png", dpi=144)


def draw_digits(
    x: NDArray[Any],
    t: NDArray[Any],
    proba: NDArray[Any],
    columns: int = 80,
    count: int = 4,
    blocks: bool = True,
) -> str:
    """Return a few digits as text, each with what a network says of it.

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
    said = proba.argmax(axis=1)
    right, wrong = (said == t).nonzero()[0].tolist(), (said != t).nonzero()[0].tolist()
    chosen = right[: count - bool(wrong)]
    chosen += wrong[: max(1, count - len(chosen))]

    side, top = math.isqrt(x.shape[1]), x.max() or 1
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
