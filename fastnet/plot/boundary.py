"""Which class a network says where, in two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.plot.axes import COLOURS, INK, axes_of, legend, look

__all__ = ["decision_boundary"]


def decision_boundary(
    model: Any,
    x: ArrayLike,
    t: ArrayLike,
    middle: float | None = None,
    resolution: int = 200,
    ax: Any = None,
) -> Any:
    """Draw samples of two features over the class that a network says for each point around them.

    Parameters
    ----------
    model : object with predict, or a function
        That of x (N, 2) returns scores (N, C), one output (N,) or (N, 1), or labels (N,) that are
        integers, or words of t. A `Sequential`, an estimator, what you have.
    x : (N, 2)
    t : (N,) labels, whole numbers or words, or one-hot (N, C)
        The first four classes have a colour of their own, twenty a pair of colour and mark.
    middle : float, optional
        Where there is one output: above which it says 1. Default: 0 for the losses of logits and
        the hinges of a `Sequential`, else 0.5.
    resolution : int
        Points along each side.
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
        x or t is no such array, or model returns something else.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.plot import decision_boundary
    >>> ax = decision_boundary(lambda x: x[:, 0] > x[:, 1], [[0, 1], [2, 1]], [0, 1])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    where = "decision_boundary"
    samples = checks.array(where, "x", x)
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        raise ValueError(
            f"{where}: x must be (N, 2) with at least one sample, got x.shape={samples.shape}. "
            "Give two of the features."
        )
    if not np.isfinite(samples).all():
        raise ValueError(f"{where}: x must be finite, got NaN or infinity. Leave such samples out.")
    labels, names = _labels(where, t, len(samples))
    resolution = checks.count(where, "resolution", resolution, 2)
    middle = None if middle is None else checks.number(where, "middle", middle)
    if not callable(model):
        checks.members(where, "model", model, ("predict",))
    low, high = samples.min(axis=0), samples.max(axis=0)
    room = np.where(high > low, 0.08 * (high - low), 1.0)
    sides = [np.linspace(a - r, b + r, resolution) for a, b, r in zip(low, high, room, strict=True)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    if samples.dtype.kind == "f":
        points = points.astype(samples.dtype)
    said = _said(where, model, points, middle, labels, names).reshape(resolution, resolution)

    ax = axes_of(where, ax)
    colours = np.array([_tint(colour) for colour in COLOURS])
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    ax.imshow(
        colours[said % len(COLOURS)], extent=extent, origin="lower", aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    for label in np.unique(said)[1:]:
        ax.contour(*sides, said >= label, levels=[0.5], colors=INK, linewidths=1)
    for label in np.unique(labels).tolist():
        mine = samples[labels == label]
        ax.scatter(
            *mine.T, **look(label), s=22, linewidths=0.4, edgecolors="white", zorder=3,
            label=names[label] if names else str(label),
        )  # fmt: skip
    ax.set(xlabel="x0", ylabel="x1", xlim=extent[:2], ylim=extent[2:])
    legend(ax, beside=True)
    return ax


def _tint(colour: str) -> tuple[float, ...]:
    return *(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), 0.3


def _labels(where: str, t: ArrayLike, n: int) -> tuple[NDArray[np.int64], list[str]]:
    """Return labels (n,), of whole numbers, words or one-hot rows, and the words in their order."""
    words = np.asarray(t)
    if words.dtype.kind in "OSU" and words.shape == (n,):
        names, labels = np.unique(words.astype(str), return_inverse=True)
        return labels.astype(np.int64), names.tolist()
    found = checks.array(where, "t", t)
    if found.ndim == 2 and found.shape[1] > 1:
        found = found.argmax(axis=1)
    found = found.reshape(-1)
    if len(found) != n or (found != np.floor(found)).any():
        raise ValueError(
            f"{where}: t must be {n} labels to match x, got {found.dtype} {found.shape}. Give a "
            "whole number for each sample."
        )
    return found.astype(np.int64), []


def _said(
    where: str,
    model: Any,
    points: NDArray[Any],
    middle: float | None,
    labels: NDArray[np.int64],
    names: list[str],
) -> NDArray[np.int64]:
    """Return the class that a model says of each point."""
    said, n = model.predict(points) if hasattr(model, "predict") else model(points), len(points)
    if isinstance(said, (list, dict)) and len(said) != n:  # of Branches
        raise ValueError(
            f"{where}: model must have one head, got the outputs of {len(said)}. Give a function "
            "of x that returns those of one."
        )
    y = np.asarray(said)
    if y.dtype.kind in "OSU" and set(y.ravel().astype(str).tolist()) <= set(names):
        y = np.searchsorted(names, y.astype(str))
    if y.shape[:1] != (n,) or y.ndim > 2 or not y.size or y.dtype.kind not in "biuf":
        raise ValueError(
            f"{where}: model must return scores (N, C) or labels (N,) for x ({n}, 2), got "
            f"{y.dtype} {y.shape}. Give an object with predict, or a function of x."
        )
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise ValueError(f"{where}: model must return numbers, got NaN. Look at its weights.")
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(axis=1)
    y = y.reshape(n)
    known = set(labels.tolist())
    # Of more than two classes one number is a label, which estimators return in the dtype of t.
    if y.dtype.kind != "f" or (len(known) > 2 and set(np.unique(y).tolist()) <= known):
        return y.astype(np.int64)
    if len(known) > 2:
        raise ValueError(
            f"{where}: model must return scores (N, C) or labels for {len(known)} classes, got one "
            "output. Give it an output for each class."
        )
    if middle is None:
        above = getattr(getattr(model, "_loss", None), "yes_above", None)
        middle = above[0] if above else 0.5
    return np.where(y > middle, 1, -1 if known == {-1, 1} else 0)
