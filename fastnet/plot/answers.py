"""How good answers are: what is taken for what, and how far probabilities can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.metrics.arrays import classes, yes_or_no
from fastnet.plot.axes import COLOURS, INK, MARKS, axes_of, curves_on, fitting, legend

__all__ = ["calibration_curve", "confusion_matrix"]

NUMBERED = 25  # classes above which the squares have no numbers in them


def confusion_matrix(
    t: ArrayLike, y: ArrayLike, names: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """Draw how many samples of each class were taken for which: a row a class, right ones diagonal.

    The brighter a square, the larger its share of the row; what never happened is left blank.

    Parameters
    ----------
    t : (N,) labels, or one-hot (N, C)
        What the samples are. Words, as scikit-learn takes them, where y is words.
    y : (N, C) scores, or (N,) labels
        What a network says, as from `Sequential.predict`; of scores the largest counts.
    names : list of str, optional
        What the classes are called. Default: their numbers, or the words.
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
        t, y and names do not fit.

    Examples
    --------
    >>> from fastnet.plot import confusion_matrix
    >>> ax = confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
    >>> ax.get_title()
    '3 of 4 right (75.0 %)'
    """
    where = "confusion_matrix"
    labels, answers, names = answered(where, t, y, names)
    count = len(names)
    table = np.bincount(labels * count + answers, minlength=count**2).reshape(count, count)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    ax = axes_of(where, ax, 0.9)
    # From -2/3 on, so that what is rare is a grey that can be seen on a dark page.
    image = ax.imshow(np.ma.masked_equal(shares, 0), cmap="cividis", vmin=-2 / 3, vmax=1)
    if count <= NUMBERED:
        size = fitting(ax, count, len(str(table.max())))
        for i, j in np.argwhere(table).tolist():
            red, green, blue, _ = image.cmap(image.norm(shares[i, j]))
            dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.46
            ax.text(
                j, i, str(table[i, j]), ha="center", va="center", fontsize=size,
                color="white" if dark else "black",
            )  # fmt: skip
        ticks, sizes = range(count), {"fontsize": 9 if count <= 12 else 7}
        long = fitting(ax, count, max(map(len, names))) < sizes["fontsize"]
        ax.set_xticks(ticks, names, rotation=45 if long else 0, ha="right" if long else "center",
                      rotation_mode="anchor" if long else "default", **sizes)  # fmt: skip
        ax.set_yticks(ticks, names, **sizes)
    ax.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    if count <= NUMBERED:
        ax.grid(which="minor", color=INK, alpha=0.5, linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)
    right = int(np.trace(table))
    ax.set(xlabel="predicted", ylabel="true")
    ax.set_title(f"{right:,} of {len(labels):,} right ({100 * right / len(labels):.1f} %)")
    return ax


def calibration_curve(t: ArrayLike, y: ArrayLike, bins: int = 10, ax: Any = None) -> Any:
    """Draw how often a network is right against how sure it says it is.

    On the diagonal, answers given with 80 % are right four times in five. Below it the network is
    too sure, above it too little. Each point is the mean of the samples of one bin; its area is
    proportional to their number, and a bin without any has no point.

    Parameters
    ----------
    t : (N,) labels
        For probabilities (N,), 0 and 1.
    y : (N, C) or (N,), probabilities
        As from `Sequential.predict_proba`: of each sample the largest counts, and whether it is of
        the right class. (N,): the probability of yes, and whether it is.
    bins : int
        Into how many parts of the same width 0..1 is cut.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError, IndexError
        t and y do not fit, or y are no probabilities.

    Notes
    -----
    The error in the title is the expected calibration error: the mean distance of the points to the
    diagonal, weighted by samples. Source: Guo et al., On Calibration of Modern Neural Networks,
    2017.

    Examples
    --------
    >>> from fastnet.plot import calibration_curve
    >>> ax = calibration_curve([1, 0, 1, 1], [0.9, 0.1, 0.9, 0.9])
    >>> ax.get_title()
    'expected calibration error 0.100'
    """
    where = "calibration_curve"
    bins = checks.count(where, "bins", bins)
    found = checks.array(where, "y", y)
    if found.size and not (0 <= found.min() and found.max() <= 1):  # NaN, too
        raise ValueError(
            f"{where}: y must be probabilities in 0..1, got {found.min():.4g} to "
            f"{found.max():.4g}. Give what predict_proba returns."
        )
    if found.ndim == 2 and found.shape[1] > 1:
        labels, scores = classes(where, t, found)
        said, right = scores.max(axis=1), scores.argmax(axis=1) == labels
        words = "how sure it is", "how often it is right"
    else:
        yes, column = yes_or_no(where, t, found)
        said, right = column[:, 0], yes[:, 0]
        words = "predicted probability", "share that is so"
    bin_of = np.minimum((said * bins).astype(np.int64), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    full = counts > 0
    x, shares = (
        np.bincount(bin_of, values, minlength=bins)[full] / counts[full] for values in (said, right)
    )
    counts = counts[full]
    error = float(np.sum(counts * np.abs(x - shares)) / len(said))
    ax = curves_on(axes_of(where, ax, 0.9))
    ax.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1, label="as it should be")
    ax.plot(x, shares, color=COLOURS[0], linewidth=1.5, label="bins, by their samples")
    sizes = 20 + 180 * counts / counts.max()
    ax.scatter(x, shares, s=sizes, color=COLOURS[0], marker=MARKS[0], zorder=3, clip_on=False)
    ax.set(xlabel=words[0], ylabel=words[1], xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.set_title(f"expected calibration error {error:.3f}")
    legend(ax)
    return ax


def answered(
    where: str, t: ArrayLike, y: ArrayLike, names: Sequence[str] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Return labels (N,), answers (N,), and a name for each class."""
    words = [np.asarray(value) for value in (t, y)]
    if all(array.dtype.kind in "OSU" and array.ndim == 1 for array in words):
        checks.equally_long(where, {"t": np.empty(len(words[0])), "y": np.empty(len(words[1]))})
        known, numbers = np.unique(np.concatenate(words).astype(str), return_inverse=True)
        labels, answers = np.split(numbers.astype(np.int64), 2)
        return labels, answers, _all(where, known if names is None else names, len(known))
    labels, scores = classes(where, t, y)
    gone = np.isnan(scores).reshape(len(scores), -1).any(axis=1)
    if gone.any():
        raise ValueError(
            f"{where}: y must be numbers, got NaN in row {int(gone.argmax())}. Leave such samples "
            "out."
        )
    answers = scores.argmax(axis=1) if scores.ndim == 2 else scores
    least = min(int(labels.min()), int(answers.min()))
    if least < 0:
        raise ValueError(
            f"{where}: t and y must be labels from 0 on, got {least}. Count classes from 0."
        )
    count = int(max(labels.max(), answers.max())) + 1
    if scores.ndim == 2:
        count = scores.shape[1]
    if names is None:
        return labels, answers, list(map(str, range(count)))
    if scores.ndim == 1 and len(names) > count:  # classes that do not occur
        count = len(names)
    return labels, answers, _all(where, names, count)


def _all(where: str, names: Any, count: int) -> list[str]:
    found = list(map(str, names))
    if len(found) != count:
        raise ValueError(
            f"{where}: names must be those of {count} classes, got {len(found)}. Give one for each."
        )
    return found
