"""Learning curves as a PNG."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastnet import checks

if TYPE_CHECKING:
    from fastnet.models import History

__all__ = ["save_learning_curves"]

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
