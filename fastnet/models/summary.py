"""What `Sequential.summary` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnet.models import Sequential

__all__ = ["print_summary"]


def print_summary(model: Sequential) -> None:
    """Print the layers with their shapes and parameter counts, and which are frozen."""
    print(f"{'layer':<14}{'activation':<12}{'W':<16}{'b':<10}{'parameters':>12}")
    for layer in model.layers:
        shapes = [str(array.shape) for array in layer.params] + ["", ""]
        activation = getattr(layer, "activation", None) or ""
        count = sum(array.size for array in layer.params)
        frozen = "" if layer.trainable or not count else "  frozen"
        columns = f"{activation:<12}{shapes[0]:<16}{shapes[1]:<10}"
        if not layer.params:  # what it is made with stands in their place
            columns = ", ".join(f"{n}={_short(layer, n)}" for n in layer.argument_names)
        print(f"{type(layer).__name__:<14}{columns:<38}{count:>12,}{frozen}")
    print(f"{'total':<52}{model.parameter_count:>12,}")
    learning = sum(array.size for array in model.params)
    if learning < model.parameter_count:
        print(f"{'trainable':<52}{learning:>12,}")


def _short(layer: Any, argument: str) -> str:
    value = getattr(layer, argument)
    return f"{value:g}" if isinstance(value, float) else str(value)
