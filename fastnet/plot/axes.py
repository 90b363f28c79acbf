"""Axes to draw on, and colours that every eye tells apart, on white paper and on a dark page."""

from __future__ import annotations

from typing import Any

from fastnet import checks

__all__ = [
    "COLOURS",
    "INK",
    "MARKS",
    "axes_of",
    "curves_on",
    "dressed",
    "fitting",
    "legend",
    "look",
]

# A grey whose contrast is 4.3 both to white and to #121212, the most that one colour can have to
# the two: what is saved has no background of its own.
INK = "#797979"

# Those of Okabe and Ito's colours whose contrast is 3 or more to both; of their sky blue, orange
# and yellow it is 1.3 to 2.4 to white. Simulated deuteranopia leaves the nearest two 17.9 apart in
# CIELAB, where 2.3 can be told apart. A fifth would be too near: INK is 10.6 from the green.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
MARKS = ("o", "s", "^", "D", "v")  # of another length, so that 20 pairs differ

DRAWS = ("imshow", "plot", "text", "set_title")


def blank(where: str, size: tuple[float, float], **options: Any) -> Any:
    """Return a new figure, which is none of pyplot's, and transparent."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise checks.no_matplotlib(where, error) from error
    figure = Figure(size, layout="constrained", facecolor="none", **options)
    FigureCanvasAgg(figure)
    return figure


def axes_of(where: str, ax: Any, height: float = 0.75, width: float = 6.4) -> Any:
    """Return the axes to draw on; height is that of a new picture over its width, in inches."""
    if ax is not None:
        checks.members(where, "ax", ax, DRAWS)
        return dressed(ax)
    size = width, max(1.6, min(12.8, width * height))
    ax = blank(where, size, dpi=144).add_subplot()
    ax.set_facecolor("none")
    return dressed(ax)


def dressed(ax: Any) -> Any:
    """Return axes whose lines and words, now and later, are in INK."""
    ax.tick_params(which="both", colors=INK)
    for spine in ax.spines.values():
        spine.set_edgecolor(INK)
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_color(INK)
    return ax


def curves_on(ax: Any) -> Any:
    """Return axes with a grid, and no line on the right and above."""
    ax.grid(color=INK, alpha=0.3)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def fitting(ax: Any, abreast: int, characters: int, largest: float = 10.0) -> float:
    """Return the size of a font by which so many words stand abreast in the width of axes.

    A character is 0.6 of the font's size wide; a fifth of the room stays free.
    """
    room = 72 * (6.0 if ax is None else ax.get_window_extent().width / ax.figure.dpi)
    return min(largest, 0.8 * room / (0.6 * abreast * max(characters, 1)))


def look(i: int) -> dict[str, str]:
    """Return the colour and the mark of the i-th of several."""
    return {"color": COLOURS[i % len(COLOURS)], "marker": MARKS[i % len(MARKS)]}


def legend(ax: Any, title: str | None = None, beside: bool = False) -> None:
    """Say which line is which, in INK, without a background; beside axes that are full.

    Only a layout engine, as new figures have, makes room there: without, it stands within.
    """
    room = beside and ax.figure.get_layout_engine() is not None
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if room else {}
    drawn = ax.legend(frameon=False, title=title, labelcolor=INK, **place)
    drawn.get_title().set_color(INK)
