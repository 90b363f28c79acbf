"""The table that `Sequential.summary` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastnet.layers import Branches
from fastnet.layers.in_a_row import Shapes, shapes_of
from fastnet.models.network import Network

if TYPE_CHECKING:
    from fastnet.models import Sequential

__all__ = ["summary_of"]

HEAD = "layer", "made with", "output", "weights", "parameters"


def summary_of(model: Sequential, network: Network) -> str:
    """Return the layers with what they give, their arrays and counts, and which are frozen."""
    table, frozen = [HEAD], [""]
    for name, layer, output in _listed([layer for layer, _ in network.stack], network.shapes):
        if isinstance(layer, Branches):  # those of its heads follow
            table.append((name, "", str(tuple(output)), "", ""))
            frozen.append("")
            continue
        count = sum(array.size for array in layer.params)
        weights = " ".join(str(array.shape) for array in layer.params)
        table.append((name, _made_with(layer), str(tuple(output)), weights, f"{count:,}"))
        frozen.append("" if layer.trainable or not count else "  frozen")
    table.append(("total", "", "", "", f"{model.parameter_count:,}"))
    learning = sum(array.size for array in model.params)
    if learning < model.parameter_count:
        table.append(("trainable", "", "", "", f"{learning:,}"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for i, row in enumerate(table):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        last = row[-1].rjust(widths[-1]) + (frozen[i : i + 1] or [""])[0]
        lines.append("  ".join([*cells, last]))
    return "\n".join(lines)


def _listed(layers: list[Any], shapes: Shapes) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Yield what a layer is called, the layer, and the shape that it gives; heads below theirs."""
    for layer, (_, taken, output) in zip(layers, shapes, strict=True):
        yield type(layer).__name__, layer, output
        if isinstance(layer, Branches):
            for name, head in zip(layer.names, layer.heads, strict=True):
                for kind, each, shape in _listed(head, shapes_of(head, taken)):
                    yield f"  {name}: {kind}", each, shape


def _made_with(layer: Any) -> str:
    """Return the activation of a layer that has arrays, and all arguments of any other."""
    if layer.params:
        return getattr(layer, "activation", None) or ""
    return ", ".join(f"{name}={_short(getattr(layer, name))}" for name in layer.argument_names)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
