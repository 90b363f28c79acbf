"""Curves of a training: by epoch, of a history, and by iteration, of a list of losses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastnet import checks
from fastnet.plot.axes import COLOURS, INK, MARKS, axes_of, blank, curves_on, dressed, legend

if TYPE_CHECKING:
    from fastnet.models import History

__all__ = ["learning_curves", "loss_curve", "save_learning_curves"]

MANY = 100  # iterations above which the mean of some is drawn over the single ones


def learning_curves(
    history: History | dict[str, list[float]],
    of: str = "loss",
    held_out: str = "validation",
    ax: Any = None,
) -> Any:
    """Draw one number of a history by epoch: of the training, and of the validation if there is.

    Parameters
    ----------
    history : History or dict
        What `Sequential.fit` returned, or its `to_dict()`; one epoch at least.
    of : str
        Which number: "loss", or a metric that fit was asked for, such as "accuracy".
    held_out : str
        What the data are called that were given as `validation_data`, such as "test".
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
    ValueError
        history has no epoch, or not that number.

    Examples
    --------
    >>> from fastnet.models import History
    >>> from fastnet.plot import learning_curves
    >>> ax = learning_curves(History({"loss": [1.2, 0.6, 0.4], "val_loss": [1.1, 0.7, 0.6]}))
    >>> [line.get_label() for line in ax.get_lines()]
    ['training: 0.4000', 'validation: 0.6000']
    """
    where = "learning_curves"
    columns = _columns(where, history)
    checks.choice(where, "of", of, _numbers(columns))
    return _draw(axes_of(where, ax), columns, of, held_out)


def save_learning_curves(
    history: History | dict[str, list[float]],
    path: str | os.PathLike[str],
    held_out: str = "validation",
) -> None:
    """Draw loss and metrics by epoch into a PNG, side by side.

    Works without a display and leaves matplotlib's global state (pyplot, backend) alone.

    Parameters
    ----------
    history : History or dict
        What `Sequential.fit` returned, or its `to_dict()`; one epoch at least. Each of its
        numbers but the seconds has a panel, with both curves where it has validation values.
    path : str or path
        File to write, in PNG format whatever its name; one that exists is replaced. The picture is
        transparent, and can be read on white and on dark.
    held_out : str
        What the data are called that were given as `validation_data`, such as "test".

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
    where = "save_learning_curves"
    columns = _columns(where, history)
    names = _numbers(columns)
    figure = blank(where, (5 * len(names), 4))
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        ax.set_facecolor("none")
        _draw(dressed(ax), columns, name, held_out)
    # Not the rcParams' savefig.facecolor, which may be white.
    figure.savefig(path, format="png", dpi=144, facecolor="none")


def loss_curve(loss: ArrayLike, ax: Any = None) -> Any:
    """Draw the loss of each iteration, as a loop of steps by hand collects it.

    Parameters
    ----------
    loss : (I,)
        One loss an iteration; one at least. Of more than 100 a second line is drawn, the mean over
        a fiftieth of all iterations at a time.
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
        loss is no such array.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.5.2, the curve of `train_loss_list`.

    Examples
    --------
    >>> from fastnet.plot import loss_curve
    >>> ax = loss_curve([2.3, 1.7, 1.2, 0.9])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('iteration', 'loss')
    """
    where = "loss_curve"
    values = checks.array(where, "loss", loss)
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"{where}: loss must be (I,) with at least one iteration, got loss.shape="
            f"{values.shape}. Give a list of numbers."
        )
    ax = curves_on(axes_of(where, ax))
    few, (colour, mean_colour) = values.size <= MANY, COLOURS[:2]
    if few:
        ax.plot(values, color=colour, marker=MARKS[0] if values.size == 1 else None)
    else:
        width = values.size // 50
        means = np.convolve(values.astype(np.float64), np.full(width, 1 / width), "valid")
        first = (width - 1) / 2
        ax.plot(values, color=colour, alpha=0.7, linewidth=0.6, label="an iteration")
        ax.plot(
            np.arange(len(means)) + first, means, color=mean_colour, linewidth=2,
            label=f"mean of {width}",
        )  # fmt: skip
        legend(ax)
    ax.set(xlabel="iteration", ylabel="loss")
    return ax


def epoch_ticks(epochs: int) -> list[int]:
    """Return the epochs to name on an axis: the first, the last, and round ones between."""
    step = next(s * 10**k for k in range(20) for s in (1, 2, 5) if epochs <= 8 * s * 10**k)
    between = [
        n for n in range(step, epochs, step) if 2 * (n - 1) >= step and 2 * (epochs - n) >= step
    ]
    return sorted({1, *between, epochs})


def _columns(where: str, history: Any) -> dict[str, list[float]]:
    """Return the numbers of a history, which has an epoch."""
    if not isinstance(history, dict):
        checks.members(where, "history", history, ("to_dict",))
        history = history.to_dict()
    columns: dict[str, list[float]] = history
    if not columns.get("loss"):
        raise ValueError(f"{where}: history must have an epoch, got none. Call fit first.")
    return columns


def _numbers(columns: dict[str, list[float]]) -> list[str]:
    return [name for name in columns if name != "seconds" and not name.startswith("val_")]


def _draw(ax: Any, columns: dict[str, list[float]], name: str, held_out: str) -> Any:
    """Draw one number on axes, and return them."""
    for i, (values, label) in enumerate(
        ((columns[name], "training"), (columns.get(f"val_{name}"), held_out))
    ):
        if values:
            # A lone epoch is a point, which a line would not show.
            mark = MARKS[i] if len(values) == 1 else None
            ax.plot(
                range(1, len(values) + 1), values, color=COLOURS[i], marker=mark,
                linestyle=("-", "--")[i], label=f"{label}: {values[-1]:.4f}",
            )  # fmt: skip
    ax.set_title(name[0].upper() + name[1:], color=INK)
    ax.set(xlabel="epoch", ylabel=name)
    ax.set_xticks(epoch_ticks(len(columns[name])))
    curves_on(ax)
    legend(ax, "at the last epoch")
    return ax
