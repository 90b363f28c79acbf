"""Inside a network: how the outputs of its layers are spread, how large its gradients are."""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.plot.axes import COLOURS, INK, MARKS, axes_of, curves_on

__all__ = ["activation_histograms", "gradient_norms"]


def activation_histograms(model: Any, x: ArrayLike, bins: int = 60, ax: Any = None) -> Any:
    """Draw how the outputs of each layer are spread, the first layer at the top.

    Numbers that are exactly 0, as a ReLU makes them, are left out of the histogram, and their share
    is said instead: 100 % is a layer that is dead. Every histogram has the same height.

    Parameters
    ----------
    model : Sequential
        It stays as it is: a copy predicts.
    x : (N, D) or (N, ...)
        Samples, as for `Sequential.predict`; a few hundred are enough.
    bins : int
        Of each histogram.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes
        `ax.figure.savefig(path)` writes the picture to a file. Layers that leave all numbers as
        they are, such as a Flatten, have no row.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError, RuntimeError
        model is no Sequential, has no layers, or x does not fit.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.plot import activation_histograms
    >>> model = Sequential([Dense(8, "relu"), Dense(3)], seed=0)
    >>> ax = activation_histograms(model, np.random.default_rng(0).random((100, 4)))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['1 Dense relu', '2 Dense']
    """
    where = "activation_histograms"
    bins = checks.count(where, "bins", bins)
    found = _outputs(where, model, x)
    for name, values in found:
        if not np.isfinite(values).all():
            raise ValueError(
                f"{where}: outputs must be finite, got NaN or infinity in those of layer {name}. "
                "Look at x, and at the weights up to it."
            )
    ax = curves_on(axes_of(where, ax, max(0.4, 0.13 * len(found) + 0.15)))
    whole = float(max(np.ptp(values) for _, values in found)) or 1.0
    for row, (_, values) in enumerate(found):
        other = values[values != 0]
        if other.size:
            # Bars too narrow to be seen are joined.
            seen = int(np.clip(4 * bins * np.ptp(other) / whole, 8, bins))
            heights, edges = np.histogram(other, seen)
            tops = row - 0.8 * heights / heights.max()
            ax.fill_between(
                edges, row, np.append(tops, tops[-1]), step="post", color=COLOURS[0], alpha=0.85,
                linewidth=0,
            )  # fmt: skip
        zero = 100 * (1 - other.size / values.size)
        mean, std = float(values.mean()), float(values.std())
        digits = max(0, 1 - math.floor(math.log10(std))) if std > 0 else 2
        said = f"{round(mean, digits) + 0.0:.{digits}f} ± {std:.{digits}f}"
        said += f"\n{zero:.0f} % are 0" * (zero >= 0.5)
        ax.text(
            1.01, row - 0.35, said, transform=ax.get_yaxis_transform(), color=INK, fontsize=8,
            va="center",
        )  # fmt: skip
    ax.set_yticks(range(len(found)), [name for name, _ in found])
    ax.set_ylim(len(found) - 0.95, -0.95)
    ax.set_xlabel("output")
    ax.set_title("outputs of each layer")
    return ax


def gradient_norms(model: Any, x: ArrayLike, t: ArrayLike, ax: Any = None) -> Any:
    """Draw how large the gradient of each layer's parameters is, on a logarithmic axis.

    The norm is that of all numbers of a layer, its weights and biases. Where it falls by orders of
    magnitude towards the first layer, gradients vanish; where it rises, they explode.

    Parameters
    ----------
    model : Sequential
        It stays as it is: a copy computes the gradients, as for a step of training.
    x, t
        A batch, as for `Sequential.gradient`.
    ax : matplotlib Axes, optional
        Where to draw. Default: those of a new figure.

    Returns
    -------
    matplotlib Axes
        `ax.figure.savefig(path)` writes the picture to a file. Layers without parameters, and
        frozen ones, have no row.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError, IndexError, RuntimeError
        model is no Sequential, no layer of it learns, or x or t does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.plot import gradient_norms
    >>> model = Sequential([Dense(8, "relu"), Dense(3)], seed=0)
    >>> ax = gradient_norms(model, np.random.default_rng(0).random((30, 4)), np.arange(30) % 3)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['1 Dense relu', '2 Dense']
    """
    where = "gradient_norms"
    checks.members(where, "model", model, ("layers", "gradient"))
    twin = copy.deepcopy(model)
    for layer in twin.layers:
        if hasattr(layer, "rng"):  # a Dropout, whose masks NumPy's global generator may draw
            layer.rng = np.random.default_rng(0)
    twin.gradient(x, t)
    found = [
        (
            _name(i, layer),
            float(np.sqrt(sum(np.sum(np.square(g, dtype="f8")) for g in layer.grads))),
        )
        for i, layer in enumerate(twin.layers, 1)
        if layer.params and layer.trainable
    ]
    if not found:
        raise ValueError(
            f"{where}: model must have a layer that learns, got {model!r}. Set its trainable."
        )
    ax = curves_on(axes_of(where, ax, max(0.35, 0.08 * len(found) + 0.15)))
    from matplotlib.ticker import LogLocator, NullLocator

    norms = np.array([norm for _, norm in found])
    rows, some = np.arange(len(found)), norms > 0
    ax.plot(norms[some], rows[some], color=COLOURS[0], linewidth=0.6)
    ax.plot(norms[some], rows[some], MARKS[0], color=COLOURS[0], markersize=7)
    if some.any():
        low, high = norms[some].min() / 2.5, norms[some].max() * 2.5
        ax.set(xscale="log", xlim=(low, high))
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter("{x:g}")
    for row, norm in enumerate(norms):
        ax.text(
            1.01, row, f"{norm:.2g}", transform=ax.get_yaxis_transform(), color=INK, fontsize=8,
            va="center",
        )  # fmt: skip
    ax.set_yticks(rows, [name for name, _ in found])
    ax.set_ylim(len(found) - 0.5, -0.7)
    ax.set_xlabel("norm of the gradient")
    ax.set_title("gradient of each layer")
    return ax


def _outputs(where: str, model: Any, x: ArrayLike) -> list[tuple[str, NDArray[Any]]]:
    """Return name and outputs, flat, of each layer that changes a number; the last one always."""
    checks.members(where, "model", model, ("layers", "predict"))
    from fastnet.models import Sequential
    from fastnet.models.layer_list import take_shape

    twin, samples = copy.deepcopy(model), checks.array(where, "x", x)
    twin.predict(samples)
    names = [_name(i, layer) for i, layer in enumerate(twin.layers, 1)]
    found: list[tuple[str, NDArray[Any]]] = []
    before = [samples.ravel()]
    shaped = take_shape(twin.layers)
    while twin.layers:
        if shaped and not take_shape(twin.layers):
            # Those that are left go element by element, and the model still knows of images.
            twin = Sequential(copy.deepcopy(twin.layers), loss="mean_squared_error")
            samples, shaped = samples.reshape(len(samples), -1), False
        y = twin.predict(samples)
        heads = list(y.values()) if isinstance(y, dict) else y if isinstance(y, list) else [y]
        outputs = np.concatenate([np.ravel(head) for head in heads])
        found.insert(0, (names[len(twin.layers) - 1], outputs))
        if len(heads) > 1 and len(twin.layers) > 1:  # a loss each, which other layers cannot have
            twin = Sequential(copy.deepcopy(twin.layers[:-1]), loss="mean_squared_error")
        else:
            twin.layers.pop()
    before += [values for _, values in found]
    changed = [not np.array_equal(*pair) for pair in pairwise(before)]
    return [layer for layer, new in zip(found, [*changed[:-1], True], strict=True) if new]


def _name(i: int, layer: Any) -> str:
    """Return what a layer is called in a picture: its place from 1 on, class and activation."""
    activation = getattr(layer, "activation", None)
    words = [str(i), type(layer).__name__, activation if isinstance(activation, str) else ""]
    return " ".join(filter(None, words))
