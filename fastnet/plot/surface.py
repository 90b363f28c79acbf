"""Functions of two variables: the field of their gradients, the paths that optimizers take."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.gradient import numerical_gradient
from fastnet.plot.axes import COLOURS, INK, axes_of, curves_on, legend, look

__all__ = ["gradient_field", "optimizer_paths"]

LINES = ("-", "--", "-.", ":")
HIGHEST = 1e100  # what matplotlib draws without an overflow
Range = tuple[float, float]


def gradient_field(
    f: Callable[[NDArray[Any]], Any],
    x0: Range = (-2, 2),
    x1: Range = (-2, 2),
    count: int = 17,
    ax: Any = None,
) -> Any:
    """Draw the negative gradient of a function of two variables as arrows: where it falls fastest.

    Parameters
    ----------
    f : function
        Of an array (2,), returns a number.
    x0, x1 : (low, high)
        Where the arrows stand.
    count : int
        Arrows along each side; 2 or more.
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
        f is no such function, or x0 or x1 no range.

    Notes
    -----
    The gradient is `fastnet.gradient.numerical_gradient`. Source: Saitoh, Deep Learning from
    Scratch, section 4.4, figure 4-9.

    Examples
    --------
    >>> from fastnet.plot import gradient_field
    >>> ax = gradient_field(lambda x: x[0] ** 2 + x[1] ** 2)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x0', 'x1')
    """
    where = "gradient_field"
    checks.function(where, "f", f)
    count = checks.count(where, "count", count, 2)
    ranges = [_range(where, name, value) for name, value in (("x0", x0), ("x1", x1))]
    grid = np.stack(np.meshgrid(*(np.linspace(*ends, count) for ends in ranges)), -1).reshape(-1, 2)
    slopes = np.array([numerical_gradient(f, point) for point in grid])
    seen = np.isfinite(slopes).all(axis=1)
    if not seen.any():
        raise ValueError(
            f"{where}: f must have a gradient between x0 and x1, got NaN or infinity all over. "
            "Give other ranges."
        )
    ax = curves_on(axes_of(where, ax))
    # A plane has no longest arrow to make the others by.
    scale = None if slopes[seen].any() else 1.0
    ax.quiver(
        *grid[seen].T, *-slopes[seen].T, angles="xy", color=COLOURS[0], width=0.004, scale=scale
    )
    room = [0.05 * (high - low) for low, high in ranges]
    limits = [(low - r, high + r) for (low, high), r in zip(ranges, room, strict=True)]
    ax.set(xlabel="x0", ylabel="x1", xlim=limits[0], ylim=limits[1])
    return ax


def optimizer_paths(
    f: Callable[[NDArray[Any]], Any],
    optimizers: Mapping[str, Any] | Any,
    start: ArrayLike,
    steps: int = 30,
    x0: Range | None = None,
    x1: Range | None = None,
    ax: Any = None,
) -> Any:
    """Draw the way of optimizers down a function of two variables, on its contour lines.

    Parameters
    ----------
    f : function
        Of an array (2,), returns a number.
    optimizers : dict of name -> optimizer, or list of optimizers
        Of `fastnet.optimizer`, or with the textbook's `update(params, grads)`. They stay as they
        are: copies of them go.
    start : (2,)
        Where all of them begin.
    steps : int
        How many updates each does; a path ends before it reaches 1e100.
    x0, x1 : (low, high), optional
        What is shown. Default: all paths.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes
        `ax.figure.savefig(path)` writes the picture to a file. Between two contour lines lie as
        many points of the picture as between any other two.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        An argument is not as it should be.

    Notes
    -----
    The gradient is `fastnet.gradient.numerical_gradient`. Source: Saitoh, Deep Learning from
    Scratch, section 6.1, figure 6-8.

    Examples
    --------
    >>> from fastnet.optimizer import SGD, Adam
    >>> from fastnet.plot import optimizer_paths
    >>> ax = optimizer_paths(
    ...     lambda x: x[0] ** 2 / 20 + x[1] ** 2, [SGD(lr=0.95), Adam(lr=0.3)], (-7.0, 2.0)
    ... )
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['SGD', 'Adam']
    """
    where = "optimizer_paths"
    checks.function(where, "f", f)
    steps = checks.count(where, "steps", steps)
    begin = checks.array(where, "start", start)
    if begin.shape != (2,):
        raise ValueError(
            f"{where}: start must be (2,), got start.shape={begin.shape}. Give two numbers."
        )
    if not np.isfinite(begin).all() or not np.isfinite(f(begin.astype(np.float64))):
        raise ValueError(
            f"{where}: start must be where f is finite, got {begin.tolist()}. Give another point."
        )
    if not isinstance(optimizers, Mapping):
        given = list(optimizers) if isinstance(optimizers, (list, tuple)) else [optimizers]
        optimizers = {}
        for optimizer in given:
            name, same = type(optimizer).__name__, 1
            while name in optimizers:
                name, same = f"{type(optimizer).__name__} {same + 1}", same + 1
            optimizers[name] = optimizer
    if not optimizers:
        raise ValueError(f"{where}: optimizers must have one at least, got none. Give SGD(), say.")
    for name, optimizer in optimizers.items():
        checks.members(where, f"optimizers[{name!r}]", optimizer, ("update",))
    paths = {name: _path(f, made, begin, steps) for name, made in optimizers.items()}
    seen = np.concatenate([begin[None], *paths.values()])
    limits = [
        _around(seen[:, i]) if ends is None else _range(where, f"x{i}", ends)
        for i, ends in enumerate((x0, x1))
    ]
    sides = [np.linspace(*ends, 120) for ends in limits]
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    with np.errstate(over="ignore", invalid="ignore"):
        heights = np.array([float(f(point)) for point in grid]).reshape(120, 120)
    ax = axes_of(where, ax)
    # Of a way that diverged what is shown may be too wide for numbers: lines stand where f has any.
    known = np.abs(heights) < HIGHEST
    if known.any():
        levels = np.unique(np.quantile(heights[known], np.linspace(0.01, 0.95, 14)))
        drawn = np.ma.masked_where(~known, heights)
        ax.contour(*sides, drawn, levels=levels, colors=INK, linewidths=0.7, alpha=0.6)
    for i, (name, path) in enumerate(paths.items()):
        width = 2.6 - 1.4 * i / max(1, len(paths) - 1)  # what lies below is wider
        ax.plot(
            *path.T, **look(i), markersize=4, linewidth=width,
            linestyle=LINES[i // len(COLOURS) % len(LINES)], label=name,
            markevery=max(1, steps // 30),
        )  # fmt: skip
    ax.set(xlabel="x0", ylabel="x1", xlim=limits[0], ylim=limits[1])
    legend(ax, beside=True)
    return ax


def _path(f: Callable[[Any], Any], optimizer: Any, start: NDArray[Any], steps: int) -> Any:
    """Return where an optimizer comes to, (steps + 1, 2), until a number is not finite."""
    # A dict, which the textbook's optimizers want; a copy, whose states are of no other array.
    optimizer, params = copy.deepcopy(optimizer), {"x": start.astype(np.float64)}
    if hasattr(optimizer, "reset"):
        optimizer.reset()
    path = [params["x"].copy()]
    with np.errstate(over="ignore", invalid="ignore"):  # it may diverge
        for _ in range(steps):
            if not np.isfinite(f(params["x"])):
                break
            optimizer.update(params, {"x": numerical_gradient(f, params["x"])})
            if not (np.abs(params["x"]) < HIGHEST).all():
                break
            path.append(params["x"].copy())
    return np.array(path)


def _range(where: str, name: str, value: Any) -> Range:
    ends = checks.array(where, name, value)
    if ends.shape != (2,) or not (np.isfinite(ends).all() and ends[0] < ends[1]):
        raise ValueError(
            f"{where}: {name} must be (low, high), got {value!r}. Give the lower number first."
        )
    return float(ends[0]), float(ends[1])


def _around(values: NDArray[Any]) -> Range:
    """Return a range with some room about all values."""
    low, high = float(values.min()), float(values.max())
    room = 0.15 * (high - low) or 1.0
    return low - room, high + room
